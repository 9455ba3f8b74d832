/* From sparse scores to lists: items with a score come first, the best of them ahead; the others follow as
 * they are near. */
#ifndef KIN_RETRIEVAL_RERANK_ORDER_H
#define KIN_RETRIEVAL_RERANK_ORDER_H

#include "retrieval/search/exact.h"
#include "retrieval/search/search.h"

#include <float.h>

/* Scratch space of one worker for a gallery of `gallery` items and lists of k. */
typedef struct kin_order {
    double *score;    /* [gallery]: 0 where nothing was added */
    int32_t *touched; /* [gallery]: items that something was added to */
    int64_t count;
    kin_hit *hits, *spare; /* [2 k] */
} kin_order;

bool kin_order_begin(kin_order *o, int64_t gallery, int64_t k, kin_error *err);
void kin_order_free(kin_order *o);

/* `amount` must not be 0. */
static inline void kin_order_add(kin_order *o, int64_t item, double amount)
{
    if (o->score[item] == 0) o->touched[o->count++] = (int32_t)item;
    o->score[item] += amount;
    /* amounts that cancel: touched all the same, and once */
    if (o->score[item] == 0) o->score[item] = DBL_MIN;
}

/* Writes list `row` of `out` by score, largest first, ties by index, without item `self` (-1: none);
 * places that are left go to the items without a score in the order of `near` [at least out->k], the row's
 * nearest, with the value 0. Clears the scores. */
void kin_order_list(kin_order *o, const int64_t *near, int64_t self, kin_neighbours *out, int64_t row);

#endif
