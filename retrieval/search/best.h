/* The best k of a stream of hits, in double: up to twice k are held, and cut to k when they are full. */
#ifndef KIN_RETRIEVAL_SEARCH_BEST_H
#define KIN_RETRIEVAL_SEARCH_BEST_H

#include "retrieval/search/exact.h"

#include <math.h>

typedef struct kin_best {
    kin_hit *hits, *spare; /* [2 k] each, borrowed */
    int64_t k, count;
    kin_hit limit; /* the k-th of the last cut: what comes later must be before it */
} kin_best;

static inline kin_best kin_best_begin(kin_hit *hits, kin_hit *spare, int64_t k)
{
    return (kin_best){hits, spare, k, 0, {INFINITY, INT64_MAX}};
}

/* Sorts, and keeps the best k. To be called once more after the last offer. */
static inline void kin_best_cut(kin_best *p)
{
    kin_hits_sort(p->hits, p->spare, p->count);
    if (p->count < p->k) return;
    p->count = p->k;
    p->limit = p->hits[p->k - 1];
}

static inline void kin_best_offer(kin_best *p, double distance, int64_t item)
{
    kin_hit hit = {distance, item};
    if (!kin_hit_before(hit, p->limit)) return;
    p->hits[p->count++] = hit;
    if (p->count == 2 * p->k) kin_best_cut(p);
}

#endif
