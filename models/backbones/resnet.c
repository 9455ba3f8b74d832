/* Residual networks [He et al. 2016], as torchvision defines them: the stride of a bottleneck is in its
 * 3×3 convolution. ResNeXt [Xie et al. 2017] splits that convolution into groups, Wide ResNet [Zagoruyko
 * and Komodakis 2016] doubles its channels. */
#include "models/models.h"
#include "models/backbones/parts.h"

typedef struct layout {
    int blocks[4];
    bool bottleneck;
    /* of a bottleneck's 3×3 convolution, for 64 channels of the first stage; 0: 1 and 64 */
    int64_t groups, group_width;
} layout;

typedef struct block_opt {
    int64_t width, stride, inner, groups;
} block_opt;

static kin_tensor *shortcut(kin_scope *s, kin_tensor *x, int64_t out, int64_t stride)
{
    if (stride == 1 && kin_channels(x) == out) return x;
    kin_scope *d = kin_sub(s, "downsample");
    return kin_tap(d, kin_conv_bn(d, "0", "1", x,
                                  &(kin_conv_bn_opt){
                                      .out = out, .kernel = 1, .stride = stride, .kaiming_fan_out = true}));
}

static kin_tensor *basic_block(kin_scope *s, kin_tensor *x, const block_opt *b, const kin_model_opt *opt)
{
    kin_tensor *skip = shortcut(s, x, b->width, b->stride);
    kin_tensor *y = kin_conv_bn(s, "conv1", "bn1", x,
                                &(kin_conv_bn_opt){.out = b->width,
                                                   .kernel = 3,
                                                   .stride = b->stride,
                                                   .pad = 1,
                                                   .act = KIN_RELU,
                                                   .kaiming_fan_out = true});
    return kin_residual_end(
        s, "conv2", "bn2", y,
        &(kin_conv_bn_opt){
            .out = b->width, .kernel = 3, .pad = 1, .add = skip, .act = KIN_RELU, .kaiming_fan_out = true},
        opt);
}

static kin_tensor *bottleneck(kin_scope *s, kin_tensor *x, const block_opt *b, const kin_model_opt *opt)
{
    kin_tensor *skip = shortcut(s, x, 4 * b->width, b->stride);
    kin_tensor *y = kin_conv_bn(
        s, "conv1", "bn1", x,
        &(kin_conv_bn_opt){.out = b->inner, .kernel = 1, .act = KIN_RELU, .kaiming_fan_out = true});
    y = kin_conv_bn(s, "conv2", "bn2", y,
                    &(kin_conv_bn_opt){.out = b->inner,
                                       .kernel = 3,
                                       .stride = b->stride,
                                       .pad = 1,
                                       .groups = b->groups,
                                       .act = KIN_RELU,
                                       .kaiming_fan_out = true});
    return kin_residual_end(
        s, "conv3", "bn3", y,
        &(kin_conv_bn_opt){
            .out = 4 * b->width, .kernel = 1, .add = skip, .act = KIN_RELU, .kaiming_fan_out = true},
        opt);
}

enum { STEM, LAST = 4 }; /* between them layer1 .. layer3; stage k > 0 is layer k */

static kin_tensor *resnet(kin_scope *s, kin_tensor *x, int stage, const kin_model_opt *opt, const layout *l)
{
    static const char *const names[] = {"stem", "layer1", "layer2", "layer3", "layer4"};
    int64_t width = opt->width ? opt->width : 64, groups = l->groups ? l->groups : 1,
            group_width = l->group_width ? l->group_width : 64;
    if (width * group_width < 64) {
        kin_fail(kin_ctx_error(kin_scope_ctx(s)), KIN_ERR_ARGUMENT,
                 "a width of %lld leaves nothing for each of %lld groups; the least is %lld",
                 (long long)width, (long long)groups, (long long)((63 + group_width) / group_width));
        return NULL;
    }
    if (stage == STEM)
        return kin_stem_block(s, "conv1", "bn1", "maxpool", x, opt->stem == KIN_STEM_CIFAR,
                              &(kin_conv_bn_opt){.out = width, .act = KIN_RELU, .kaiming_fan_out = true});
    kin_scope *layer = kin_sub(s, names[stage]);
    int64_t out = width << (stage - 1), stride = stage == 1                          ? 1
                                                 : stage == LAST && opt->last_stride ? opt->last_stride
                                                                                     : 2;
    int64_t before = 0, all = 0;
    for (int k = 0; k < 4; k++) before += k < stage - 1 ? l->blocks[k] : 0, all += l->blocks[k];
    for (int i = 0; i < l->blocks[stage - 1]; i++) {
        kin_model_opt here = kin_model_opt_at(opt, before + i + 1, all);
        block_opt b = {.width = out,
                       .stride = i ? 1 : stride,
                       .inner = out * group_width / 64 * groups,
                       .groups = groups};
        kin_scope *block = kin_block_begin(kin_sub_index(layer, "", i));
        x = kin_block_end(block, (l->bottleneck ? bottleneck : basic_block)(block, x, &b, &here));
    }
    return kin_stage_end(layer, names[stage], x, opt);
}

/* A network is its row here: how many blocks each stage has, and of what kind. */
#define RESNET(NAME, ABOUT, ...) \
    static kin_tensor *NAME(kin_scope *s, kin_tensor *x, int stage, const kin_model_opt *opt) \
    { \
        return resnet(s, x, stage, opt, &(layout){__VA_ARGS__}); \
    } \
    const kin_model kin_model_##NAME = {.name = #NAME, \
                                        .about = ABOUT, \
                                        KIN_IMAGENET, \
                                        .residual = true, \
                                        .classifier = "fc", \
                                        .places = "block layer1 layer2 layer3 layer4", \
                                        .stages = "stem layer1 layer2 layer3 layer4", \
                                        .stage = NAME};

RESNET(resnet18, "ResNet of basic blocks, 2 2 2 2", {2, 2, 2, 2})
RESNET(resnet34, "ResNet of basic blocks, 3 4 6 3", {3, 4, 6, 3})
RESNET(resnet50, "ResNet of bottlenecks, 3 4 6 3", {3, 4, 6, 3}, .bottleneck = true)
RESNET(resnet101, "ResNet of bottlenecks, 3 4 23 3", {3, 4, 23, 3}, .bottleneck = true)
RESNET(resnet152, "ResNet of bottlenecks, 3 8 36 3", {3, 8, 36, 3}, .bottleneck = true)
RESNET(resnext50_32x4d, "ResNeXt: ResNet-50 with 32 groups", {3, 4, 6, 3}, .bottleneck = true, .groups = 32,
       .group_width = 4)
RESNET(wide_resnet50_2, "Wide ResNet: ResNet-50, twice as wide inside", {3, 4, 6, 3}, .bottleneck = true,
       .group_width = 128)
