/* The gradient of a convolution's weights: for each tap, dW[tap] = Aᵀ·dY, where row p of A is the input pixel that
 * the tap reads for output pixel p. It is a product with a short result and a very long sum, so the sum over
 * pixels is cut into parts by shape; a task is one part of one group of taps, with sums of its own, and the parts
 * are added in order. Both operands are packed chunk by chunk, which also turns them to the tile's form. */
#include "base/parallel.h"
#include "kernels/conv_inside.h"

#include <string.h>

enum {
    CHUNK = 192,          /* pixels packed at a time */
    STRIP = 128,          /* columns packed at a time: CHUNK × STRIP floats stay in the second cache */
    PART_PIXELS = 2048,   /* pixels of one part, at least */
    TASKS = 16,           /* enough tasks for many threads */
    SMALL_DEPTH = 24,     /* taps are taken together until their channels fill a few tiles */
    BLOCK_M = 96,         /* rows of dW packed at a time, rounded up to whole tiles */
};

typedef struct plan {
    const kin_conv_shape *shape;
    const kin_tiles *tiles;
    const kin_real *x, *dy;
    kin_real *dw, *parts;
    int64_t depth, n, taps, taps_each, tap_groups, n_parts, part_pixels, pixels, group;
    bool accumulate;
} plan;

static plan plan_of(const kin_conv_shape *s)
{
    plan p = {.shape = s, .depth = s->in_c / s->groups, .n = s->out_c / s->groups, .taps = s->kernel_h * s->kernel_w};
    p.pixels = s->batch * s->out_h * s->out_w;
    p.taps_each = p.depth >= SMALL_DEPTH || p.depth < 1 ? 1 : kin_min(p.taps, SMALL_DEPTH / p.depth);
    p.tap_groups = kin_blocks(p.taps, p.taps_each);
    int64_t parts = kin_min(kin_blocks(TASKS, p.tap_groups), kin_blocks(p.pixels, PART_PIXELS));
    if (parts < 1) parts = 1;
    p.part_pixels = kin_round_up(kin_blocks(p.pixels, parts), CHUNK);
    p.n_parts = p.pixels > 0 ? kin_blocks(p.pixels, p.part_pixels) : 0;
    return p;
}

int64_t kin_conv_weight_numbers(const kin_conv_shape *s)
{
    if (s->groups > 1 && s->groups == s->in_c && s->in_c == s->out_c) return kin_depthwise_weight_numbers(s);
    plan p = plan_of(s);
    return p.n_parts * p.taps * p.depth * p.n + 64;
}

/* Where a tap reads for each pixel of a chunk; NULL in the padding. The pixels' places are walked, not divided out. */
static void find_inputs(const plan *p, int64_t tap, int64_t pixel, int64_t pixels, const kin_real **from)
{
    const kin_conv_shape *s = p->shape;
    int64_t ow = pixel % s->out_w, rest = pixel / s->out_w, oh = rest % s->out_h, n = rest / s->out_h;
    int64_t dy = tap / s->kernel_w * s->dilation_h - s->pad_top, dx = tap % s->kernel_w * s->dilation_w - s->pad_left;
    for (int64_t i = 0; i < pixels; i++) {
        int64_t y = oh * s->stride_h + dy, x = ow * s->stride_w + dx;
        from[i] = y < 0 || x < 0 || y >= s->in_h || x >= s->in_w ? NULL : p->x + ((n * s->in_h + y) * s->in_w + x) * s->in_ld;
        if (++ow < s->out_w) continue;
        ow = 0;
        if (++oh < s->out_h) continue;
        oh = 0;
        n++;
    }
}

/* Part of a tile's column: `run` channels from `channel` on, at row m of the tile. */
static void pack_part(const kin_real *const *from, int64_t channel, int64_t run, int64_t pixels, int64_t mr, kin_real *to)
{
    for (int64_t i = 0; i < pixels; i++, to += mr)
        for (int64_t r = 0; from[i] && r < run; r++) to[r] = from[i][channel + r];
}

/* Rows m0 .. m0+count of dW's group (row = tap·depth + channel) for a chunk of pixels, as tiles [⌈count/mr⌉][pixels][mr]. */
static void pack_inputs(const plan *p, int64_t first_tap, int64_t m0, int64_t count, int64_t pixel, int64_t pixels, kin_real *to)
{
    int64_t mr = p->tiles->mr, known = -1;
    const kin_real *from[CHUNK], *moved[CHUNK];
    for (int64_t m = 0, run; m < count; m += run) {
        int64_t tap = first_tap + (m0 + m) / p->depth, channel = (m0 + m) % p->depth;
        /* A run stays within one tap and one tile. */
        run = kin_min(kin_min(p->depth - channel, mr - m % mr), count - m);
        if (tap != known) find_inputs(p, tap, pixel, pixels, from);
        known = tap;
        kin_real *at = to + m / mr * mr * pixels + m % mr;
        if (run == mr) {
            for (int64_t i = 0; i < pixels; i++) moved[i] = from[i] ? from[i] + channel : NULL;
            p->tiles->pack(moved, pixels, at);
            continue;
        }
        if (m % mr == 0) memset(at, 0, (size_t)(mr * pixels) * sizeof *at);
        pack_part(from, channel, run, pixels, mr, at);
    }
}

static void pack_outputs(const plan *p, int64_t j, int64_t columns, int64_t pixel, int64_t pixels, kin_real *to)
{
    int64_t nr = p->tiles->nr, ld = p->shape->out_ld;
    for (int64_t k = 0; k < columns; k += nr) {
        int64_t width = kin_min(nr, columns - k);
        for (int64_t i = 0; i < pixels; i++, to += nr) {
            memcpy(to, p->dy + (pixel + i) * ld + j + k, (size_t)width * sizeof *to);
            for (int64_t c = width; c < nr; c++) to[c] = 0;
        }
    }
}

static void chunk(const plan *p, int64_t first_tap, int64_t m, int64_t pixel, int64_t pixels, kin_real *sums, bool begins)
{
    const kin_tiles *t = p->tiles;
    int64_t block_m = kin_round_up(BLOCK_M, t->mr);
    kin_real outputs[CHUNK * STRIP], inputs[(BLOCK_M + KIN_MR_MAX) * CHUNK];
    for (int64_t j = 0; j < p->n; j += STRIP) {
        int64_t columns = kin_min(STRIP, p->n - j);
        pack_outputs(p, j, columns, pixel, pixels, outputs);
        for (int64_t m0 = 0; m0 < m; m0 += block_m) {
            int64_t rows = kin_min(block_m, m - m0);
            pack_inputs(p, first_tap, m0, rows, pixel, pixels, inputs);
            for (int64_t k = 0; k < columns; k += t->nr)
                for (int64_t r = 0; r < rows; r += t->mr) {
                    kin_tile_out out = {.rows = kin_min(t->mr, rows - r), .columns = kin_min(t->nr, columns - k), .accumulate = !begins};
                    for (int64_t i = 0; i < out.rows; i++) out.c[i] = sums + (m0 + r + i) * p->n + j + k;
                    t->packed(inputs + r * pixels, outputs + k * pixels, pixels, &out);
                }
        }
    }
}

static void task(void *arg, int64_t index, int worker)
{
    (void)worker;
    const plan *p = arg;
    int64_t part = index / p->tap_groups, tap = index % p->tap_groups * p->taps_each, m = kin_min(p->taps_each, p->taps - tap) * p->depth;
    kin_real *sums = p->parts + (part * p->taps + tap) * p->depth * p->n;
    int64_t first = part * p->part_pixels, end = kin_min(p->pixels, first + p->part_pixels);
    for (int64_t pixel = first; pixel < end; pixel += CHUNK) chunk(p, tap, m, pixel, kin_min(CHUNK, end - pixel), sums, pixel == first);
}

/* Adds the parts in order; dW's columns of this group are n of out_c. */
static void add_parts(void *arg, int64_t row, int worker)
{
    (void)worker;
    const plan *p = arg;
    kin_real *to = p->dw + row * p->shape->out_c;
    const kin_real *from = p->parts + row * p->n;
    int64_t step = p->taps * p->depth * p->n;
    for (int64_t j = 0; j < p->n; j++) {
        kin_real sum = p->accumulate ? to[j] : 0;
        for (int64_t part = 0; part < p->n_parts; part++) sum += from[part * step + j];
        to[j] = sum;
    }
}

void kin_conv_backward_weight(const kin_conv_shape *s, const kin_real *x, const kin_real *dy, kin_real *dw, bool accumulate, void *workspace)
{
    if (s->groups > 1 && s->groups == s->in_c && s->in_c == s->out_c) {
        kin_depthwise_backward_weight(s, x, dy, dw, accumulate, workspace);
        return;
    }
    if (s->in_c < 1 || s->out_c < 1) return;
    if (s->batch * s->out_h * s->out_w < 1) { /* a sum over nothing */
        if (!accumulate) memset(dw, 0, (size_t)(s->kernel_h * s->kernel_w * (s->in_c / s->groups) * s->out_c) * sizeof *dw);
        return;
    }
    for (int64_t g = 0; g < s->groups; g++) {
        plan p = plan_of(s);
        p.tiles = kin_tiles_get();
        p.x = x + g * p.depth;
        p.dy = dy + g * p.n;
        p.dw = dw + g * p.n;
        p.parts = workspace;
        p.accumulate = accumulate;
        kin_parallel_for(p.n_parts * p.tap_groups, task, &p);
        kin_parallel_for(p.taps * p.depth, add_parts, &p);
    }
}
