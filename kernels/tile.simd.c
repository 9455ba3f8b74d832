#include "kernels/isa.h"
#include "kernels/register_tile.h"
#include "kernels/tile.h"

#include <string.h>

/* Without a fused multiply-add each product is rounded too, and the error of long float32 sums grows past
 * that of other libraries: shorter partial sums take it back. */
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
enum { SUM = 512 };
#else
enum { SUM = 128 };
#endif

static inline vector finished(vector v, vector bias, const kin_real *old, const kin_real *add,
                              kin_norm_act act)
{
    v += bias;
    if (old) v += load(old);
    if (add) v += load(add);
    return act == KIN_NORM_LINEAR ? v : activated(v, act);
}

/* The loops over the accumulators must be unrolled: registers have no index. `width` is the number of
 * vectors of a row, a constant where these are called: a tile of few columns does without the second. What
 * is asked once for all of them is not asked for each. */
#define EACH UNROLLED for (int r = 0; r < rows; r++) UNROLLED for (int v = 0; v < width; v++)

/* Rows are stored at c[r] + at; add[r] + at is added where there is `add`. */
INLINE void finish_whole(vector acc[MR][2], const int rows, const int width, kin_real *const *c,
                         const kin_real *const *add, int64_t at, const kin_real *bias, bool accumulate,
                         kin_norm_act act)
{
    if (bias) EACH acc[r][v] += load(bias + v * LANES);
    if (accumulate) EACH acc[r][v] += load(c[r] + at + v * LANES);
    if (add) EACH acc[r][v] += load(add[r] + at + v * LANES);
    if (act == KIN_NORM_RELU) EACH acc[r][v] = activated(acc[r][v], KIN_NORM_RELU);
    else if (act != KIN_NORM_LINEAR) EACH acc[r][v] = activated(acc[r][v], act);
    EACH store(c[r] + at + v * LANES, acc[r][v]);
}

/* A tile at the right or lower edge, row by row from where it was put down: whole vectors on a line
 * beside, of which the valid columns are copied. */
static __attribute__((noinline)) void finish_part(const kin_real *sums, const kin_tile_out *out)
{
    kin_real bias[NR] = {0}, old[NR] = {0}, add[NR] = {0}, line[NR];
    size_t bytes = (size_t)out->columns * sizeof *bias;
    if (out->bias) memcpy(bias, out->bias, bytes);
    for (int r = 0; r < out->rows; r++, sums += NR) {
        if (out->accumulate) memcpy(old, out->c[r], bytes);
        if (out->adds) memcpy(add, out->add[r], bytes);
        for (int h = 0; h < out->columns; h += LANES)
            store(line + h, finished(load(sums + h), load(bias + h), out->accumulate ? old + h : NULL,
                                     out->adds ? add + h : NULL, out->act));
        memcpy(out->c[r], line, bytes);
    }
}

INLINE void finish(vector acc[MR][2], const int width, const kin_tile_out *out)
{
    enum { rows = MR };
    if (out->columns == width * LANES && out->rows == MR) {
        finish_whole(acc, MR, width, out->c, out->adds ? out->add : NULL, 0, out->bias, out->accumulate,
                     out->act);
        return;
    }
    kin_real sums[MR * NR];
    EACH store(sums + r * NR + v * LANES, acc[r][v]);
    finish_part(sums, out);
}

/* `ahead`, a constant: how far B is asked for beforehand (run_of_k). */
INLINE void sum_rows(vector acc[MR][2], const kin_real *const *row, const int64_t *b_row, int64_t segments,
                     int64_t length, const kin_real *b, const int rows, const int width, const int ahead)
{
    for (; segments > 0; segments--, row += MR, b_row++) {
        const kin_real *a[MR];
        UNROLLED for (int r = 0; r < rows; r++) a[r] = row[r];
        run_of_k(acc, a, 1, length, b + *b_row * NR, rows, width, ahead);
    }
}

INLINE void sum_packed(vector acc[MR][2], const kin_real *packed, int64_t length, const kin_real *b)
{
    const kin_real *a[MR];
    UNROLLED for (int r = 0; r < MR; r++) a[r] = packed + r;
    run_of_k(acc, a, MR, length, b, MR, 2, 0);
}

static void tile_rows(const kin_real *const *row, const int64_t *b_row, int64_t segments, int64_t length,
                      const kin_real *b, const kin_tile_out *out)
{
    vector acc[MR][2] = {{{0}}};
    if (out->columns > LANES) {
        sum_rows(acc, row, b_row, segments, length, b, MR, 2, 0);
        finish(acc, 2, out);
    } else {
        sum_rows(acc, row, b_row, segments, length, b, MR, 1, 0);
        finish(acc, 1, out);
    }
}

/* The lines that the tile will be added to or stored in are asked for before the sum, which hides their
 * way from memory. */
static inline void expect(const kin_tile_out *out)
{
    for (int r = 0; r < out->rows; r++)
        __builtin_prefetch(out->c[r], 1), __builtin_prefetch(out->c[r] + out->columns - 1, 1);
}

static void tile_packed(const kin_real *a, const kin_real *b, int64_t k, const kin_tile_out *out)
{
    vector acc[MR][2] = {{{0}}};
    expect(out);
    sum_packed(acc, a, k, b);
    finish(acc, 2, out);
}

/* ---- a block ---- */

enum {
    /* Numbers of B that all rows meet before further ones: a quarter of the second cache, so that the rows'
     * way from memory is spread over many products. Processors with AVX-512 have 1 or 2 MB of it. */
    GROUP_B = KIN_SHAPES == 512 ? 131072 : 32768,
    NEAR_B = 4096, /* the same where the rows are near already: half of the first cache */
    /* Whether what a tile reads far away is asked for beforehand. Processors with AVX-512 foresee it
     * themselves: without, and with the larger group, products of 784×512×2048 went from 134 to 152
     * GFLOP/s, of 50,176×64×256 from 119 to 125 (of 178 that the arithmetic allows), ResNet-50 3 % faster. */
    ASKS = KIN_SHAPES != 512,
    /* How many numbers further it is asked for there while the first rows meet a panel: what the processor
     * foresees ends with each page, and a panel has 16 of them. 2 KB: 2048³ 178 → 188 GFLOP/s, 784×2048×512
     * 191 → 202 (of 237 that the tile gives), 1×1 convolutions of 49 pixels 12 to 14 % less time. */
    AHEAD = KIN_SHAPES == 512 ? 512 : 0,
};

/* At the right or lower edge. */
static __attribute__((noinline)) void part_tile(const kin_tile_block *b, int64_t tile, int64_t row,
                                                int64_t rows, int64_t column, const kin_real *panel)
{
    kin_tile_out out; /* not cleared: that would cost as much as a short sum */
    int64_t columns = b->column + b->columns - column;
    out.rows = rows, out.columns = columns < NR ? columns : NR;
    out.bias = b->bias ? b->bias + column : NULL, out.accumulate = b->accumulate, out.adds = b->add != NULL,
    out.act = b->act;
    for (int64_t r = 0; r < out.rows; r++) out.c[r] = b->c[row + r] + column;
    for (int64_t r = 0; b->add && r < out.rows; r++) out.add[r] = b->add[row + r] + column;
    if (b->table) tile_rows(b->table + tile * b->pitch, b->b_row, b->segments, b->length, panel, &out);
    else tile_packed(b->packed + tile * b->pitch, panel + b->b_row[0] * NR, b->length, &out);
}

INLINE void table_tile(const int rows, const kin_tile_block *b, const kin_real *const *row, int64_t first,
                       int64_t column, const kin_real *panel, const int ahead)
{
    vector acc[MR][2] = {{{0}}};
    sum_rows(acc, row, b->b_row, b->segments, b->length, panel, rows, 2, ahead);
    finish_whole(acc, rows, 2, b->c + first, b->add ? b->add + first : NULL, column,
                 b->bias ? b->bias + column : NULL, b->accumulate, b->act);
}

/* Functions of their own, so that the sums have the registers to themselves. */
static __attribute__((noinline)) void whole_tile(const kin_tile_block *b, const kin_real *const *row,
                                                 int64_t first, int64_t column, const kin_real *panel)
{
    table_tile(MR, b, row, first, column, panel, 0);
}

/* The first that meets a panel, which comes from afar. */
static __attribute__((noinline)) void first_tile(const kin_tile_block *b, const kin_real *const *row,
                                                 int64_t first, int64_t column, const kin_real *panel)
{
    table_tile(MR, b, row, first, column, panel, AHEAD);
}

static __attribute__((noinline)) void short_tile(const kin_tile_block *b, const kin_real *const *row,
                                                 int64_t first, int64_t column, const kin_real *panel)
{
    table_tile(MR - 1, b, row, first, column, panel, 0);
}

static __attribute__((noinline)) void whole_packed_tile(const kin_tile_block *b, const kin_real *packed,
                                                        int64_t first, int64_t column, const kin_real *panel)
{
    vector acc[MR][2] = {{{0}}};
    sum_packed(acc, packed, b->length, panel + b->b_row[0] * NR);
    finish_whole(acc, MR, 2, b->c + first, b->add ? b->add + first : NULL, column,
                 b->bias ? b->bias + column : NULL, b->accumulate, b->act);
}

/* What a tile will read and write far away is asked for while the tile before it is computed: C, what is
 * added, a share of the panel that comes next, and, where the rows come near for the first time, a share
 * of the rows of the tile below. The processor's own prefetching knows neither where a run of k ends nor
 * which row is next. */
INLINE void expect_out(const kin_tile_block *b, int64_t row, int64_t column)
{
    kin_real *const *c = b->c + row;
    UNROLLED for (int r = 0; r < MR; r++) __builtin_prefetch(c[r] + column, 1);
    if (!b->add) return;
    const kin_real *const *add = b->add + row;
    UNROLLED for (int r = 0; r < MR; r++) __builtin_prefetch(add[r] + column);
}

typedef struct ahead {
    int64_t row_lines, panel_lines; /* at each tile */
    int64_t at, end;                /* of the rows */
    const kin_real *panel;
} ahead;

INLINE void expect_rows(ahead *a, const kin_real *const *row)
{
    for (int64_t i = 0; i < a->row_lines && a->at < a->end; i++, a->at += LINE)
        UNROLLED for (int r = 0; r < MR; r++) __builtin_prefetch(row[r] + a->at);
}

INLINE void expect_panel(ahead *a)
{
    for (int64_t i = 0; i < a->panel_lines; i++, a->panel += LINE) __builtin_prefetch(a->panel, 0, 2);
}

/* Columns first to last, whose panels stay near, meet all tiles of rows. */
static void run_group(const kin_tile_block *b, int64_t tiles, int64_t first, int64_t last,
                      const kin_real *panels, ahead *a)
{
    /* What all of a product's blocks meet stays near where it is small. */
    bool from_afar = AHEAD > 0 && !b->panels_near && b->columns * b->panel_k > GROUP_B;
    int64_t whole_columns = b->column + b->columns - NR,
            whole_rows = tiles - (b->table ? kin_tiles_less(b->rows, MR) : 0), row = 0, rows;
    for (int64_t tile = 0; tile < tiles; tile++, row += rows) {
        const kin_real *panel = panels, *const *at = b->table + tile * b->pitch;
        rows = kin_min(tile < whole_rows ? MR : MR - 1, b->rows - row);
        a->at = 0;
        for (int64_t j = first; j < last; j += NR, panel += b->panel_k * NR) {
            bool turns = j + NR >= last, whole = j <= whole_columns;
            int64_t next = turns ? row + rows : row;
            if (ASKS && next + MR <= b->rows) expect_out(b, next, turns ? first : j + NR);
            if (a->row_lines && tile + 1 < tiles) expect_rows(a, at + b->pitch);
            if (a->panel_lines) expect_panel(a);
            if (whole && rows == MR && b->table && from_afar && tile == 0) first_tile(b, at, row, j, panel);
            else if (whole && rows == MR && b->table) whole_tile(b, at, row, j, panel);
            else if (whole && rows == MR) whole_packed_tile(b, b->packed + tile * b->pitch, row, j, panel);
            else if (whole && rows == MR - 1 && b->table) short_tile(b, at, row, j, panel);
            else part_tile(b, tile, row, rows, j, panel);
        }
    }
}

static void run(const kin_tile_block *b)
{
    int64_t k = b->segments * b->length, tiles = (b->rows + MR - 1) / MR, end = b->column + b->columns,
            group = (b->near ? NEAR_B : GROUP_B) / (k * NR + 1) * NR;
    if (group < NR) group = NR;
    const kin_real *panels = b->panels + b->column / NR * b->panel_k * NR;
    bool asks = ASKS && b->segments == 1;
    ahead a = {.row_lines = asks && !b->near ? (k + LINE - 1) / LINE : 0, .end = k};
    for (int64_t first = b->column; first < end; first += group, a.row_lines = 0) {
        int64_t last = end - first < group ? end : first + group, count = (last - first + NR - 1) / NR;
        a.row_lines = (a.row_lines + count - 1) / count;
        a.panel_lines = asks && last < end ? (k * NR / LINE + tiles * count - 1) / (tiles * count) : 0;
        a.panel = panels + (count * b->panel_k + b->b_row[0]) * NR;
        run_group(b, tiles, first, last, panels, &a);
        panels += count * b->panel_k * NR;
    }
}

/* ---- packing ---- */

static void pack(const kin_real *const *from, int64_t first, int64_t k, kin_real *to)
{
    for (; k > 0; k--, from++, to += MR) {
        if (*from) memcpy(to, *from + first, MR * sizeof *to);
        else memset(to, 0, MR * sizeof *to);
    }
}

static void pack_columns(const kin_real *const *from, int64_t first, int64_t columns, int64_t k, kin_real *to)
{
    for (; columns == NR && k > 0; k--, from++, to += NR) memcpy(to, *from + first, NR * sizeof *to);
    for (; k > 0; k--, from++, to += NR) {
        memset(to, 0, NR * sizeof *to);
        for (int64_t j = 0; j < columns; j++) to[j] = (*from)[first + j];
    }
}

extern const kin_tiles KIN_ISA_NAME(kin_tiles);
const kin_tiles KIN_ISA_NAME(kin_tiles) = {MR, NR, SUM, tile_rows, run, pack, pack_columns};
