/* Batch normalisation of a matrix of rows × channels whose rows begin ld apart. Vectorised along channels,
 * parallel over blocks of rows; sums run per block around a pivot and are combined in double in block
 * order.
 *
 * The plain form: reference/norm.c. */
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
void kin_norm_statistics(const kin_real *x, int64_t ld, int64_t rows, int64_t channels, kin_real *mean,
                         kin_real *var, void *workspace);

/* y = act(x·scale + shift + add), y packed; add (add_ld apart) may be NULL. */
void kin_norm_apply(const kin_real *x, int64_t ld, int64_t rows, int64_t channels, const kin_real *scale,
                    const kin_real *shift, const kin_real *add, int64_t add_ld, kin_norm_act act,
                    kin_real *y);

/* ---- what flows back ---- */

/* A norm with given statistics is x·scale + shift: scale = γ / √(var + ε), shift = β − mean·scale. In
 * double, rounded once. */
void kin_norm_affine(const kin_real *gamma, const kin_real *beta, const kin_real *mean, const kin_real *var,
                     double epsilon, int64_t channels, kin_real *scale, kin_real *shift);

/* The gradient g of y, packed, where the activation lets it through. The activation's mask is taken from y
 * (packed) or, without a residual, found again from x: y may be NULL, and then the scale and shift of
 * kin_norm_apply are needed. */
typedef struct kin_norm_flow {
    const kin_real *g, *y, *x;
    int64_t ld; /* of x */
    const kin_real *scale, *shift;
    kin_norm_act act;
} kin_norm_flow;

/* First the sums over rows, with x̂ = (x − mean)·inv: sum_g[c] = Σ g and sum_gx[c] = Σ g·x̂ ... */
void kin_norm_backward_sums(const kin_norm_flow *f, int64_t rows, int64_t channels, const kin_real *mean,
                            const kin_real *inv, double *sum_g, double *sum_gx, void *workspace);

/* ... then for each channel dx (+)= a·g + b·x + c, and dadd (+)= g; either may be NULL. dadd is packed,
 * dx's rows are dx_ld apart; dx may be g itself. Where they are the same, dadd goes first. */
typedef struct kin_norm_line {
    const kin_real *a, *b, *c;
} kin_norm_line;
typedef struct kin_norm_to {
    kin_real *dx, *dadd;
    int64_t dx_ld;
    bool add_dx, add_dadd; /* to what is there */
} kin_norm_to;
void kin_norm_backward_apply(const kin_norm_flow *f, int64_t rows, int64_t channels,
                             const kin_norm_line *line, const kin_norm_to *to);

#endif
