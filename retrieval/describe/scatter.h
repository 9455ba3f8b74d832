/* Sums of outer products, what covariances are made of. */
#ifndef KIN_RETRIEVAL_DESCRIBE_SCATTER_H
#define KIN_RETRIEVAL_DESCRIBE_SCATTER_H

#include "base/error.h"

#include <stdint.h>

/* out [dim, dim] = Σ_i x_i x_iᵀ / divisor over `count` rows that `row` writes: products of 512 rows in
 * float32, their sums in double, the two triangles made equal. */
bool kin_scatter(int64_t count, int64_t dim, void (*row)(const void *arg, int64_t i, float *x),
                 const void *arg, double divisor, double *out, kin_error *err);

/* How many of the eigenvalues [n], the largest first, are more than rounding. The products above are
 * float32's, whose sums err by some ε of the largest: deviations below √ε of the largest are noise. `rows`
 * rows around their mean span at most rows − 1 directions. */
int64_t kin_scatter_rank(const double *values, int64_t n, int64_t rows);

#endif
