/* Batch-hard triplets as the paper has them. */
#ifndef KIN_REFERENCE_BATCH_HARD_H
#define KIN_REFERENCE_BATCH_HARD_H

#include "base/real.h"

#include <stdint.h>

/* For each of the n embeddings [n, dim] the farthest of its class and the nearest of another, the first of
 * equals: their rows in positive[n] and negative[n]. Both are -1 for what has not both. */
void kin_reference_batch_hard(const kin_real *embedding, const int *labels, int64_t n, int64_t dim,
                              int64_t *positive, int64_t *negative);

/* The loss on those triplets: the hinge, or by a margin of 0 the soft margin; 0 where there is none. */
double kin_reference_batch_hard_loss(const kin_real *embedding, const int64_t *positive,
                                     const int64_t *negative, int64_t n, int64_t dim, double margin);

#endif
