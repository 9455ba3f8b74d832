/* The serial loops of kernels/conv/winograd_weight.c, compiled once per instruction set. n = m + 2; the pairs
 * are for m = 2 and m = 4. */
#ifndef KIN_KERNELS_CONV_WINOGRAD_WEIGHT_KERNELS_H
#define KIN_KERNELS_CONV_WINOGRAD_WEIGHT_KERNELS_H

#include "kernels/conv/shape.h"

typedef struct kin_winograd_weight_kernels {
    /* A g Aᵀ for all channels of the m² pixels, to z[n²][position]; channels are filled up with zeros to
     * whole vectors. */
    void (*gradient[2])(const kin_real *const *pixel, int64_t channels, kin_real *z, int64_t position);
    /* sums[r·apart + ·] (+)= Σ over tiles t of v[t·v_pitch + r] · z[t·z_pitch + ·] for r < rows and some
     * columns, which are filled up to whole vectors; `begins`: becomes. */
    void (*multiply)(const kin_real *v, int64_t v_pitch, const kin_real *z, int64_t z_pitch, int64_t tiles,
                     int64_t rows, int64_t columns, bool begins, kin_real *sums, int64_t apart);
    /* dw[9][tap] (+)= Gᵀ S G for some columns of one row, sums S[n²][position]. */
    void (*weights[2])(const kin_real *sums, int64_t position, int64_t columns, bool accumulate, kin_real *dw,
                       int64_t tap);
} kin_winograd_weight_kernels;

#endif
