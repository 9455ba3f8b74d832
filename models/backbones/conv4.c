/* The small network of few-shot learning [Vinyals et al. 2016]: four 3×3 convolutions of 64 channels, each
 * with batch norm and ReLU, 2×2 maxima after the first three (28 → 14 → 7 → 3), and a linear layer to the
 * embedding. */
#include "models/models.h"
#include "models/backbones/parts.h"

static kin_tensor *conv4(kin_scope *s, kin_tensor *x, int stage, const kin_model_opt *opt)
{
    int64_t width = opt->width ? opt->width : 64, halvings = opt->last_stride == 1 ? 2 : 3;
    kin_scope *layer = kin_block_begin(kin_sub_index(s, "features", stage));
    kin_conv_bn_opt conv = {.out = width, .kernel = 3, .pad = 1, .act = KIN_RELU};
    if (stage < halvings && !kin_attends(&opt->attention, "block")) {
        x = kin_conv_bn_max_pool(layer, "conv", "bn", x, &conv);
    } else {
        x = kin_residual_end(layer, "conv", "bn", x, &conv, opt);
        if (stage < halvings) x = kin_max_pool2d(x, &(kin_pool2d_opt){.kernel = 2});
    }
    return kin_block_end(layer, x);
}

const kin_model kin_model_conv4 = {.name = "conv4",
                                   .about = "four 3x3 convolutions of 64 channels",
                                   .size = 28,
                                   .channels = 1,
                                   .embedding = 128,
                                   .classifier = "classifier",
                                   .pooling = KIN_POOLING_FLATTEN,
                                   .one_stem = true,
                                   .places = "block",
                                   .stages = "block1 block2 block3 block4",
                                   .stage = conv4};
