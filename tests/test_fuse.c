/* Ensembles against sums written out over all items. */
#include "base/memory.h"
#include "base/parallel.h"
#include "base/random.h"
#include "reference/search.h"
#include "retrieval/describe/fuse.h"
#include "tests/support/brute.h"
#include "tests/support/check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { Q = 19, G = 80, SETS = 3, DIM0 = 12, DIM1 = 7, DIM2 = 16, CANDIDATES = 15 };
static const int64_t dims[SETS] = {DIM0, DIM1, DIM2};
static float data[SETS][(Q + G) * DIM2];
static kin_vectors query[SETS], gallery[SETS];

static void make(void)
{
    for (int s = 0; s < SETS; s++) {
        /* the second is the worst */
        brute_clusters(data[s], Q + G, dims[s], 8, s == 1 ? 1.4 : 0.9, 30 + (uint64_t)s);
        query[s] = (kin_vectors){data[s], Q, dims[s]};
        gallery[s] = (kin_vectors){data[s] + Q * dims[s], G, dims[s]};
    }
}

static void check_row(const kin_neighbours *found, int64_t q, const double *score, double slack)
{
    int64_t order[G];
    kin_reference_order(score, G, -1, order);
    for (int64_t a = 0; a < found->k; a++) {
        int64_t got = found->index[q * found->k + a];
        CHECK_MSG(got == order[a] || fabs(score[got] - score[order[a]]) < slack,
                  "query %lld rank %lld: item %lld, expected %lld", (long long)q, (long long)a,
                  (long long)got, (long long)order[a]);
        CHECK_CLOSE(found->value[q * found->k + a], score[got], slack);
    }
}

/* The candidates of query q: the nearest of each set. */
static void unite(double *const *d, int64_t q, int64_t self, bool *in)
{
    int64_t order[G];
    memset(in, 0, G * sizeof *in);
    for (int s = 0; s < SETS; s++) {
        kin_reference_order(d[s] + q * G, G, self, order);
        for (int64_t a = 0; a < CANDIDATES; a++) in[order[a]] = true;
    }
}

static void plain_scores(double *const *d, int64_t q, int64_t self, kin_fuse_by by, const double *weight,
                         double *score)
{
    bool in[G];
    int64_t order[G];
    unite(d, q, self, in);
    for (int64_t g = 0; g < G; g++) score[g] = in[g] ? 0 : INFINITY;
    for (int s = 0; s < SETS; s++) {
        double mean = 0, square = 0, count = 0;
        const double *row = d[s] + q * G;
        for (int64_t g = 0; g < G; g++) mean += in[g] ? row[g] : 0, count += in[g];
        mean /= count;
        for (int64_t g = 0; g < G; g++) square += in[g] ? (row[g] - mean) * (row[g] - mean) : 0;
        for (int64_t g = 0; g < G && by != KIN_FUSE_RECIPROCAL; g++)
            if (in[g])
                score[g] += weight[s] *
                            (by == KIN_FUSE_RAW ? row[g] : (row[g] - mean) / sqrt(square / count));
        kin_reference_order(row, G, self, order);
        for (int64_t a = 0; a < CANDIDATES && by == KIN_FUSE_RECIPROCAL; a++)
            score[order[a]] -= weight[s] / (60.0 + (double)(a + 1));
    }
}

static void tables(void)
{
    static const char *const names[] = {"distances", "standardised distances", "ranks"};
    static const kin_metric metrics[] = {KIN_EUCLID, KIN_COSINE, KIN_INNER};
    double weight[SETS] = {0.5, 0.2, 0.3};
    for (int c = 0; c < 18; c++) {
        kin_fuse_by by = (kin_fuse_by)(c % 3);
        kin_metric metric = metrics[c / 3 % 3];
        bool leave = c >= 9;
        check_begin("fuse: by %s, %s%s", names[by],
                    metric == KIN_EUCLID   ? "Euclid"
                    : metric == KIN_COSINE ? "cosine"
                                           : "inner product",
                    leave ? ", leaving one out" : "");
        double *d[SETS];
        for (int s = 0; s < SETS; s++) {
            kin_vectors from = leave ? gallery[s] : query[s];
            d[s] = kin_reference_distances(from.data, from.count, gallery[s].data, G, dims[s],
                                           metric == KIN_EUCLID   ? 'e'
                                           : metric == KIN_COSINE ? 'c'
                                                                  : 'i');
            for (int64_t i = 0; metric == KIN_COSINE && i < from.count * G; i++) d[s][i] += 1;
        }
        kin_fusion f;
        kin_neighbours found = {0}, again = {0};
        kin_error err = {0};
        kin_fuse_opt opt = {.by = by, .candidates = CANDIDATES, .metric = metric, .leave_one_out = leave};
        CHECK_MSG(kin_fusion_vectors(query, gallery, SETS, &opt, &f, &err), "%s", err.message);
        CHECK(f.shortest >= CANDIDATES && f.queries == (leave ? G : Q));
        CHECK_MSG(kin_fusion_order(&f, weight, CANDIDATES, &found, &err), "%s", err.message);
        for (int64_t q = 0; q < found.queries; q++) {
            double score[G];
            plain_scores(d, q, leave ? q : -1, by, weight, score);
            check_row(&found, q, score, 1e-5);
        }
        kin_set_threads(3);
        CHECK(kin_fusion_order(&f, weight, CANDIDATES, &again, &err));
        CHECK(again.value &&
              memcmp(again.value, found.value, (size_t)(found.queries * found.k) * sizeof *found.value) == 0);
        kin_set_threads(0);
        kin_fusion_free(&f);
        kin_neighbours_free(&found), kin_neighbours_free(&again);
        for (int s = 0; s < SETS; s++) free(d[s]);
        check_end();
    }
}

static void lists(void)
{
    check_begin("fuse: lists of different lengths, by hand");
    /* query 0: A = 3 1 2, B = 1 4; query 1: A = 0, B = 0 5 */
    int64_t a_offset[] = {0, 3, 4}, b_offset[] = {0, 2, 4}, a_index[] = {3, 1, 2, 0},
            b_index[] = {1, 4, 0, 5};
    kin_ranks two[] = {{.queries = 2, .offset = a_offset, .index = a_index},
                       {.queries = 2, .offset = b_offset, .index = b_index}};
    kin_fusion f;
    kin_neighbours found;
    kin_error err = {0};
    CHECK_MSG(kin_fusion_lists(two, 2, 6, 0, &f, &err), "%s", err.message);
    CHECK(f.shortest == 2 && f.offset[1] == 4 && f.offset[2] == 6);
    CHECK(kin_fusion_order(&f, (double[]){1, 1}, 2, &found, &err));
    CHECK(found.index[0] == 1 && found.index[1] == 3 && found.index[2] == 0 && found.index[3] == 5);
    CHECK_CLOSE(found.value[0], -1.0 / 62 - 1.0 / 61, 1e-8);
    CHECK_CLOSE(found.value[1], -1.0 / 61, 1e-8);
    CHECK_CLOSE(found.value[3], -1.0 / 62, 1e-8);
    kin_neighbours_free(&found);
    CHECK(!kin_fusion_order(&f, (double[]){1, 1}, 3, &found, &err));
    CHECK_TEXT(err.message, "has 2 candidates");
    kin_fusion_free(&f);
    kin_error_clear(&err);
    CHECK(!kin_fusion_lists(two, 2, 5, 60, &f, &err) && !f.index);
    CHECK_TEXT(err.message, "item 5 does not exist");
    kin_error_clear(&err);
    two[1].queries = 1;
    CHECK(!kin_fusion_lists(two, 2, 6, 60, &f, &err) && !f.index);
    CHECK_TEXT(err.message, "list set 1 is of 1 queries, the first of 2");
    check_end();
}

static void concat(void)
{
    check_begin("fuse: cosines of side-by-side vectors are the weighted mean of cosines");
    static float joined[G * (DIM0 + DIM1 + DIM2)];
    const int64_t width = DIM0 + DIM1 + DIM2;
    double weight[SETS] = {2, 0, 1};
    kin_error err = {0};
    CHECK_MSG(kin_fuse_concat(gallery, weight, SETS, joined, &err), "%s", err.message);
    double *all = kin_reference_distances(joined, G, joined, G, width, 'i'),
           *a = kin_reference_distances(gallery[0].data, G, gallery[0].data, G, DIM0, 'c'),
           *b = kin_reference_distances(gallery[2].data, G, gallery[2].data, G, DIM2, 'c');
    for (int64_t i = 0; i < G * G; i++) CHECK_CLOSE(all[i], (2 * a[i] + b[i]) / 3, 1e-6);
    free(all), free(a), free(b);
    weight[1] = -1;
    CHECK(!kin_fuse_concat(gallery, weight, SETS, joined, &err));
    CHECK_TEXT(err.message, "weight 1 is -1");
    kin_error_clear(&err);
    CHECK(!kin_fuse_concat(gallery, (double[]){0, 0, 0}, SETS, joined, &err));
    CHECK_TEXT(err.message, "all weights are 0");
    check_end();
}

static double map_of(const kin_fusion *f, const kin_judged *judged, const double *weight, int64_t k)
{
    kin_neighbours found;
    kin_metrics m = {0};
    kin_error err = {0};
    int64_t offset[G + 1];
    CHECK(kin_fusion_order(f, weight, k, &found, &err));
    for (int64_t q = 0; q <= found.queries; q++) offset[q] = q * k;
    kin_judged in = *judged;
    in.offset = offset, in.index = found.index;
    CHECK(kin_evaluate(&in, NULL, &m, NULL, &err));
    kin_neighbours_free(&found);
    return m.mean.ap;
}

static void fit(void)
{
    int64_t label[G];
    for (int64_t g = 0; g < G; g++) label[g] = (g + Q) % 8;
    kin_judged judged = {
        .queries = G, .gallery = G, .query_label = label, .gallery_label = label, .leave_one_out = true};
    for (int by = 0; by < 3; by++) {
        check_begin("fuse: fitted weights beat every model alone, the mean, and a fine grid, by kind %d", by);
        kin_fusion f;
        kin_error err = {0};
        double weight[SETS], sum = 0;
        kin_metrics m = {0};
        kin_fuse_opt opt = {
            .by = (kin_fuse_by)by, .candidates = G - 1, .metric = KIN_COSINE, .leave_one_out = true};
        CHECK_MSG(kin_fusion_vectors(NULL, gallery, SETS, &opt, &f, &err), "%s", err.message);
        CHECK_MSG(kin_fusion_fit(&f, &judged, G - 1, weight, &m, &err), "%s", err.message);
        double map = m.mean.ap;
        for (int s = 0; s < SETS; s++) sum += weight[s] >= 0 ? weight[s] : NAN;
        CHECK_CLOSE(sum, 1, 1e-9);
        CHECK_CLOSE(map_of(&f, &judged, weight, G - 1), map, 1e-12);
        for (int a = 0; a <= 12; a++)
            for (int b = 0; a + b <= 12; b++) {
                double other = map_of(&f, &judged, (double[]){a / 12.0, b / 12.0, (12 - a - b) / 12.0},
                                      G - 1);
                CHECK_MSG(other <= map + 0.004, "%d %d: %.4f above the fit's %.4f", a, b, other, map);
            }
        CHECK(map_of(&f, &judged, (double[]){1, 0, 0}, G - 1) < map &&
              map_of(&f, &judged, (double[]){1.0 / 3, 1.0 / 3, 1.0 / 3}, G - 1) <= map);
        kin_fusion_free(&f);
        check_end();
    }
    check_begin("fuse: with sixteen sets the grid is coarse, and ends");
    {
        kin_vectors many[16];
        kin_fusion all;
        kin_error err = {0};
        double weight[16], sum = 0;
        kin_metrics m = {0};
        for (int s = 0; s < 16; s++) many[s] = gallery[s % 2];
        kin_fuse_opt opt = {.candidates = 10, .metric = KIN_COSINE, .leave_one_out = true};
        CHECK_MSG(kin_fusion_vectors(NULL, many, 16, &opt, &all, &err), "%s", err.message);
        CHECK_MSG(kin_fusion_fit(&all, &judged, 10, weight, &m, &err), "%s", err.message);
        for (int s = 0; s < 16; s++) sum += weight[s];
        CHECK_CLOSE(sum, 1, 1e-9);
        kin_fusion_free(&all);
    }
    check_end();
    check_begin("fuse: every failed allocation is an error and leaks nothing");
    long n = 1;
    for (bool ok = false; !ok && n < 2000; n++) {
        kin_error err = {0};
        kin_fusion f = {0};
        double weight[SETS];
        kin_metrics m;
        kin_alloc_fail_at(n);
        ok = kin_fusion_vectors(NULL, gallery, 2,
                                &(kin_fuse_opt){.candidates = 4, .metric = KIN_COSINE, .leave_one_out = true},
                                &f, &err) &&
             kin_fusion_fit(&f, &judged, 4, weight, &m, &err);
        kin_alloc_fail_at(0);
        CHECK(ok || err.code == KIN_ERR_MEMORY);
        kin_fusion_free(&f);
        CHECK(kin_alloc_live() == 0);
    }
    CHECK(n > 20 && n < 2000);
    check_end();
    check_begin("fuse: sets that do not fit are refused");
    kin_vectors shorter[2] = {gallery[0], {gallery[1].data, G - 1, DIM1}};
    kin_fusion f;
    kin_error err = {0};
    CHECK(!kin_fusion_vectors(NULL, shorter, 2, &(kin_fuse_opt){.candidates = 4, .leave_one_out = true}, &f,
                              &err));
    CHECK_TEXT(err.message, "set 1 has 79 queries and 79 gallery items, the first 80 and 80");
    kin_error_clear(&err);
    CHECK(!kin_fusion_vectors(NULL, gallery, 17, &(kin_fuse_opt){.candidates = 4, .leave_one_out = true}, &f,
                              &err));
    CHECK_TEXT(err.message, "1 to 16");
    kin_error_clear(&err);
    CHECK(!kin_fusion_vectors(query, gallery, 2, &(kin_fuse_opt){.candidates = 81}, &f, &err));
    CHECK_TEXT(err.message, "81 candidates of each model; 1 to 80");
    check_end();
}

int main(void)
{
    make();
    tables();
    lists();
    concat();
    fit();
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
