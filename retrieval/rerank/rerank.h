/* k-reciprocal re-ranking (Zhong, Zheng, Cao, Li, "Re-ranking person re-identification with k-reciprocal
 * encoding", CVPR 2017), exact and sparse: memory grows with N, never with N². */
#ifndef KIN_RETRIEVAL_RERANK_RERANK_H
#define KIN_RETRIEVAL_RERANK_RERANK_H

#include "retrieval/search/search.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What the published code is given as its input distance; it squares that once more. */
typedef enum {
    KIN_INPUT_EUCLID = 0, /* it is given d, so D = d² (for unit vectors d = √(2 − 2s)) */
    KIN_INPUT_SQUARED,    /* it is given d², so D = d⁴ */
} kin_rerank_input;

typedef struct kin_rerank_opt {
    int64_t k;      /* length of the final lists: 1 .. gallery size (one less when leaving one out) */
    int64_t k1, k2; /* neighbours that must be mutual; neighbours averaged over (1: no averaging) */
    double lambda;  /* weight of the original distance, 0 .. 1 */
    kin_rerank_input input;
    /* `query` is ignored: every gallery item against the others, itself removed by index */
    bool leave_one_out;
    /* NULL, or [queries]: the gallery row that query q is and does not find, -1: none. Where it holds the
     * same numbers, the two take part as one item: with all queries such rows, lists are those of leaving
     * one out. */
    const int64_t *self;
    kin_progress progress;
} kin_rerank_opt;

#define KIN_RERANK_DEFAULTS .k1 = 20, .k2 = 6, .lambda = 0.3

/* Lists by d* = (1 − λ)·Jaccard + λ·D/rowmax(D), smallest first, ties by index; out->value holds d*.
 * Distances are Euclidean on the rows as they are: normalise them first for cosine. All of queries and
 * gallery take part together, so the result depends on the whole query set (it is transductive). Needs k1
 * < queries + gallery. */
bool kin_rerank_k_reciprocal(kin_vectors query, kin_vectors gallery, const kin_rerank_opt *opt,
                             kin_neighbours *out, kin_error *err);

#ifdef __cplusplus
}
#endif

#endif
