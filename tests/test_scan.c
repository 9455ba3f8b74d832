/* Products in 16 bits, and the scan of queries and gallery as one set, against sums in double. */
#include "base/memory.h"
#include "base/parallel.h"
#include "base/random.h"
#include "kernels/coarse.h"
#include "kernels/isa.h"
#include "retrieval/search/scan.h"
#include "tests/support/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- products --- */

static double norm_of(const float *x, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += (double)x[i] * (double)x[i];
    return sqrt(sum);
}

static void products(const kin_coarse *t, const char *isa)
{
    static const int64_t dims[] = {1, 2, 3, 31, 64, 129, 1000};
    check_begin("coarse: sums of whole numbers are exact, in one go or in parts, and their error is the "
                "measured one (%s)",
                isa);
    for (size_t z = 0; z < sizeof dims / sizeof *dims; z++)
        for (int kind = 0; kind < 4; kind++) {
            int64_t dim = dims[z], pairs = kin_coarse_pairs(dim);
            float *x = malloc((size_t)(t->mr + t->nr) * (size_t)dim * sizeof *x), *y = x + t->mr * dim;
            for (int64_t i = 0; i < (t->mr + t->nr) * dim; i++) {
                x[i] = (float)kin_random_normal(kin_key(3, (uint64_t)kind, (uint64_t)dim), (uint64_t)i);
                if (kind == 1) x[i] = 0.7f; /* the largest sums */
                /* one number that outdoes all others */
                if (kind == 2) x[i] *= i % dim == 0 ? 1e6f : 1e-3f;
                if (kind == 3) x[i] = i / dim % 3 ? x[i] * 1e-30f : 0; /* tiny, or nothing */
            }
            kin_coarse_pair *a = calloc((size_t)(t->mr * pairs), sizeof *a),
                            *b = calloc((size_t)(t->nr * pairs), sizeof *b);
            float scale[KIN_COARSE_MR], off[KIN_COARSE_MR], unit[64], unit_off[64], out[KIN_COARSE_MR][64];
            for (int64_t r = 0; r < t->mr; r++)
                scale[r] = kin_coarse_round(x + r * dim, dim, norm_of(x + r * dim, dim), a + r, t->mr,
                                            &off[r]);
            for (int64_t j = 0; j < t->nr; j++)
                unit[j] = kin_coarse_round(y + j * dim, dim, norm_of(y + j * dim, dim), b + j, t->nr,
                                           &unit_off[j]);
            int64_t rows = t->mr - (kind == 0);
            out[t->mr - 1][0] = -77;
            int64_t part = kind == 1 ? pairs / 2 : pairs; /* in two parts, where no sum cancels another */
            t->rows(a, b, part, scale, unit, out[0], 64, rows, false);
            if (part < pairs)
                t->rows(a + part * t->mr, b + part * t->nr, pairs - part, scale, unit, out[0], 64, rows,
                        true);
            if (kind == 0) CHECK(out[t->mr - 1][0] == -77);
            for (int64_t r = 0; r < rows; r++)
                for (int64_t j = 0; j < t->nr; j++) {
                    double exact = 0, whole = 0, size = norm_of(x + r * dim, dim) * norm_of(y + j * dim, dim),
                           e = (double)off[r], f = (double)unit_off[j];
                    for (int64_t i = 0; i < dim; i++) {
                        exact += (double)x[r * dim + i] * (double)y[j * dim + i];
                        whole += (double)a[i / 2 * t->mr + r].n[i % 2] *
                                 (double)b[i / 2 * t->nr + j].n[i % 2];
                    }
                    CHECK_MSG(fabs(whole) < 2147483648.0, "a sum of %g leaves 32 bits", whole);
                    CHECK_CLOSE(out[r][j], whole * (double)scale[r] * (double)unit[j],
                                3e-7 * fabs(whole) * (double)scale[r] * (double)unit[j] + 1e-45);
                    CHECK_MSG(fabs(out[r][j] - exact) <= size * (e + f + e * f + 8 * ldexp(1, -24)) + 1e-38,
                              "row %lld, column %lld of %lld numbers: off by %g, stated %g", (long long)r,
                              (long long)j, (long long)dim, fabs(out[r][j] - exact), size * (e + f + e * f));
                    if (kind == 0 && dim > 16)
                        CHECK_MSG(e < 1.5 * sqrt((double)dim / 12) / 32767, "an error of %g", e);
                }
            free(x), free(a), free(b);
        }
    check_end();
}

/* --- joined --- */

enum { K = 9, LIST = 40 };

typedef struct result {
    int64_t *near, *list;
    double *farthest, *distance;
    int64_t rows_seen, queries;
} result;

static void take(void *arg, int64_t i, const kin_hit *hits, const kin_hit *farthest)
{
    result *r = arg;
    r->farthest[i] = farthest->distance;
    for (int a = 0; a < K; a++) r->near[i * K + a] = hits[a].index, r->distance[i * K + a] = hits[a].distance;
}

static void take_list(void *arg, int64_t q, const kin_hit *hits)
{
    result *r = arg;
    for (int a = 0; a < LIST; a++) r->list[q * LIST + a] = hits[a].index;
}

static double distance(const float *x, const float *y, int64_t dim, kin_metric metric)
{
    double sum = 0, xx = norm_of(x, dim), yy = norm_of(y, dim);
    for (int64_t d = 0; d < dim; d++)
        sum += metric == KIN_EUCLID ? ((double)x[d] - (double)y[d]) * ((double)x[d] - (double)y[d])
                                    : -(double)x[d] * (double)y[d];
    return metric == KIN_COSINE ? sum / (xx * yy) : sum;
}

static int by_distance(const void *a, const void *b)
{
    const kin_hit *x = a, *y = b;
    return kin_hit_before(*x, *y) ? -1 : kin_hit_before(*y, *x);
}

static void against_brute(const result *r, const float *data, int64_t queries, int64_t gallery, int64_t dim,
                          kin_metric metric)
{
    int64_t n = queries + gallery;
    kin_hit *all = malloc((size_t)n * sizeof *all);
    for (int64_t i = 0; i < n; i += 1 + n / 97) {
        for (int half = 0; half < (i < queries ? 2 : 1); half++) {
            int64_t count = 0;
            for (int64_t j = half ? queries : 0; j < n; j++)
                if (j != i)
                    all[count++] = (kin_hit){distance(data + i * dim, data + j * dim, dim, metric),
                                             half ? j - queries : j};
            qsort(all, (size_t)count, sizeof *all, by_distance);
            for (int a = 0; !half && a < K; a++) {
                CHECK_MSG(r->near[i * K + a] == all[a].index ||
                              fabs(all[a].distance - r->distance[i * K + a]) <= 1e-13 * fabs(all[a].distance),
                          "row %lld rank %d: item %lld, expected %lld", (long long)i, a,
                          (long long)r->near[i * K + a], (long long)all[a].index);
                CHECK_CLOSE(r->distance[i * K + a], all[a].distance, 1e-12 * fabs(all[a].distance));
            }
            if (!half)
                CHECK_CLOSE(r->farthest[i], all[count - 1].distance, 1e-12 * fabs(all[count - 1].distance));
            for (int a = 0; half && a < LIST; a++)
                CHECK_MSG(r->list[i * LIST + a] == all[a].index,
                          "query %lld's list, rank %d: item %lld, expected %lld", (long long)i, a,
                          (long long)r->list[i * LIST + a], (long long)all[a].index);
        }
    }
    free(all);
}

static void joined(void)
{
    static const struct {
        const char *what;
        int64_t queries, gallery, dim;
        double spread, offset;
    } sets[] = {
        {"few", 60, 150, 20, .3, 0},
        {"many", 301, 900, 33, .3, 0},
        {"a set alone", 0, 700, 16, .3, 0},
        {"far from the origin, where 16 bits see nothing", 250, 1100, 24, 1e-3, 30},
        {"farther still, where float32 sees little", 200, 400, 24, 1e-5, 300},
    };
    for (size_t z = 0; z < sizeof sets / sizeof *sets; z++) {
        int64_t q = sets[z].queries, g = sets[z].gallery, dim = sets[z].dim, n = q + g;
        float *data = malloc((size_t)(n * dim) * sizeof *data);
        for (int64_t i = 0; i < n * dim; i++)
            data[i] = (float)(sets[z].offset +
                              kin_random_normal(8, (uint64_t)(i / dim % 23 * dim + i % dim)) *
                                  sets[z].spread +
                              sets[z].spread * kin_random_normal(9, (uint64_t)i));
        for (int metric = KIN_EUCLID; metric <= KIN_INNER; metric++) {
            result first = {0};
            check_begin("scan: queries and gallery as one set, %s, metric %d", sets[z].what, metric);
            for (int threads = 1; threads <= 7; threads += threads < 3 ? 1 : 4) {
                result r = {.near = calloc((size_t)(n * K), sizeof *r.near),
                            .list = calloc((size_t)(n * LIST), sizeof *r.list),
                            .farthest = calloc((size_t)n, sizeof *r.farthest),
                            .distance = calloc((size_t)(n * K), sizeof *r.distance)};
                kin_error err = {0};
                kin_set_threads(threads);
                kin_scan scan = {.query = {data, q, dim},
                                 .gallery = {data + q * dim, g, dim},
                                 .metric = (kin_metric)metric,
                                 .joined = true,
                                 .k = K,
                                 .list = q ? LIST : 0,
                                 .farthest = true,
                                 .emit = take,
                                 .emit_list = take_list,
                                 .arg = &r,
                                 .stage = "testing"};
                CHECK_MSG(kin_scan_run(&scan, &err), "%s", err.message);
                if (threads == 1) {
                    against_brute(&r, data, q, g, dim, (kin_metric)metric);
                    first = r;
                    continue;
                }
                CHECK(memcmp(first.near, r.near, (size_t)(n * K) * sizeof *r.near) == 0 &&
                      memcmp(first.list, r.list, (size_t)(n * LIST) * sizeof *r.list) == 0);
                CHECK(memcmp(first.farthest, r.farthest, (size_t)n * sizeof *r.farthest) == 0 &&
                      memcmp(first.distance, r.distance, (size_t)(n * K) * sizeof *r.distance) == 0);
                free(r.near), free(r.list), free(r.farthest), free(r.distance);
            }
            free(first.near), free(first.list), free(first.farthest), free(first.distance);
            kin_set_threads(0);
            check_end();
        }
        free(data);
    }
}

/* Many rows for which 16 bits prove nothing: the coarse pass is given up, and what is found stays the
 * same. */
static void given_up(void)
{
    enum { Q = 2500, G = 600, D = 12 };
    static float data[(Q + G) * D];
    static int64_t near[Q * K], list[LIST];
    static double values[Q * K], far[Q];
    kin_error err = {0};
    check_begin("scan: more rows than are tried, all of them too near to each other for 16 bits");
    for (int64_t i = 0; i < (Q + G) * D; i++) data[i] = 50 + 1e-3f * (float)kin_random_normal(4, (uint64_t)i);
    result r = {.near = near, .list = list, .farthest = far, .distance = values};
    kin_scan scan = {.query = {data, Q, D},
                     .gallery = {data + Q * D, G, D},
                     .k = K,
                     .farthest = true,
                     .emit = take,
                     .arg = &r,
                     .stage = "testing"};
    CHECK_MSG(kin_scan_run(&scan, &err), "%s", err.message);
    for (int64_t q = 0; q < Q; q += 61) {
        double best = INFINITY, most = 0;
        int64_t at = -1;
        for (int64_t j = 0; j < G; j++) {
            double d = distance(data + q * D, data + (Q + j) * D, D, KIN_EUCLID);
            if (d < best) best = d, at = j;
            most = fmax(most, d);
        }
        CHECK(near[q * K] == at);
        CHECK_CLOSE(far[q], most, 1e-12 * most);
    }
    scan.k = 0;
    CHECK(!kin_scan_run(&scan, &err));
    CHECK_TEXT(err.message, "the best 0 of 600 items");
    check_end();
}

int main(void)
{
    for (int i = 0; kin_isa_list(i); i++)
        if (kin_isa_set(kin_isa_list(i))) products(kin_coarse_get(), kin_isa_name());
#if defined(__x86_64__)
    /* where there is a product and sum in one, the other is not chosen */
    extern const kin_coarse kin_coarse_avx512;
    if (kin_isa_set("avx512")) products(&kin_coarse_avx512, "avx512 without vnni");
#endif
    kin_isa_set(NULL);
    joined();
    given_up();
    return check_result();
}
