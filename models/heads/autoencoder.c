/* A convolutional auto-encoder: from the picture to a code of few numbers and back, trained end to end [Hinton and
 * Salakhutdinov, "Reducing the dimensionality of data with neural networks", Science 2006; for retrieval Krizhevsky and
 * Hinton, ESANN 2011].
 *
 *   z = W · grid(E(x)),    x̂ = D(z),    loss = (losses on z) + w · mean (x̂ − a(x))²
 *
 * E is the backbone; its map, averaged to grid × grid pixels so that the code knows where things are, becomes z by one
 * linear layer, and z is the descriptor. D is a linear layer to 4×4 pixels, and then steps of twice the size: each pixel
 * is repeated and convolved, for transposed convolutions leave chequered patterns [Odena, Dumoulin, Olah 2016]. a(x) is
 * the picture as the network sees it, averaged to D's size.
 *
 * With `--loss none` nothing but the picture teaches, and no labels are needed; beside a loss on distances the
 * reconstruction keeps in z what that loss would throw away. D takes part in training alone, or where its result is
 * asked for (kin_module_retain "decoder"). kin reduce --autoencoder does the same to descriptors that are there. */
#include "models/heads/head.h"
#include "nn/folded.h"
#include "nn/layers.h"

enum { BASE = 4, NARROWEST = 16 };

static int64_t dim_of(const kin_head_choice *choice, const kin_model_opt *opt)
{
    return opt->embedding ? opt->embedding : (int64_t)kin_head_value(choice, "dim");
}

static bool check(const kin_head_choice *choice, const kin_model *m, const kin_model_opt *opt, kin_error *err)
{
    int64_t side = (int64_t)kin_head_value(choice, "side");
    if (opt->neck || opt->classes)
        return kin_fail(err, KIN_ERR_ARGUMENT, "the head autoencoder has no neck and no classifier of %s",
                        m->name);
    return (side & (side - 1)) == 0 ||
           kin_fail(
               err, KIN_ERR_ARGUMENT,
               "autoencoder: pictures of %lld pixels a side; the decoder doubles 4 pixels: 8, 16, 32, 64 or "
               "128 was expected",
               (long long)side);
}

static kin_tensor *encode(const kin_head_call *c)
{
    kin_tensor *map = kin_model_features(c->model, c->scope, c->x, c->opt);
    int64_t grid = (int64_t)kin_head_value(c->choice, "grid");
    if (!map) return NULL;
    int64_t h = kin_dim(map, 1) < grid ? kin_dim(map, 1) : grid,
            w = kin_dim(map, 2) < grid ? kin_dim(map, 2) : grid;
    map = kin_tap(kin_sub(c->scope, "features"), map);
    kin_linear_opt code = {.out = dim_of(c->choice, c->opt)};
    return kin_linear(kin_sub(c->scope, "code"), kin_flatten(kin_adaptive_avg_pool2d(map, h, w)), &code);
}

static kin_tensor *decode(const kin_head_call *c, kin_scope *s, kin_tensor *code)
{
    int64_t width = (int64_t)kin_head_value(c->choice, "width"),
            side = (int64_t)kin_head_value(c->choice, "side");
    kin_linear_opt begin = {.out = BASE * BASE * width};
    kin_conv_opt end = {.out = kin_channels(c->x), .kernel = 3, .pad = 1, .bias = true};
    kin_tensor *x = kin_relu(kin_linear(kin_sub(s, "begin"), code, &begin));
    if (!x) return NULL;
    x = kin_reshape(x, KIN_SHAPE(kin_rows(code), BASE, BASE, width));
    for (int i = 1; x && kin_dim(x, 1) < side; i++) {
        width = width / 2 > NARROWEST ? width / 2 : NARROWEST;
        kin_conv_bn_opt step = {
            .out = width, .kernel = 3, .pad = 1, .act = KIN_RELU, .kaiming_fan_out = true};
        x = kin_conv_bn(kin_sub_index(s, "step", i), "conv", "bn", kin_upsample(x, 2), &step);
    }
    return kin_tap(s, kin_conv(kin_sub(s, "end"), x, &end));
}

static bool run(const kin_head_call *c, kin_branches *out)
{
    kin_scope *s = kin_sub(c->scope, "decoder");
    double weight = kin_head_value(c->choice, "weight");
    kin_tensor *code = encode(c);
    out->branch[out->count++] = (kin_named_branch){"code", .metric = code, .behind = code};
    if (!code) return false;
    if (!kin_training(c->scope) && !kin_scope_retained(s)) return true;
    kin_tensor *back = decode(c, s, code);
    if (!back || !kin_training(c->scope)) return back != NULL;
    kin_tensor *seen = kin_adaptive_avg_pool2d(c->x, kin_dim(back, 1), kin_dim(back, 2));
    out->term = kin_scale(kin_mean(kin_square(kin_sub_tensor(back, seen)), 0), weight, 0);
    return out->term != NULL;
}

const kin_head kin_head_autoencoder = {
    .name = "autoencoder",
    .about = "a code from which a decoder makes the picture again",
    .paper = "Hinton and Salakhutdinov 2006",
    .own = "code.*,decoder.*",
    .params = {{"dim", 128, 1, 8192, .whole = true, .help = "numbers of the code; --embedding says the same"},
               {"grid", 4, 1, 16, .whole = true, .help = "pixels a side to which the map is averaged"},
               {"side", 32, 8, 128, .whole = true, .help = "pixels a side of the picture that is made again"},
               {"width", 128, 1, 1024, .whole = true, .help = "channels that the decoder begins with"},
               {"weight", 1, 0, 1e6, .help = "of the squared differences beside the losses"}},
    .check = check,
    .run = run};
