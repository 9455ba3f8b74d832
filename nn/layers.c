#include "nn/layers.h"

#include <math.h>
#include <string.h>

static int64_t or_one(int64_t n) { return n ? n : 1; }

/* PyTorch's default for weights is kaiming uniform with gain √(1/3), so that the bound is 1/√fan_in; its
 * biases share that bound. */
static const double pytorch_gain = 0.57735026918962576;

kin_tensor *kin_linear(kin_scope *s, kin_tensor *x, const kin_linear_opt *opt)
{
    int64_t in = kin_channels(x);
    kin_param_opt weight = {.shape = KIN_SHAPE(opt->out, in), .init = KIN_INIT_KAIMING_UNIFORM, .scale = pytorch_gain};
    kin_param_opt bias = {.shape = KIN_SHAPE(opt->out), .init = KIN_INIT_UNIFORM, .scale = 1 / sqrt((double)(in > 0 ? in : 1)), .no_decay = true};
    if (opt->small_init) {
        weight.init = KIN_INIT_NORMAL;
        weight.scale = 0.01;
    }
    if (opt->small_init || opt->zero_bias) bias.init = KIN_INIT_ZEROS;
    kin_tensor *w = kin_param(s, "weight", &weight), *b = opt->no_bias ? NULL : kin_param(s, "bias", &bias);
    return b || opt->no_bias ? kin_tap(s, kin_affine(x, w, b)) : NULL;
}

kin_tensor *kin_conv(kin_scope *s, kin_tensor *x, const kin_conv_opt *opt)
{
    int64_t groups = or_one(opt->groups), in = kin_channels(x) / groups, fan_in = opt->kernel * opt->kernel * in;
    kin_param_opt weight = {.shape = KIN_SHAPE(opt->kernel, opt->kernel, in, opt->out), .layout = KIN_LAYOUT_HWIO, .init = KIN_INIT_KAIMING_UNIFORM, .scale = pytorch_gain};
    if (opt->kaiming_fan_out || opt->kaiming_fan_in) {
        /* A group's input feeds only that group's outputs, but PyTorch counts all of them; so does this. */
        weight.init = opt->kaiming_fan_in ? KIN_INIT_KAIMING_NORMAL : KIN_INIT_KAIMING_NORMAL_FAN_OUT;
        weight.scale = 0;
    }
    kin_tensor *w = kin_param(s, "weight", &weight), *b = NULL;
    if (opt->bias) {
        b = kin_param(s, "bias", &(kin_param_opt){.shape = KIN_SHAPE(opt->out), .init = KIN_INIT_UNIFORM, .scale = 1 / sqrt((double)(fan_in > 0 ? fan_in : 1)), .no_decay = true});
        if (!b) return NULL;
    }
    return kin_tap(s, kin_conv2d(x, w, b, &(kin_conv2d_opt){.stride = opt->stride, .pad = opt->pad, .dilation = opt->dilation, .groups = opt->groups, .pads = opt->pads}));
}

/* running ← (1 − m)·running + m·batch, with the unbiased variance n/(n − 1) of the batch. */
static void move_statistics(kin_tensor *mean, kin_tensor *var, const kin_real *batch_mean, const kin_real *batch_var, double rows, double momentum)
{
    kin_real *m = (kin_real *)kin_data(mean), *v = (kin_real *)kin_data(var);
    double unbiased = rows > 1 ? rows / (rows - 1) : 1;
    for (int64_t i = 0; i < kin_count(mean); i++) {
        m[i] = (kin_real)((1 - momentum) * (double)m[i] + momentum * (double)batch_mean[i]);
        v[i] = (kin_real)((1 - momentum) * (double)v[i] + momentum * (double)batch_var[i] * unbiased);
    }
}

kin_tensor *kin_batch_norm(kin_scope *s, kin_tensor *x, const kin_norm_opt *opt)
{
    kin_norm_opt none = {0};
    if (!opt) opt = &none;
    kin_shape shape = KIN_SHAPE(kin_channels(x));
    double epsilon = opt->epsilon ? opt->epsilon : 1e-5, momentum = opt->momentum ? opt->momentum : 0.1;
    kin_tensor *gamma = kin_param(s, "weight", &(kin_param_opt){.shape = shape, .init = KIN_INIT_ONES, .no_decay = true});
    kin_tensor *beta = kin_param(s, "bias", &(kin_param_opt){.shape = shape, .no_decay = true, .buffer = opt->fixed_bias});
    kin_tensor *mean = kin_param(s, "running_mean", &(kin_param_opt){.shape = shape, .buffer = true});
    kin_tensor *var = kin_param(s, "running_var", &(kin_param_opt){.shape = shape, .init = KIN_INIT_ONES, .buffer = true});
    if (!x || !gamma || !beta || !mean || !var) return NULL;
    if (!kin_training(s) || kin_param_frozen(s, "running_mean")) return kin_tap(s, kin_batch_norm_eval(x, gamma, beta, mean, var, opt->add, epsilon, opt->act));
    kin_ctx *ctx = kin_ctx_of(x);
    if (kin_is_dry(ctx)) return kin_tap(s, kin_batch_norm_train(x, gamma, beta, opt->add, epsilon, opt->act, NULL, NULL));
    kin_tensor *batch = kin_input(ctx, KIN_SHAPE(2, kin_channels(x)), NULL);
    kin_real *statistics = (kin_real *)kin_data(batch);
    if (!statistics) return NULL;
    kin_tensor *y = kin_batch_norm_train(x, gamma, beta, opt->add, epsilon, opt->act, statistics, statistics + kin_channels(x));
    if (y) move_statistics(mean, var, statistics, statistics + kin_channels(x), (double)kin_rows(x), momentum);
    return kin_tap(s, y);
}

kin_tensor *kin_conv_bn(kin_scope *s, const char *conv, const char *norm, kin_tensor *x, const kin_conv_bn_opt *opt)
{
    x = kin_conv(kin_sub(s, conv), x, &(kin_conv_opt){.out = opt->out, .kernel = opt->kernel, .stride = opt->stride, .pad = opt->pad, .dilation = opt->dilation,
                                                      .groups = opt->groups, .pads = opt->pads, .kaiming_fan_out = opt->kaiming_fan_out, .kaiming_fan_in = opt->kaiming_fan_in});
    return kin_batch_norm(kin_sub(s, norm), x, &(kin_norm_opt){.momentum = opt->momentum, .epsilon = opt->epsilon, .act = opt->act, .add = opt->add});
}

kin_tensor *kin_dropout(kin_scope *s, const char *name, kin_tensor *x, double p)
{
    return kin_training(s) && p > 0 ? kin_dropout_keyed(x, p, kin_scope_key(s, name)) : x;
}
