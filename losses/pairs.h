/* Which pairs of a batch belong together, and the triplets that miners choose among them. */
#ifndef KIN_LOSSES_PAIRS_H
#define KIN_LOSSES_PAIRS_H

#include "autograd/ops.h"

/* Triplets (anchor, positive, negative) as rows of the batch. Owned; kin_triplets_free. */
typedef struct kin_triplets {
    int64_t *anchor, *positive, *negative;
    int64_t count;
    size_t capacity;
} kin_triplets;
void kin_triplets_free(kin_triplets *t);

/* The miners look at the distances [n, n] of a batch; no gradient flows through the choice. Anchors
 * without a positive or without a negative are left out. False on error (in the context of d): no triplet
 * at all in the batch, or d is not square.
 *
 * Batch-hard [Hermans, Beyer, Leibe 2017]: for each anchor its farthest positive and its nearest negative. */
bool kin_mine_batch_hard(kin_tensor *d, const int *labels, kin_triplets *out);
/* Semi-hard [Schroff et al. 2015]: 0 < d_an − d_ap ≤ margin, all such triplets. None left is no error:
 * count is 0. */
bool kin_mine_semi_hard(kin_tensor *d, const int *labels, double margin, kin_triplets *out);
/* All triplets of the batch. */
bool kin_mine_batch_all(kin_tensor *d, const int *labels, kin_triplets *out);

#endif
