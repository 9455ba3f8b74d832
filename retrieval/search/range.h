/* All gallery items within a distance, and the distance beyond which a query's item is not in the gallery
 * at all. */
#ifndef KIN_RETRIEVAL_SEARCH_RANGE_H
#define KIN_RETRIEVAL_SEARCH_RANGE_H

#include "retrieval/search/search.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kin_range_opt {
    /* squared Euclid ≤ distance; 1 − s ≤ distance for cosine; −s ≤ distance for inner products */
    double distance;
    kin_metric metric;
    int64_t limit;       /* at most so many a query; 0: all */
    bool leave_one_out;  /* the queries are the gallery; row i does not find item i, by index */
    const int64_t *self; /* NULL, or [queries]: the gallery row that query q does not find, -1: none */
    kin_progress progress;
} kin_range_opt;

/* List q is index[offset[q]] .. index[offset[q+1] - 1], best first, with the values that kin_search gives;
 * it may be empty. */
typedef struct kin_ranges {
    int64_t queries;
    int64_t *offset; /* [queries + 1] */
    int64_t *index;
    float *value;
} kin_ranges;

/* Exact, as kin_search is, whose values are compared as float32. */
bool kin_search_range(kin_vectors query, kin_vectors gallery, const kin_range_opt *opt, kin_ranges *out,
                      kin_error *err);
void kin_ranges_free(kin_ranges *r);
/* As FAISS pads: [queries, the longest list, at least 1], what is missing has the index -1 and the value
 * `missing`. */
bool kin_ranges_pad(const kin_ranges *r, float missing, kin_neighbours *out, kin_error *err);

/* A threshold for "not in the gallery", from labelled validation items. Were a query's own class not in
 * the gallery, its nearest item of another class would be taken for it: an impostor. */
typedef struct kin_threshold {
    double distance;     /* the largest at which no more than the asked share of impostors is accepted */
    double false_accept; /* the share of impostors that are, on these items */
    /* of the queries that have a relevant item: those whose nearest item is relevant and within the
     * distance */
    double found;
    double first;               /* those whose nearest is relevant, at any distance (R@1) */
    int64_t impostors, queries; /* how many each of the shares is over */
} kin_threshold;

/* Whose items are of one thing: labels are equal or different, -1 matches nothing. */
typedef struct kin_threshold_labels {
    const int64_t *query, *gallery; /* [queries], [gallery rows] */
    bool leave_one_out;  /* the gallery's rows are the queries: what is said of queries is ignored */
    const int64_t *self; /* NULL, or the gallery row that a query is, as in kin_search_opt */
} kin_threshold_labels;

/* By cosine distance, 1 − s. `false_accept` is a rate, 0 .. 1. */
bool kin_threshold_fit(kin_vectors query, kin_vectors gallery, const kin_threshold_labels *labels,
                       double false_accept, kin_threshold *out, kin_error *err);

#ifdef __cplusplus
}
#endif

#endif
