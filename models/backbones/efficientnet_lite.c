/* EfficientNet-Lite [Tan and Le 2019; the Lite variants of tensorflow/tpu]: MobileNetV2's blocks with 3×3
 * and 5×5 kernels, scaled in width and depth together; without squeeze and excitation, with ReLU6. Stem,
 * first and last stage are not scaled. Padding is TensorFlow's SAME, the norms' ε is 1e-3 and their
 * momentum .01. In training, the deeper a block, the more often it is left out for a picture (stochastic
 * depth [Huang et al. 2016], up to .2). Names are those of the package efficientnet-lite-pytorch. */
#include "models/models.h"
#include "models/backbones/parts.h"

#include <math.h>

typedef struct row {
    int64_t blocks, kernel, stride, expand, width;
} row;
static const row rows[] = {{1, 3, 1, 1, 16},  {2, 3, 2, 6, 24},  {2, 5, 2, 6, 40}, {3, 3, 2, 6, 80},
                           {3, 5, 1, 6, 112}, {4, 5, 2, 6, 192}, {1, 3, 1, 6, 320}};
enum { STAGES = sizeof rows / sizeof *rows, LAST_STRIDED = 5 };

typedef struct scaling {
    double width, depth;
} scaling;

static kin_conv_bn_opt conv_opt(const kin_tensor *x, int64_t out, int64_t kernel, int64_t stride, kin_act act)
{
    return (kin_conv_bn_opt){.out = out,
                             .kernel = kernel,
                             .stride = stride,
                             .pads = kin_same_pads(x, kernel, stride),
                             .act = act,
                             .momentum = 0.01,
                             .epsilon = 1e-3};
}

/* `stem`, where its scope is not NULL, is still to be applied to x; only a block that does not expand has
 * it, of stride 1, whose padding is the same whatever the map's size. */
static kin_tensor *mb_conv(kin_scope *s, const kin_conv_bn_part *stem, kin_tensor *x, const row *st,
                           int64_t out, int64_t stride, double drop, const kin_model_opt *opt)
{
    int64_t in = stem->scope ? stem->opt.out : kin_channels(x), wide = in * st->expand;
    kin_tensor *skip = stride == 1 && in == out ? x : NULL;
    kin_conv_bn_part expand = {s, "_expand_conv", "_bn0", conv_opt(x, wide, 1, 1, KIN_RELU6)};
    if (st->expand == 1) expand = *stem;
    kin_conv_bn_part depthwise = {s, "_depthwise_conv", "_bn1",
                                  conv_opt(x, wide, st->kernel, stride, KIN_RELU6)};
    kin_conv_bn_part project = {s, "_project_conv", "_bn2", conv_opt(x, out, 1, 1, KIN_LINEAR)};
    depthwise.opt.groups = wide;
    bool drops = skip && drop > 0 && kin_training(s);
    kin_model_opt plain = *opt; /* what is left out is left out here */
    plain.drop_path = 0;
    project.opt.add = drops ? NULL : skip;
    x = kin_inverted_end(s, x, &expand, &depthwise, &project, &plain);
    return drops ? kin_tap(s, kin_add(kin_drop_path(s, x, drop), skip)) : x;
}

static int64_t repeats(int i, double depth)
{
    return i == 0 || i == STAGES - 1 ? rows[i].blocks : (int64_t)ceil((double)rows[i].blocks * depth);
}

/* Blocks of the stages ahead of stage `end`. */
static int64_t blocks_before(int end, double depth)
{
    int64_t count = 0;
    for (int i = 0; i < end; i++) count += repeats(i, depth);
    return count;
}

/* Stage k has the blocks of row k, the first one the stem too; behind them "head", a convolution that
 * widens. */
static kin_tensor *efficientnet_lite(kin_scope *s, kin_tensor *x, int stage, const kin_model_opt *opt,
                                     scaling by)
{
    bool small = opt->stem == KIN_STEM_CIFAR; /* the first two halvings are left out */
    double scale = opt->width ? by.width * (double)opt->width / 32 : by.width;
    kin_conv_bn_part stem = {.scope = NULL};
    if (stage == STAGES) {
        kin_conv_bn_opt head = conv_opt(x, 1280, 1, 1, KIN_RELU6);
        return kin_conv_bn(s, "_conv_head", "_bn1", x, &head);
    }
    const row *st = &rows[stage];
    int64_t out = kin_rounded_width((double)st->width * scale), stride = st->stride;
    if (stage == LAST_STRIDED && opt->last_stride) stride = opt->last_stride;
    if (stage == 1 && small) stride = 1;
    if (stage == 0) {
        stem = (kin_conv_bn_part){s, "_conv_stem", "_bn0",
                                  conv_opt(x, opt->width ? opt->width : 32, 3, small ? 1 : 2, KIN_RELU6)};
        x = kin_mobile_stem(&stem, x, stem.opt.out == out);
    }
    int64_t at = blocks_before(stage, by.depth), all = blocks_before(STAGES, by.depth);
    for (int64_t b = 0; b < repeats(stage, by.depth); b++, at++) {
        kin_scope *block = kin_block_begin(kin_sub_index(s, "_blocks", (int)at));
        double drop = (opt->drop_path > 0 ? opt->drop_path : 0.2) * (double)at / (double)all;
        x = kin_block_end(block, mb_conv(block, &stem, x, st, out, b ? 1 : stride, drop, opt));
        stem.scope = NULL;
    }
    return x;
}

#define LITE(NAME, SIZE, WIDTH, DEPTH, DROPOUT) \
    static kin_tensor *NAME(kin_scope *s, kin_tensor *x, int stage, const kin_model_opt *opt) \
    { \
        return efficientnet_lite(s, x, stage, opt, (scaling){WIDTH, DEPTH}); \
    } \
    const kin_model kin_model_##NAME = {.name = #NAME, \
                                        .about = "EfficientNet-Lite, width " #WIDTH ", depth " #DEPTH, \
                                        .size = SIZE, \
                                        .residual = true, \
                                        .channels = 3, \
                                        .resize = SIZE + 32, \
                                        .filter = "bicubic", \
                                        .normalize = "lite", \
                                        .classifier = "_fc", \
                                        .dropout = DROPOUT, \
                                        .same_padding = true, \
                                        .places = "block", \
                                        .stages = "stage1 stage2 stage3 stage4 stage5 stage6 stage7 head", \
                                        .stage = NAME};

LITE(efficientnet_lite0, 224, 1.0, 1.0, 0.2)
LITE(efficientnet_lite1, 240, 1.0, 1.1, 0.2)
LITE(efficientnet_lite2, 260, 1.1, 1.2, 0.3)

/* Lite0 up to the middle of its twelfth block: eleven blocks, and of the next one what widens and the depthwise
 * convolution. Names are Lite0's, so that its weights are this network's, too (--weights, --allow-missing). */
enum { FRONT_STAGES = 5, FRONT_BLOCK = 11 };

static kin_tensor *lite0_front(kin_scope *s, kin_tensor *x, int stage, const kin_model_opt *opt)
{
    if (stage < FRONT_STAGES) return efficientnet_lite(s, x, stage, opt, (scaling){1, 1});
    const row *st = &rows[FRONT_STAGES];
    int64_t wide = kin_channels(x) * st->expand;
    kin_scope *block = kin_sub_index(s, "_blocks", FRONT_BLOCK);
    kin_conv_bn_opt expand = conv_opt(x, wide, 1, 1, KIN_RELU6);
    x = kin_conv_bn(block, "_expand_conv", "_bn0", x, &expand);
    kin_conv_bn_opt depthwise = conv_opt(x, wide, st->kernel,
                                         opt->last_stride ? opt->last_stride : st->stride, KIN_RELU6);
    depthwise.groups = wide;
    return kin_conv_bn(block, "_depthwise_conv", "_bn1", x, &depthwise);
}

const kin_model kin_model_lite0_front = {.name = "lite0_front",
                                         .about = "EfficientNet-Lite0 up to the middle of its twelfth block",
                                         .size = 160,
                                         .residual = true,
                                         .channels = 3,
                                         .resize = 160,
                                         .filter = "bicubic",
                                         .normalize = "lite",
                                         .classifier = "_fc",
                                         .dropout = 0.2,
                                         .same_padding = true,
                                         .places = "block",
                                         .stages = "stage1 stage2 stage3 stage4 stage5 head",
                                         .stage = lite0_front};
