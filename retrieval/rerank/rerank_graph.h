/* Re-ranking by propagation over the neighbour graph. Zhang, Jiang, Zheng, Tan, Ding, Yang, "Understanding
 * image retrieval re-ranking: a graph neural network perspective", 2020. Sparse: memory grows with N,
 * never with N². */
#ifndef KIN_RETRIEVAL_RERANK_RERANK_GRAPH_H
#define KIN_RETRIEVAL_RERANK_RERANK_GRAPH_H

#include "retrieval/search/search.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kin_rerank_graph_opt {
    int64_t k; /* length of the final lists: 1 .. gallery size (one less when leaving one out) */
    /* neighbours an item is described by, and propagated from; both count the item itself */
    int64_t k1, k2;
    int layers; /* rounds of propagation */
    /* `query` is ignored: every gallery item against the others, itself removed by index */
    bool leave_one_out;
    const int64_t *self; /* as in kin_rerank_opt */
    kin_progress progress;
} kin_rerank_graph_opt;

/* The published settings. */
#define KIN_RERANK_GRAPH_DEFAULTS .k1 = 26, .k2 = 7, .layers = 2

/* Lists by A_q · A_g, largest first, ties by index; out->value holds it. Items that share nothing with the
 * query follow by cosine, with the value 0. All of queries and gallery take part together, so the result
 * depends on the whole query set (it is transductive). k2 = 1 propagates nothing: the score is then the
 * number of common neighbours. Needs k1, k2 ≤ queries + gallery. */
bool kin_rerank_graph(kin_vectors query, kin_vectors gallery, const kin_rerank_graph_opt *opt,
                      kin_neighbours *out, kin_error *err);

#ifdef __cplusplus
}
#endif

#endif
