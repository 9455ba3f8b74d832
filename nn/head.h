/* From a map to an embedding: pooling, the linear layer, the batch norm neck, unit length, and several of
 * them side by side. */
#ifndef KIN_NN_HEAD_H
#define KIN_NN_HEAD_H

#include "nn/module.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Generalised-mean pooling [Radenović et al. 2018], [n, h, w, c] → [n, c]: (mean max(x, 1e-6)^p)^{1/p}
 * with one trainable p that starts at 3. Parameter: p [1]. */
kin_tensor *kin_gem(kin_scope *s, kin_tensor *x);

/* Pooling by name: "gap" (average), "gmp" (maximum), "gem", or several joined by '+', whose results stand
 * side by side in that order: "gap+gmp" gives [n, 2c]. An unknown name is an error. */
kin_tensor *kin_pool(kin_scope *s, kin_tensor *x, const char *kind);

/* The batch norm neck "bnneck", below. */
kin_tensor *kin_neck(kin_scope *s, kin_tensor *x);

/* Map → pool → dropout → linear layer → batch norm neck → unit length; what is not asked for is left out.
 *
 * The neck [Luo et al. 2019] is a batch norm whose bias stays 0. A loss on distances wants the features
 * before it, a classifier and the search those behind it; the classifier's gradient reaches the features
 * through the neck. So the function returns what lies behind, and `metric` receives what lies before;
 * without a neck both are the same but for the length.
 *
 * Parameters: pool.p, embedding.weight, embedding.bias, bnneck.weight, bnneck.bias (a buffer of zeros),
 * bnneck.running_mean, bnneck.running_var. x may also be [n, c] already, with `pool` NULL. */
typedef struct kin_head_opt {
    const char *pool;  /* as for kin_pool; NULL: gap */
    int64_t embedding; /* numbers in the embedding; 0: those that the pool gives */
    bool no_bias;      /* of the linear layer */
    bool bnneck, l2;
    double dropout; /* probability, in training */
    /* receives the features for a loss on distances, not brought to unit length; may be NULL */
    kin_tensor **metric;
} kin_head_opt;
kin_tensor *kin_embedding_head(kin_scope *s, kin_tensor *x, const kin_head_opt *opt);

/* Embeddings of several branches side by side. A branch at unit length weighs as much as any other in the
 * distances of the whole; `weight` makes it count more or less. */
typedef struct kin_branch {
    kin_tensor *x; /* [n, d] */
    bool l2;
    double weight; /* 0: 1 */
} kin_branch;
kin_tensor *kin_join_branches(const kin_branch *branches, int count);

#ifdef __cplusplus
}
#endif

#endif
