/* Queries that are gallery items take part in re-ranking once, as that item: what stands twice crowds
 * others out of the neighbourhoods. */
#ifndef KIN_RETRIEVAL_RERANK_MERGE_H
#define KIN_RETRIEVAL_RERANK_MERGE_H

#include "base/error.h"
#include "retrieval/vectors.h"

/* Queries and gallery as one set, in this order: the queries that have a row of their own, then the
 * gallery. */
typedef struct kin_merged {
    kin_vectors query; /* those with a row of their own */
    float *rows;       /* what they lie in, where they were copied; owned */
    int64_t *row;      /* [lists]: which row of the set list q is; NULL: row q */
} kin_merged;

/* `self` [query.count] or NULL as in kin_rerank_opt. An item whose query was changed meanwhile (expanded)
 * keeps both rows. Fails where the dimensions differ. */
bool kin_merge(kin_vectors query, kin_vectors gallery, const int64_t *self, kin_merged *out, kin_error *err);
void kin_merged_free(kin_merged *m);

static inline int64_t kin_merged_row(const kin_merged *m, int64_t list)
{
    return m->row ? m->row[list] : list;
}

#endif
