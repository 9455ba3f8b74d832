/* The symmetric eigenproblem and PCA-whitening. */
#include "base/memory.h"
#include "base/parallel.h"
#include "base/random.h"
#include "cli/retrieve/whitening_file.h"
#include "retrieval/describe/whiten.h"
#include "tests/support/brute.h"
#include "tests/support/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void eigen(void)
{
    static const int64_t sizes[] = {1, 2, 3, 10, 67, 150, 256, 300};
    for (int kind = 0; kind < 5; kind++) {
        static const char *const kinds[] = {"random", "diagonal", "of rank 2",
                                            "of entries that differ by 1e12",
                                            "of few and very unlike features"};
        for (size_t z = 0; z < sizeof sizes / sizeof *sizes; z++) {
            int64_t n = sizes[z];
            if (n > 256 && kind) continue; /* more columns than one turn takes: once is enough */
            check_begin("eigen: a %s matrix of %lld rows", kinds[kind], (long long)n);
            double *a = calloc((size_t)(n * n), 3 * sizeof *a), *copy = a + n * n, *vectors = a + 2 * n * n,
                   *values = malloc((size_t)n * sizeof *values);
            double largest = 0;
            for (int64_t i = 0; i < n; i++)
                for (int64_t j = 0; j <= i; j++) {
                    double x = kin_random_normal(7, (uint64_t)(i * n + j));
                    if (kind == 1) x = i == j ? (double)(i % 5) : 0;
                    if (kind == 2) x = (double)(i + 1) * (double)(j + 1) + cos((double)i) * cos((double)j);
                    if (kind == 3) x *= pow(10, -12.0 * (double)(i + j) / (double)(2 * n));
                    /* the covariance of seven rows, in which most columns are 0 and the others differ by
                     * 1e6 */
                    if (kind == 4) {
                        x = 0;
                        for (uint64_t row = 0; row < 7 && i % 10 < 2 && j % 10 < 2; row++)
                            x += kin_random_normal(row, (uint64_t)i) * kin_random_normal(row, (uint64_t)j);
                        x *= pow(10, -(double)(i * 7 % 13 + j * 7 % 13) / 2);
                    }
                    a[i * n + j] = a[j * n + i] = copy[i * n + j] = copy[j * n + i] = x;
                    largest = fmax(largest, fabs(x));
                }
            kin_error err = {0};
            CHECK_MSG(kin_symmetric_eigen(a, n, values, vectors, &err), "%s", err.message);
            for (int64_t p = 0; p < n; p++) {
                CHECK(p == 0 || values[p - 1] >= values[p]);
                for (int64_t q = 0; q <= p; q++) {
                    double dot = 0;
                    for (int64_t i = 0; i < n; i++) dot += vectors[p * n + i] * vectors[q * n + i];
                    CHECK_CLOSE(dot, p == q, 1e-12);
                }
                for (int64_t i = 0; i < n; i++) {
                    double sum = 0;
                    for (int64_t j = 0; j < n; j++) sum += copy[i * n + j] * vectors[p * n + j];
                    CHECK_CLOSE(sum, values[p] * vectors[p * n + i], 1e-13 * (double)n * largest);
                }
            }
            free(a), free(values);
            check_end();
        }
    }
}

static void whitening(void)
{
    enum { N = 700, D = 30, KEEP = 12 };
    static float data[N * D], out[N * D];
    for (int64_t i = 0; i < N; i++) { /* correlated, far from the origin */
        double shared = kin_random_normal(3, (uint64_t)i);
        for (int64_t d = 0; d < D; d++)
            data[i * D + d] = (float)(5 + shared +
                                      kin_random_normal(4, (uint64_t)(i * D + d)) * (double)(d + 1));
    }
    kin_vectors set = {data, N, D};
    kin_whitening w;
    kin_error err = {0};

    check_begin("whiten: projections have no mean, unit variance and no correlation");
    CHECK_MSG(kin_whitening_fit(set, KEEP, 0, &w, &err), "%s", err.message);
    for (int p = 0; p < KEEP && w.projection; p++) {
        CHECK(p == 0 || w.variance[p] <= w.variance[p - 1]);
        for (int q = 0; q <= p; q++) {
            double sum = 0, mean = 0;
            for (int64_t i = 0; i < N; i++) {
                double x = 0, y = 0;
                for (int64_t d = 0; d < D; d++) {
                    x += (double)w.projection[p * D + d] * ((double)data[i * D + d] - w.mean[d]);
                    y += (double)w.projection[q * D + d] * ((double)data[i * D + d] - w.mean[d]);
                }
                sum += x * y;
                mean += x;
            }
            CHECK_CLOSE(sum / (N - 1), p == q, 1e-5);
            CHECK_CLOSE(mean / N, 0, 1e-5);
        }
    }
    CHECK_MSG(kin_whitening_apply(&w, set, out, &err), "%s", err.message);
    for (int64_t i = 0; i < N; i++) {
        double want[KEEP], norm = 0;
        for (int p = 0; p < KEEP; p++) {
            want[p] = 0;
            for (int64_t d = 0; d < D; d++)
                want[p] += (double)w.projection[p * D + d] * ((double)data[i * D + d] - w.mean[d]);
            norm += want[p] * want[p];
        }
        for (int p = 0; p < KEEP; p++) CHECK_CLOSE(out[i * KEEP + p], want[p] / sqrt(norm), 1e-5);
    }
    check_end();

    check_begin("whiten: full shrinkage only rotates");
    kin_whitening_free(&w);
    CHECK(kin_whitening_fit(set, D, 1, &w, &err));
    double first = 0;
    for (int p = 0; p < D && w.projection; p++) {
        double norm = 0;
        for (int d = 0; d < D; d++) norm += (double)w.projection[p * D + d] * (double)w.projection[p * D + d];
        if (p == 0) first = norm;
        CHECK_CLOSE(norm / first, 1, 1e-5);
    }
    kin_whitening_free(&w);
    check_end();

    check_begin("whiten: the same bits for 1 and 3 threads");
    static float other[N * D];
    kin_set_threads(1);
    CHECK(kin_whitening_fit(set, KEEP, 0.1, &w, &err) && kin_whitening_apply(&w, set, out, &err));
    kin_whitening_free(&w);
    kin_set_threads(3);
    CHECK(kin_whitening_fit(set, KEEP, 0.1, &w, &err) && kin_whitening_apply(&w, set, other, &err));
    CHECK(memcmp(out, other, N * KEEP * sizeof *out) == 0);
    kin_set_threads(0);
    CHECK(!kin_whitening_apply(&w, (kin_vectors){data, 3, D - 1}, out, &err));
    kin_whitening_free(&w);
    check_end();

    check_begin("whiten: refuses what cannot be fitted");
    for (int64_t i = 0; i < N * D; i++) data[i] = (float)(i % D);
    for (int64_t i = 0; i < N; i++) data[i * D] = (float)i, data[i * D + 1] = (float)(i % 3);
    kin_error_clear(&err);
    CHECK(!kin_whitening_fit(set, KEEP, 0, &w, &err) && !w.projection);
    CHECK_TEXT(err.message, "only 2 directions");
    CHECK(w.projection == NULL && kin_whitening_fit(set, KEEP, 0.5, &w, NULL) && w.out == KEEP &&
          w.rank == 2);
    kin_whitening_free(&w);
    CHECK(kin_whitening_fit(set, 0, 0, &w, NULL) && w.out == 2);
    kin_whitening_free(&w);
    kin_error_clear(&err);
    CHECK(!kin_whitening_fit((kin_vectors){data, 1, D}, 1, 0, &w, &err));
    CHECK_TEXT(err.message, "at least 2");
    kin_error_clear(&err);
    CHECK(!kin_whitening_fit(set, D + 1, 0, &w, &err));
    CHECK_TEXT(err.message, "1 to 30");
    for (long n = 1; n <= 9; n++) {
        kin_error_clear(&err);
        kin_alloc_fail_at(n);
        CHECK(!kin_whitening_fit(set, 2, 0, &w, &err) && err.code == KIN_ERR_MEMORY && kin_alloc_live() == 0);
        kin_alloc_fail_at(0);
    }
    check_end();
}

/* What rounding makes of directions that are not there is not counted. */
static void rank_by_noise(void)
{
    static const struct {
        int64_t rows, dim, true_rank, rank;
        double offset;
    } cases[] = {{10, 64, 64, 9, 0}, {10, 64, 64, 9, 3},  {700, 64, 5, 5, 0},   {700, 64, 5, 5, 1},
                 {2, 16, 16, 1, 1},  {64, 64, 64, 63, 1}, {300, 64, 64, 64, 1}, {2000, 256, 40, 40, 0.5}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        int64_t n = cases[c].rows, d = cases[c].dim, r = cases[c].true_rank;
        check_begin("whiten: %lld rows of %lld numbers in %lld directions, %g from the origin", (long long)n,
                    (long long)d, (long long)r, cases[c].offset);
        float *data = kin_alloc_array((size_t)n, (size_t)d * sizeof *data);
        for (int64_t i = 0; i < n; i++)
            for (int64_t j = 0; j < d; j++) {
                double x = 0;
                for (int64_t k = 0; k < r && r < d; k++)
                    x += kin_random_normal(1, (uint64_t)(i * r + k)) *
                         kin_random_normal(2, (uint64_t)(k * d + j));
                if (r == d) x = kin_random_normal(3, (uint64_t)(i * d + j));
                data[i * d + j] = (float)(x + cases[c].offset);
            }
        kin_vectors set = {data, n, d};
        kin_whitening w;
        kin_error err = {0};
        CHECK_MSG(kin_whitening_fit(set, 0, 0, &w, &err), "%s", err.message);
        CHECK_MSG(w.out == cases[c].rank && w.rank == cases[c].rank, "rank %lld", (long long)w.rank);
        kin_whitening_free(&w);
        if (cases[c].rank < d) {
            CHECK(!kin_whitening_fit(set, cases[c].rank + 1, 0, &w, &err));
            CHECK_TEXT(err.message, "0.5 is the usual one");
        }
        CHECK(kin_whitening_fit(set, 0, 0.5, &w, NULL) && w.out == d);
        kin_whitening_free(&w);
        CHECK(kin_pca_fit(set, d, &w, NULL) && w.rank == cases[c].rank);
        kin_whitening_free(&w);
        kin_free(data);
        check_end();
    }
}

/* P C_S Pᵀ = I on the pairs, P C_D Pᵀ diagonal and descending on the rows: which fixes P but for signs. */
static void learned(void)
{
    enum { N = 400, D = 18, KEEP = 7, EACH = 3, CLASSES = 23 };
    static float data[N * D];
    static double p[N * KEEP];
    static int64_t label[N], a[N * EACH], b[N * EACH];
    brute_clusters(data, N, D, CLASSES, 0.8, 12);
    for (int64_t i = 0; i < N; i++) {
        label[i] = i % CLASSES == 5 ? -1 : i % CLASSES;
        for (int64_t d = 0; d < D; d++)
            data[i * D + d] = data[i * D + d] * (float)(1 + d % 4) + 2 + data[i * D] / 2;
    }
    kin_vectors set = {data, N, D};
    kin_error err = {0};
    kin_whitening w;
    check_begin("learned whitening: pairs out of labels");
    int64_t pairs = kin_positive_pairs(label, N, EACH, a, b);
    CHECK(pairs == (N - (N + CLASSES - 6) / CLASSES) * EACH);
    for (int64_t i = 0; i < pairs; i++) CHECK(a[i] != b[i] && label[a[i]] == label[b[i]] && label[a[i]] >= 0);
    int64_t few[4] = {4, 7, 4, -1}, fa[12], fb[12];
    CHECK(kin_positive_pairs(few, 4, 3, fa, fb) == 2 && fa[0] == 0 && fb[0] == 2 && fa[1] == 2 && fb[1] == 0);
    check_end();

    check_begin("learned whitening: pairs' differences become white, the rest is sorted and uncorrelated");
    CHECK_MSG(kin_whitening_learn(set, &(kin_positives){a, b, pairs}, KEEP, 0, &w, &err), "%s", err.message);
    for (int64_t i = 0; w.projection && i < N; i++)
        for (int64_t d = 0; d < KEEP; d++) {
            p[i * KEEP + d] = 0;
            for (int64_t c = 0; c < D; c++)
                p[i * KEEP + d] += (double)w.projection[d * D + c] * ((double)data[i * D + c] - w.mean[c]);
        }
    for (int x = 0; x < KEEP; x++)
        for (int y = 0; y <= x; y++) {
            double within = 0, all = 0;
            for (int64_t i = 0; i < pairs; i++)
                within += (p[a[i] * KEEP + x] - p[b[i] * KEEP + x]) *
                          (p[a[i] * KEEP + y] - p[b[i] * KEEP + y]);
            for (int64_t i = 0; i < N; i++) all += p[i * KEEP + x] * p[i * KEEP + y];
            CHECK_CLOSE(within / (double)pairs, x == y, 1e-5);
            CHECK_CLOSE(all / N / (double)w.variance[0], x == y ? (double)(w.variance[x] / w.variance[0]) : 0,
                        1e-5);
        }
    for (int d = 1; d < KEEP; d++) CHECK(w.variance[d] <= w.variance[d - 1]);
    kin_whitening_free(&w);
    check_end();

    check_begin("learned whitening: refuses what cannot be learned");
    CHECK(!kin_whitening_learn(set, &(kin_positives){a, b, 3}, KEEP, 0, &w, &err) && !w.projection);
    CHECK_TEXT(err.message, "differ in 3 of 18 directions");
    kin_error_clear(&err);
    CHECK(kin_whitening_learn(set, &(kin_positives){a, b, 3}, KEEP, 0.1, &w, &err));
    kin_whitening_free(&w);
    CHECK(!kin_whitening_learn(set, &(kin_positives){a, b, 0}, KEEP, 0, &w, &err));
    CHECK_TEXT(err.message, "no positive pairs");
    kin_error_clear(&err);
    a[2] = N;
    CHECK(!kin_whitening_learn(set, &(kin_positives){a, b, pairs}, KEEP, 0, &w, &err));
    CHECK_TEXT(err.message, "pair 2 is of rows 400");
    a[2] = 0;
    bool ok = false;
    for (long n = 1; !ok && n < 100; n++) {
        kin_error_clear(&err);
        kin_alloc_fail_at(n);
        ok = kin_whitening_learn(set, &(kin_positives){a, b, pairs}, 2, 0.1, &w, &err);
        kin_alloc_fail_at(0);
        CHECK(ok || (err.code == KIN_ERR_MEMORY && kin_alloc_live() == 0));
    }
    kin_whitening_free(&w);
    check_end();

    check_begin("learned whitening: the same bits for 1 and 3 threads, and out of a file");
    kin_whitening again, read;
    kin_set_threads(1);
    CHECK(kin_whitening_learn(set, &(kin_positives){a, b, pairs}, KEEP, 0.1, &w, &err));
    kin_set_threads(3);
    CHECK(kin_whitening_learn(set, &(kin_positives){a, b, pairs}, KEEP, 0.1, &again, &err));
    kin_set_threads(0);
    CHECK(memcmp(w.projection, again.projection, KEEP * D * sizeof *w.projection) == 0);
    CHECK_MSG(kin_whitening_save(&w, check_path("w.safetensors"), "a \"test\"", &err) &&
                  kin_whitening_load(check_path("w.safetensors"), &read, &err),
              "%s", err.message);
    CHECK(read.in == D && read.out == KEEP && memcmp(read.mean, w.mean, D * sizeof *w.mean) == 0);
    CHECK(memcmp(read.projection, w.projection, KEEP * D * sizeof *w.projection) == 0 &&
          memcmp(read.variance, w.variance, KEEP * sizeof *w.variance) == 0);
    kin_whitening_free(&read);
    w.projection[5] = NAN;
    CHECK(kin_whitening_save(&w, check_path("nan.safetensors"), "", &err) &&
          !kin_whitening_load(check_path("nan.safetensors"), &read, &err) && err.code == KIN_ERR_NUMERIC);
    kin_whitening_free(&w), kin_whitening_free(&again);
    check_end();

    kin_error_clear(&err);
    check_begin("PCA: the directions are orthonormal, and keep all of the distances when all are kept");
    CHECK_MSG(kin_pca_fit(set, D, &w, &err), "%s", err.message);
    for (int x = 0; w.projection && x < D; x++)
        for (int y = 0; y <= x; y++) {
            double dot = 0;
            for (int d = 0; d < D; d++)
                dot += (double)w.projection[x * D + d] * (double)w.projection[y * D + d];
            CHECK_CLOSE(dot, x == y, 1e-6);
        }
    kin_whitening_free(&w);
    check_end();
}

int main(void)
{
    learned();
    eigen();
    whitening();
    rank_by_noise();
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
