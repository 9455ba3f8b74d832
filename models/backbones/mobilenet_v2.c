/* MobileNetV2 [Sandler et al. 2018], as torchvision defines it: a block widens with a 1×1 convolution,
 * works on each channel by itself with a 3×3 one, and narrows again without activation; where the shape
 * stays, its input is added. */
#include "models/models.h"
#include "models/backbones/parts.h"

typedef struct row {
    int64_t expand, width, blocks, stride;
} row;

/* Widths of a network whose stem has 32 channels. */
static const row rows[] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                           {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
enum { STAGES = sizeof rows / sizeof *rows, LAST_STRIDED = 5 };

static kin_conv_bn_opt conv_opt(int64_t out, int64_t kernel, int64_t stride, int64_t groups)
{
    return (kin_conv_bn_opt){.out = out,
                             .kernel = kernel,
                             .stride = stride,
                             .pad = kernel / 2,
                             .groups = groups,
                             .act = KIN_RELU6,
                             .kaiming_fan_out = true};
}

/* torchvision's Conv2dNormActivation: children 0 and 1 */
static kin_tensor *conv_norm(kin_scope *s, kin_tensor *x, int64_t out, int64_t kernel, int64_t stride)
{
    kin_conv_bn_opt opt = conv_opt(out, kernel, stride, 1);
    return kin_tap(s, kin_conv_bn(s, "0", "1", x, &opt));
}

/* `stem`, where its scope is not NULL, is still to be applied to x. */
static kin_tensor *inverted_residual(kin_scope *s, const kin_conv_bn_part *stem, kin_tensor *x, int64_t out,
                                     int64_t expand, int64_t stride, const kin_model_opt *opt)
{
    kin_scope *conv = kin_sub(s, "conv");
    int64_t in = stem->scope ? stem->opt.out : kin_channels(x), wide = in * expand;
    bool wider = expand > 1;
    kin_conv_bn_part expansion = *stem;
    if (wider)
        expansion = (kin_conv_bn_part){kin_sub(conv, "0"), "0", "1", conv_opt(wide, 1, 1, 1), .tapped = true};
    kin_conv_bn_part depthwise = {kin_sub(conv, wider ? "1" : "0"), "0", "1", conv_opt(wide, 3, stride, wide),
                                  .tapped = true};
    kin_conv_bn_part narrow = {conv, wider ? "2" : "1", wider ? "3" : "2", conv_opt(out, 1, 1, 1)};
    narrow.opt.act = KIN_LINEAR;
    narrow.opt.add = stride == 1 && in == out ? x : NULL;
    return kin_inverted_end(s, x, &expansion, &depthwise, &narrow, opt);
}

/* Stage k has the blocks of row k, the first one the stem too; behind them "head", a convolution that
 * widens. */
static kin_tensor *mobilenet_v2(kin_scope *s, kin_tensor *x, int stage, const kin_model_opt *opt)
{
    double scale = opt->width ? (double)opt->width / 32 : 1;
    bool small = opt->stem == KIN_STEM_CIFAR; /* the first two halvings are left out */
    kin_conv_bn_part stem = {.scope = NULL};
    int at = 1; /* the stem is features.0 */
    for (int i = 0; i < stage; i++) at += (int)rows[i].blocks;
    if (stage == STAGES)
        return conv_norm(kin_sub_index(s, "features", at), x,
                         kin_rounded_width(1280 * (scale > 1 ? scale : 1)), 1, 1);
    const row *st = &rows[stage];
    int64_t out = kin_rounded_width((double)st->width * scale), stride = st->stride;
    if (stage == LAST_STRIDED && opt->last_stride) stride = opt->last_stride;
    if (stage == 1 && small) stride = 1;
    if (stage == 0) {
        stem = (kin_conv_bn_part){kin_sub_index(s, "features", 0), "0", "1",
                                  conv_opt(kin_rounded_width(32 * scale), 3, small ? 1 : 2, 1),
                                  .tapped = true};
        x = kin_mobile_stem(&stem, x, stem.opt.out == out);
    }
    int64_t all = 0;
    for (int i = 0; i < STAGES; i++) all += rows[i].blocks;
    for (int64_t b = 0; b < st->blocks; b++, at++) {
        kin_model_opt here = kin_model_opt_at(opt, at, all); /* the stem is 0 */
        kin_scope *block = kin_block_begin(kin_sub_index(s, "features", at));
        x = kin_block_end(block, inverted_residual(block, &stem, x, out, st->expand, b ? 1 : stride, &here));
        stem.scope = NULL;
    }
    return x;
}

const kin_model kin_model_mobilenet_v2 = {.name = "mobilenet_v2",
                                          .about = "MobileNetV2 of width 1",
                                          KIN_IMAGENET,
                                          .classifier = "classifier.1",
                                          .residual = true,
                                          .dropout = 0.2,
                                          .small_init = true,
                                          .places = "block",
                                          .stages = "stage1 stage2 stage3 stage4 stage5 stage6 stage7 head",
                                          .stage = mobilenet_v2};
