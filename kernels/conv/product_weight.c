/* The gradient of a convolution's weights: for each tap, dW[tap] = Aᵀ·dY, where row p of A is the input
 * pixel that the tap reads for output pixel p. It is a product with a short result and a very long sum. A
 * task is a block of dW's rows (some taps, or a piece of one), a strip of its columns and a part of the
 * sum over pixels, with sums of its own; the parts are added in order. It goes through its pixels once,
 * chunk by chunk, as long as the sums of its taps stay in the second cache beside them. Pixels for which a
 * tap reads padding are left out of its sum, which spares half of it in the small maps at a network's end.
 * Both operands are packed, dY once for all rows of a tap; where the sum has one part it is added up in dW
 * itself. Every cut depends on the shape alone. */
#include "kernels/conv/product.h"

#include "base/parallel.h"
#include "kernels/norm_kernels.h"
#include "kernels/tile.h"

#include <string.h>

enum {
    CHUNK = KIN_CONV_CHUNK,
    STRIP = KIN_CONV_STRIP,
    GROUP_MAX = KIN_CONV_GROUP + KIN_MR_MAX,
    SOME = 8,        /* pixels whose numbers are packed together */
    ADDED = 1 << 13, /* numbers of dW that the parts are added for at a time */
};

typedef struct plan {
    const kin_conv_shape *shape;
    const kin_tiles *tiles;
    const kin_real *x, *dy;
    const kin_conv_begin *begin;
    kin_real *dw, *parts,
        *scratch; /* scratch: of each worker, for a chunk's outputs, inputs, and those moved */
    kin_conv_weight_cut cut;
    bool accumulate;
} plan;

static kin_conv_weight_cut cut_of(const kin_conv_shape *s)
{
    return kin_conv_weight_cut_of(s, kin_tile_size_of(kin_tiles_get()), kin_threads());
}

static int64_t room_numbers(const kin_conv_weight_cut *c) { return c->outputs + c->inputs + c->moved; }

/* ---- the pixels of a chunk ---- */

typedef struct walk {
    int64_t n, oh, ow, pixel, end;
} walk;

static walk walk_from(const plan *p, int64_t pixel, int64_t end)
{
    const kin_conv_shape *s = p->shape;
    return (walk){pixel / s->out_w / s->out_h, pixel / s->out_w % s->out_h, pixel % s->out_w, pixel, end};
}

static inline void walk_on(const kin_conv_shape *s, walk *w)
{
    w->pixel++;
    if (++w->ow < s->out_w) return;
    w->ow = 0;
    if (++w->oh < s->out_h) return;
    w->oh = 0;
    w->n++;
}

/* The input pixel that a tap reads; NULL in the padding. */
static inline const kin_real *source(const plan *p, const walk *w, int64_t dy, int64_t dx)
{
    const kin_conv_shape *s = p->shape;
    int64_t y = w->oh * s->stride_h + dy, x = w->ow * s->stride_w + dx;
    return y < 0 || x < 0 || y >= s->in_h || x >= s->in_w
               ? NULL
               : p->x + ((w->n * s->in_h + y) * s->in_w + x) * s->in_ld;
}

static int64_t tap_y(const kin_conv_shape *s, int64_t tap)
{
    return tap / s->kernel_w * s->dilation_h - s->pad_top;
}
static int64_t tap_x(const kin_conv_shape *s, int64_t tap)
{
    return tap % s->kernel_w * s->dilation_w - s->pad_left;
}

/* The next pixels, at most a chunk, for which the tap reads a number, and where; returns how many. */
static int64_t find_valid(const plan *p, walk *w, int64_t tap, const kin_real **in, const kin_real **out)
{
    int64_t dy = tap_y(p->shape, tap), dx = tap_x(p->shape, tap), count = 0;
    for (; w->pixel < w->end && count < p->cut.chunk; walk_on(p->shape, w)) {
        const kin_real *from = source(p, w, dy, dx);
        in[count] = from;
        out[count] = p->dy + w->pixel * p->shape->out_ld;
        count += from != NULL;
    }
    return count;
}

/* For taps packed together: all pixels. */
static int64_t find_all(const plan *p, walk *w, const kin_real **out)
{
    int64_t count = kin_min(p->cut.chunk, w->end - w->pixel), end = w->pixel + count;
    for (int64_t i = 0; i < count; i++) out[i] = p->dy + (w->pixel + i) * p->shape->out_ld;
    *w = walk_from(p, end, w->end);
    return count;
}

static void find_inputs(const plan *p, walk w, int64_t tap, int64_t pixels, const kin_real **in)
{
    int64_t dy = tap_y(p->shape, tap), dx = tap_x(p->shape, tap);
    for (int64_t i = 0; i < pixels; i++, walk_on(p->shape, &w)) in[i] = source(p, &w, dy, dx);
}

/* ---- packing and products ---- */

/* Part of a tile's column: `run` channels from `channel` on, at row m of the tile. */
static void pack_part(const kin_real *const *from, int64_t channel, int64_t run, int64_t pixels, int64_t mr,
                      kin_real *to)
{
    for (int64_t i = 0; i < pixels; i++, to += mr)
        for (int64_t r = 0; from[i] && r < run; r++) to[r] = from[i][channel + r];
}

typedef struct chunk {
    int64_t tap, row, rows, column, columns; /* rows count from the tap's first */
    int64_t pixels, known;                   /* the tap whose places are in `in`; −1: none */
    walk first;
    kin_real *outputs, *inputs, *moved; /* the worker's own */
    int64_t before;                     /* channels before those that `in` points to */
    const kin_real *in[CHUNK], *out[CHUNK];
} chunk;

/* The rows of a 1×1 kernel's pixels, which are neighbours, from where they lie into the buffer. */
static void go_through(const plan *p, chunk *c)
{
    const kin_conv_begin *b = p->begin;
    kin_norm_kernels_get()->apply(c->in[0] + c->row, p->shape->in_ld, c->pixels, c->rows, b->scale + c->row,
                                  b->shift + c->row, NULL, 0, b->act, c->moved, c->rows);
    for (int64_t i = 0; i < c->pixels; i++) c->in[i] = c->moved + i * c->rows;
    c->before = c->row;
}

/* Rows m .. m+count of the group, one tile, for some of the chunk's pixels: [pixels][mr]. */
static void pack_tile(const plan *p, chunk *c, int64_t m, int64_t count, int64_t pixel, int64_t pixels,
                      kin_real *to)
{
    int64_t mr = p->tiles->mr;
    for (int64_t r = 0, run; r < count; r += run) {
        int64_t tap = c->tap + (m + r) / p->cut.depth, channel = (m + r) % p->cut.depth;
        run = kin_min(p->cut.depth - channel, count - r);
        if (tap != c->known) find_inputs(p, c->first, tap, c->pixels, c->in);
        c->known = tap;
        if (run == mr) {
            p->tiles->pack(c->in + pixel, channel - c->before, pixels, to);
            return;
        }
        if (r == 0) memset(to, 0, (size_t)(mr * pixels) * sizeof *to);
        pack_part(c->in + pixel, channel - c->before, run, pixels, mr, to + r);
    }
}

/* Both operands are packed for a few pixels at a time, so that memory is read in its order; the next few
 * are asked for, whose place the processor cannot foresee. */
static void expect(const chunk *c, const kin_real *const *from, int64_t first, int64_t count, int64_t pixel)
{
    for (int64_t i = pixel + SOME; i < kin_min(pixel + 2 * SOME, c->pixels); i++)
        for (int64_t at = 0; at < count; at += 64 / (int64_t)sizeof(kin_real))
            __builtin_prefetch(from[i] + first + at);
}

static void pack_outputs(const plan *p, const chunk *c, kin_real *to)
{
    int64_t nr = p->tiles->nr;
    for (int64_t i = 0, some; i < c->pixels; i += some) {
        some = kin_min(SOME, c->pixels - i);
        expect(c, c->out, c->column, c->columns, i);
        for (int64_t j = 0; j < c->columns; j += nr)
            p->tiles->pack_columns(c->out + i, c->column + j, kin_min(nr, c->columns - j), some,
                                   to + j * c->pixels + i * nr);
    }
}

static void pack_inputs(const plan *p, chunk *c, int64_t row, int64_t rows, kin_real *to, int64_t pitch)
{
    int64_t mr = p->tiles->mr;
    for (int64_t i = 0, some; i < c->pixels; i += some) {
        /* taps packed together have their pixels elsewhere */
        some = p->cut.together ? c->pixels : kin_min(SOME, c->pixels - i);
        if (!p->cut.together && !p->begin) expect(c, c->in, row, rows, i);
        for (int64_t r = 0; r < rows; r += mr)
            pack_tile(p, c, row + r, kin_min(mr, rows - r), i, some, to + r / mr * pitch + i * mr);
    }
}

/* A part's sums, or dW itself where there is one part. */
typedef struct sums {
    kin_real *data;
    int64_t ld;
    bool accumulate;
} sums;

/* A panel of dY stays in the first cache while the rows of a group pass by. */
static void multiply(const plan *p, chunk *c, const sums *s, bool begins)
{
    kin_real *to[GROUP_MAX];
    int64_t each = p->cut.group, pitch = kin_odd_lines(c->pixels * p->tiles->mr), none = 0;
    pack_outputs(p, c, c->outputs);
    for (int64_t row = c->row, end = c->row + c->rows; row < end; row += each) {
        int64_t rows = kin_min(each, end - row);
        for (int64_t r = 0; r < rows; r++)
            to[r] = s->data + (c->tap * p->cut.depth + row + r) * s->ld + c->column;
        pack_inputs(p, c, row, rows, c->inputs, pitch);
        p->tiles->run(&(kin_tile_block){.rows = rows,
                                        .columns = c->columns,
                                        .c = to,
                                        .accumulate = s->accumulate || !begins,
                                        .packed = c->inputs,
                                        .pitch = pitch,
                                        .near = true,
                                        .b_row = &none,
                                        .segments = 1,
                                        .length = c->pixels,
                                        .panels = c->outputs,
                                        .panel_k = c->pixels});
    }
}

/* The taps of a task one after the other, for the chunk's pixels. A single tap takes pixels until the
 * chunk is full. */
static void each_tap(const plan *p, chunk *c, int64_t taps, walk *w, const sums *to, bool begins)
{
    walk last = *w;
    c->first = *w;
    for (int64_t i = 0; i < taps; i++, c->tap++) {
        last = c->first;
        if (taps > 1) last.end = kin_min(last.pixel + p->cut.chunk, last.end);
        c->pixels = find_valid(p, &last, c->tap, c->in, c->out);
        c->known = c->tap;
        if (p->begin) go_through(p, c);
        if (c->pixels || begins) multiply(p, c, to, begins);
    }
    c->tap -= taps;
    last.end = w->end;
    *w = last;
}

static void task(void *arg, int64_t index, int worker)
{
    const plan *p = arg;
    int64_t strip = index % p->cut.strips, block = index / p->cut.strips % p->cut.row_blocks,
            group = index / p->cut.strips / p->cut.row_blocks % p->cut.tap_groups;
    int64_t part = index / p->cut.strips / p->cut.row_blocks / p->cut.tap_groups;
    chunk c; /* not cleared: it holds two lists of a chunk's pixels */
    c.tap = group * p->cut.taps_each, c.row = block * p->cut.rows, c.column = strip * STRIP,
    c.columns = kin_min(STRIP, p->cut.n - c.column);
    c.outputs = p->scratch + worker * room_numbers(&p->cut);
    c.inputs = c.outputs + p->cut.outputs, c.moved = c.inputs + p->cut.inputs, c.before = 0;
    int64_t taps = kin_min(p->cut.taps_each, p->cut.taps - c.tap),
            m = p->cut.together ? taps * p->cut.depth : p->cut.depth;
    c.rows = kin_min(p->cut.rows, m - c.row);
    sums to = p->cut.parts > 1
                  ? (sums){p->parts + part * p->cut.taps * p->cut.depth * p->cut.n, p->cut.n, false}
                  : (sums){p->dw, p->shape->out_c, p->accumulate};
    bool begins = true;
    for (walk w =
             walk_from(p, part * p->cut.part_pixels, kin_min(p->cut.pixels, (part + 1) * p->cut.part_pixels));
         w.pixel < w.end; begins = false) {
        if (!p->cut.together) {
            each_tap(p, &c, taps, &w, &to, begins);
            continue;
        }
        c.first = w, c.known = -1;
        c.pixels = find_all(p, &w, c.out);
        multiply(p, &c, &to, begins);
    }
}

/* Rows that are added at a time. */
static int64_t rows_added(const plan *p) { return kin_most(ADDED / p->cut.n, 1); }

/* Adds the parts of some rows in order; dW's columns of this group are n of out_c. */
static void add_parts(void *arg, int64_t block, int worker)
{
    (void)worker;
    const plan *p = arg;
    int64_t each = rows_added(p), step = p->cut.taps * p->cut.depth * p->cut.n;
    for (int64_t row = block * each; row < kin_min(p->cut.taps * p->cut.depth, (block + 1) * each); row++) {
        kin_real *restrict to = p->dw + row * p->shape->out_c;
        const kin_real *restrict from = p->parts + row * p->cut.n;
        for (int64_t part = 0; part < p->cut.parts; part++, from += step)
            for (int64_t j = 0; j < p->cut.n; j++)
                to[j] = part == 0 && !p->accumulate ? from[j] : to[j] + from[j];
    }
}

int64_t kin_conv_product_weight_numbers(const kin_conv_shape *s, const kin_conv_machine *machine)
{
    kin_conv_weight_cut c = kin_conv_weight_cut_of(s, machine->tile, machine->threads);
    return c.sums + c.workers * room_numbers(&c);
}

void kin_conv_product_weight(const kin_conv_shape *s, const kin_real *x, const kin_conv_begin *begin,
                             const kin_real *dy, kin_real *dw, bool accumulate, kin_real *workspace)
{
    for (int64_t g = 0; g < s->groups; g++) {
        plan p = {
            .shape = s, .tiles = kin_tiles_get(), .begin = begin, .cut = cut_of(s), .accumulate = accumulate};
        p.x = x + g * p.cut.depth;
        p.dy = dy + g * p.cut.n;
        p.dw = dw + g * p.cut.n;
        p.parts = workspace;
        p.scratch = workspace + p.cut.sums;
        kin_parallel_for(p.cut.tasks, task, &p);
        if (p.cut.parts > 1)
            kin_parallel_for(kin_blocks(p.cut.taps * p.cut.depth, rows_added(&p)), add_parts, &p);
    }
}
