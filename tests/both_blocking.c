/* Every function that cuts work into parts (kernels/cut.h and its like) with random shapes, the register tile
 * of every instruction set and odd ones, and 1 to 64 threads: no part is empty, the parts cover the work
 * once, and what a worker writes has room. Kernels themselves are run between guard words by the tests of
 * each, on all instruction sets. */
#include "base/random.h"
#include "kernels/conv/stem.h"
#include "kernels/conv/cut.h"
#include "kernels/conv/winograd.h"
#include "kernels/tile.h"
#include "tests/support/check.h"
#include "tests/support/numbers.h"

#include <stdio.h>

#ifndef KIN_DOUBLE
#include "retrieval/search/scan_cut.h"
#endif

enum { SHAPES = 300 };

/* Those of SSE and NEON, AVX2 and AVX-512 in float32 and in double, then ones that no machine has. */
static const kin_tile_size tiles[] = {{6, 8, 128},  {6, 8, 512},   {6, 16, 512},  {14, 32, 512},
                                      {6, 4, 128},  {6, 4, 512},   {14, 16, 512}, {1, 1, 1},
                                      {1, 1, 512},  {31, 96, 512}, {16, 32, 256}, {3, 24, 100},
                                      {13, 7, 300}, {97, 1, 512},  {5, 192, 17}};

/* What is being cut, for what is said when it fails. */
static char subject[400];
static kin_tile_size tile;
static int64_t threads;

#define HOLDS(condition) \
    CHECK_MSG(condition, "%s; tile %lldx%lld, sum %lld, %lld threads: %s", subject, LL(tile.mr), \
              LL(tile.nr), LL(tile.sum), LL(threads), #condition)
#define LL(x) ((long long)(x))

/* `parts` parts of `part`, of which the last may be smaller, are `total`. */
static void covers(const char *what, int64_t total, int64_t part, int64_t parts)
{
    CHECK_MSG(part >= 1 && parts >= 1 && (parts - 1) * part < total && parts * part >= total,
              "%s; tile %lldx%lld: %lld %s in %lld parts of %lld", subject, LL(tile.mr), LL(tile.nr),
              LL(total), what, LL(parts), LL(part));
}

/* Parts that there are of a size that should not be 0, but may be. */
static int64_t parts_of(int64_t total, int64_t part) { return part > 0 ? kin_blocks(total, part) : 0; }

static void each_tile(kin_stream *s, void (*check)(kin_stream *s))
{
    for (size_t i = 0; i < sizeof tiles / sizeof *tiles; i++) {
        tile = tiles[i];
        for (threads = 1; threads <= KIN_MAX_THREADS; threads++) {
            kin_stream same = *s; /* the shape does not depend on tile and threads */
            check(&same);
        }
    }
}

static void each_shape(void (*check)(kin_stream *s))
{
    for (uint64_t seed = 0; seed < SHAPES; seed++) {
        kin_stream s = kin_stream_new(kin_key(77, seed, 0));
        each_tile(&s, check);
    }
}

/* Small numbers as often as large ones. */
static int64_t some(kin_stream *s, int64_t most)
{
    int64_t high = most;
    for (int64_t halvings = numbers_pick(s, 0, 12); halvings > 0 && high > 1; halvings--)
        high = (high + 1) / 2;
    return numbers_pick(s, 1, high);
}

/* ---- matrix products ---- */

static void gemm_passes(const kin_gemm_cut *c, int64_t k)
{
    int64_t step = kin_gemm_step(k, tile.sum);
    HOLDS(step >= 1 && kin_min(step, k) <= c->step);
    covers("k", k, step, parts_of(k, step));
    HOLDS(step <= kin_round_up(tile.sum, 16));
}

static void gemm(kin_stream *s)
{
    int64_t m = some(s, 20000), n = some(s, 20000), k = some(s, 50000);
    bool packs = numbers_pick(s, 0, 1);
    snprintf(subject, sizeof subject, "product of %lld x %lld x %lld", LL(m), LL(n), LL(k));
    kin_gemm_cut c = kin_gemm_cut_of(m, n, k, packs, tile, threads);
    covers("rows", m, c.rows, c.row_blocks);
    covers("columns", n, c.columns, c.column_blocks);
    covers("k", k, c.part_k, c.parts);
    gemm_passes(&c, c.part_k);
    gemm_passes(&c, k - (c.parts - 1) * c.part_k);
    int64_t rows = kin_min(c.rows, m), panel_rows = kin_round_up(rows, tile.mr);
    HOLDS(rows <= KIN_GEMM_ROWS + tile.mr && panel_rows <= KIN_GEMM_ROWS + tile.mr);
    HOLDS(c.column_blocks == 1 || c.columns % tile.nr == 0);
    HOLDS(!c.own || (c.parts == 1 && c.row_blocks == 1));
    HOLDS(c.parts == 1 || c.column_blocks == 1);
    HOLDS(c.workers >= 1 && c.workers <= threads);
    HOLDS(c.workers == threads || c.workers == c.parts * c.row_blocks * c.column_blocks);
    HOLDS(c.panels == (c.own ? 0 : kin_blocks(n, tile.nr) * tile.nr * k));
    HOLDS(c.sums == (c.parts - 1) * m * n);
    HOLDS(c.a >= (packs ? panel_rows * kin_min(c.step, k) : 0) && c.a % KIN_CUT_LINE == 0);
    HOLDS(
        c.b >=
        (c.own ? kin_round_up(kin_min(c.columns, n), tile.nr) * kin_min(kin_gemm_step(k, tile.sum), k) : 0));
}

static void norm(kin_stream *s)
{
    int64_t rows = some(s, 1000000), channels = some(s, 100000);
    bool sums = numbers_pick(s, 0, 1);
    snprintf(subject, sizeof subject, "norm of %lld x %lld", LL(rows), LL(channels));
    int64_t each = kin_norm_cut(rows, channels, sums);
    covers("rows", rows, each, parts_of(rows, each));
    HOLDS(!sums || parts_of(rows, each) <= 64);
}

/* ---- convolutions ---- */

static void say(const char *what, const kin_conv_shape *s)
{
    snprintf(subject, sizeof subject,
             "%s: %lld x %lldx%lldx%lld to %lldx%lldx%lld, kernel %lldx%lld, stride %lld, dilation %lld, "
             "%lld groups",
             what, LL(s->batch), LL(s->in_h), LL(s->in_w), LL(s->in_c), LL(s->out_h), LL(s->out_w),
             LL(s->out_c), LL(s->kernel_h), LL(s->kernel_w), LL(s->stride_h), LL(s->dilation_h),
             LL(s->groups));
}

static kin_conv_shape shape_of(kin_stream *s, int64_t most_c)
{
    kin_conv_shape c = {.batch = some(s, 300),
                        .out_h = some(s, 300),
                        .out_w = some(s, 300),
                        .kernel_h = some(s, 7),
                        .kernel_w = some(s, 7),
                        .stride_h = some(s, 4),
                        .dilation_h = some(s, 3),
                        .groups = some(s, 8)};
    c.stride_w = c.stride_h, c.dilation_w = c.dilation_h;
    c.in_c = c.groups * some(s, most_c), c.out_c = c.groups * some(s, most_c);
    c.in_h = (c.out_h - 1) * c.stride_h + (c.kernel_h - 1) * c.dilation_h + 1;
    c.in_w = (c.out_w - 1) * c.stride_w + (c.kernel_w - 1) * c.dilation_w + 1;
    c.in_ld = c.in_c, c.out_ld = c.out_c;
    return c;
}

static void conv(kin_stream *s)
{
    kin_conv_shape shape = shape_of(s, 3000);
    say("convolution", &shape);
    int64_t taps = shape.kernel_h * shape.kernel_w, valid = numbers_pick(s, 0, taps),
            channels = shape.in_c / shape.groups, n = shape.out_c / shape.groups,
            all = shape.batch * shape.out_h * shape.out_w, rows = numbers_pick(s, 1, all);
    bool moves = numbers_pick(s, 0, 1);
    kin_conv_cut c = kin_conv_cut_of(rows, n, valid, channels, moves, tile);
    kin_conv_scratch room = kin_conv_scratch_of(all, taps, channels, moves, tile);
    covers("rows", rows, c.rows, c.row_blocks);
    covers("columns", n, c.columns, c.column_blocks);
    covers("taps", kin_most(valid, 1), c.taps, parts_of(kin_most(valid, 1), c.taps));
    covers("channels", channels, c.channels, parts_of(channels, c.channels));
    HOLDS(c.columns % tile.nr == 0 && c.taps <= KIN_CONV_SEGMENTS);
    int64_t high = kin_min(c.rows, rows), filled = kin_blocks(high, tile.mr) * tile.mr;
    HOLDS(filled <= KIN_CONV_ROWS + tile.mr);
    HOLDS(room.pointers * (int64_t)sizeof(kin_real) >=
          filled * kin_min(c.taps, taps) * (int64_t)sizeof(void *));
    HOLDS(!moves || room.moved >= high * (kin_min(c.channels, channels) + KIN_CONV_APART));
    HOLDS(room.pointers % KIN_CUT_LINE == 0 && room.moved % KIN_CUT_LINE == 0);
}

static void conv_weight(kin_stream *s)
{
    kin_conv_shape shape = shape_of(s, 2000);
    say("gradient of weights", &shape);
    kin_conv_weight_cut c = kin_conv_weight_cut_of(&shape, tile, threads);
    int64_t rows = c.together ? c.taps_each * c.depth : c.depth, columns = kin_min(c.n, KIN_CONV_STRIP),
            group = kin_min(c.group, kin_min(c.rows, rows));
    covers("taps", c.taps, c.taps_each, c.tap_groups);
    covers("columns", c.n, KIN_CONV_STRIP, c.strips);
    covers("pixels", c.pixels, c.part_pixels, c.parts);
    covers("rows", rows, c.rows, c.row_blocks);
    HOLDS(c.taps_each == 1 || c.row_blocks == 1);
    HOLDS(c.chunk >= 1 && c.chunk <= KIN_CONV_CHUNK);
    HOLDS(c.group % tile.mr == 0 && c.group <= KIN_CONV_GROUP + tile.mr);
    HOLDS(c.tasks >= 1 && c.workers >= 1 && c.workers <= threads && c.workers <= c.tasks);
    HOLDS(c.sums >= (c.parts > 1 ? c.parts * c.taps * c.depth * c.n : 0));
    HOLDS(c.outputs >= c.chunk * kin_round_up(columns, tile.nr));
    HOLDS(c.inputs >= kin_blocks(group, tile.mr) * kin_odd_lines(c.chunk * tile.mr));
    HOLDS(!kin_conv_can_begin(&shape) || c.moved >= c.chunk * kin_min(c.rows, rows));
}

/* Values and sums of each task lie where it has room. */
static void winograd_room(const kin_conv_shape *s, const kin_winograd_cut *c)
{
    int64_t held = kin_min(c->block, c->tiles), task = kin_min(c->part, c->tiles);
    covers("tiles", c->tiles, c->block, parts_of(c->tiles, c->block));
    covers("tiles of a block", held, c->part, parts_of(held, c->part));
    covers("columns", s->out_c, c->columns, c->column_blocks);
    covers("channels", s->in_c, c->depth, parts_of(s->in_c, c->depth));
    HOLDS(c->part <= c->block || c->block >= c->tiles);
    HOLDS(c->shared || c->block == c->part);
    HOLDS(c->pitch >= kin_round_up(kin_min(c->depth, s->in_c), KIN_CUT_LINE));
    HOLDS(c->position >= held * c->pitch && c->values >= c->n2 * c->position);
    HOLDS(c->width >= (c->steps ? kin_round_up(s->out_c, tile.nr) : c->columns));
    HOLDS(c->apart >= c->n2 * c->width && c->sums >= task * c->apart);
}

static void winograd(kin_stream *s)
{
    kin_conv_shape shape = shape_of(s, 2000);
    int m = numbers_pick(s, 0, 1) ? 4 : 2;
    shape.groups = 1, shape.in_c += 15, shape.out_c += 15;
    say(m == 4 ? "Winograd, 4x4" : "Winograd, 2x2", &shape);
    kin_winograd_cut c = kin_winograd_cut_of(&shape, m, tile), once;
    winograd_room(&shape, &c);
    HOLDS(c.shared || c.part % tile.mr == 0); /* whole register tiles */
    if (!kin_winograd_cut_once(&shape, m, tile, &once)) return;
    winograd_room(&shape, &once);
    covers("channels", shape.in_c, once.step, parts_of(shape.in_c, once.step));
    HOLDS(once.shared && !once.steps && once.block >= once.tiles && once.step % KIN_WINOGRAD_ROWS == 0);
    HOLDS(once.u_position >= KIN_WINOGRAD_PANELS * once.step * tile.nr &&
          once.weights >= once.n2 * once.u_position);
}

static void winograd_weight(kin_stream *s)
{
    kin_conv_shape shape = shape_of(s, 2000);
    say("Winograd's gradient of weights", &shape);
    kin_winograd_weight_cut c = kin_winograd_weight_cut_of(&shape, 4);
    covers("tiles", c.tiles, c.block, parts_of(c.tiles, c.block));
    covers("rows", shape.in_c, KIN_WINOGRAD_SIDE, c.row_blocks);
    covers("columns", shape.out_c, KIN_WINOGRAD_SIDE, c.column_blocks);
    HOLDS(c.v_pitch >= kin_round_up(shape.in_c, KIN_CUT_LINE) &&
          c.z_pitch >= kin_round_up(shape.out_c, KIN_CUT_LINE));
    HOLDS(c.s_pitch >= kin_round_up(shape.out_c, KIN_CUT_LINE));
}

static void depthwise(kin_stream *s)
{
    kin_conv_shape shape = shape_of(s, 2000);
    say("depthwise", &shape);
    kin_depthwise_cut c = kin_depthwise_cut_of(&shape);
    int64_t rows = shape.batch * shape.out_h, reach = shape.dilation_h * (shape.kernel_h - 1) + 1,
            read = kin_min((c.rows - 1) * shape.stride_h + reach, shape.in_h);
    covers("rows", rows, c.rows, parts_of(rows, c.rows));
    covers("rows of the gradient", rows, c.each, c.parts);
    HOLDS(c.buffer >= read * shape.in_w * shape.in_c);
    HOLDS(c.size == shape.kernel_h * shape.kernel_w * shape.in_c && c.sums >= c.parts * c.size);
}

static void inverted(kin_stream *s)
{
    kin_conv_shape d = shape_of(s, 500);
    d.groups = d.out_c = d.in_c, d.dilation_h = d.dilation_w = 1;
    d.in_h = (d.out_h - 1) * d.stride_h + d.kernel_h, d.in_w = (d.out_w - 1) * d.stride_w + d.kernel_w;
    kin_conv_shape expand = {.in_c = 24, .kernel_h = 1, .kernel_w = 1, .groups = 1};
    bool expands = numbers_pick(s, 0, 2);
    int64_t out = some(s, 500);
    say("inverted residual", &d);
    kin_inverted_cut c = kin_inverted_cut_of(expands ? &expand : NULL, &d, out, tile);
    covers("rows", d.out_h, c.band, c.bands);
    covers("rows of a band", c.band, c.rows, parts_of(c.band, c.rows));
    covers("channels", d.in_c, c.nr, c.panels);
    int64_t read = (c.rows - 1) * d.stride_h + d.kernel_h;
    HOLDS(c.nr == tile.nr && c.slots >= read && c.row >= d.in_w * c.nr);
    HOLDS(c.panel == 0 || c.panel >= c.slots * c.row);
    HOLDS(c.panel > 0 || (c.rows == c.band && expands));
    HOLDS(c.wide >= (c.panel ? c.panels : 1) * c.slots * c.row &&
          c.narrow >= c.rows * d.out_w * c.panels * c.nr);
    HOLDS(c.places * (int64_t)sizeof(kin_real) >= kin_min(read, d.in_h) * d.in_w * (int64_t)sizeof(int64_t));
    HOLDS(c.places * (int64_t)sizeof(kin_real) >= c.rows * d.out_w * (int64_t)sizeof(int64_t));
    HOLDS(c.shared >= c.panels * (c.taps + 2 * c.nr) + kin_round_up(out, c.nr));
}

static void stem(kin_stream *s)
{
    kin_conv_shape shape = shape_of(s, 100);
    shape.in_c = some(s, 4), shape.groups = 1, shape.kernel_w += 1;
    say("stem", &shape);
    kin_stem_cut c = kin_stem_cut_of(&shape, tile);
    int64_t rows = shape.kernel_h * shape.kernel_w * shape.in_c + 1;
    covers("pictures", shape.batch, c.each, c.blocks);
    covers("channels", shape.out_c, tile.nr, c.panels);
    HOLDS(c.packed >= rows * c.panels * tile.nr && c.products >= rows * tile.nr);
    HOLDS(c.block >= rows * rows && c.block >= rows * shape.out_c);
}

/* ---- search ---- */

#ifndef KIN_DOUBLE
static void scan(kin_stream *s)
{
    int64_t dim = some(s, 5000);
    kin_scan_size size = {.rows = some(s, 2000000),
                          .items = some(s, 2000000),
                          .words = some(s, 5000000),
                          .kept = some(s, 2000000),
                          .symmetric = numbers_pick(s, 0, 1),
                          .panel_bytes = kin_round_up(KIN_SCAN_COLUMNS, tile.nr) * dim *
                                         (int64_t)sizeof(float),
                          .mr = tile.mr};
    snprintf(subject, sizeof subject, "scan of %lld rows and %lld items, %lld words", LL(size.rows),
             LL(size.items), LL(size.words));
    kin_scan_cut c = kin_scan_cut_of(&size);
    covers("rows", size.rows, c.block_rows, c.blocks);
    covers("items", size.items, c.chunk, parts_of(size.items, c.chunk));
    covers("columns of a chunk", c.chunk, c.columns_per_split, c.splits);
    HOLDS(c.chunk % KIN_SCAN_COLUMNS == 0 && c.columns_per_split % KIN_SCAN_COLUMNS == 0);
    HOLDS(size.symmetric || c.block_rows <= kin_most(KIN_SCAN_BLOCK, 2 * kin_whole_tiles(14, tile.mr)));
    HOLDS(!size.symmetric || c.block_rows <= KIN_SCAN_ROWS);
}
#endif

/* The sets' own tiles are among those above, and as large as buffers on the stack are made for. */
static void known_tiles(const char *isa)
{
    const kin_tiles *t = kin_tiles_get();
    bool known = false;
    check_begin("blocking: the tile of %s is among those that are tried", isa);
    for (size_t i = 0; i < sizeof tiles / sizeof *tiles; i++)
        known = known || (tiles[i].mr == t->mr && tiles[i].nr == t->nr && tiles[i].sum == t->sum);
    CHECK_MSG(known, "%lldx%lld, sum %lld", LL(t->mr), LL(t->nr), LL(t->sum));
    CHECK(t->mr <= KIN_MR_MAX && t->nr <= KIN_NR_MAX);
    check_end();
}

int main(void)
{
    static const struct {
        const char *what;
        void (*check)(kin_stream *s);
    } rows[] = {
        {"matrix products", gemm},
        {"norms", norm},
        {"convolutions", conv},
        {"gradients of weights", conv_weight},
        {"Winograd's convolutions", winograd},
        {"Winograd's gradients of weights", winograd_weight},
        {"depthwise convolutions", depthwise},
        {"inverted residuals", inverted},
        {"stems", stem},
#ifndef KIN_DOUBLE
        {"scans", scan},
#endif
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        check_begin("blocking: %s, %d shapes, %zu tiles, 1 to %d threads", rows[i].what, SHAPES,
                    sizeof tiles / sizeof *tiles, KIN_MAX_THREADS);
        each_shape(rows[i].check);
        check_end();
    }
    numbers_each_isa("blocking: the tile", known_tiles);
    return check_result();
}
