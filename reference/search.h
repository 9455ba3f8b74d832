/* Exact search as a textbook has it: all distances, then sort. */
#ifndef KIN_REFERENCE_SEARCH_H
#define KIN_REFERENCE_SEARCH_H

#include "base/real.h"

#include <stdint.h>

/* [a_count, b_count] of the rows of a and b, smaller is nearer: squared Euclid ('e'), −cosine ('c') or
 * −inner product ('i'). The caller frees it (free). */
double *kin_reference_distances(const kin_real *a, int64_t a_count, const kin_real *b, int64_t b_count,
                                int64_t dim, char metric);

/* The items of one row of distances by (distance, index), without item `skip` (-1: none). Returns how
 * many. */
int64_t kin_reference_order(const double *row, int64_t count, int64_t skip, int64_t *order);

#endif
