/* Numbers that float32 does not hold: searched as doubles, and float32 products of rows far from the
 * origin. */
#include "base/file.h"
#include "base/memory.h"
#include "base/npy.h"
#include "base/parallel.h"
#include "base/random.h"
#include "retrieval/lists/selves.h"
#include "retrieval/search/exact.h"
#include "retrieval/search/wide.h"
#include "tests/support/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { Q = 60, G = 700, D = 12, MOST = G + Q };
static double data[MOST * D];

static void make(double offset, double spread, int kind)
{
    for (int64_t i = 0; i < MOST * D; i++)
        data[i] = kind ? offset + (double)(kin_random_bits(5, (uint64_t)i) % 3)
                       : offset + spread * kin_random_normal(4, (uint64_t)i);
}

static double wanted(kin_metric metric, const double *a, const double *b)
{
    double sum = 0, x = 0, y = 0;
    for (int d = 0; d < D; d++)
        sum += metric == KIN_EUCLID ? (a[d] - b[d]) * (a[d] - b[d]) : a[d] * b[d], x += a[d] * a[d],
            y += b[d] * b[d];
    return metric == KIN_EUCLID ? sum : metric == KIN_INNER ? -sum : -sum / (sqrt(x) * sqrt(y));
}

static void compare(kin_metric metric, int64_t k, bool leave, const int64_t *self)
{
    kin_wide q = {data, Q, D}, g = {data + Q * D, G, D};
    kin_neighbours found, again;
    kin_error err = {0};
    kin_search_opt opt = {.k = k, .metric = metric, .leave_one_out = leave, .self = self};
    kin_set_threads(1);
    CHECK_MSG(kin_search_wide(q, g, &opt, &found, &err), "%s", err.message);
    kin_set_threads(3);
    CHECK(kin_search_wide(q, g, &opt, &again, &err));
    kin_set_threads(0);
    kin_hit hits[G], spare[G];
    for (int64_t a = 0; found.index && a < found.queries; a++) {
        int64_t count = 0, me = leave ? a : self ? self[a] : -1;
        for (int64_t b = 0; b < G; b++)
            if (b != me)
                hits[count++] = (kin_hit){wanted(metric, (leave ? g.data : q.data) + a * D, g.data + b * D),
                                          b};
        kin_hits_sort(hits, spare, count);
        for (int64_t i = 0; i < k; i++)
            CHECK_MSG(found.index[a * k + i] == hits[i].index, "query %lld rank %lld: %lld, expected %lld",
                      (long long)a, (long long)i, (long long)found.index[a * k + i],
                      (long long)hits[i].index);
    }
    CHECK(memcmp(found.index, again.index, (size_t)(found.queries * k) * sizeof *found.index) == 0 &&
          memcmp(found.value, again.value, (size_t)(found.queries * k) * sizeof *found.value) == 0);
    kin_neighbours_free(&found), kin_neighbours_free(&again);
}

static void doubles(void)
{
    static const char *const names[] = {
        [KIN_EUCLID] = "Euclid", [KIN_COSINE] = "cosine", [KIN_INNER] = "inner"};
    static const struct {
        double offset, spread;
        int kind;
    } sets[] = {{0, 1, 0}, {1e9, 1, 0}, {1e9, 1e-4, 0}, {3, 1e-9, 0}, {1e9, 0, 1}, {0, 1e-20, 0}};
    int64_t self[Q];
    for (int64_t a = 0; a < Q; a++) self[a] = a % 3 ? 7 * a : -1;
    for (size_t s = 0; s < sizeof sets / sizeof *sets; s++)
        for (int metric = 0; metric < 3; metric++) {
            if (metric == KIN_COSINE && sets[s].spread < 1e-15 && !sets[s].kind)
                continue; /* tiny rows are refused */
            check_begin("wide: %s, %g around %g%s", names[metric], sets[s].spread, sets[s].offset,
                        sets[s].kind ? ", ties" : "");
            make(sets[s].offset, sets[s].spread, sets[s].kind);
            compare((kin_metric)metric, 1, false, NULL);
            compare((kin_metric)metric, 30, false, self);
            compare((kin_metric)metric, 9, true, NULL);
            compare((kin_metric)metric, G, false, NULL);
            check_end();
        }
    check_begin("wide: [1e9 + 1, 0] is nearer to itself than [1e9 + 2, 0]");
    const double pair[] = {1e9 + 2, 0, 1e9 + 1, 0}, one[] = {1e9 + 1, 0};
    kin_neighbours found;
    kin_error err = {0};
    CHECK(kin_search_wide((kin_wide){one, 1, 2}, (kin_wide){pair, 2, 2}, &(kin_search_opt){.k = 2}, &found,
                          &err));
    CHECK(found.index[0] == 1 && found.value[0] == 0 && found.value[1] == 1);
    kin_neighbours_free(&found);
    CHECK(!kin_search_wide((kin_wide){one, 1, 2}, (kin_wide){pair, 2, 2}, &(kin_search_opt){.k = 3}, &found,
                           &err));
    CHECK_TEXT(err.message, "best 3 of 2");
    make(1e9, 1, 0);
    long n = 1;
    for (bool ok = false; !ok && n < 300; n++) {
        kin_error_clear(&err);
        kin_alloc_fail_at(n);
        ok = kin_search_wide((kin_wide){data, Q, D}, (kin_wide){data + Q * D, G, D},
                             &(kin_search_opt){.k = 4}, &found, &err);
        kin_alloc_fail_at(0);
        CHECK(ok || err.code == KIN_ERR_MEMORY);
        kin_neighbours_free(&found);
        CHECK(kin_alloc_live() == 0);
    }
    CHECK(n > 10);
    check_end();
}

/* --float32 on rows far from the origin finds what the exact search finds. */
static void far_away(void)
{
    static float rows[MOST * D];
    static const double offsets[] = {0, 1, 100, 3000};
    for (size_t o = 0; o < sizeof offsets / sizeof *offsets; o++)
        for (int metric = 0; metric < 3; metric++) {
            check_begin("float32 order: rows %g from the origin, metric %d", offsets[o], metric);
            make(offsets[o], 0.1, 0);
            for (int64_t i = 0; i < MOST * D; i++) rows[i] = (float)data[i];
            kin_vectors q = {rows, Q, D}, g = {rows + Q * D, G, D};
            kin_neighbours exact, fast;
            kin_error err = {0};
            for (int leave = 0; leave < 2; leave++) {
                kin_search_opt opt = {.k = 10, .metric = (kin_metric)metric, .leave_one_out = leave};
                CHECK_MSG(kin_search(leave ? g : q, g, &opt, &exact, &err), "%s", err.message);
                opt.float32_order = true;
                CHECK_MSG(kin_search(leave ? g : q, g, &opt, &fast, &err), "%s", err.message);
                int64_t right = 0, all = exact.queries * 10;
                double off = 0;
                for (int64_t i = 0; i < all; i++) {
                    right += exact.index[i] == fast.index[i];
                    off = fmax(off, fabs((double)(exact.value[i] - fast.value[i])) /
                                        fmax(fabs((double)exact.value[i]), 0.1));
                }
                /* a product of rows 3000 away is 1e8, and their differences a thousand */
                CHECK_MSG((double)right >= 0.985 * (double)all && off < 1e-5,
                          "%lld of %lld places, values off by %g", (long long)right, (long long)all, off);
                kin_neighbours_free(&exact), kin_neighbours_free(&fast);
            }
            check_end();
        }
}

static bool write_doubles(const char *path, const double *x, int rows, int columns)
{
    char head[128];
    FILE *f = fopen(path, "wb");
    if (!f) return false;
    int size = snprintf(head, sizeof head, "{'descr': '<f8', 'fortran_order': False, 'shape': (%d, %d), }",
                        rows, columns);
    fwrite("\x93NUMPY\x01\x00\x76\x00", 1, 10, f);
    fprintf(f, "%-117s\n", head);
    fwrite(x, sizeof *x, (size_t)(rows * columns), f);
    return fclose(f) == 0 && size < 118;
}

static void files(void)
{
    check_begin("wide: a float64 array keeps what float32 would round, and nothing where it would not");
    const double lossy[] = {1e9 + 1, 0, 1e9 + 2, 0}, plain[] = {1, 0.5, -2, 3};
    kin_npy a;
    kin_error err = {0};
    CHECK(write_doubles(check_path("lossy.npy"), lossy, 2, 2) &&
          kin_npy_read_matrix(check_path("lossy.npy"), &a, &err));
    CHECK(a.wide && a.wide[0] == 1e9 + 1 && a.data[0] == a.data[2]);
    kin_npy_free(&a);
    CHECK(write_doubles(check_path("plain.npy"), plain, 2, 2) &&
          kin_npy_read_matrix(check_path("plain.npy"), &a, &err));
    CHECK(!a.wide);
    kin_npy_free(&a);
    CHECK(kin_npy_read(check_path("lossy.npy"), &a, &err) && !a.wide);
    kin_npy_free(&a);
    check_end();
    check_begin("selves: rows that differ in what float32 rounds are not the same");
    kin_embeddings g, q;
    kin_selves s;
    CHECK(write_doubles(check_path("one.npy"), lossy + 2, 1, 2) &&
          kin_embeddings_read(check_path("lossy.npy"), &g, &err) &&
          kin_embeddings_read(check_path("one.npy"), &q, &err) && kin_selves_find(&q, &g, &s, &err));
    CHECK(s.count == 1 && s.row && s.row[0] == 1);
    kin_selves_free(&s);
    kin_embeddings_free(&g), kin_embeddings_free(&q);
    check_end();
}

int main(void)
{
    doubles();
    far_away();
    files();
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
