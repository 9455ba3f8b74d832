/* The k-reciprocal encoding: from every item's nearest neighbours to its sparse vector V. Steps are
 * numbered as in retrieval/rerank/rerank.c. */
#ifndef KIN_RETRIEVAL_RERANK_RECIPROCAL_H
#define KIN_RETRIEVAL_RERANK_RECIPROCAL_H

#include "retrieval/rerank/rerank.h"
#include "retrieval/rerank/sparse.h"

/* Queries and gallery as one set: item i < query.count is a query, the others are the gallery. */
typedef struct kin_joined {
    kin_vectors query, gallery; /* query.count is 0 where the gallery is searched in itself */
    int64_t count;
    int64_t depth;    /* neighbours kept an item, itself, the first, not counted */
    int32_t *rank;    /* [count, depth + 1] */
    double *distance; /* [count, depth + 1]: squared Euclid */
    double *farthest; /* [count]: the largest squared Euclidean distance of the row */
    bool squared_input;
} kin_joined;

static inline const float *kin_joined_row(const kin_joined *set, int64_t i)
{
    return i < set->query.count ? kin_row(set->query, i) : kin_row(set->gallery, i - set->query.count);
}

/* D' of step 1 from a squared Euclidean distance. Where all of a row is at distance 0, D' is 0. */
static inline double kin_joined_scaled(const kin_joined *set, int64_t i, double distance)
{
    double ratio = set->farthest[i] > 0 ? distance / set->farthest[i] : 0;
    return set->squared_input ? ratio * ratio : ratio;
}

/* Steps 3 to 6. */
bool kin_reciprocal_encode(const kin_joined *set, int64_t k1, int64_t k2, kin_sparse *out, kin_error *err);

#endif
