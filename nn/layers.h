/* Layers: functions that ask a scope for their parameters and apply ops. Names, shapes and first values
 * are PyTorch's. */
#ifndef KIN_NN_LAYERS_H
#define KIN_NN_LAYERS_H

#include "autograd/ops.h"
#include "nn/module.h"

#ifdef __cplusplus
extern "C" {
#endif

/* y = x·Wᵀ + b on the channel axis: weight [out, in], bias [out]. First values: U(±1/√in) for both. */
typedef struct kin_linear_opt {
    int64_t out;
    bool no_bias;
    bool zero_bias;  /* biases begin with 0, as torchvision's classifiers do */
    bool small_init; /* weights N(0, .01²), biases 0: torchvision's classifiers behind mobile networks */
} kin_linear_opt;
kin_tensor *kin_linear(kin_scope *s, kin_tensor *x, const kin_linear_opt *opt);

/* 3×3-like convolution of [n, h, w, c]: weight "weight" (OIHW in files), bias "bias". */
typedef struct kin_conv_opt {
    int64_t out, kernel, stride, pad, dilation, groups; /* stride, dilation, groups: 0 means 1 */
    bool bias;
    /* first values as torchvision's ResNet; otherwise PyTorch's default, kaiming uniform with gain √(1/3) */
    bool kaiming_fan_out;
    bool kaiming_fan_in;  /* as torchvision's DenseNet */
    kin_conv2d_pads pads; /* asymmetric padding instead of pad, when any is set */
} kin_conv_opt;
kin_tensor *kin_conv(kin_scope *s, kin_tensor *x, const kin_conv_opt *opt);

/* Batch normalisation over all but the channel axis: weight, bias, running_mean, running_var. In training
 * the batch's statistics normalise (biased variance) and the running ones move by `momentum` towards them
 * (unbiased variance); in evaluation, and where they are frozen (nn/tuning.h), the running ones normalise.
 * `act` and `add` come fused: y = act(norm(x) + add). */
typedef struct kin_norm_opt {
    double momentum, epsilon; /* 0: .1 and 1e-5 */
    kin_act act;
    kin_tensor *add;
    bool fixed_bias; /* the bias is a buffer of zeros, not trained */
} kin_norm_opt;
kin_tensor *kin_batch_norm(kin_scope *s, kin_tensor *x, const kin_norm_opt *opt);

/* Convolution, batch norm, residual and activation as one function: where speed wants them fused, they are
 * fused here, and no model is written twice. `conv` and `norm` name the two children; with `before` a norm
 * and activation stand ahead of the convolution (DenseNet), and `norm` may be NULL. Where no gradients are
 * recorded all of it is one pass over memory with folded weights (nn/folded.h), and only the last part has
 * a tap, unless kin_module_retain asked for another. */
typedef struct kin_conv_bn_opt {
    int64_t out, kernel, stride, pad, dilation, groups;
    kin_conv2d_pads pads;
    kin_tensor *add; /* add and act belong to `norm` */
    kin_act act;
    const char *before; /* the child that normalises the input, with before_act behind it */
    kin_act before_act;
    bool kaiming_fan_out, kaiming_fan_in;
    double momentum, epsilon;
} kin_conv_bn_opt;
kin_tensor *kin_conv_bn(kin_scope *s, const char *conv, const char *norm, kin_tensor *x,
                        const kin_conv_bn_opt *opt);
/* kin_conv_bn, tapped at s, and the maxima of 2×2 pixels. Where a picture of few channels comes in,
 * training does all of it as one op (autograd/stem.c), unless somebody wants what is between
 * (kin_module_retain, a layer table, an export): then the tap `norm` alone is there, and is pooled
 * already. */
kin_tensor *kin_conv_bn_max_pool(kin_scope *s, const char *conv, const char *norm, kin_tensor *x,
                                 const kin_conv_bn_opt *opt);
/* A 1×1 convolution of stride 1 with `before`, without a norm behind it, and the means of kernel × kernel
 * pixels, as the scope `pool`. Convolution and mean are both linear: the means are taken first, which
 * leaves a kernel²-th of the products, unless somebody wants what is between (kin_module_retain, a layer
 * table, an export). The tap `conv` then is pooled already. */
kin_tensor *kin_conv_avg_pool(kin_scope *s, const char *conv, const char *pool, kin_tensor *x,
                              const kin_conv_bn_opt *opt, int64_t kernel);

/* An inverted residual block (MobileNetV2, EfficientNet): a 1×1 convolution that widens (scope NULL: left
 * out; or the network's first one, ahead of a block that does not expand), a depthwise one, a 1×1
 * convolution that narrows, each a kin_conv_bn. Where no gradients are recorded all three are one pass, in
 * which the wide maps are never whole in memory, and only the last has a tap, unless kin_module_retain
 * asked for another. */
typedef struct kin_conv_bn_part {
    kin_scope *scope;
    const char *conv, *norm;
    kin_conv_bn_opt opt;
    bool tapped; /* its scope has a tap of its own */
} kin_conv_bn_part;
/* kin_conv_bn and the tap; x itself where the scope is NULL */
kin_tensor *kin_conv_bn_apply(const kin_conv_bn_part *part, kin_tensor *x);
kin_tensor *kin_inverted_residual(kin_tensor *x, const kin_conv_bn_part *expand,
                                  const kin_conv_bn_part *depthwise, const kin_conv_bn_part *project);

/* Zeroes numbers with probability p in training and scales the rest by 1/(1−p); the identity in
 * evaluation. */
kin_tensor *kin_dropout(kin_scope *s, const char *name, kin_tensor *x, double p);

#ifdef __cplusplus
}
#endif

#endif
