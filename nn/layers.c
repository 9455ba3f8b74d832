#include "nn/layers.h"

#include "autograd/conv_folded.h"
#include "autograd/stem.h"
#include "nn/folded.h"

#include <math.h>
#include <string.h>

static int64_t or_one(int64_t n) { return n ? n : 1; }

/* PyTorch's default for weights is kaiming uniform with gain √(1/3), so that the bound is 1/√fan_in; its
 * biases share that bound. */
static const double pytorch_gain = 0.57735026918962576;

kin_tensor *kin_linear(kin_scope *s, kin_tensor *x, const kin_linear_opt *opt)
{
    int64_t in = kin_channels(x);
    kin_param_opt weight = {
        .shape = KIN_SHAPE(opt->out, in), .init = KIN_INIT_KAIMING_UNIFORM, .scale = pytorch_gain};
    kin_param_opt bias = {.shape = KIN_SHAPE(opt->out),
                          .init = KIN_INIT_UNIFORM,
                          .scale = 1 / sqrt((double)(in > 0 ? in : 1)),
                          .no_decay = true};
    if (opt->small_init) {
        weight.init = KIN_INIT_NORMAL;
        weight.scale = 0.01;
    }
    if (opt->small_init || opt->zero_bias) bias.init = KIN_INIT_ZEROS;
    kin_tensor *w = kin_param(s, "weight", &weight), *b = opt->no_bias ? NULL : kin_param(s, "bias", &bias);
    return b || opt->no_bias ? kin_tap(s, kin_affine(x, w, b)) : NULL;
}

static kin_conv2d_opt conv2d_of(const kin_conv_opt *o)
{
    return (kin_conv2d_opt){
        .stride = o->stride, .pad = o->pad, .dilation = o->dilation, .groups = o->groups, .pads = o->pads};
}

/* The parameters of a convolution; false on error. */
static bool conv_params(kin_scope *s, int64_t channels, const kin_conv_opt *opt, kin_fold *f)
{
    int64_t groups = or_one(opt->groups), in = channels / groups, fan_in = opt->kernel * opt->kernel * in;
    kin_param_opt weight = {.shape = KIN_SHAPE(opt->kernel, opt->kernel, in, opt->out),
                            .layout = KIN_LAYOUT_HWIO,
                            .init = KIN_INIT_KAIMING_UNIFORM,
                            .scale = pytorch_gain};
    if (opt->kaiming_fan_out || opt->kaiming_fan_in) {
        /* A group's input feeds only that group's outputs, but PyTorch counts all of them; so does this. */
        weight.init = opt->kaiming_fan_in ? KIN_INIT_KAIMING_NORMAL : KIN_INIT_KAIMING_NORMAL_FAN_OUT;
        weight.scale = 0;
    }
    f->conv = conv2d_of(opt);
    f->weight = kin_param(s, "weight", &weight);
    if (opt->bias)
        f->bias = kin_param(s, "bias",
                            &(kin_param_opt){.shape = KIN_SHAPE(opt->out),
                                             .init = KIN_INIT_UNIFORM,
                                             .scale = 1 / sqrt((double)(fan_in > 0 ? fan_in : 1)),
                                             .no_decay = true});
    return f->weight && (f->bias || !opt->bias);
}

kin_tensor *kin_conv(kin_scope *s, kin_tensor *x, const kin_conv_opt *opt)
{
    kin_fold f = {0};
    if (!conv_params(s, kin_channels(x), opt, &f)) return NULL;
    return kin_tap(s, kin_scope_folds(s) ? kin_fold_apply(x, &f) : kin_conv2d(x, f.weight, f.bias, &f.conv));
}

/* Where training puts the batch's statistics of so many channels, the mean ahead of the variance; none in
 * a dry run. */
typedef struct batch_statistics {
    kin_real *mean, *var;
} batch_statistics;

/* False on error. */
static bool statistics_ready(kin_ctx *ctx, int64_t channels, batch_statistics *b)
{
    *b = (batch_statistics){0};
    if (kin_is_dry(ctx)) return true;
    b->mean = (kin_real *)kin_data(kin_input(ctx, KIN_SHAPE(2, channels), NULL));
    if (b->mean) b->var = b->mean + channels;
    return b->mean != NULL;
}

/* running ← (1 − m)·running + m·batch, with the unbiased variance n/(n − 1) of the batch. */
static void move_statistics(const kin_norm_params *n, const batch_statistics *b, double rows, double momentum)
{
    kin_real *m = (kin_real *)kin_data(n->mean), *v = (kin_real *)kin_data(n->var);
    double unbiased = rows > 1 ? rows / (rows - 1) : 1;
    if (!momentum) momentum = 0.1;
    for (int64_t i = 0; i < kin_count(n->mean); i++) {
        m[i] = (kin_real)((1 - momentum) * (double)m[i] + momentum * (double)b->mean[i]);
        v[i] = (kin_real)((1 - momentum) * (double)v[i] + momentum * (double)b->var[i] * unbiased);
    }
    kin_param_touched(n->mean);
    kin_param_touched(n->var);
}

static double momentum_of(const kin_scope *s, double own)
{
    double asked = kin_scope_norm_momentum(s);
    return asked > 0 ? asked : own;
}

static bool norm_params(kin_scope *s, int64_t channels, const kin_norm_opt *opt, kin_norm_params *n)
{
    kin_shape shape = KIN_SHAPE(channels);
    n->epsilon = opt->epsilon ? opt->epsilon : 1e-5;
    n->gamma = kin_param(s, "weight",
                         &(kin_param_opt){.shape = shape, .init = KIN_INIT_ONES, .no_decay = true});
    n->beta = kin_param(s, "bias",
                        &(kin_param_opt){.shape = shape, .no_decay = true, .buffer = opt->fixed_bias});
    n->mean = kin_param(s, "running_mean", &(kin_param_opt){.shape = shape, .buffer = true});
    n->var = kin_param(s, "running_var",
                       &(kin_param_opt){.shape = shape, .init = KIN_INIT_ONES, .buffer = true});
    return n->gamma && n->beta && n->mean && n->var;
}

/* Whether the running statistics normalise. */
static bool by_running(const kin_scope *s) { return !kin_training(s) || kin_param_frozen(s, "running_mean"); }

kin_tensor *kin_batch_norm(kin_scope *s, kin_tensor *x, const kin_norm_opt *opt)
{
    kin_norm_opt none = {0};
    kin_norm_params n;
    if (!opt) opt = &none;
    if (!norm_params(s, kin_channels(x), opt, &n) || !x) return NULL;
    if (by_running(s))
        return kin_tap(s, kin_batch_norm_eval(x, n.gamma, n.beta, n.mean, n.var,
                                              &(kin_batch_norm_opt){n.epsilon, opt->act, opt->add}));
    batch_statistics batch;
    if (!statistics_ready(kin_ctx_of(x), kin_channels(x), &batch)) return NULL;
    kin_tensor *y = kin_batch_norm_train(
        x, n.gamma, n.beta, &(kin_batch_norm_opt){n.epsilon, opt->act, opt->add}, batch.mean, batch.var);
    if (y && batch.mean) move_statistics(&n, &batch, (double)kin_rows(x), momentum_of(s, opt->momentum));
    return kin_tap(s, y);
}

typedef struct conv_bn_scopes {
    kin_scope *before, *conv, *norm;
} conv_bn_scopes;

static conv_bn_scopes scopes_of(kin_scope *s, const char *conv, const char *norm, const kin_conv_bn_opt *opt)
{
    return (conv_bn_scopes){opt->before ? kin_sub(s, opt->before) : NULL, kin_sub(s, conv),
                            norm ? kin_sub(s, norm) : NULL};
}

/* All in one where no gradients are recorded, unless something between the parts is wanted. */
static bool folds(const conv_bn_scopes *c)
{
    if (!kin_scope_folds(c->conv) || (c->norm && kin_scope_retained(c->conv)) ||
        (c->before && kin_scope_retained(c->before)))
        return false;
    return (!c->norm || by_running(c->norm)) && (!c->before || by_running(c->before));
}

static kin_conv_opt conv_of(const kin_conv_bn_opt *o)
{
    return (kin_conv_opt){.out = o->out,
                          .kernel = o->kernel,
                          .stride = o->stride,
                          .pad = o->pad,
                          .dilation = o->dilation,
                          .groups = o->groups,
                          .pads = o->pads,
                          .kaiming_fan_out = o->kaiming_fan_out,
                          .kaiming_fan_in = o->kaiming_fan_in};
}

/* All parameters of one, for an input of so many channels; false on error. */
static bool fold_of(const conv_bn_scopes *c, int64_t channels, const kin_conv_bn_opt *opt, kin_fold *f)
{
    kin_conv_opt conv = conv_of(opt);
    kin_norm_opt norm = {.momentum = opt->momentum, .epsilon = opt->epsilon};
    *f = (kin_fold){.act = c->norm ? opt->act : KIN_LINEAR,
                    .before_act = opt->before_act,
                    .add = c->norm ? opt->add : NULL};
    if (c->before && !norm_params(c->before, channels, &norm, &f->before)) return false;
    return conv_params(c->conv, channels, &conv, f) &&
           (!c->norm || norm_params(c->norm, opt->out, &norm, &f->norm));
}

kin_tensor *kin_conv_bn(kin_scope *s, const char *conv, const char *norm, kin_tensor *x,
                        const kin_conv_bn_opt *opt)
{
    conv_bn_scopes c = scopes_of(s, conv, norm, opt);
    kin_conv_opt co = conv_of(opt);
    kin_norm_opt no = {.momentum = opt->momentum, .epsilon = opt->epsilon, .act = opt->act, .add = opt->add},
                 before = {.momentum = opt->momentum, .epsilon = opt->epsilon, .act = opt->before_act};
    if (!folds(&c)) {
        if (c.before) x = kin_batch_norm(c.before, x, &before);
        x = kin_conv(c.conv, x, &co);
        return c.norm ? kin_batch_norm(c.norm, x, &no) : x;
    }
    kin_fold f;
    if (!fold_of(&c, kin_channels(x), opt, &f)) return NULL;
    return kin_tap(c.norm ? c.norm : c.conv, kin_fold_apply(x, &f));
}

/* The pixels of the convolution where all of it is one op in training, because nobody wants what is
 * between; else 0. */
static int64_t stem_pixels(const kin_scope *s, const conv_bn_scopes *c, const kin_tensor *x,
                           const kin_conv_bn_opt *o)
{
    kin_conv_opt co = conv_of(o);
    kin_conv2d_opt conv = conv2d_of(&co);
    if (!x || o->add || o->before || by_running(c->norm) || kin_scope_observed(s)) return 0;
    if (kin_scope_retained(s) || kin_scope_retained(c->conv) || kin_scope_retained(c->norm)) return 0;
    return kin_stem_pixels(x, KIN_SHAPE(o->kernel, o->kernel, kin_channels(x), o->out), &conv);
}

kin_tensor *kin_conv_bn_max_pool(kin_scope *s, const char *conv, const char *norm, kin_tensor *x,
                                 const kin_conv_bn_opt *opt)
{
    conv_bn_scopes c = scopes_of(s, conv, norm, opt);
    int64_t pixels = stem_pixels(s, &c, x, opt);
    if (!pixels)
        return kin_max_pool2d(kin_tap(s, kin_conv_bn(s, conv, norm, x, opt)), &(kin_pool2d_opt){.kernel = 2});
    kin_fold f;
    batch_statistics batch;
    if (!fold_of(&c, kin_channels(x), opt, &f) || !statistics_ready(kin_ctx_of(x), opt->out, &batch))
        return NULL;
    kin_tensor *y = kin_stem_train(x, f.weight, f.norm.gamma, f.norm.beta, &f.conv, f.norm.epsilon, f.act,
                                   batch.mean, batch.var);
    if (y && batch.mean) move_statistics(&f.norm, &batch, (double)pixels, momentum_of(s, opt->momentum));
    return kin_tap(c.norm, y);
}

/* The norm and activation ahead, and the mean behind them. */
static kin_tensor *norm_avg_pool(const conv_bn_scopes *c, kin_tensor *x, const kin_norm_opt *opt,
                                 const kin_pool2d_opt *pool)
{
    kin_norm_params n;
    if (!kin_scope_folds(c->before) || kin_scope_retained(c->before) || !by_running(c->before))
        return kin_avg_pool2d(kin_batch_norm(c->before, x, opt), pool);
    if (!norm_params(c->before, kin_channels(x), opt, &n)) return NULL;
    return kin_tap(c->before,
                   kin_batch_norm_eval_avg_pool(x, n.gamma, n.beta, n.mean, n.var,
                                                &(kin_batch_norm_opt){n.epsilon, opt->act}, pool->kernel));
}

kin_tensor *kin_conv_avg_pool(kin_scope *s, const char *conv, const char *pool, kin_tensor *x,
                              const kin_conv_bn_opt *opt, int64_t kernel)
{
    conv_bn_scopes c = scopes_of(s, conv, NULL, opt);
    kin_scope *behind = kin_sub(s, pool);
    kin_conv_opt co = conv_of(opt);
    kin_norm_opt before = {.momentum = opt->momentum, .epsilon = opt->epsilon, .act = opt->before_act};
    kin_pool2d_opt means = {.kernel = kernel};
    if (kin_scope_observed(s) || kin_scope_retained(c.conv))
        return kin_tap(behind, kin_avg_pool2d(kin_conv_bn(s, conv, NULL, x, opt), &means));
    x = norm_avg_pool(&c, x, &before, &means);
    return kin_tap(behind, kin_conv(c.conv, x, &co));
}

/* Whether nobody wants what is between this part and the next. */
static bool passes(const kin_conv_bn_part *p, const conv_bn_scopes *c)
{
    return folds(c) && !kin_scope_retained(c->norm) && !(p->tapped && kin_scope_retained(p->scope));
}

kin_tensor *kin_conv_bn_apply(const kin_conv_bn_part *p, kin_tensor *x)
{
    if (!p->scope) return x;
    x = kin_conv_bn(p->scope, p->conv, p->norm, x, &p->opt);
    return p->tapped ? kin_tap(p->scope, x) : x;
}

static bool expands_in(const kin_conv_bn_part *expand, const kin_tensor *x)
{
    if (!expand->scope) return true;
    kin_conv_opt co = conv_of(&expand->opt);
    kin_conv2d_opt conv = conv2d_of(&co);
    return kin_inverted_can_expand(
        KIN_SHAPE(expand->opt.kernel, expand->opt.kernel, kin_channels(x), expand->opt.out), &conv);
}

kin_tensor *kin_inverted_residual(kin_tensor *x, const kin_conv_bn_part *expand,
                                  const kin_conv_bn_part *depthwise, const kin_conv_bn_part *project)
{
    const kin_conv_bn_part *parts[3] = {expand, depthwise, project};
    conv_bn_scopes c[3];
    kin_fold f[3];
    bool one = x != NULL;
    for (int i = 0; i < 3; i++) {
        if (!parts[i]->scope) continue;
        c[i] = scopes_of(parts[i]->scope, parts[i]->conv, parts[i]->norm, &parts[i]->opt);
        one = one && (i < 2 ? passes(parts[i], &c[i]) : folds(&c[i]));
    }
    if (!one || !expands_in(expand, x))
        return kin_conv_bn_apply(project, kin_conv_bn_apply(depthwise, kin_conv_bn_apply(expand, x)));
    int64_t channels = kin_channels(x);
    for (int i = 0; i < 3; i++) {
        if (!parts[i]->scope) continue;
        if (!fold_of(&c[i], channels, &parts[i]->opt, &f[i])) return NULL;
        channels = parts[i]->opt.out;
    }
    return kin_tap(c[2].norm, kin_fold_inverted(x, expand->scope ? &f[0] : NULL, &f[1], &f[2]));
}

kin_tensor *kin_dropout(kin_scope *s, const char *name, kin_tensor *x, double p)
{
    return kin_training(s) && p > 0 ? kin_dropout_keyed(x, p, kin_scope_key(s, name)) : x;
}
