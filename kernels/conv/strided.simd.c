/* Sums here are short, of 16 products and more, so that what stands around a tile counts: the tiles of a
 * panel are one loop, so that the processor begins with the next before it has stored the last; rows lie
 * evenly, and where C's begin is found once for all panels. A last panel of half a tile's columns takes
 * twice the rows instead. */

/* gcc else gives out registers loop by loop, and at each turn brings one of the twelve sums to memory and
 * back: 5 % of a product's time. */
#pragma GCC optimize("ira-region=one")

#include "kernels/conv/strided_kernels.h"
#include "kernels/isa.h"
#include "kernels/register_tile.h"
#include "kernels/tile.h"

#define EACH UNROLLED for (int r = 0; r < rows; r++) UNROLLED for (int v = 0; v < width; v++)

/* What is asked once for all of them is not asked for each. */
INLINE void finish(vector (*acc)[2], const int rows, const int width, const kin_strided_product *p,
                   int64_t row, int64_t column)
{
    const int64_t *place = p->place + row;
    kin_real *c = p->c + column;
    if (p->bias) EACH acc[r][v] += load(p->bias + column + v * LANES);
    if (p->accumulate) EACH acc[r][v] += load(c + place[r] + v * LANES);
    if (p->add) EACH acc[r][v] += load(p->add + (row + r) * p->add_ld + column + v * LANES);
    if (p->act == KIN_NORM_RELU) EACH acc[r][v] = activated(acc[r][v], KIN_NORM_RELU);
    else if (p->act == KIN_NORM_RELU6) EACH acc[r][v] = activated(acc[r][v], KIN_NORM_RELU6);
    EACH store(c + place[r] + v * LANES, acc[r][v]);
}

/* Row by row from where the tile was put down: its last columns may not be C's. */
static __attribute__((noinline)) void finish_part(const kin_real *sums, int64_t rows,
                                                  const kin_strided_product *p, int64_t row, int64_t column)
{
    for (int64_t end = row + rows; row < end; row++, sums += NR)
        for (int64_t at = column; at < column + NR && at < p->columns; at += LANES) {
            int64_t some = p->columns - at < LANES ? p->columns - at : LANES;
            kin_real *c = p->c + p->place[row] + at;
            vector sum = load(sums + at - column);
            if (p->bias) sum += load(p->bias + at);
            if (p->accumulate) sum += load_some(c, some);
            if (p->add) sum += load_some(p->add + row * p->add_ld + at, some);
            store_some(c, p->act == KIN_NORM_LINEAR ? sum : activated(sum, p->act), some);
        }
}

INLINE void tile(const int rows, const int width, const bool whole, const kin_strided_product *p, int64_t row,
                 int64_t column, const kin_real *panel)
{
    vector acc[2 * MR][2] = {{{0}}};
    const kin_real *a[2 * MR];
    UNROLLED for (int r = 0; r < rows; r++) a[r] = p->a + (row + r) * p->a_ld,
                                            __builtin_prefetch(p->c + p->place[row + r] + column, 1);
    for (int64_t segment = 0; segment < p->segments; segment++, panel += p->k * NR) {
        run_of_k(acc, a, 1, p->k, panel, rows, width, 0);
        UNROLLED for (int r = 0; r < rows; r++) a[r] += p->apart;
    }
    if (whole) {
        finish(acc, rows, width, p, row, column);
        return;
    }
    kin_real sums[MR * NR];
    EACH store(sums + r * NR + v * LANES, acc[r][v]);
    finish_part(sums, rows, p, row, column);
}

/* At the right or lower edge. */
static __attribute__((noinline)) void part_tile(int64_t rows, const kin_strided_product *p, int64_t row,
                                                int64_t column, const kin_real *panel)
{
#define ROWS(n) \
    case n: \
        if (n <= MR) tile(n, 2, false, p, row, column, panel); \
        break;
    switch (rows) {
        ROWS(1)
        ROWS(2)
        ROWS(3) ROWS(4) ROWS(5) ROWS(6) ROWS(7) ROWS(8) ROWS(9) ROWS(10) ROWS(11) ROWS(12) ROWS(13) ROWS(14)
    }
#undef ROWS
}

static __attribute__((noinline)) void whole_tiles(const kin_strided_product *p, int64_t row, int64_t end,
                                                  int64_t column, const kin_real *panel)
{
    for (int64_t smaller = kin_tiles_less(end - row, MR); smaller > 0; smaller--, row += MR - 1)
        tile(MR - 1, 2, true, p, row, column, panel);
    for (; row + MR <= end; row += MR) tile(MR, 2, true, p, row, column, panel);
    if (row < end) part_tile(end - row, p, row, column, panel);
}

static __attribute__((noinline)) void half_tiles(const kin_strided_product *p, int64_t column,
                                                 const kin_real *panel)
{
    int64_t row = 0;
    for (; row + 2 * MR <= p->rows; row += 2 * MR) tile(2 * MR, 1, true, p, row, column, panel);
    for (int64_t some; row < p->rows; row += some) {
        some = p->rows - row < MR ? p->rows - row : MR;
        part_tile(some, p, row, column, panel);
    }
}

static void multiply(const kin_strided_product *p)
{
    int64_t whole = p->columns / NR * NR, rest = p->columns - whole, panel = p->panel_k * NR,
            smaller = kin_tiles_less(p->rows, MR);
    for (int64_t row = 0, end; row < p->rows; row = end, smaller--) {
        end = whole == NR ? p->rows : row + (smaller > 0 ? MR - 1 : MR);
        if (end > p->rows) end = p->rows;
        for (int64_t j = 0; j < whole; j += NR) whole_tiles(p, row, end, j, p->panels + j / NR * panel);
    }
    if (rest == LANES) half_tiles(p, whole, p->panels + whole / NR * panel);
    for (int64_t row = 0; rest && rest != LANES && row < p->rows; row += MR)
        part_tile(p->rows - row < MR ? p->rows - row : MR, p, row, whole, p->panels + whole / NR * panel);
}

extern const kin_strided_kernels KIN_ISA_NAME(kin_strided_kernels);
const kin_strided_kernels KIN_ISA_NAME(kin_strided_kernels) = {multiply};
