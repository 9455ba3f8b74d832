/* The map of descriptors. */
#include "base/memory.h"
#include "base/parallel.h"
#include "base/random.h"
#include "retrieval/describe/tsne.h"
#include "tests/support/check.h"

#include <math.h>
#include <string.h>

enum { CLUSTERS = 6, EACH = 25, COUNT = CLUSTERS * EACH, DIM = 20 };

/* Clusters of unit deviation whose middles are some eight deviations apart. */
static void make_clusters(float *x)
{
    for (int i = 0; i < COUNT; i++) {
        for (int k = 0; k < DIM; k++) {
            double middle = 1.8 * kin_random_normal(kin_key(1, (uint64_t)(i % CLUSTERS), 0), (uint64_t)k);
            x[i * DIM + k] = (float)(middle + 0.5 * kin_random_normal(2, (uint64_t)(i * DIM + k)));
        }
    }
}

static int nearest(const float *y, int i)
{
    int best = -1;
    float least = INFINITY;
    for (int j = 0; j < COUNT; j++) {
        float d = powf(y[2 * i] - y[2 * j], 2) + powf(y[2 * i + 1] - y[2 * j + 1], 2);
        if (j != i && d < least) least = d, best = j;
    }
    return best;
}

static void clusters(void)
{
    check_begin("tsne: clusters stay together, positions are centred and within -1 .. 1");
    static float x[COUNT * DIM], y[2 * COUNT];
    kin_error err = {0};
    double after = 0, before = 0;
    make_clusters(x);
    CHECK(kin_tsne((kin_vectors){x, COUNT, DIM}, &(kin_tsne_opt){.perplexity = 15, .steps = 1}, y, &before,
                   &err));
    CHECK(kin_tsne((kin_vectors){x, COUNT, DIM}, &(kin_tsne_opt){.perplexity = 15}, y, &after, &err));
    int right = 0;
    double sum[2] = {0, 0}, largest = 0;
    for (int i = 0; i < COUNT; i++) {
        right += nearest(y, i) % CLUSTERS == i % CLUSTERS;
        for (int a = 0; a < 2; a++) sum[a] += y[2 * i + a], largest = fmax(largest, fabs(y[2 * i + a]));
    }
    CHECK(right == COUNT);
    double narrow = 0;
    CHECK(kin_tsne((kin_vectors){x, COUNT, DIM}, &(kin_tsne_opt){.perplexity = 5, .steps = 1}, y, &narrow,
                   &err));
    CHECK_MSG(narrow > 1.2 * before, "KL %g with 5 neighbours, %g with 15", narrow, before);
    CHECK(kin_tsne((kin_vectors){x, COUNT, DIM}, &(kin_tsne_opt){.perplexity = 15}, y, &after, &err));
    CHECK_MSG(after < 0.5 * before && after > 0, "KL %g after %g", after, before);
    CHECK_CLOSE(sum[0] / COUNT, 0, 1e-5);
    CHECK_CLOSE(sum[1] / COUNT, 0, 1e-5);
    CHECK_CLOSE(largest, 1, 1e-6);
    check_end();
}

static void begins(void)
{
    check_begin("tsne: the map begins with the two principal components, whatever the descriptors' length");
    enum { N = 60, WIDE = 8 };
    static float x[N * WIDE], y[2 * N];
    double product[2][2] = {{0}}, squares[2] = {0}, along[2] = {0};
    kin_error err = {0};
    for (int i = 0; i < N * WIDE; i++) x[i] = 1e-3f * (float)kin_random_normal(3, (uint64_t)i);
    for (int i = 0; i < N; i++) x[i * WIDE + 2] += (float)(i % 10), x[i * WIDE + 5] += 0.5f * (float)(i / 10);
    CHECK(kin_tsne((kin_vectors){x, N, WIDE}, &(kin_tsne_opt){.perplexity = 10, .steps = 1}, y, NULL, &err));
    for (int i = 0; i < N; i++) {
        double part[2] = {i % 10 - 4.5, 0.5 * (i / 10 - 2.5)};
        for (int a = 0; a < 2; a++) {
            squares[a] += (double)y[2 * i + a] * (double)y[2 * i + a], along[a] += part[a] * part[a];
            for (int b = 0; b < 2; b++) product[a][b] += (double)y[2 * i + a] * part[b];
        }
    }
    for (int a = 0; a < 2; a++)
        CHECK_MSG(fabs(product[a][a]) > 0.9 * sqrt(squares[a] * along[a]), "axis %d: %g", a,
                  product[a][a] / sqrt(squares[a] * along[a]));
    check_end();
}

static void starts(void)
{
    check_begin("tsne: the map begins where it is told to, and a place that is no number is refused");
    static float x[COUNT * DIM], y[2 * COUNT], start[2 * COUNT];
    double product = 0, squares = 0, along = 0;
    kin_error err = {0};
    make_clusters(x);
    for (int i = 0; i < COUNT; i++) start[2 * i] = (float)(i % 7) - 3, start[2 * i + 1] = (float)(i % 5) - 2;
    CHECK(kin_tsne((kin_vectors){x, COUNT, DIM},
                   &(kin_tsne_opt){.perplexity = 10, .steps = 1, .start = start}, y, NULL, &err));
    for (int k = 0; k < 2 * COUNT; k++) {
        product += (double)y[k] * start[k];
        squares += (double)y[k] * y[k], along += (double)start[k] * start[k];
    }
    CHECK_MSG(product > 0.8 * sqrt(squares * along), "%g", product / sqrt(squares * along));
    start[9] = NAN;
    CHECK(!kin_tsne((kin_vectors){x, COUNT, DIM}, &(kin_tsne_opt){.start = start}, y, NULL, &err));
    CHECK(err.code == KIN_ERR_NUMERIC && strstr(err.message, "point 4"));
    check_end();
}

static void threads(void)
{
    check_begin("tsne: the same bits for any number of threads");
    static float x[COUNT * DIM], y[2 * COUNT], z[2 * COUNT];
    kin_error err = {0};
    make_clusters(x);
    kin_set_threads(1);
    CHECK(kin_tsne((kin_vectors){x, COUNT - 3, DIM}, &(kin_tsne_opt){.steps = 60}, y, NULL, &err));
    kin_set_threads(3);
    CHECK(kin_tsne((kin_vectors){x, COUNT - 3, DIM}, &(kin_tsne_opt){.steps = 60}, z, NULL, &err));
    kin_set_threads(0);
    CHECK(memcmp(y, z, 2 * (COUNT - 3) * sizeof *y) == 0);
    check_end();
}

static void odd_input(void)
{
    check_begin("tsne: few, equal, collinear, huge and tiny descriptors");
    kin_error err = {0};
    float y[200], x[100];
    for (int n = 1; n <= 9; n++) {
        for (int i = 0; i < n; i++) x[i] = (float)i;
        CHECK(kin_tsne((kin_vectors){x, n, 1}, NULL, y, NULL, &err));
        for (int i = 0; i < 2 * n; i++) CHECK(isfinite(y[i]));
    }
    const float scales[] = {0, 1e-38f, 1e-20f, 1e20f, 3e38f};
    for (size_t s = 0; s < sizeof scales / sizeof *scales; s++) {
        for (int i = 0; i < 100; i++) x[i] = scales[s] * (float)((i * 37 % 11) / 11.0);
        CHECK(kin_tsne((kin_vectors){x, 50, 2}, &(kin_tsne_opt){.steps = 90}, y, NULL, &err));
        for (int i = 0; i < 100; i++) CHECK_MSG(isfinite(y[i]), "scale %g, place %d: %g", scales[s], i, y[i]);
    }
    check_end();

    check_begin("tsne: NaN, too many and none are refused");
    x[7] = NAN;
    CHECK(!kin_tsne((kin_vectors){x, 50, 2}, NULL, y, NULL, &err));
    CHECK_TEXT(err.message, "row 3");
    kin_error_clear(&err);
    CHECK(!kin_tsne((kin_vectors){x, KIN_TSNE_MAX + 1, 2}, NULL, y, NULL, &err));
    CHECK_TEXT(err.message, "sample");
    kin_error_clear(&err);
    CHECK(!kin_tsne((kin_vectors){x, 0, 2}, NULL, y, NULL, &err));
    check_end();
}

static void memory(void)
{
    check_begin("tsne: any allocation may fail, nothing leaks");
    float x[20] = {1, 2, 3, 4, 5, 6, 7, 8, 9}, y[20];
    bool ok = false;
    for (int n = 1; !ok && n < 40; n++) {
        kin_error err = {0};
        kin_alloc_fail_at(n);
        ok = kin_tsne((kin_vectors){x, 10, 2}, &(kin_tsne_opt){.steps = 3}, y, NULL, &err);
        kin_alloc_fail_at(0);
        CHECK(ok || err.code == KIN_ERR_MEMORY);
    }
    CHECK(ok && kin_alloc_live() == 0);
    check_end();
}

int main(void)
{
    clusters();
    begins();
    starts();
    threads();
    odd_input();
    memory();
    return check_result();
}
