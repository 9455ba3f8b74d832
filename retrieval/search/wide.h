/* Nearest neighbours among rows of doubles that float32 would round: [1e9 + 1, 0] and [1e9 + 2, 0] are two
 * rows. */
#ifndef KIN_RETRIEVAL_SEARCH_WIDE_H
#define KIN_RETRIEVAL_SEARCH_WIDE_H

#include "retrieval/search/search.h"

typedef struct kin_wide {
    const double *data; /* [count, dim], borrowed */
    int64_t count, dim;
} kin_wide;

/* As kin_search gives them, by distances of the doubles, in double; `opt` likewise, without float32_order. */
bool kin_search_wide(kin_wide query, kin_wide gallery, const kin_search_opt *opt, kin_neighbours *out,
                     kin_error *err);

#endif
