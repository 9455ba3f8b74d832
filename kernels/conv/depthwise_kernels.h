/* The serial loops of kernels/conv/depthwise.c for one row of output pixels, compiled once per instruction
 * set. */
#ifndef KIN_KERNELS_CONV_DEPTHWISE_KERNELS_H
#define KIN_KERNELS_CONV_DEPTHWISE_KERNELS_H

#include "kernels/conv/shape.h"

typedef struct kin_depthwise_kernels {
    /* Row `row` (picture · out_h + oh) of y = act(conv(x, w) + bias + add). */
    void (*forward)(const kin_conv_shape *s, int64_t row, const kin_real *x, const kin_real *w,
                    const kin_conv_end *end, kin_real *y);
} kin_depthwise_kernels;

typedef struct kin_depthwise_weight {
    /* sums[tap][channel] += Σ over the row's pixels of x·dy. */
    void (*row)(const kin_conv_shape *s, int64_t row, const kin_real *x, const kin_real *dy, kin_real *sums);
} kin_depthwise_weight;

#endif
