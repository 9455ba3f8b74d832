/* What lies behind a mean over queries: how sure it is, which classes and which queries pull it down.
 * Queries that were skipped (their figures are NaN) take no part. */
#ifndef KIN_RETRIEVAL_JUDGE_JUDGEMENT_H
#define KIN_RETRIEVAL_JUDGE_JUDGEMENT_H

#include "retrieval/judge/metrics.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Percentile bootstrap (Efron 1979): `rounds` times as many queries as there are are drawn with
 * replacement, and their means taken; the interval holds the middle `level` of these. What is drawn is a
 * function of (seed, round, draw) alone. */
typedef struct kin_bootstrap_opt {
    int64_t rounds; /* 1 or more */
    double level;   /* between 0 and 1 */
    uint64_t seed;
} kin_bootstrap_opt;

/* Of the mean of each figure over `queries` queries. */
bool kin_bootstrap(const kin_scores *each, int64_t queries, const kin_bootstrap_opt *opt, kin_scores *low,
                   kin_scores *high, kin_error *err);

/* A figure of each query, and the label of what it asks for. NaN takes no part. */
typedef struct kin_figures {
    const double *value;  /* [queries] */
    const double *beside; /* [queries], taken from it; NULL: nothing is */
    const int64_t *label; /* [queries] */
    int64_t queries;
} kin_figures;

/* The interval of the figures' mean when labels are drawn anew, each with all its queries: what these queries tell
 * about other classes. */
bool kin_bootstrap_classes(const kin_figures *figures, const kin_bootstrap_opt *opt, double *low,
                           double *high, kin_error *err);

typedef struct kin_class_scores {
    int64_t label, queries; /* queries evaluated */
    kin_scores mean;
} kin_class_scores;

/* Means over the queries of each label, by label. *out is [*count], freed by the caller with kin_free. */
bool kin_class_means(const kin_scores *each, const int64_t *label, int64_t queries, kin_class_scores **out,
                     int64_t *count, kin_error *err);

/* Writes the evaluated queries to `order` [queries], the smallest AP first, ties by index; returns their
 * number, -1 when memory ends. */
int64_t kin_worst_queries(const kin_scores *each, int64_t queries, int64_t *order);

#ifdef __cplusplus
}
#endif

#endif
