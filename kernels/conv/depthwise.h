/* Depthwise convolution (depthwise.c): each channel is its own convolution, so the channels are the lanes. For
 * the files of convolution alone; each function stands below the numbers of workspace that it needs. */
#ifndef KIN_KERNELS_CONV_DEPTHWISE_H
#define KIN_KERNELS_CONV_DEPTHWISE_H

#include "kernels/conv/shape.h"

/* With `begin`, which may be NULL; without it none are needed. */
int64_t kin_depthwise_forward_numbers(const kin_conv_shape *s, int64_t threads);
void kin_depthwise_forward(const kin_conv_shape *s, const kin_real *x, const kin_real *w,
                           const kin_conv_begin *begin, const kin_conv_end *end, kin_real *y,
                           kin_real *workspace);

int64_t kin_depthwise_input_numbers(const kin_conv_shape *s);
void kin_depthwise_backward_input(const kin_conv_shape *s, const kin_real *dy, const kin_real *w,
                                  kin_real *dx, bool accumulate, kin_real *workspace);

int64_t kin_depthwise_weight_numbers(const kin_conv_shape *s, int64_t threads);
void kin_depthwise_backward_weight(const kin_conv_shape *s, const kin_real *x, const kin_conv_begin *begin,
                                   const kin_real *dy, kin_real *dw, bool accumulate, kin_real *workspace);

#endif
