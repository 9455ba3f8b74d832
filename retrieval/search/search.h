/* Exact nearest neighbours. Dot products come from blocked matrix products; each block goes straight into
 * the selection of the best k, so that the queries × gallery matrix never exists. */
#ifndef KIN_RETRIEVAL_SEARCH_SEARCH_H
#define KIN_RETRIEVAL_SEARCH_SEARCH_H

#include "base/error.h"
#include "retrieval/vectors.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    KIN_EUCLID = 0, /* squared Euclidean distance, smallest first */
    KIN_COSINE,     /* cosine similarity, largest first; zero vectors are refused */
    KIN_INNER,      /* inner product, largest first */
} kin_metric;

typedef struct kin_search_opt {
    int64_t k; /* 1 .. gallery size (one less when leaving one out) */
    kin_metric metric;
    /* the queries are the gallery; row i does not find item i (by index, not by distance) */
    bool leave_one_out;
    /* NULL, or [queries]: the gallery row that query q is and does not find, -1: none. Lists stay k long;
     * k is at most one less than the gallery where a query is one of its items. */
    const int64_t *self;
    /* By default the order is that of distances computed directly, in double, with ties by index: the k
     * best by products of 16-bit numbers, and a margin, are rescored. Where the bound on their rounding
     * does not prove a list complete, its row meets the gallery again in float32, with
     *   |error| ≤ 2.02 (dim + 3) 2⁻²⁴ ‖q‖ ‖g‖ + 2.02 · 2⁻²⁴ ‖g‖²   (Euclid; products: half the first term),
     * and where even that does not prove it, everything is rescored. With `float32_order` the order and
     * the values are those of float32 products, within that bound, as in other libraries; it is not
     * faster. They are taken around the gallery's mean where that outweighs what is around it. */
    bool float32_order;
    kin_progress progress;
} kin_search_opt;

/* FAISS's layout: row q holds the k best of query q, best first, ties by index. */
typedef struct kin_neighbours {
    int64_t queries, k;
    int64_t *index; /* [queries, k], owned */
    float *value;   /* [queries, k]: squared distance, or similarity; after re-ranking its distance; owned */
} kin_neighbours;

/* Fails on dimensions that differ, k out of range, NaN or infinite numbers (by row), and row norms above
 * 1e18. The result is bit-identical for any number of threads. */
bool kin_search(kin_vectors query, kin_vectors gallery, const kin_search_opt *opt, kin_neighbours *out,
                kin_error *err);

/* The gallery row that query q is, where it is one: -1 for others. */
static inline int64_t kin_self(bool leave_one_out, const int64_t *self, int64_t q)
{
    return leave_one_out ? q : self ? self[q] : -1;
}
/* Whether any of them is. */
bool kin_any_self(bool leave_one_out, const int64_t *self, int64_t queries);

/* Lists of k items for each query, to be filled in by the caller, and freed with kin_neighbours_free. */
bool kin_neighbours_alloc(kin_neighbours *out, int64_t queries, int64_t k, kin_error *err);
void kin_neighbours_free(kin_neighbours *neighbours);

#ifdef __cplusplus
}
#endif

#endif
