/* How good a ranking is. rel_i ∈ {0, 1} says whether the i-th of a list (after removals) is relevant, R is
 * the number of relevant gallery items left after removals, found or not, and P(i) the share of relevant
 * ones among the first i. */
#ifndef KIN_RETRIEVAL_JUDGE_METRICS_H
#define KIN_RETRIEVAL_JUDGE_METRICS_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { KIN_RECALL_RANKS = 8 };

/* Lists to be judged. Labels are equal or different, nothing more; -1 is "no label" and matches nothing. */
typedef struct kin_judged {
    int64_t queries, gallery;
    const int64_t *query_label, *gallery_label; /* [queries], [gallery] */
    /* NULL, or: same label and same camera is junk, dropped from the list; -1 is an unknown camera, the
     * same as none */
    const int64_t *query_camera, *gallery_camera;
    bool leave_one_out; /* query i is gallery item i and is removed, by index */
    /* [queries + 1]: list of query q is index[offset[q] .. offset[q+1] - 1] */
    const int64_t *offset;
    const int64_t *index; /* gallery rows, best first */
    /* NULL, or the distances beside `index`: equal neighbours are a tie */
    const float *value;
    const int64_t *self; /* NULL, or [queries]: the gallery item that query q is, removed alike; -1: none */
} kin_judged;

typedef struct kin_metrics_opt {
    int64_t k;                           /* the K of AP@K and nDCG@K; 0: all that every list tells */
    int64_t recall_at[KIN_RECALL_RANKS]; /* ranks for R@k, ended by 0; none: 1, 5, 10 */
} kin_metrics_opt;

/* The figures of one query, or their means over queries. A list that ends before all that could be found
 * may lack what a figure needs: recall, AP@K and nDCG@K need k places (those left after removals), AP@R
 * and R-precision R, the reciprocal rank a hit, INP all hits; such a figure is NaN, and so is the mean. AP
 * and its trapezoid count what lies beyond the list as missed; where nothing at all is left of a list,
 * their means are NaN. */
typedef struct kin_scores {
    double ap;      /* (1/R) Σ_i P(i)·rel_i over the whole list */
    double ap_at_k; /* (1/min(R, K)) Σ_{i≤K} P(i)·rel_i */
    double ap_at_r; /* (1/R) Σ_{i≤R} P(i)·rel_i: the metric-learning MAP@R */
    /* the Oxford/Paris area under the interpolated curve: another number, named apart */
    double ap_trapezoid;
    double r_precision;              /* hits in the first R, over R */
    double reciprocal_rank;          /* 1 / rank of the first hit */
    double inp;                      /* R / rank of the last hit; NaN where the list ends before it */
    double ndcg;                     /* DCG@K over the ideal with the true R, gains 1/log2(i + 1) */
    double recall[KIN_RECALL_RANKS]; /* any hit in the first k: R@k of metric learning, CMC@k */
    /* with every tie broken against us; = ap, R@1 when values are NULL */
    double ap_pessimistic, recall1_pessimistic;
} kin_scores;

typedef struct kin_metrics {
    int64_t evaluated, skipped; /* queries with, and without, a relevant item */
    int64_t k, recall_at[KIN_RECALL_RANKS];
    int64_t longest; /* longest list */
    /* the fewest places, after removals, of a list that ends before all that could be found; INT64_MAX:
     * none does */
    int64_t shortest;
    bool complete; /* every list held all that could be found, so that AP and INP are not cut off */
    kin_scores mean;
    /* With every tie between what is relevant and what is not broken against us; as `mean` without values.
     * Several lists may be alike by chance in the last bit, so that what tells is whether the figures
     * differ. */
    kin_scores pessimistic;
} kin_metrics;

/* Whether any figure differs by what four digits show. */
bool kin_metrics_tied(const kin_metrics *m);

/* `per_query` is NULL or [queries]; a skipped query's figures are NaN. Refuses an index out of range, an
 * item twice in a list, NaN among the values, and a set in which no query has a relevant item. */
bool kin_evaluate(const kin_judged *in, const kin_metrics_opt *opt, kin_metrics *out, kin_scores *per_query,
                  kin_error *err);

#ifdef __cplusplus
}
#endif

#endif
