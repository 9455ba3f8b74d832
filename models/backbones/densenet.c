/* Densely connected networks [Huang et al. 2017], as torchvision defines them: every layer of a block
 * reads all maps made before it in the block and adds `growth` channels to them. Norm and activation stand
 * ahead of each convolution. Half of the channels go from one block to the next. */
#include "models/models.h"
#include "models/backbones/parts.h"

#include <stdio.h>

typedef struct layout {
    int layers[4];
    int64_t width;
} layout;

static kin_tensor *dense_layer(kin_scope *s, kin_tensor *x, int64_t growth)
{
    kin_tensor *y = kin_conv_bn(s, "conv1", "norm2", x,
                                &(kin_conv_bn_opt){.before = "norm1",
                                                   .before_act = KIN_RELU,
                                                   .out = 4 * growth,
                                                   .kernel = 1,
                                                   .act = KIN_RELU,
                                                   .kaiming_fan_in = true});
    return kin_tap(s,
                   kin_conv(kin_sub(s, "conv2"), y,
                            &(kin_conv_opt){.out = growth, .kernel = 3, .pad = 1, .kaiming_fan_in = true}));
}

static kin_tensor *dense_block(kin_scope *s, kin_tensor *x, int layers, int64_t growth)
{
    char name[24];
    x = kin_concat_reserve(x, kin_channels(x) + layers * growth);
    for (int i = 1; i <= layers; i++) {
        snprintf(name, sizeof name, "denselayer%d", i);
        kin_scope *layer = kin_block_begin(kin_sub(s, name));
        x = kin_concat_append(x, kin_block_end(layer, dense_layer(layer, x, growth)));
    }
    return x;
}

static kin_tensor *transition(kin_scope *s, kin_tensor *x, int64_t stride)
{
    int64_t half = kin_channels(x) / 2;
    kin_conv_bn_opt opt = {
        .before = "norm", .before_act = KIN_RELU, .out = half, .kernel = 1, .kaiming_fan_in = true};
    return kin_tap(s, stride > 1 ? kin_conv_avg_pool(s, "conv", "pool", x, &opt, 2)
                                 : kin_conv_bn(s, "conv", NULL, x, &opt));
}

enum {
    STEM,
    LAST_BLOCK = 4,
    NORM
}; /* stage k in 1 .. 4 is block k, behind the transition that leads to it */

static kin_tensor *densenet(kin_scope *s, kin_tensor *x, int stage, const kin_model_opt *opt, const layout *l)
{
    char name[24];
    int64_t width = opt->width ? opt->width : l->width;
    s = kin_sub(s, "features");
    if (stage == STEM)
        return kin_stem_block(s, "conv0", "norm0", "pool0", x, opt->stem == KIN_STEM_CIFAR,
                              &(kin_conv_bn_opt){.out = width, .act = KIN_RELU, .kaiming_fan_in = true});
    if (stage == NORM) /* apart, so that the tap features.norm5 is torchvision's */
        return kin_relu(kin_batch_norm(kin_sub(s, "norm5"), x, NULL));
    snprintf(name, sizeof name, "transition%d", stage - 1);
    if (stage > 1)
        x = transition(kin_sub(s, name), x, stage == LAST_BLOCK && opt->last_stride ? opt->last_stride : 2);
    snprintf(name, sizeof name, "denseblock%d", stage);
    kin_scope *dense = kin_sub(s, name);
    x = dense_block(dense, x, l->layers[stage - 1], width / 2);
    return kin_attend(dense, &opt->attention, "block", kin_stage_end(dense, name, x, opt));
}

/* `width` channels leave the stem; a layer adds half as many. */
#define DENSENET(NAME, ABOUT, WIDTH, ...) \
    static kin_tensor *NAME(kin_scope *s, kin_tensor *x, int stage, const kin_model_opt *opt) \
    { \
        return densenet(s, x, stage, opt, &(layout){.layers = {__VA_ARGS__}, .width = WIDTH}); \
    } \
    const kin_model kin_model_##NAME = { \
        .name = #NAME, \
        .about = ABOUT, \
        KIN_IMAGENET, \
        .classifier = "classifier", \
        .zero_bias = true, \
        .places = "block denseblock1 denseblock2 denseblock3 denseblock4", \
        .stages = "stem denseblock1 denseblock2 denseblock3 denseblock4 norm5", \
        .stage = NAME};

DENSENET(densenet121, "DenseNet, growth 32, 6 12 24 16 layers", 64, 6, 12, 24, 16)
DENSENET(densenet161, "DenseNet, growth 48, 6 12 36 24 layers", 96, 6, 12, 36, 24)
DENSENET(densenet169, "DenseNet, growth 32, 6 12 32 32 layers", 64, 6, 12, 32, 32)
DENSENET(densenet201, "DenseNet, growth 32, 6 12 48 32 layers", 64, 6, 12, 48, 32)
