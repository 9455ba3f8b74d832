/* The ResNets for small pictures [He et al. 2016, section 4.2]: a 3×3 stem, three stages of basic blocks with
 * 16, 32 and 64 channels, global average pooling. Shortcuts that change the shape have no parameters (option A):
 * every second pixel is taken and the new channels are zeros, half before and half behind. */
#include "models/models.h"
#include "models/resnet_cifar.h"
#include "nn/layers.h"

static kin_tensor *shortcut(kin_tensor *x, int64_t width, int64_t stride)
{
    int64_t missing = width - kin_channels(x);
    if (stride > 1) x = kin_avg_pool2d(x, &(kin_pool2d_opt){.kernel = 1, .stride = stride});
    if (missing <= 0 || !x) return x;
    kin_shape shape = kin_shape_of(x);
    shape.dim[3] = missing / 2;
    kin_tensor *before = kin_input(kin_ctx_of(x), shape, NULL);
    shape.dim[3] = missing - missing / 2;
    kin_tensor *behind = kin_input(kin_ctx_of(x), shape, NULL);
    return kin_concat((kin_tensor *[]){before, x, behind}, 3);
}

static kin_tensor *basic_block(kin_scope *s, kin_tensor *x, int64_t width, int64_t stride)
{
    kin_tensor *skip = shortcut(x, width, stride);
    kin_tensor *y = kin_conv_bn(s, "conv1", "bn1", x, &(kin_conv_bn_opt){.out = width, .kernel = 3, .stride = stride, .pad = 1, .act = KIN_RELU});
    return kin_conv_bn(s, "conv2", "bn2", y, &(kin_conv_bn_opt){.out = width, .kernel = 3, .pad = 1, .add = skip, .act = KIN_RELU});
}

kin_tensor *kin_resnet_cifar(kin_scope *s, kin_tensor *x, int blocks, int64_t width)
{
    static const char *const stages[] = {"layer1", "layer2", "layer3"};
    x = kin_conv_bn(s, "conv1", "bn1", x, &(kin_conv_bn_opt){.out = width, .kernel = 3, .pad = 1, .act = KIN_RELU});
    for (int stage = 0; stage < 3; stage++)
        for (int block = 0; block < blocks; block++)
            x = basic_block(kin_sub_index(s, stages[stage], block), x, width << stage, stage && !block ? 2 : 1);
    return kin_global_avg_pool(x);
}

static kin_tensor *with_embedding(kin_scope *s, kin_tensor *x, int blocks, const kin_model_opt *opt)
{
    x = kin_resnet_cifar(s, x, blocks, opt->width ? opt->width : 16);
    return opt->embedding ? kin_linear(kin_sub(s, "embedding"), x, &(kin_linear_opt){.out = opt->embedding}) : x;
}

static kin_tensor *resnet8(kin_scope *s, kin_tensor *x, const kin_model_opt *opt) { return with_embedding(s, x, 1, opt); }
static kin_tensor *resnet20(kin_scope *s, kin_tensor *x, const kin_model_opt *opt) { return with_embedding(s, x, 3, opt); }

const kin_model kin_model_resnet8 = {.name = "resnet8", .about = "CIFAR ResNet, one block a stage", .size = 32, .channels = 3, .embedding = 64, .forward = resnet8};
const kin_model kin_model_resnet20 = {.name = "resnet20", .about = "CIFAR ResNet, three blocks a stage", .size = 32, .channels = 3, .embedding = 64, .forward = resnet20};
