/* Convolution as a textbook has it: pictures are NHWC, weights HWIO, both packed; sums are in double. */
#ifndef KIN_REFERENCE_CONV_H
#define KIN_REFERENCE_CONV_H

#include "base/real.h"

#include <stdint.h>

typedef struct kin_reference_conv {
    int64_t batch, in_h, in_w, in_c, out_h, out_w, out_c; /* channels of all groups */
    int64_t kernel_h, kernel_w, stride_h, stride_w, pad_top, pad_left, dilation_h, dilation_w, groups;
} kin_reference_conv;

/* y [batch, out_h, out_w, out_c] from x [batch, in_h, in_w, in_c] and w [kernel_h, kernel_w, in_c / groups,
 * out_c]; bias [out_c] or NULL. */
void kin_reference_conv_forward(const kin_reference_conv *c, const kin_real *x, const kin_real *w,
                                const kin_real *bias, double *y);

/* What flows back from dy = ∂L/∂y: to the input, to the weights, to the bias. */
void kin_reference_conv_backward_input(const kin_reference_conv *c, const kin_real *dy, const kin_real *w,
                                       double *dx);
void kin_reference_conv_backward_weight(const kin_reference_conv *c, const kin_real *x, const kin_real *dy,
                                        double *dw);
void kin_reference_conv_backward_bias(const kin_reference_conv *c, const kin_real *dy, double *db);

#endif
