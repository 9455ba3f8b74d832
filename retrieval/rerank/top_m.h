/* Top-M descriptor augmentation (Shao, Chen, Karpur, Cui, Araujo, Cao, "Global features are all you need
 * for image retrieval and reranking", ICCV 2023): the first M items of a query refine each other, and the
 * query. */
#ifndef KIN_RETRIEVAL_RERANK_TOP_M_H
#define KIN_RETRIEVAL_RERANK_TOP_M_H

#include "retrieval/search/search.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kin_top_m_opt {
    int64_t k;           /* length of the lists: 1 .. gallery size (one less where a query is an item) */
    int64_t first;       /* M: so many of a list take part; lowered to what there is */
    int64_t neighbours;  /* K: each of them takes in so many of its nearest among them; lowered to M − 1 */
    double beta;         /* with this weight, times their similarity; 0 or more */
    bool leave_one_out;  /* `query` is ignored: every gallery item against the others */
    const int64_t *self; /* as in kin_search_opt */
    kin_progress progress;
} kin_top_m_opt;

#define KIN_TOP_M_DEFAULTS .first = 400, .neighbours = 9, .beta = 0.15

/* Rows must have unit length. A query's list depends on no other query. out->value holds the score,
 * largest first, ties by index; what lies beyond M keeps its order behind them. */
bool kin_rerank_top_m(kin_vectors query, kin_vectors gallery, const kin_top_m_opt *opt, kin_neighbours *out,
                      kin_error *err);

#ifdef __cplusplus
}
#endif

#endif
