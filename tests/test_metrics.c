/* Metrics against cases worked by hand: ties, junk, queries without a relevant item, lists cut off; average
 * precision on random lists against the plain form (reference/mean_average_precision.c). */
#include "base/memory.h"
#include "base/random.h"
#include "reference/mean_average_precision.h"
#include "retrieval/judge/metrics.h"
#include "tests/support/check.h"

#include <math.h>
#include <string.h>

/* One query of label 1 against items of the given labels, listed in their order. */
static kin_scores one(const char *labels, const float *value, int64_t length, const kin_metrics_opt *opt,
                      kin_metrics *out)
{
    int64_t label[32], index[32], query = 1, offset[2] = {0, length}, gallery = (int64_t)strlen(labels);
    for (int64_t g = 0; g < gallery; g++) {
        label[g] = labels[g] - '0';
        index[g] = g;
    }
    kin_judged in = {.queries = 1,
                     .gallery = gallery,
                     .query_label = &query,
                     .gallery_label = label,
                     .offset = offset,
                     .index = index,
                     .value = value};
    kin_error err = {0};
    CHECK_MSG(kin_evaluate(&in, opt, out, NULL, &err), "%s", err.message);
    return out->mean;
}

static void by_hand(void)
{
    kin_metrics m;

    check_begin("metrics: hits at ranks 1, 3 and 6 of 8");
    kin_scores s = one("10100100", NULL, 8, &(kin_metrics_opt){.k = 4, .recall_at = {1, 2, 3}}, &m);
    CHECK_CLOSE(s.ap, (1 + 2.0 / 3 + 3.0 / 6) / 3, 1e-15);
    CHECK_CLOSE(s.ap_at_k, (1 + 2.0 / 3) / 3, 1e-15);
    CHECK_CLOSE(s.ap_at_r, (1 + 2.0 / 3) / 3, 1e-15);
    CHECK_CLOSE(s.ap_trapezoid, ((1 + 1) / 2.0 + (1.0 / 2 + 2.0 / 3) / 2 + (2.0 / 5 + 3.0 / 6) / 2) / 3,
                1e-15);
    CHECK_CLOSE(s.r_precision, 2.0 / 3, 1e-15);
    CHECK_CLOSE(s.reciprocal_rank, 1, 0);
    CHECK_CLOSE(s.inp, 3.0 / 6, 1e-15);
    CHECK_CLOSE(s.ndcg, (1 + 1 / log2(4)) / (1 + 1 / log2(3) + 1 / log2(4)), 1e-15);
    CHECK(s.recall[0] == 1 && s.recall[1] == 1 && s.recall[2] == 1 && m.evaluated == 1 && m.skipped == 0 &&
          m.complete && m.longest == 8);
    CHECK_CLOSE(s.ap_pessimistic, s.ap, 0);
    check_end();

    check_begin("metrics: AP@K divides by min(R, K)");
    s = one("01111", NULL, 5, &(kin_metrics_opt){.k = 2}, &m);
    CHECK_CLOSE(s.ap_at_k, (1.0 / 2) / 2, 1e-15);
    CHECK_CLOSE(s.ap_at_r, (1.0 / 2 + 2.0 / 3 + 3.0 / 4) / 4, 1e-15);
    CHECK_CLOSE(s.ndcg, (1 / log2(3)) / (1 + 1 / log2(3)), 1e-15);
    CHECK_CLOSE(s.reciprocal_rank, 0.5, 0);
    CHECK(s.recall[0] == 0 && s.recall[1] == 1 && s.recall[2] == 1 && m.recall_at[1] == 5 &&
          m.recall_at[2] == 10);
    check_end();

    check_begin("metrics: a list that is cut off counts what it misses, and has no INP");
    s = one("10100100", NULL, 4, NULL, &m);
    CHECK(m.k == 4 && !m.complete && isnan(s.inp));
    CHECK_CLOSE(s.ap, (1 + 2.0 / 3) / 3, 1e-15);
    check_end();

    check_begin("metrics: ties are also broken against us");
    float value[] = {1, 1, 1, 2, 2, 3, 3, 3};
    s = one("10100100", value, 8, NULL, &m); /* pessimistic order: 0 1 1 | 0 0 | 0 0 1 */
    CHECK_CLOSE(s.ap, (1 + 2.0 / 3 + 3.0 / 6) / 3, 1e-15);
    CHECK_CLOSE(s.ap_pessimistic, (1.0 / 2 + 2.0 / 3 + 3.0 / 8) / 3, 1e-15);
    CHECK(s.recall[0] == 1 && s.recall1_pessimistic == 0);
    float collapsed[8] = {0};
    s = one("11100000", collapsed, 8, NULL, &m);
    CHECK_CLOSE(s.ap, 1, 0);
    CHECK_CLOSE(s.ap_pessimistic, (1.0 / 6 + 2.0 / 7 + 3.0 / 8) / 3, 1e-15);
    check_end();
}

/* A query of label 7 over ten items, lists of which hold less: what a figure needs and is not there is not
 * told. */
static void short_lists(void)
{
    static const struct {
        const char *about;
        int64_t list[10], length;
        bool junk, self; /* items 0 to 2 are of the query's camera; item 0 is the query */
        int64_t shortest, k;
        double recall[3], ap_at_k, ap_at_r, reciprocal, ap; /* -1: not available */
    } rows[] = {
        {"a list of five tells no R@10",
         {9, 0, 1, 8, 7},
         5,
         false,
         false,
         5,
         5,
         {0, 1, -1},
         7.0 / 30,
         7.0 / 30,
         0.5,
         7.0 / 30},
        {"nor the first R, where R is 5 and the list of four",
         {9, 0, 1, 8},
         4,
         false,
         false,
         4,
         4,
         {0, -1, -1},
         (1 / 2.0 + 2 / 3.0) / 4,
         -1,
         0.5,
         7.0 / 30},
        {"a list of junk alone tells nothing", {0, 1, 2}, 3, true, false, 0, 1, {-1, -1, -1}, -1, -1, -1, -1},
        {"junk shortens the list", {0, 9, 3, 8}, 4, true, false, 3, 3, {0, -1, -1}, 0.25, 0.25, 0.5, 0.25},
        {"the query itself shortens it, too", {0, 1, 9}, 3, false, true, 2, 2, {1, -1, -1}, 0.5, -1, 1, 0.25},
        {"a list of all but the query is complete",
         {1, 9, 2, 3, 4, 5, 6, 7, 8},
         9,
         false,
         true,
         INT64_MAX,
         9,
         {1, 1, 1},
         -2,
         -2,
         1,
         -2},
        {"a list that misses every hit has no reciprocal rank",
         {9, 8, 7},
         3,
         false,
         false,
         3,
         3,
         {0, -1, -1},
         0,
         -1,
         -1,
         0},
    };
    int64_t query = 7, camera = 1, self = 0, label[10], cameras[10];
    for (int64_t g = 0; g < 10; g++) label[g] = g < 5 ? 7 : 8, cameras[g] = g < 3 ? 1 : 2;
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        check_begin("metrics: %s", rows[r].about);
        int64_t offset[2] = {0, rows[r].length};
        kin_judged in = {.queries = 1,
                         .gallery = 10,
                         .query_label = &query,
                         .gallery_label = label,
                         .query_camera = rows[r].junk ? &camera : NULL,
                         .gallery_camera = rows[r].junk ? cameras : NULL,
                         .self = rows[r].self ? &self : NULL,
                         .offset = offset,
                         .index = rows[r].list};
        kin_metrics m;
        kin_error err = {0};
        CHECK_MSG(kin_evaluate(&in, NULL, &m, NULL, &err), "%s", err.message);
        CHECK(m.shortest == rows[r].shortest && m.k == rows[r].k);
        const double got[] = {m.mean.recall[0], m.mean.recall[1],       m.mean.recall[2], m.mean.ap_at_k,
                              m.mean.ap_at_r,   m.mean.reciprocal_rank, m.mean.ap},
                     want[] = {rows[r].recall[0], rows[r].recall[1],  rows[r].recall[2], rows[r].ap_at_k,
                               rows[r].ap_at_r,   rows[r].reciprocal, rows[r].ap};
        for (int i = 0; i < 7; i++) {
            if (want[i] == -1) CHECK_MSG(isnan(got[i]), "figure %d is %g", i, got[i]);
            else if (want[i] >= 0) CHECK_CLOSE(got[i], want[i], 1e-15);
        }
        check_end();
    }
}

/* Every figure, with what is relevant behind what is as near. */
static void ties(void)
{
    kin_metrics m;
    float value[] = {1, 1, 2, 3, 3, 4}, collapsed[6] = {0};
    check_begin("metrics: every figure also with ties against us");
    one("101010", value, 6, &(kin_metrics_opt){.k = 2}, &m); /* 0 1 | 1 | 0 0 | 0 after: 0 1 1 0 1 0 */
    CHECK(kin_metrics_tied(&m) && m.mean.recall[0] == 1 && m.pessimistic.recall[0] == 0 &&
          m.pessimistic.recall[1] == 1);
    CHECK_CLOSE(m.pessimistic.ap, (1 / 2.0 + 2 / 3.0 + 3 / 5.0) / 3, 1e-15);
    CHECK_CLOSE(m.pessimistic.ap_at_k, 1 / 4.0, 1e-15);
    CHECK_CLOSE(m.pessimistic.reciprocal_rank, 1 / 2.0, 1e-15);
    one("100000", collapsed, 6, NULL, &m);
    CHECK(kin_metrics_tied(&m) && m.mean.recall[1] == 1 && m.pessimistic.recall[1] == 0);
    one("110000", value, 6, NULL, &m);
    CHECK(!kin_metrics_tied(&m));
    one("100000", NULL, 6, NULL, &m);
    CHECK(!kin_metrics_tied(&m) && m.pessimistic.ap == m.mean.ap);
    check_end();
}

static void sets(void)
{
    enum { Q = 4, G = 6 };
    kin_metrics m;
    kin_scores each[G];
    kin_error err = {0};

    check_begin("metrics: junk is dropped, and positions close up");
    /* Query 0 (label 7, camera 1): items 0 and 2 are junk; 1 and 4 count. Query 1 (label 8): only junk.
     * Query 2: no label. Query 3: label 9. */
    int64_t query_label[Q] = {7, 8, -1, 9}, gallery_label[G] = {7, 7, 7, 8, 7, 9},
            query_camera[Q] = {1, 2, 1, 1}, gallery_camera[G] = {1, 2, 1, 2, 3, 4};
    int64_t offset[Q + 1] = {0, 6, 12, 18, 24}, index[Q * G] = {0, 3, 2, 1, 5, 4, 0, 1, 2, 3, 4, 5,
                                                                0, 1, 2, 3, 4, 5, 5, 1, 2, 3, 4, 0};
    kin_judged in = {Q,     G,      query_label, gallery_label, query_camera, gallery_camera,
                     false, offset, index,       NULL};
    CHECK_MSG(kin_evaluate(&in, NULL, &m, each, &err), "%s", err.message);
    CHECK(m.evaluated == 2 && m.skipped == 2);
    CHECK_CLOSE(each[0].ap, (1.0 / 2 + 2.0 / 4) / 2, 1e-15); /* 3 | 1 | 5 | 4 */
    CHECK_CLOSE(each[3].ap, 1, 0);
    CHECK(isnan(each[1].ap) && isnan(each[2].ap) && isnan(each[2].recall[0]));
    CHECK_CLOSE(m.mean.ap, 0.75, 1e-15);
    CHECK_CLOSE(m.mean.recall[0], 0.5, 1e-15);
    check_end();

    check_begin("metrics: a query in its own gallery is removed by index");
    int64_t label[3] = {1, 1, 2}, own_offset[4] = {0, 3, 6, 8}, own[8] = {0, 1, 2, 2, 1, 0, 0, 1};
    kin_judged self = {.queries = 3,
                       .gallery = 3,
                       .query_label = label,
                       .gallery_label = label,
                       .leave_one_out = true,
                       .offset = own_offset,
                       .index = own};
    CHECK_MSG(kin_evaluate(&self, NULL, &m, each, &err), "%s", err.message);
    CHECK(m.evaluated == 2 && m.skipped == 1);
    CHECK_CLOSE(each[0].ap, 1, 0);
    CHECK_CLOSE(each[1].ap, 0.5, 0); /* 2 | 0 */
    check_end();

    check_begin("metrics: bad input is refused by name");
    static const struct {
        int64_t at, item;
        const char *part;
    } bad[] = {{1, 6, "item 6 does not exist"}, {1, -1, "item -1"}, {1, 0, "item 0 is listed twice"}};
    for (size_t b = 0; b < 3; b++) {
        int64_t kept = index[bad[b].at];
        index[bad[b].at] = bad[b].item;
        kin_error_clear(&err);
        CHECK(!kin_evaluate(&in, NULL, &m, NULL, &err));
        CHECK_TEXT(err.message, bad[b].part);
        index[bad[b].at] = kept;
    }
    float value[Q * G] = {0};
    value[13] = NAN;
    in.value = value;
    kin_error_clear(&err);
    CHECK(!kin_evaluate(&in, NULL, &m, NULL, &err) && err.code == KIN_ERR_NUMERIC);
    CHECK_TEXT(err.message, "query 2: the distance of item 1 is NaN");
    in.value = NULL;
    offset[2] = offset[1];
    kin_error_clear(&err);
    CHECK(!kin_evaluate(&in, NULL, &m, NULL, &err));
    CHECK_TEXT(err.message, "query 1 (counted from 0) has no list");
    offset[2] = 12;
    query_label[0] = query_label[1] = query_label[3] = 55;
    kin_error_clear(&err);
    CHECK(!kin_evaluate(&in, NULL, &m, NULL, &err));
    CHECK_TEXT(err.message, "none of the 4 queries");
    for (long n = 1; n <= 5; n++) {
        kin_error_clear(&err);
        kin_alloc_fail_at(n);
        CHECK(!kin_evaluate(&in, NULL, &m, NULL, &err) && err.code == KIN_ERR_MEMORY &&
              kin_alloc_live() == 0);
        kin_alloc_fail_at(0);
    }
    check_end();
}

/* The same, or not to be had from a list that is too short. */
static void same(const char *what, uint64_t seed, int64_t q, double got, double want, bool may_lack)
{
    if (may_lack && isnan(got)) return;
    CHECK_MSG(isnan(want) ? isnan(got) : fabs(got - want) <= 1e-14,
              "seed %llu, query %lld: %s is %.15g, not %.15g", (unsigned long long)seed, (long long)q, what,
              got, want);
}

static void one_ranking(uint64_t seed)
{
    enum { Q = 12, G = 40 };
    kin_stream s = kin_stream_new(kin_key(seed, 80, 0));
    int64_t query_label[Q], gallery_label[G], query_camera[Q], gallery_camera[G], self[Q], items[Q * G],
        offset[Q + 1], length = seed % 3 == 0 ? 1 + (int64_t)kin_stream_below(&s, G) : G;
    for (int64_t g = 0; g < G; g++) {
        gallery_label[g] = (int64_t)kin_stream_below(&s, 6) - 1;
        gallery_camera[g] = (int64_t)kin_stream_below(&s, 4) - 1;
    }
    for (int64_t q = 0; q < Q; q++) {
        query_label[q] = (int64_t)kin_stream_below(&s, 7) - 1;
        query_camera[q] = (int64_t)kin_stream_below(&s, 4) - 1;
        self[q] = (int64_t)kin_stream_below(&s, 2 * G) - G;
        if (self[q] < 0) self[q] = -1;
        int64_t order[G];
        for (int64_t g = 0; g < G; g++) { /* a random order, each item put at a random place */
            int64_t at = (int64_t)kin_stream_below(&s, (uint64_t)g + 1);
            order[g] = order[at], order[at] = g;
        }
        memcpy(items + q * length, order, (size_t)length * sizeof *items);
    }
    for (int64_t q = 0; q <= Q; q++) offset[q] = q * length;
    bool cameras = seed % 2, selves = seed % 4 < 2;
    kin_reference_lists plain = {Q,
                                 G,
                                 length,
                                 query_label,
                                 gallery_label,
                                 cameras ? query_camera : NULL,
                                 cameras ? gallery_camera : NULL,
                                 selves ? self : NULL,
                                 items};
    kin_judged in = {.queries = Q,
                     .gallery = G,
                     .query_label = query_label,
                     .gallery_label = gallery_label,
                     .query_camera = plain.query_camera,
                     .gallery_camera = plain.gallery_camera,
                     .self = plain.self,
                     .offset = offset,
                     .index = items};
    kin_metrics m;
    kin_scores each[Q];
    kin_error err = {0};
    kin_metrics_opt opt = {.k = length == G ? 1 + (int64_t)kin_stream_below(&s, 20) : 0};
    CHECK_MSG(kin_evaluate(&in, &opt, &m, each, &err), "%s", err.message);
    for (int64_t q = 0; q < Q; q++) {
        same("AP", seed, q, each[q].ap, kin_reference_average_precision(&plain, q, 0), false);
        same("AP@K", seed, q, each[q].ap_at_k, kin_reference_average_precision(&plain, q, m.k), length < G);
        same("AP@R", seed, q, each[q].ap_at_r, kin_reference_average_precision(&plain, q, KIN_REFERENCE_AT_R),
             length < G);
    }
    same("mAP", seed, -1, m.mean.ap, kin_reference_mean_average_precision(&plain, 0), length < G);
    same("mAP@K", seed, -1, m.mean.ap_at_k, kin_reference_mean_average_precision(&plain, m.k), length < G);
}

static void plain_form(void)
{
    check_begin("metrics: AP, AP@K and AP@R of 300 random rankings against the plain form");
    for (uint64_t seed = 0; seed < 300; seed++) one_ranking(seed);
    check_end();
}

int main(void)
{
    plain_form();
    by_hand();
    short_lists();
    ties();
    sets();
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
