/* Convolution without patches: the register tile reads its rows of A through pointers, one for each output
 * pixel and kernel position ("tap"), straight from the NHWC picture; padding is a pointer to zeros. The
 * same loop gives the output (rows are output pixels, taps point into x) and the gradient of the input
 * (rows are input pixels, taps point into dy). With stride s > 1 an input pixel is touched only by the
 * taps with (ih + pad − kh·dilation) divisible by s, which depends on its phase (ih mod s, iw mod s): the
 * rows are taken phase by phase, each with its own list of taps, and no product with zero is formed. */
#include "kernels/conv/product.h"

#include "base/parallel.h"
#include "kernels/norm_kernels.h"
#include "kernels/tile.h"

#include <string.h>

/* Rows of a block at most: tests/both_blocking.c holds it. */
enum { ROWS_MAX = KIN_CONV_ROWS + KIN_MR_MAX };

/* Where a tap reads: this many rows and columns of A beside the pixel that a row of C belongs to. */
typedef struct tap {
    int64_t index, dy, dx;
} tap;

/* One product: C[row, ·] = Σ over taps t of a[row moved by tap t, ·] · B[t]. */
typedef struct product {
    const kin_conv_shape *shape;
    const kin_tiles *tiles;
    const kin_real *a, *zeros;
    kin_real *c;
    const kin_real *panels; /* [⌈n/nr⌉][taps · depth][nr] */
    int64_t depth, n;       /* channels of a row of A; columns of C */
    int64_t a_h, a_w, a_ld, c_h, c_w, c_ld;
    int64_t taps;
    bool backward, accumulate, alone; /* alone: each pixel of C is a phase */
    const kin_conv_begin *begin;
    kin_conv_end end;
    /* The phase under work: rows (n, y, x) with y = phase_y + stride_y·i, and the taps that reach them. */
    int64_t phase_y, phase_x, step_y, step_x, rows_y, rows_x, rows;
    kin_conv_cut cut;
    int64_t n_valid;
    tap *valid;
    kin_conv_scratch each; /* numbers of a worker */
    kin_real *scratch;     /* of all workers */
} product;

/* A row of C: its pixel, and the pixel of A that a tap's dy and dx count from. */
typedef struct place {
    const kin_real *picture;
    int64_t y, x, pixel;
} place;

static void find_places(const product *p, int64_t row, int64_t rows, place *at)
{
    const kin_conv_shape *s = p->shape;
    int64_t i = row / p->rows_x % p->rows_y, j = row % p->rows_x, n = row / p->rows_x / p->rows_y;
    for (; rows > 0; rows--, at++) {
        int64_t pixel = (n * p->c_h + p->phase_y + i * p->step_y) * p->c_w + p->phase_x + j * p->step_x;
        *at = (place){p->a + n * p->a_h * p->a_w * p->a_ld,
                      p->backward ? i : (p->phase_y + i * p->step_y) * s->stride_h,
                      p->backward ? j : (p->phase_x + j * p->step_x) * s->stride_w, pixel};
        if (++j < p->rows_x) continue;
        j = 0;
        if (++i == p->rows_y) i = 0, n++;
    }
}

/* The pixel of A that a tap reads, or the zeros. */
static inline const kin_real *source(const product *p, const place *at, const tap *t, int64_t channel)
{
    int64_t y = at->y + t->dy, x = at->x + t->dx;
    if (y < 0 || x < 0 || y >= p->a_h || x >= p->a_w) return p->zeros;
    return at->picture + (y * p->a_w + x) * p->a_ld + channel;
}

/* Channels k0 .. k0+k of taps t0 .. t0+count of the phase's list, for a block of rows and of columns. */
typedef struct pass {
    int64_t t0, count, k0, k;
    bool begins, ends;
    int64_t column, columns;
    const kin_real **table; /* of rows; the worker's own */
    kin_real *beside;       /* its own too: for the block's rows that go through `begin` */
    const kin_real *moved;  /* these rows, `pitch` apart; NULL: where they are */
    int64_t pitch;
} pass;

static void fill_table(const product *p, const place *at, int64_t rows, const pass *w)
{
    int64_t mr = p->tiles->mr;
    const kin_real **table = w->table;
    for (int64_t tile = 0, tiles = kin_blocks(rows, mr); tile < tiles; tile++, table += w->count * mr) {
        int64_t first = kin_tile_row(tile, rows, mr);
        for (int64_t r = 0; r < mr; r++) {
            /* rows that fill up a tile are read, and go nowhere */
            int64_t row = kin_min(first + r, rows - 1);
            for (int64_t s = 0; s < w->count; s++)
                table[s * mr + r] = w->moved ? w->moved + row * w->pitch
                                             : source(p, &at[row], &p->valid[w->t0 + s], w->k0);
        }
    }
}

static void one_pass(const product *p, const place *at, int64_t rows, const pass *w)
{
    const kin_real *add[ROWS_MAX];
    const kin_conv_end *e = &p->end;
    kin_real *c[ROWS_MAX];
    int64_t b_row[KIN_CONV_SEGMENTS];
    for (int64_t s = 0; s < w->count; s++) b_row[s] = p->valid[w->t0 + s].index * p->depth + w->k0;
    fill_table(p, at, rows, w);
    for (int64_t r = 0; r < rows; r++) c[r] = p->c + at[r].pixel * p->c_ld;
    for (int64_t r = 0; e->add && r < rows; r++) add[r] = e->add + at[r].pixel * e->add_ld;
    p->tiles->run(&(kin_tile_block){.rows = rows,
                                    .column = w->column,
                                    .columns = w->columns,
                                    .c = c,
                                    .add = w->ends && e->add ? add : NULL,
                                    .bias = w->begins ? e->bias : NULL,
                                    .accumulate = p->accumulate || !w->begins,
                                    .act = w->ends ? e->act : KIN_NORM_LINEAR,
                                    .table = w->table,
                                    .pitch = w->count * p->tiles->mr,
                                    .near = w->moved,
                                    .b_row = b_row,
                                    .segments = w->count,
                                    .length = w->k,
                                    .panels = p->panels,
                                    .panel_k = p->taps * p->depth});
}

/* The same for 1×1 kernels at every pixel, whose rows of A go through `begin` to a block beside. */
static void moved_pass(const product *p, const place *at, int64_t rows, pass w)
{
    enum { NARROW = 128 };
    const kin_conv_begin *b = p->begin;
    const kin_real *from = p->a + at->pixel * p->a_ld + w.k0;
    int64_t each = p->a_ld < NARROW ? rows : 1;
    w.moved = w.beside;
    w.pitch = w.k + KIN_CONV_APART;
    for (int64_t r = 0; r < rows; r += each, from += each * p->a_ld) {
        /* it lies in another page, where the processor foresees nothing */
        for (int64_t k = 0; each == 1 && r + 1 < rows && k < w.k; k += KIN_CUT_LINE)
            __builtin_prefetch(from + p->a_ld + k);
        kin_norm_kernels_get()->apply(from, p->a_ld, each, w.k, b->scale + w.k0, b->shift + w.k0, NULL, 0,
                                      b->act, w.beside + r * w.pitch, w.pitch);
    }
    one_pass(p, at, rows, &w);
}

/* Rows that no tap reaches (a stride beyond the kernel) are zero: only gradients have such rows. */
static void untouched(const product *p, const place *at, int64_t rows)
{
    for (int64_t r = 0; !p->accumulate && r < rows; r++)
        memset(p->c + at[r].pixel * p->c_ld, 0, (size_t)p->n * sizeof *p->c);
}

static void block(void *arg, int64_t index, int worker)
{
    const product *p = arg;
    const kin_conv_cut *c = &p->cut;
    int64_t first = index / c->column_blocks * c->rows, rows = kin_min(c->rows, p->rows - first),
            column = index % c->column_blocks * c->columns;
    place at[ROWS_MAX];
    find_places(p, first, rows, at);
    if (p->n_valid == 0 && column == 0) untouched(p, at, rows);
    kin_real *own = p->scratch + worker * (p->each.pointers + p->each.moved);
    pass w = {.begins = true,
              .column = column,
              .columns = kin_min(c->columns, p->n - column),
              .table = (const kin_real **)(void *)own,
              .beside = own + p->each.pointers};
    for (w.t0 = 0; w.t0 < p->n_valid; w.t0 += c->taps)
        for (w.k0 = 0; w.k0 < p->depth; w.k0 += w.k, w.begins = false) {
            w.count = kin_min(c->taps, p->n_valid - w.t0);
            w.k = kin_min(c->channels, p->depth - w.k0);
            w.ends = w.t0 + w.count == p->n_valid && w.k0 + w.k == p->depth;
            if (p->begin) moved_pass(p, at, rows, w);
            else one_pass(p, at, rows, &w);
        }
}

/* Whether a pixel that is a phase of its own reads a number through the tap. */
static bool reads(const product *p, const tap *t)
{
    int64_t y = t->dy + (p->backward ? 0 : p->phase_y * p->shape->stride_h),
            x = t->dx + (p->backward ? 0 : p->phase_x * p->shape->stride_w);
    return y >= 0 && x >= 0 && y < p->a_h && x < p->a_w;
}

/* Valid taps divide exactly, so that the quotient's rounding does not matter. */
static void find_taps(product *p)
{
    const kin_conv_shape *s = p->shape;
    p->n_valid = 0;
    for (int64_t i = 0; i < p->taps; i++) {
        int64_t kh = i / s->kernel_w * s->dilation_h, kw = i % s->kernel_w * s->dilation_w,
                y = p->phase_y + s->pad_top - kh, x = p->phase_x + s->pad_left - kw;
        if (p->backward && (y % s->stride_h || x % s->stride_w)) continue;
        tap t = p->backward ? (tap){i, y / s->stride_h, x / s->stride_w}
                            : (tap){i, kh - s->pad_top, kw - s->pad_left};
        if (!p->alone || reads(p, &t)) p->valid[p->n_valid++] = t;
    }
}

static void run_phase(product *p)
{
    find_taps(p);
    p->rows_y = kin_blocks(p->c_h - p->phase_y, p->step_y);
    p->rows_x = kin_blocks(p->c_w - p->phase_x, p->step_x);
    p->rows = p->shape->batch * p->rows_y * p->rows_x;
    if (p->rows < 1) return;
    p->cut = kin_conv_cut_of(p->rows, p->n, p->n_valid, p->depth, p->begin, kin_tile_size_of(p->tiles));
    kin_parallel_for(p->cut.row_blocks * p->cut.column_blocks, block, p);
}

static void run_phases(product *p)
{
    if (p->alone) p->step_y = p->c_h, p->step_x = p->c_w;
    for (p->phase_y = 0; p->phase_y < kin_min(p->step_y, p->c_h); p->phase_y++)
        for (p->phase_x = 0; p->phase_x < kin_min(p->step_x, p->c_w); p->phase_x++) run_phase(p);
}

/* ---- workspace: zeros, the list of taps, each worker's scratch ---- */

static int64_t tap_numbers(const kin_conv_shape *s)
{
    return kin_round_up(kin_conv_taps(s), 16) * (int64_t)(sizeof(tap) / sizeof(float));
}

/* For any product of this shape, over its output's pixels or its input's. */
static kin_conv_scratch scratch_of(const kin_conv_shape *s, kin_tile_size tile)
{
    int64_t pixels = s->batch * kin_most(s->out_h * s->out_w, s->in_h * s->in_w),
            channels = kin_most(s->in_c, s->out_c) / s->groups;
    return kin_conv_scratch_of(pixels, kin_conv_taps(s), channels, kin_conv_can_begin(s), tile);
}

int64_t kin_conv_product_numbers(const kin_conv_shape *s, const kin_conv_machine *machine)
{
    kin_conv_scratch each = scratch_of(s, machine->tile);
    return kin_round_up(kin_most(s->in_c, s->out_c) / s->groups, 16) + tap_numbers(s) +
           machine->threads * (each.pointers + each.moved);
}

static product prepare(const kin_conv_shape *s, kin_real *workspace, int64_t depth)
{
    product p = {.shape = s,
                 .tiles = kin_tiles_get(),
                 .taps = kin_conv_taps(s),
                 .step_y = 1,
                 .step_x = 1,
                 .depth = depth};
    p.zeros = memset(workspace, 0, (size_t)depth * sizeof *workspace);
    p.valid = (tap *)(void *)(workspace + kin_round_up(depth, 16));
    p.each = scratch_of(s, kin_tile_size_of(p.tiles));
    p.scratch = workspace + kin_round_up(depth, 16) + tap_numbers(s);
    return p;
}

/* ---- forward ---- */

static int64_t group_packed(const kin_conv_shape *s, int64_t nr)
{
    return kin_round_up(s->out_c / s->groups, nr) * (s->in_c / s->groups) * kin_conv_taps(s);
}

int64_t kin_conv_product_packed(const kin_conv_shape *s, int64_t nr)
{
    return s->groups * group_packed(s, nr);
}

/* Multiplies column j of the panels by scale[j]. */
static void scale_panels(kin_real *panels, int64_t k, int64_t n, int64_t nr, const kin_real *scale)
{
    for (int64_t j = 0; j < n; j++)
        for (int64_t i = 0; i < k; i++) panels[(j / nr * k + i) * nr + j % nr] *= scale[j];
}

void kin_conv_product_pack(const kin_conv_shape *s, const kin_real *w, const kin_real *scale,
                           kin_real *packed)
{
    const kin_tiles *t = kin_tiles_get();
    int64_t out = s->out_c / s->groups, k = kin_conv_taps(s) * (s->in_c / s->groups);
    for (int64_t g = 0; g < s->groups; g++, packed += group_packed(s, t->nr)) {
        kin_pack_b(t, w + g * out, s->out_c, 1, k, out, k, 0, packed);
        if (scale) scale_panels(packed, k, out, t->nr, scale + g * out);
    }
}

void kin_conv_product(const kin_conv_shape *s, const kin_real *x, const kin_real *packed,
                      const kin_conv_begin *begin, const kin_conv_end *end, bool pixels, kin_real *y,
                      kin_real *workspace)
{
    int64_t in = s->in_c / s->groups, out = s->out_c / s->groups;
    for (int64_t g = 0; g < s->groups; g++) {
        product p = prepare(s, workspace, in);
        p.n = out;
        p.a = x + g * in, p.a_h = s->in_h, p.a_w = s->in_w, p.a_ld = s->in_ld;
        p.c = y + g * out, p.c_h = s->out_h, p.c_w = s->out_w, p.c_ld = s->out_ld;
        p.panels = packed + g * group_packed(s, p.tiles->nr);
        p.begin = begin;
        p.end = *end;
        if (end->bias) p.end.bias += g * out;
        if (end->add) p.end.add += g * out;
        p.alone = pixels;
        run_phases(&p);
    }
}

/* ---- the gradient of the input: B of a tap is its weights transposed, [out][in] ---- */

static int64_t turned_panels(const kin_conv_shape *s, int64_t nr)
{
    int64_t numbers = kin_round_up(s->in_c / s->groups, nr) * (s->out_c / s->groups) * kin_conv_taps(s);
    return kin_round_up(numbers, KIN_CUT_LINE);
}

int64_t kin_conv_product_input_numbers(const kin_conv_shape *s, const kin_conv_machine *machine)
{
    return turned_panels(s, machine->tile.nr) + kin_conv_product_numbers(s, machine);
}

void kin_conv_product_input(const kin_conv_shape *s, const kin_real *dy, const kin_real *w, bool pixels,
                            kin_real *dx, bool accumulate, kin_real *workspace)
{
    int64_t in = s->in_c / s->groups, out = s->out_c / s->groups;
    for (int64_t g = 0; g < s->groups; g++) {
        kin_real *panels = workspace;
        product p = prepare(s, panels + turned_panels(s, kin_tiles_get()->nr), out);
        p.n = in;
        p.a = dy + g * out, p.a_h = s->out_h, p.a_w = s->out_w, p.a_ld = s->out_ld;
        p.c = dx + g * in, p.c_h = s->in_h, p.c_w = s->in_w, p.c_ld = s->in_ld;
        p.panels = panels;
        p.backward = true, p.accumulate = accumulate, p.step_y = s->stride_h, p.step_x = s->stride_w;
        for (int64_t i = 0; i < p.taps; i++)
            kin_pack_b(p.tiles, w + i * in * s->out_c + g * out, 1, s->out_c, out, in, p.taps * out, i * out,
                       panels);
        p.alone = pixels;
        run_phases(&p);
    }
}
