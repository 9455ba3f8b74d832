/* Winograd's convolution (kernels/conv/winograd.h) in three steps, of which the middle one is n² small matrix
 * products:
 *
 *   values   V[n²][tile][channel] = Bᵀ d B       of a block of tiles
 *   sums     S[tile][n²][column]  = V · U        U = G g Gᵀ, transformed beforehand
 *   output   y = Aᵀ S A                          with bias, residual and activation, straight to its place
 *
 * What stands between the steps must not leave the caches. Where the values of a fair number of tiles fit,
 * each task has values of its own and runs through all columns; with many channels the values of a larger
 * block are made first, for tasks that take some columns each, so that the weights, now the largest
 * operand, are read once for many tiles. But with few columns (DenseNet's) the sums of all of them fit:
 * then the channels are taken some at a time, and values never leave the second cache.
 *
 * Training uses transformed weights once. With few tiles and many columns each task has columns of its own
 * and all tiles, so it transforms their weights, some channels at a time, in the second cache: U, 16/9 or
 * 4 times as large as the weights, is not written to memory. */
#include "kernels/conv/winograd.h"

#include "base/parallel.h"
#include "kernels/conv/cut.h"
#include "kernels/isa.h"
#include "kernels/tile.h"
#include "kernels/conv/winograd_inside.h"

#include <string.h>

enum {
    TOGETHER = 4, /* tiles whose values one task of a shared block makes */
    PANELS = KIN_WINOGRAD_PANELS,
    ROWS = KIN_WINOGRAD_ROWS,
    SOME_ROWS = 8, /* of them, whose weights stand beside on the stack */
    LINE = KIN_CUT_LINE,
};

typedef kin_winograd_cut cut;

KIN_ISA_DECLARE(kin_winograd_kernels, kin_winograd_kernels);

const kin_winograd_kernels *kin_winograd_kernels_get(void)
{
    static const kin_winograd_kernels *const tables[KIN_ISA_COUNT] = KIN_ISA_TABLES(kin_winograd_kernels);
    return tables[kin_isa()];
}

/* ---- which shapes ---- */

bool kin_winograd_possible(const kin_conv_shape *s)
{
    return s->kernel_h == 3 && s->kernel_w == 3 && s->stride_h == 1 && s->stride_w == 1 &&
           s->dilation_h == 1 && s->dilation_w == 1 && s->groups == 1;
}

kin_conv_shape kin_winograd_backward(const kin_conv_shape *s)
{
    kin_conv_shape b = *s;
    b.in_h = s->out_h, b.in_w = s->out_w, b.in_c = s->out_c, b.in_ld = s->out_ld;
    b.out_h = s->in_h, b.out_w = s->in_w, b.out_c = s->in_c, b.out_ld = s->in_ld;
    b.pad_top = 2 - s->pad_top, b.pad_left = 2 - s->pad_left;
    return b;
}

/* ---- weights: U[block of columns][n²][panel of the block][in_c][nr] ---- */

typedef struct packing {
    const kin_winograd_kernels *lines;
    int m;
    int64_t in, out, steps;
    const kin_real *w, *scale;
    int64_t tap, row, column; /* distances in w; w may be read from its last tap on */
    kin_real *packed;
} packing;

static int64_t packed_count(const kin_conv_shape *s, int m, int64_t nr)
{
    return (m + 2) * (m + 2) * s->in_c * kin_round_up(s->out_c, nr);
}

int64_t kin_winograd_packed_count(const kin_conv_shape *s, int m)
{
    return packed_count(s, m, kin_winograd_kernels_get()->nr);
}

/* Where a panel lies, and the distance from position to position. */
static kin_real *panel_at(const kin_winograd_kernels *l, int m, int64_t in, int64_t out, kin_real *packed,
                          int64_t panel, int64_t *position)
{
    int64_t each = in * l->nr, block = panel / PANELS,
            panels = kin_min(PANELS, kin_blocks(out, l->nr) - block * PANELS);
    *position = panels * each;
    return packed + (block * PANELS * (m + 2) * (m + 2) + panel % PANELS) * each;
}

/* Some rows of a panel, SOME_ROWS at most, to u[n²][position]. */
static void transform_some(const packing *p, int64_t panel, int64_t row, int64_t rows, kin_real *u,
                           int64_t position)
{
    int64_t nr = p->lines->nr, columns = kin_min(nr, p->out - panel * nr);
    kin_real g[9 * SOME_ROWS * KIN_NR_MAX];
    if (columns < nr) memset(g, 0, sizeof g);
    for (int64_t tap = 0; tap < 9; tap++)
        for (int64_t j = 0; j < columns; j++) {
            const kin_real *from = p->w + tap * p->tap + row * p->row + (panel * nr + j) * p->column,
                           scale = p->scale ? p->scale[panel * nr + j] : 1;
            for (int64_t k = 0; k < rows; k++) g[(tap * SOME_ROWS + k) * nr + j] = from[k * p->row] * scale;
        }
    for (int64_t k = 0; k < rows; k++)
        p->lines->weights[p->m / 4](g + k * nr, SOME_ROWS * nr, u + k * nr, position);
}

static void transform(const packing *p, int64_t panel, int64_t row, int64_t rows, kin_real *u,
                      int64_t position)
{
    for (int64_t k = 0; k < rows; k += SOME_ROWS)
        transform_some(p, panel, row + k, kin_min(SOME_ROWS, rows - k), u + k * p->lines->nr, position);
}

static void pack_rows(void *arg, int64_t index, int worker)
{
    (void)worker;
    const packing *p = arg;
    int64_t panel = index / p->steps, row = index % p->steps * ROWS, position;
    kin_real *u = panel_at(p->lines, p->m, p->in, p->out, p->packed, panel, &position);
    transform(p, panel, row, kin_min(ROWS, p->in - row), u + row * p->lines->nr, position);
}

static void pack(packing p, kin_real *packed)
{
    p.packed = packed;
    p.steps = kin_blocks(p.in, ROWS);
    kin_parallel_for(kin_blocks(p.out, p.lines->nr) * p.steps, pack_rows, &p);
}

/* `turned`: w is that of the convolution whose kin_winograd_backward s is. */
static packing packing_of(const kin_conv_shape *s, int m, const kin_real *w, bool turned)
{
    int64_t tap = s->in_c * s->out_c;
    packing p = {.lines = kin_winograd_kernels_get(),
                 .m = m,
                 .in = s->in_c,
                 .out = s->out_c,
                 .w = w,
                 .tap = tap,
                 .row = s->out_c,
                 .column = 1};
    if (turned) p.w = w + 8 * tap, p.tap = -tap, p.row = 1, p.column = s->in_c;
    return p;
}

void kin_winograd_pack(const kin_conv_shape *s, int m, const kin_real *w, const kin_real *scale,
                       kin_real *packed)
{
    packing p = packing_of(s, m, w, false);
    p.scale = scale;
    pack(p, packed);
}

/* ---- how the work is cut: kernels/conv/cut.c ---- */

static kin_tile_size tile_now(void) { return kin_tile_size_of(kin_tiles_get()); }

/* Zeros, the shared values, and for each worker its sums and its own values. */
int64_t kin_winograd_numbers(const kin_conv_shape *s, int m, const kin_conv_machine *machine)
{
    cut c = kin_winograd_cut_of(s, m, machine->tile);
    int64_t workers = machine->threads;
    return kin_round_up(s->in_c, LINE) + workers * c.sums + (c.shared ? 1 : workers) * c.values;
}

/* ---- the three steps ---- */

typedef struct convolution {
    const kin_conv_shape *s;
    const kin_winograd_kernels *lines;
    cut cut;
    int m;
    const kin_real *x, *zeros, *packed;
    kin_real *y, *values, *sums;
    const packing *weights; /* where tasks transform them */
    kin_real *u;
    kin_conv_end end;
    int64_t first, tiles; /* the block under work, where it is shared */
} convolution;

/* The tile's first output pixel. */
typedef struct place {
    int64_t n, y, x;
} place;

static place place_of(const convolution *w, int64_t tile)
{
    const cut *c = &w->cut;
    return (place){tile / c->picture, tile % c->picture / c->across * w->m, tile % c->across * w->m};
}

/* The pixels under a tile, from a channel on; those outside the picture are zeros. */
static void find_pixels(const convolution *w, int64_t tile, int64_t channel, const kin_real **pixel)
{
    const kin_conv_shape *s = w->s;
    place at = place_of(w, tile);
    kin_winograd_pixels(w->x + at.n * s->in_h * s->in_w * s->in_ld + channel, s->in_h, s->in_w, s->in_ld,
                        at.y - s->pad_top, at.x - s->pad_left, w->m + 2, w->zeros, pixel);
}

/* Of `depth` channels, or as many as there are. */
static void make_values(const convolution *w, int64_t tile, int64_t tiles, int64_t channel, kin_real *values)
{
    const kin_real *pixel[2][KIN_WINOGRAD_N2];
    int64_t channels = kin_min(w->cut.depth, w->s->in_c - channel);
    find_pixels(w, tile, channel, pixel[0]);
    for (int64_t t = 0; t < tiles; t++) {
        find_pixels(w, kin_min(tile + t + 1, w->cut.tiles - 1), channel, pixel[(t + 1) % 2]);
        w->lines->input[w->m / 4](pixel[t % 2], pixel[(t + 1) % 2], channels, values + t * w->cut.pitch,
                                  w->cut.position);
    }
}

/* Transformed weights of a block of columns and some channels: `panel` from panel to panel, `position`
 * from position to position. */
typedef struct factors {
    const kin_real *u;
    int64_t panel, position, depth;
    bool begins; /* these channels are the first */
} factors;

static factors packed_factors(const convolution *w, int64_t block, int64_t channel)
{
    const cut *c = &w->cut;
    int64_t nr = w->lines->nr, panels = kin_blocks(kin_min(c->columns, w->s->out_c - block * c->columns), nr),
            panel = w->s->in_c * nr;
    const kin_real *u = w->packed + block * c->n2 * c->columns * w->s->in_c + channel * nr;
    return (factors){u, panel, panels * panel, kin_min(c->depth, w->s->in_c - channel), channel == 0};
}

static void make_sums(const convolution *w, int64_t block, int64_t tiles, const kin_real *values,
                      const factors *f, kin_real *sums)
{
    const kin_winograd_kernels *l = w->lines;
    const cut *c = &w->cut;
    int64_t width = kin_min(c->columns, w->s->out_c - block * c->columns), panels = kin_blocks(width, l->nr);
    for (int64_t i = 0; i < c->n2; i++)
        for (int64_t p = 0; p < panels; p++) {
            const kin_real *u = f->u + i * f->position + p * f->panel,
                           *next = p + 1 < panels ? u + f->panel : f->u + (i + 1) * f->position;
            l->multiply(values + i * c->position, c->pitch, tiles, u, i + 1 < c->n2 ? next : NULL, f->depth,
                        width - p * l->nr, f->begins, sums + i * c->width + p * l->nr, c->apart);
        }
}

static void make_output(const convolution *w, int64_t block, int64_t tile, int64_t tiles,
                        const kin_real *sums)
{
    const kin_conv_shape *s = w->s;
    int64_t column = block * w->cut.columns;
    kin_winograd_out o = {.width = w->cut.width,
                          .columns = kin_min(w->cut.columns, s->out_c - column),
                          .y_row = s->out_w * s->out_ld,
                          .y_ld = s->out_ld,
                          .bias = w->end.bias ? w->end.bias + column : NULL,
                          .add_row = s->out_w * w->end.add_ld,
                          .add_ld = w->end.add_ld,
                          .act = w->end.act};
    place at = place_of(w, tile), next;
    for (int64_t t = 0; t < tiles; t++, at = next) {
        next = place_of(w, kin_min(tile + t + 1, w->cut.tiles - 1));
        int64_t pixel = (at.n * s->out_h + at.y) * s->out_w + at.x,
                further = (next.n * s->out_h + next.y) * s->out_w + next.x;
        o.sums = sums + t * w->cut.apart;
        o.rows = kin_min(w->m, s->out_h - at.y), o.across = kin_min(w->m, s->out_w - at.x);
        o.y = w->y + pixel * s->out_ld + column;
        o.add = w->end.add ? w->end.add + pixel * w->end.add_ld + column : NULL;
        o.next_y = w->y + further * s->out_ld + column;
        o.next_add = w->end.add ? w->end.add + further * w->end.add_ld + column : NULL;
        w->lines->output[w->m / 4](&o);
    }
}

/* A task with values of its own. */
static void own(void *arg, int64_t index, int worker)
{
    const convolution *w = arg;
    const cut *c = &w->cut;
    kin_real *values = w->values + worker * c->values, *sums = w->sums + worker * c->sums;
    int64_t tile = index * c->part, tiles = kin_min(c->part, c->tiles - tile);
    make_values(w, tile, tiles, 0, values);
    for (int64_t block = 0; block < c->column_blocks; block++) {
        factors f = packed_factors(w, block, 0);
        make_sums(w, block, tiles, values, &f, sums);
        make_output(w, block, tile, tiles, sums);
    }
}

/* The same with some channels at a time, and sums of all columns. */
static void in_steps(void *arg, int64_t index, int worker)
{
    const convolution *w = arg;
    const cut *c = &w->cut;
    kin_real *values = w->values + worker * c->values, *sums = w->sums + worker * c->sums;
    int64_t tile = index * c->part, tiles = kin_min(c->part, c->tiles - tile);
    for (int64_t channel = 0; channel < w->s->in_c; channel += c->depth) {
        make_values(w, tile, tiles, channel, values);
        for (int64_t block = 0; block < c->column_blocks; block++) {
            factors f = packed_factors(w, block, channel);
            make_sums(w, block, tiles, values, &f, sums + block * c->columns);
        }
    }
    for (int64_t block = 0; block < c->column_blocks; block++)
        make_output(w, block, tile, tiles, sums + block * c->columns);
}

static void shared_values(void *arg, int64_t index, int worker)
{
    (void)worker;
    const convolution *w = arg;
    int64_t t = index * TOGETHER;
    make_values(w, w->first + t, kin_min(TOGETHER, w->tiles - t), 0, w->values + t * w->cut.pitch);
}

/* A task is some tiles of the shared block and a block of columns, whose weights neighbouring tasks share. */
static void shared(void *arg, int64_t index, int worker)
{
    const convolution *w = arg;
    const cut *c = &w->cut;
    int64_t parts = kin_blocks(w->tiles, c->part), block = index / parts, t = index % parts * c->part,
            tiles = kin_min(c->part, w->tiles - t);
    kin_real *sums = w->sums + worker * c->sums;
    factors f = packed_factors(w, block, 0);
    make_sums(w, block, tiles, w->values + t * c->pitch, &f, sums);
    make_output(w, block, w->first + t, tiles, sums);
}

/* The same with weights that the task transforms, some channels at a time. */
static void shared_once(void *arg, int64_t index, int worker)
{
    const convolution *w = arg;
    const cut *c = &w->cut;
    int64_t nr = w->lines->nr, parts = kin_blocks(w->tiles, c->part), block = index / parts,
            t = index % parts * c->part, tiles = kin_min(c->part, w->tiles - t);
    int64_t panels = kin_blocks(kin_min(c->columns, w->s->out_c - block * c->columns), nr);
    kin_real *sums = w->sums + worker * c->sums, *u = w->u + worker * c->weights;
    for (int64_t channel = 0; channel < w->s->in_c; channel += c->step) {
        factors f = {u, c->step * nr, c->u_position, kin_min(c->step, w->s->in_c - channel), channel == 0};
        for (int64_t panel = 0; panel < panels; panel++)
            for (int64_t k = 0; k < f.depth; k += ROWS)
                transform(w->weights, block * PANELS + panel, channel + k, kin_min(ROWS, f.depth - k),
                          u + panel * f.panel + k * nr, c->u_position);
        make_sums(w, block, tiles, w->values + t * c->pitch + channel, &f, sums);
    }
    make_output(w, block, t, tiles, sums);
}

static convolution convolution_of(const kin_conv_shape *s, int m, const cut *c, const kin_real *x,
                                  const kin_conv_end *end, bool accumulate, kin_real *y, kin_real *workspace)
{
    convolution w = {.s = s, .lines = kin_winograd_kernels_get(), .cut = *c, .m = m, .x = x, .y = y};
    if (end) w.end = *end;
    if (accumulate) w.end.add = y, w.end.add_ld = s->out_ld;
    w.zeros = memset(workspace, 0, (size_t)s->in_c * sizeof *workspace);
    w.sums = workspace + kin_round_up(s->in_c, LINE);
    w.values = w.sums + kin_threads() * c->sums;
    return w;
}

static void run_shared(convolution *w, kin_task task)
{
    const cut *c = &w->cut;
    for (w->first = 0; w->first < c->tiles; w->first += c->block) {
        w->tiles = kin_min(c->block, c->tiles - w->first);
        kin_parallel_for(kin_blocks(w->tiles, TOGETHER), shared_values, w);
        kin_parallel_for(kin_blocks(w->tiles, c->part) * c->column_blocks, task, w);
    }
}

void kin_winograd_run(const kin_conv_shape *s, int m, const kin_real *x, const kin_real *packed,
                      const kin_conv_end *end, bool accumulate, kin_real *y, kin_real *workspace)
{
    cut c = kin_winograd_cut_of(s, m, tile_now());
    convolution w = convolution_of(s, m, &c, x, end, accumulate, y, workspace);
    w.packed = packed;
    if (c.shared) run_shared(&w, shared);
    else kin_parallel_for(kin_blocks(c.tiles, c.part), c.steps ? in_steps : own, &w);
}

int64_t kin_winograd_once_numbers(const kin_conv_shape *s, int m, const kin_conv_machine *machine)
{
    cut c;
    if (!kin_winograd_cut_once(s, m, machine->tile, &c))
        return kin_round_up(packed_count(s, m, machine->tile.nr), LINE) + kin_winograd_numbers(s, m, machine);
    return kin_round_up(s->in_c, LINE) + machine->threads * (c.sums + c.weights) + c.values;
}

void kin_winograd_once(const kin_conv_shape *s, int m, const kin_real *x, const kin_real *weights,
                       bool turned, const kin_conv_end *end, bool accumulate, kin_real *y,
                       kin_real *workspace)
{
    cut c;
    packing p = packing_of(s, m, weights, turned);
    if (!kin_winograd_cut_once(s, m, tile_now(), &c)) {
        pack(p, workspace);
        kin_winograd_run(s, m, x, workspace, end, accumulate, y,
                         workspace + kin_round_up(kin_winograd_packed_count(s, m), LINE));
        return;
    }
    convolution w = convolution_of(s, m, &c, x, end, accumulate, y, workspace);
    w.weights = &p;
    w.u = w.values + c.values;
    run_shared(&w, shared_once);
}
