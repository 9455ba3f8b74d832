/* What lies behind a mean over queries: how sure it is, which classes and which queries pull it down.
 * Queries that were skipped (their figures are NaN) take no part. */
#ifndef KIN_RETRIEVAL_JUDGE_JUDGEMENT_H
#define KIN_RETRIEVAL_JUDGE_JUDGEMENT_H

#include "retrieval/judge/metrics.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Percentile bootstrap (Efron 1979): `rounds` times as many queries as there are are drawn with
 * replacement, and their means taken; the interval holds the middle `level` of these (0.95). What is drawn
 * is a function of (seed, round, draw) alone. */
bool kin_bootstrap(const kin_scores *each, int64_t queries, int64_t rounds, double level, uint64_t seed,
                   kin_scores *low, kin_scores *high, kin_error *err);

/* The same for the mean of a figure of each query, `value` less `beside` where that is not NULL, when labels are drawn
 * anew, each with all its queries: what these queries tell about other classes. NaN takes no part. */
bool kin_bootstrap_classes(const double *value, const double *beside, const int64_t *label, int64_t queries,
                           int64_t rounds, double level, uint64_t seed, double *low, double *high,
                           kin_error *err);

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
