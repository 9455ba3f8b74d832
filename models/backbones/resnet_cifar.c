/* The ResNets for small pictures [He et al. 2016, section 4.2]: a 3×3 stem, three stages of basic blocks
 * with 16, 32 and 64 channels, global average pooling. Shortcuts that change the shape have no parameters
 * (option A): every second pixel is taken and the new channels are zeros, half before and half behind. */
#include "models/models.h"
#include "models/backbones/parts.h"

static kin_tensor *shortcut(kin_scope *s, kin_tensor *x, int64_t width, int64_t stride)
{
    int64_t missing = width - kin_channels(x);
    if (stride > 1) x = kin_avg_pool2d(x, &(kin_pool2d_opt){.kernel = 1, .stride = stride});
    if (missing <= 0 || !x) return x;
    kin_shape shape = kin_shape_of(x);
    shape.dim[3] = missing / 2;
    kin_tensor *before = kin_input(kin_ctx_of(x), shape, NULL);
    shape.dim[3] = missing - missing / 2;
    kin_tensor *behind = kin_input(kin_ctx_of(x), shape, NULL);
    return kin_tap(kin_sub(s, "shortcut"), kin_concat((kin_tensor *[]){before, x, behind}, 3));
}

static kin_tensor *basic_block(kin_scope *s, kin_tensor *x, int64_t width, int64_t stride,
                               const kin_model_opt *opt)
{
    kin_tensor *skip = shortcut(s, x, width, stride);
    kin_tensor *y = kin_conv_bn(
        s, "conv1", "bn1", x,
        &(kin_conv_bn_opt){.out = width, .kernel = 3, .stride = stride, .pad = 1, .act = KIN_RELU});
    return kin_residual_end(
        s, "conv2", "bn2", y,
        &(kin_conv_bn_opt){.out = width, .kernel = 3, .pad = 1, .add = skip, .act = KIN_RELU}, opt);
}

enum { STEM, LAST = 3 }; /* stage k > 0 is layer k */

static kin_tensor *resnet_cifar(kin_scope *s, kin_tensor *x, int stage, const kin_model_opt *opt, int blocks)
{
    static const char *const names[] = {"stem", "layer1", "layer2", "layer3"};
    int64_t width = opt->width ? opt->width : 16;
    if (stage == STEM)
        return kin_stem_block(s, "conv1", "bn1", "maxpool", x, opt->stem != KIN_STEM_IMAGENET,
                              &(kin_conv_bn_opt){.out = width, .act = KIN_RELU});
    kin_scope *layer = kin_sub(s, names[stage]);
    int64_t stride = stage == 1 ? 1 : stage == LAST && opt->last_stride ? opt->last_stride : 2;
    for (int i = 0; i < blocks; i++) {
        kin_scope *block = kin_block_begin(kin_sub_index(layer, "", i));
        kin_model_opt here = kin_model_opt_at(opt, (stage - 1) * (int64_t)blocks + i + 1,
                                              3 * (int64_t)blocks);
        x = kin_block_end(block, basic_block(block, x, width << (stage - 1), i ? 1 : stride, &here));
    }
    return kin_stage_end(layer, names[stage], x, opt);
}

/* 6·blocks + 2 layers with the classifier. */
#define RESNET(NAME, ABOUT, BLOCKS) \
    static kin_tensor *NAME(kin_scope *s, kin_tensor *x, int stage, const kin_model_opt *opt) \
    { \
        return resnet_cifar(s, x, stage, opt, BLOCKS); \
    } \
    const kin_model kin_model_##NAME = {.name = #NAME, \
                                        .about = ABOUT, \
                                        .size = 32, \
                                        .residual = true, \
                                        .channels = 3, \
                                        .classifier = "linear", \
                                        .places = "block layer1 layer2 layer3", \
                                        .stages = "stem layer1 layer2 layer3", \
                                        .stage = NAME};

RESNET(resnet8, "CIFAR ResNet, one block a stage", 1)
RESNET(resnet20, "CIFAR ResNet, three blocks a stage", 3)
RESNET(resnet32, "CIFAR ResNet, five blocks a stage", 5)
RESNET(resnet44, "CIFAR ResNet, seven blocks a stage", 7)
RESNET(resnet56, "CIFAR ResNet, nine blocks a stage", 9)
RESNET(resnet110, "CIFAR ResNet, eighteen blocks a stage", 18)
