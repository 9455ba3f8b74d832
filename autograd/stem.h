/* A stem as one op (stem.c), for nn/, which knows when it may be had. */
#ifndef KIN_AUTOGRAD_STEM_H
#define KIN_AUTOGRAD_STEM_H

#include "autograd/ops.h"

/* How many pixels the convolution gives where kin_stem_train can be had: few channels and taps
 * (kernels/conv/stem.h), and no gradient of x; else 0. */
int64_t kin_stem_pixels(const kin_tensor *x, kin_shape weight, const kin_conv2d_opt *conv);

/* kin_max_pool2d of 2×2 of kin_batch_norm_train of kin_conv2d without bias. */
kin_tensor *kin_stem_train(kin_tensor *x, kin_tensor *w, kin_tensor *gamma, kin_tensor *beta,
                           const kin_conv2d_opt *conv, double epsilon, kin_act act, kin_real *mean_out,
                           kin_real *var_out);

#endif
