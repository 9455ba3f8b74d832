/* Graphs of neighbours: who is among whose nearest, and how much that weighs. */
#ifndef KIN_RETRIEVAL_RERANK_GRAPH_H
#define KIN_RETRIEVAL_RERANK_GRAPH_H

#include "retrieval/search/search.h"
#include "retrieval/rerank/sparse.h"

/* A_ij = max(0, s_ij)^gamma where i is among the first `depth` of j's list and j among the first `depth`
 * of i's, else 0. `near` holds each item's nearest others by cosine similarity (kin_search, leaving one
 * out); depth is at most near->k. */
bool kin_graph_mutual(const kin_neighbours *near, int64_t depth, double gamma, kin_sparse *out,
                      kin_error *err);

/* S = D^−½ A D^−½, in place, D the diagonal of A's row sums. Rows without an entry stay so. */
bool kin_graph_normalise(kin_sparse *a, kin_error *err);

#endif
