/* From a convolution's options to its kernel's shape (conv.c), for autograd/ alone. */
#ifndef KIN_AUTOGRAD_CONV_SHAPE_H
#define KIN_AUTOGRAD_CONV_SHAPE_H

#include "autograd/ops.h"
#include "kernels/conv/conv.h"

/* Fails with c's op and shapes, or finds the shape of the output of c's first input. */
bool kin_conv2d_fits(kin_call *c, const kin_conv2d_opt *opt, kin_shape weight, kin_shape *out);
/* Of x convolved, where the output has no tensor; its rows are packed. */
kin_conv_shape kin_conv2d_shape(const kin_tensor *x, kin_shape weight, const kin_conv2d_opt *opt);

#endif
