#include "kernels/conv/choose.h"

#include "kernels/conv/depthwise.h"
#include "kernels/conv/few.h"
#include "kernels/conv/product.h"
#include "kernels/conv/winograd.h"
#include "kernels/tile.h"

kin_conv_machine kin_conv_this_machine(void)
{
    return (kin_conv_machine){kin_tile_size_of(kin_tiles_get()), kin_threads()};
}

/* ---- tiny maps ---- */

/* In a map of 2×2 most of a 3×3 kernel reads padding. With enough pictures each pixel of the map is a
 * phase of its own, a row for each picture, and the taps that read padding are left out. The middle of the
 * kernel always reads a pixel. */
enum { TINY = 9, PICTURES = 32 };

static bool centred(const kin_conv_shape *s)
{
    return s->kernel_h % 2 && s->kernel_w % 2 && s->kernel_h * s->kernel_w > 1 &&
           s->pad_top == s->kernel_h / 2 && s->pad_left == s->kernel_w / 2 && s->dilation_h == 1 &&
           s->dilation_w == 1;
}

static bool is_tiny(const kin_conv_shape *s)
{
    return centred(s) && s->batch >= PICTURES && s->out_h * s->out_w <= TINY &&
           (s->out_h - 1) * s->stride_h < s->in_h && (s->out_w - 1) * s->stride_w < s->in_w;
}

static bool is_tiny_backward(const kin_conv_shape *s)
{
    return is_tiny(s) && s->stride_h == 1 && s->stride_w == 1 && s->out_h == s->in_h && s->out_w == s->in_w;
}

/* ---- where Winograd's method is quicker, and by which tile ---- */

enum {
    FEW_CHANNELS = 16, /* with fewer the transforms outweigh the products they save */
    INPUT = 14,        /* the transforms of a position's pixel and sum cost as much as so many products */
    OUTPUT = 14,
    WEIGHT = 2,     /* of a position's weight */
    WEIGHT_SUM = 8, /* and of its sum where the weights' gradient is computed */
};

/* What a batch costs, in products. */
static double cost(const kin_conv_shape *s, int m, double batch)
{
    double tiles = batch * (double)kin_blocks(s->out_h, m) * (double)kin_blocks(s->out_w, m),
           in = (double)s->in_c, out = (double)s->out_c;
    return tiles * (m + 2) * (m + 2) * (in * out + INPUT * in + OUTPUT * out);
}

/* Transformed weights are read, or made and read, whatever the batch: `each` products for every one of
 * them. `direct` is what the definition needs. */
static int quickest(const kin_conv_shape *s, double batch, double direct, double each, int largest)
{
    double best = direct;
    int tile = 0;
    if (!kin_winograd_possible(s) || s->in_c < FEW_CHANNELS || s->out_c < FEW_CHANNELS) return 0;
    for (int m = 2; m <= largest; m += 2) {
        double with = cost(s, m, batch) + each * (double)s->in_c * (double)s->out_c * (m + 2) * (m + 2);
        if (with < best) best = with, tile = m;
    }
    return tile;
}

static double products(const kin_conv_shape *s, double batch)
{
    return 9 * batch * (double)s->out_h * (double)s->out_w * (double)s->in_c * (double)s->out_c;
}

/* Of the three taps along an axis at `out` places, those that read a pixel. */
static double reaching(int64_t out, int64_t in, int64_t pad)
{
    int64_t count = 0;
    for (int64_t k = -pad; k < 3 - pad; k++) count += kin_most(kin_min(out, in - k) - kin_most(0, -k), 0);
    return (double)count;
}

/* Without the taps that read padding. */
static double reaching_products(const kin_conv_shape *s)
{
    return (double)s->batch * reaching(s->out_h, s->in_h, s->pad_top) *
           reaching(s->out_w, s->in_w, s->pad_left) * (double)s->in_c * (double)s->out_c;
}

static double direct(const kin_conv_shape *s)
{
    return is_tiny(s) ? reaching_products(s) : products(s, (double)s->batch);
}

/* Judged for maps of a common size. */
static int tile_packed(const kin_conv_shape *s)
{
    enum { COMMON = 14 };
    kin_conv_shape common = *s;
    common.out_h = common.out_w = COMMON;
    return quickest(&common, 1, products(&common, 1), 0, 4);
}

/* The forward pass of training never has tiles of 4: their larger error moves more numbers over the kinks of
 * ReLUs, around which gradients jump, and whole networks' gradients were no longer as near to the exact ones as
 * PyTorch's. The gradient of the input is linear. */
static int winograd_tile(const kin_conv_shape *s, kin_conv_direction direction)
{
    kin_conv_shape back;
    if (direction == KIN_CONV_PACKED) return tile_packed(s);
    if (direction == KIN_CONV_FORWARD) return quickest(s, (double)s->batch, direct(s), WEIGHT, 2);
    if (direction == KIN_CONV_WEIGHT)
        return quickest(s, (double)s->batch, reaching_products(s), WEIGHT_SUM, 4);
    back = kin_winograd_backward(s);
    return quickest(&back, (double)s->batch, direct(&back), WEIGHT, 4);
}

/* ---- the choice ---- */

static kin_conv_kind kind_of(const kin_conv_shape *s, kin_conv_direction direction, int tile)
{
    if (tile) return KIN_CONV_WINOGRAD;
    if (kin_is_depthwise(s)) return KIN_CONV_DEPTHWISE;
    if (direction != KIN_CONV_INPUT && kin_conv_has_few(s)) return KIN_CONV_FEW;
    if (direction == KIN_CONV_FORWARD && is_tiny(s)) return KIN_CONV_PIXELS;
    if (direction == KIN_CONV_INPUT && is_tiny_backward(s)) return KIN_CONV_PIXELS;
    return KIN_CONV_PRODUCT;
}

static int64_t forward_numbers(const kin_conv_shape *s, const kin_conv_choice *c, const kin_conv_machine *m)
{
    if (c->kind == KIN_CONV_WINOGRAD) return kin_winograd_numbers(s, c->tile, m);
    if (c->kind == KIN_CONV_DEPTHWISE) return kin_depthwise_forward_numbers(s, m->threads);
    if (c->kind == KIN_CONV_FEW) return kin_conv_few_forward_numbers(s, m->threads);
    return kin_conv_product_numbers(s, m);
}

/* With the weights, which are packed first; depthwise ones stay as they are. */
static int64_t once_numbers(const kin_conv_shape *s, const kin_conv_choice *c, const kin_conv_machine *m)
{
    if (c->kind == KIN_CONV_WINOGRAD) return kin_winograd_once_numbers(s, c->tile, m);
    int64_t packed = c->kind == KIN_CONV_DEPTHWISE ? 0 : kin_conv_product_packed(s, m->tile.nr);
    return kin_round_up(packed, KIN_CUT_LINE) + forward_numbers(s, c, m);
}

static int64_t input_numbers(const kin_conv_shape *s, const kin_conv_choice *c, const kin_conv_machine *m)
{
    kin_conv_shape back = kin_winograd_backward(s);
    if (c->kind == KIN_CONV_WINOGRAD) return kin_winograd_once_numbers(&back, c->tile, m);
    if (c->kind == KIN_CONV_DEPTHWISE) return kin_depthwise_input_numbers(s);
    return kin_conv_product_input_numbers(s, m);
}

static int64_t weight_numbers(const kin_conv_shape *s, const kin_conv_choice *c, const kin_conv_machine *m)
{
    if (c->kind == KIN_CONV_WINOGRAD) return kin_winograd_weight_numbers(s, c->tile);
    if (c->kind == KIN_CONV_DEPTHWISE) return kin_depthwise_weight_numbers(s, m->threads);
    if (c->kind != KIN_CONV_FEW) return kin_conv_product_weight_numbers(s, m);
    kin_conv_shape wide = kin_conv_few(s);
    return kin_conv_few_numbers(s) + kin_conv_product_weight_numbers(&wide, m);
}

bool kin_conv_is_too_large(const kin_conv_shape *s)
{
    double weights = (double)s->kernel_h * (double)s->kernel_w * ((double)s->in_c + KIN_NR_MAX) *
                     ((double)s->out_c + KIN_NR_MAX);
    double picture = (double)s->batch *
                     ((double)s->out_h * (double)s->stride_h + (double)s->kernel_h * (double)s->dilation_h) *
                     ((double)s->out_w * (double)s->stride_w + (double)s->kernel_w);
    return weights > 1e15 || (kin_conv_has_few(s) && picture > 1e15);
}

typedef int64_t numbers_fn(const kin_conv_shape *s, const kin_conv_choice *c, const kin_conv_machine *m);

/* One number at least, for memory of none is none. */
static size_t workspace_of(const kin_conv_shape *s, kin_conv_direction direction, const kin_conv_choice *c,
                           const kin_conv_machine *m)
{
    static numbers_fn *const numbers[] = {[KIN_CONV_PACKED] = forward_numbers,
                                          [KIN_CONV_FORWARD] = once_numbers,
                                          [KIN_CONV_INPUT] = input_numbers,
                                          [KIN_CONV_WEIGHT] = weight_numbers};
    if (kin_conv_is_too_large(s)) return SIZE_MAX;
    int64_t needed = kin_conv_is_empty(s) ? 0 : numbers[direction](s, c, m);
    return (size_t)kin_most(needed, 1) * sizeof(kin_real);
}

kin_conv_choice kin_conv_choose(const kin_conv_shape *s, kin_conv_direction direction,
                                const kin_conv_machine *machine)
{
    kin_conv_choice c = {.tile = winograd_tile(s, direction)};
    c.kind = kind_of(s, direction, c.tile);
    c.workspace = workspace_of(s, direction, &c, machine);
    return c;
}

const char *kin_conv_choice_name(const kin_conv_choice *c)
{
    static const char *const names[] = {
        [KIN_CONV_PRODUCT] = "implicit product",
        [KIN_CONV_PIXELS] = "implicit product, pixel by pixel",
        [KIN_CONV_FEW] = "implicit product, lines of the kernel at once",
        [KIN_CONV_DEPTHWISE] = "depthwise",
        [KIN_CONV_WINOGRAD] = "Winograd, tiles of 2x2",
    };
    return c->tile == 4 ? "Winograd, tiles of 4x4" : names[c->kind];
}
