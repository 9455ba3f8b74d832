/* What the files of the convolution share; for them alone. */
#ifndef KIN_KERNELS_CONV_INSIDE_H
#define KIN_KERNELS_CONV_INSIDE_H

#include "kernels/conv.h"
#include "kernels/tile.h"

/* conv_weight.c: numbers of workspace that kin_conv_backward_weight needs. */
int64_t kin_conv_weight_numbers(const kin_conv_shape *shape);

/* depthwise.c: groups = in_c = out_c. Each channel is its own convolution, so the channels are the lanes. */
void kin_depthwise_forward(const kin_conv_shape *s, const kin_real *x, const kin_real *w, const kin_real *bias, kin_real *y);
void kin_depthwise_backward_input(const kin_conv_shape *s, const kin_real *dy, const kin_real *w, kin_real *dx, bool accumulate);
void kin_depthwise_backward_weight(const kin_conv_shape *s, const kin_real *x, const kin_real *dy, kin_real *dw, bool accumulate, kin_real *workspace);
int64_t kin_depthwise_weight_numbers(const kin_conv_shape *s);

#endif
