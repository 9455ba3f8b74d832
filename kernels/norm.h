/* Batch normalisation of a matrix of rows × channels whose rows begin ld apart. Vectorised along channels,
 * parallel over blocks of rows; sums run per block around a pivot and are combined in double in block order. */
#ifndef KIN_KERNELS_NORM_H
#define KIN_KERNELS_NORM_H

#include "base/real.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum { KIN_NORM_LINEAR = 0, KIN_NORM_RELU, KIN_NORM_RELU6 } kin_norm_act;

/* Bytes of workspace for the functions below. */
size_t kin_norm_workspace(int64_t rows, int64_t channels);

/* mean[c] and the biased variance var[c] of each channel. */
void kin_norm_statistics(const kin_real *x, int64_t ld, int64_t rows, int64_t channels, kin_real *mean, kin_real *var, void *workspace);

/* y = act(x·scale + shift + add), y packed; add (add_ld apart) may be NULL. */
void kin_norm_apply(const kin_real *x, int64_t ld, int64_t rows, int64_t channels, const kin_real *scale, const kin_real *shift, const kin_real *add, int64_t add_ld,
                    kin_norm_act act, kin_real *y);

/* What flows back. g is the gradient of y, with the activation's mask taken from y (both packed); x̂ = (x − mean)·inv.
 * First the sums over rows, sum_g[c] = Σ g and sum_gx[c] = Σ g·x̂ ... */
void kin_norm_backward_sums(const kin_real *g, const kin_real *y, kin_norm_act act, const kin_real *x, int64_t ld, int64_t rows, int64_t channels,
                            const kin_real *mean, const kin_real *inv, double *sum_g, double *sum_gx, void *workspace);
/* ... then dx (+)= a·g + b·x + c for each channel, and dadd (+)= g; either may be NULL. Both packed. */
void kin_norm_backward_apply(const kin_real *g, const kin_real *y, kin_norm_act act, const kin_real *x, int64_t ld, int64_t rows, int64_t channels,
                             const kin_real *a, const kin_real *b, const kin_real *c, kin_real *dx, bool add_dx, kin_real *dadd, bool add_dadd);

#endif
