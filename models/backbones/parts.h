/* What several networks are built of. */
#ifndef KIN_MODELS_BACKBONES_PARTS_H
#define KIN_MODELS_BACKBONES_PARTS_H

#include "models/registry.h"
#include "nn/layers.h"

/* How a picture comes in: a 7×7 convolution of stride 2 and a 3×3 maximum of stride 2 (tap `pool`), or,
 * with the stem for small pictures, one 3×3 convolution of stride 1. `opt` gives fan-in or fan-out first
 * values. */
kin_tensor *kin_stem_block(kin_scope *s, const char *conv, const char *norm, const char *pool, kin_tensor *x,
                           bool small, const kin_conv_bn_opt *opt);

/* Stochastic depth: zeroes whole pictures with probability p and scales the others by 1/(1 − p). In training. */
kin_tensor *kin_drop_path(kin_scope *s, kin_tensor *x, double p);
/* The model's options for block `at` of `all`, counted from 1: how often it is left out. */
kin_model_opt kin_model_opt_at(const kin_model_opt *opt, int64_t at, int64_t all);

/* The end of a residual block, act(attention(norm(conv(x))) + opt->add): kin_conv_bn itself where no
 * attention is asked for at "block". */
kin_tensor *kin_residual_end(kin_scope *s, const char *conv, const char *norm, kin_tensor *x,
                             const kin_conv_bn_opt *opt, const kin_model_opt *model);

/* A mobile network's stem, whose map is its largest: where the block behind it neither widens nor adds its
 * input, that block can take it in as the convolution that widens (evaluation then never writes the map),
 * and x comes back as it is; else the stem is applied, and its scope NULL. */
kin_tensor *kin_mobile_stem(kin_conv_bn_part *stem, kin_tensor *x, bool adds);
/* An inverted residual block with its end: kin_inverted_residual where no attention is asked for at
 * "block". Tapped at s. */
kin_tensor *kin_inverted_end(kin_scope *s, kin_tensor *x, const kin_conv_bn_part *expand,
                             const kin_conv_bn_part *depthwise, const kin_conv_bn_part *project,
                             const kin_model_opt *model);

/* What leaves a stage: attention at the place of the stage's name, and the tap. */
kin_tensor *kin_stage_end(kin_scope *stage, const char *name, kin_tensor *x, const kin_model_opt *model);

/* To the nearest multiple of 8, but not more than a tenth down: how MobileNet and EfficientNet scale their
 * widths. */
int64_t kin_rounded_width(double width);

/* TensorFlow's SAME: ⌈in/stride⌉ outputs; an odd pixel of padding goes to the bottom and the right. */
kin_conv2d_pads kin_same_pads(const kin_tensor *x, int64_t kernel, int64_t stride);

#endif
