/* Convolution with weights packed beforehand, and all that stands around it in one pass over memory; for
 * nn/ alone, which folds batch norm into the weights where no gradients are recorded (nn/folded.h). */
#ifndef KIN_AUTOGRAD_CONV_FOLDED_H
#define KIN_AUTOGRAD_CONV_FOLDED_H

#include "autograd/ops.h"
#include "kernels/conv/conv.h"

typedef struct kin_conv2d_folded_opt {
    kin_conv2d_opt conv;
    kin_shape weight; /* [kh, kw, c/groups, out] */
    /* kin_conv_pack's; [out] or NULL. Not read in a dry run; must outlive the call */
    const kin_real *packed, *bias;
    kin_act act;
    /* [c], what each number of x goes through first; NULL for nothing */
    const kin_real *before_scale, *before_shift;
    kin_act before_act;
} kin_conv2d_folded_opt;

/* y = act(conv(before_act(x·before_scale + before_shift)) + bias + add); add may be NULL. No gradient
 * flows back. */
kin_tensor *kin_conv2d_folded(kin_tensor *x, kin_tensor *add, const kin_conv2d_folded_opt *opt);

/* Three of them in one pass: 1×1 (or a network's first), depthwise, 1×1, without `before`
 * (kernels/conv/inverted.h); expands false: the first is left out. */
typedef struct kin_inverted_folded_opt {
    bool expands;
    kin_conv2d_folded_opt expand, depthwise, project;
} kin_inverted_folded_opt;

/* y = project(depthwise(expand(x))) + add, each with its bias and activation; add may be NULL. No gradient
 * flows back. */
kin_tensor *kin_inverted_folded(kin_tensor *x, kin_tensor *add, const kin_inverted_folded_opt *opt);

/* Whether a convolution can be the first of the three. */
bool kin_inverted_can_expand(kin_shape weight, const kin_conv2d_opt *opt);

/* Whether before_scale can be had: 1×1 kernels of stride 1 without padding, in one group. */
bool kin_conv2d_can_begin(kin_shape weight, const kin_conv2d_opt *opt);

/* The part of a convolution's shape that packed weights depend on. */
kin_conv_shape kin_conv2d_weights(kin_shape weight, const kin_conv2d_opt *opt);

#endif
