#include "models/backbones/parts.h"

kin_tensor *kin_stem_block(kin_scope *s, const char *conv, const char *norm, const char *pool, kin_tensor *x,
                           bool small, const kin_conv_bn_opt *opt)
{
    kin_conv_bn_opt first = *opt;
    first.kernel = small ? 3 : 7;
    first.stride = small ? 1 : 2;
    first.pad = first.kernel / 2;
    kin_block_begin(s);
    x = kin_conv_bn(s, conv, norm, x, &first);
    if (!small)
        x = kin_tap(kin_sub(s, pool),
                    kin_max_pool2d(x, &(kin_pool2d_opt){.kernel = 3, .stride = 2, .pad = 1}));
    return kin_block_end(s, x);
}

static kin_tensor *activated(kin_tensor *x, kin_act act)
{
    return act == KIN_RELU ? kin_relu(x) : act == KIN_RELU6 ? kin_relu6(x) : x;
}

kin_tensor *kin_drop_path(kin_scope *s, kin_tensor *x, double p)
{
    kin_tensor *ones = x ? kin_input(kin_ctx_of(x), KIN_SHAPE(kin_dim(x, 0), 1, 1, 1), NULL) : NULL;
    return kin_mul(x, kin_dropout(s, "stochastic_depth", kin_scale(ones, 0, 1), p));
}

kin_model_opt kin_model_opt_at(const kin_model_opt *opt, int64_t at, int64_t all)
{
    kin_model_opt here = *opt;
    here.drop_path = opt->drop_path * (double)at / (double)all;
    return here;
}

static bool drops(const kin_scope *s, const kin_conv_bn_opt *opt, const kin_model_opt *model)
{
    return opt->add && model->drop_path > 0 && kin_training(s);
}

kin_tensor *kin_residual_end(kin_scope *s, const char *conv, const char *norm, kin_tensor *x,
                             const kin_conv_bn_opt *opt, const kin_model_opt *model)
{
    bool attends = kin_attends(&model->attention, "block"), dropped = drops(s, opt, model);
    if (!attends && !dropped) return kin_tap(s, kin_conv_bn(s, conv, norm, x, opt));
    kin_conv_bn_opt branch = *opt;
    branch.add = NULL;
    branch.act = KIN_LINEAR;
    x = kin_conv_bn(s, conv, norm, x, &branch);
    if (attends) x = kin_attend(s, &model->attention, "block", x);
    if (dropped) x = kin_drop_path(s, x, model->drop_path);
    return kin_tap(s, activated(opt->add ? kin_add(x, opt->add) : x, opt->act));
}

kin_tensor *kin_mobile_stem(kin_conv_bn_part *stem, kin_tensor *x, bool adds)
{
    if (!adds && !kin_training(stem->scope)) return x;
    x = kin_conv_bn_apply(stem, x);
    stem->scope = NULL;
    return x;
}

kin_tensor *kin_inverted_end(kin_scope *s, kin_tensor *x, const kin_conv_bn_part *expand,
                             const kin_conv_bn_part *depthwise, const kin_conv_bn_part *project,
                             const kin_model_opt *model)
{
    if (!kin_attends(&model->attention, "block") && !drops(s, &project->opt, model)) {
        x = kin_tap(project->scope, kin_inverted_residual(x, expand, depthwise, project));
    } else {
        x = kin_conv_bn_apply(depthwise, kin_conv_bn_apply(expand, x));
        x = kin_residual_end(project->scope, project->conv, project->norm, x, &project->opt, model);
    }
    return s == project->scope ? x : kin_tap(s, x);
}

kin_tensor *kin_stage_end(kin_scope *stage, const char *name, kin_tensor *x, const kin_model_opt *model)
{
    return kin_tap(stage, kin_attend(stage, &model->attention, name, x));
}

int64_t kin_rounded_width(double width)
{
    int64_t rounded = (int64_t)(width + 4) / 8 * 8;
    if (rounded < 8) rounded = 8;
    return (double)rounded < 0.9 * width ? rounded + 8 : rounded;
}

static void same(int64_t in, int64_t kernel, int64_t stride, int64_t *before, int64_t *behind)
{
    int64_t missing = ((in + stride - 1) / stride - 1) * stride + kernel - in;
    *before = missing > 0 ? missing / 2 : 0;
    *behind = missing > 0 ? missing - missing / 2 : 0;
}

kin_conv2d_pads kin_same_pads(const kin_tensor *x, int64_t kernel, int64_t stride)
{
    kin_conv2d_pads p;
    same(kin_dim(x, 1), kernel, stride, &p.top, &p.bottom);
    same(kin_dim(x, 2), kernel, stride, &p.left, &p.right);
    return p;
}
