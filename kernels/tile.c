#include "kernels/tile.h"

#include "base/parallel.h"
#include "kernels/isa.h"

#include <string.h>

extern const kin_tiles kin_tiles_generic, kin_tiles_avx2, kin_tiles_avx512;

const kin_tiles *kin_tiles_get(void)
{
    static const kin_tiles *const tables[KIN_ISA_COUNT] = KIN_ISA_TABLES(kin_tiles);
    return tables[kin_isa()];
}

/* ---- a block ---- */

enum {
    NEAR_B = 4096, /* numbers of B that stay in the first cache while all rows pass by: half of it */
    LINE = 64 / sizeof(kin_real),
    TOGETHER = 4, /* panels packed by one task */
};

/* What a tile will read and write far away is asked for while the tile before it is computed: C, what is added, and, where the rows come
 * near for the first time, a share of the rows of the tile below. The processor's own prefetching knows neither where a run of k ends nor
 * which row is next. */
typedef struct ahead { const kin_real *const *row; int64_t at, left; } ahead;

static inline void expect_out(const kin_tile_block *b, int64_t row, int64_t rows, int64_t column)
{
    for (int64_t r = row; r < row + rows; r++) {
        __builtin_prefetch(b->c[r] + column, 1);
        if (b->add) __builtin_prefetch(b->add[r] + column);
    }
}

static inline void expect_rows(ahead *a, int64_t mr, int64_t steps)
{
    for (; steps > 0 && a->left > 0; steps--, a->at += LINE, a->left--)
        for (int64_t r = 0; r < mr; r++) __builtin_prefetch(a->row[r] + a->at);
}

static inline void one_tile(const kin_tiles *t, const kin_tile_block *b, int64_t tile, int64_t column, const kin_real *panel, kin_tile_out *out)
{
    int64_t row = tile * t->mr;
    out->rows = kin_min(t->mr, b->rows - row);
    out->columns = kin_min(t->nr, b->column + b->columns - column);
    out->bias = b->bias ? b->bias + column : NULL;
    for (int64_t r = 0; r < out->rows; r++) out->c[r] = b->c[row + r] + column;
    for (int64_t r = 0; b->add && r < out->rows; r++) out->add[r] = b->add[row + r] + column;
    if (b->table) t->rows(b->table + tile * b->pitch, b->b_row, b->segments, b->length, panel, out);
    else t->packed(b->packed + tile * b->pitch, panel + b->b_row[0] * t->nr, b->length, out);
}

void kin_run_tiles(const kin_tiles *t, const kin_tile_block *b)
{
    kin_tile_out out; /* not cleared: that would cost as much as a short sum */
    out.accumulate = b->accumulate, out.adds = b->add != NULL, out.act = b->act;
    int64_t nr = t->nr, tiles = kin_blocks(b->rows, t->mr), end = b->column + b->columns, k = b->segments * b->length;
    int64_t group = NEAR_B / (k * nr + 1) * nr;
    if (group < nr) group = nr;
    int64_t steps = b->table && b->segments == 1 ? kin_blocks(k, LINE) : 0, share = kin_blocks(steps, kin_blocks(kin_min(group, b->columns), nr));
    const kin_real *panels = b->panels + b->column / nr * b->panel_k * nr; /* the first of the group */
    for (int64_t first = b->column; first < end; first += group, panels += group * b->panel_k, steps = 0) {
        int64_t last = kin_min(end, first + group);
        for (int64_t tile = 0; tile < tiles; tile++) {
            bool below = tile + 1 < tiles;
            ahead a = {b->table + (below ? (tile + 1) * b->pitch : 0), 0, below ? steps : 0};
            const kin_real *panel = panels;
            for (int64_t j = first; j < last; j += nr, panel += nr * b->panel_k) {
                bool turns = j + nr >= last;
                if (!turns || below) expect_out(b, (tile + turns) * t->mr, kin_min(t->mr, b->rows - (tile + turns) * t->mr), turns ? first : j + nr);
                expect_rows(&a, t->mr, share);
                one_tile(t, b, tile, j, panel, &out);
            }
        }
    }
}

/* ---- packing ---- */

typedef struct packing {
    const kin_real *b;
    int64_t row_stride, column_stride, k, n, panel_k, at, nr;
    kin_real *panels;
} packing;

/* Whole panels of a matrix that lies row by row: of each row a stretch of `panels` times nr numbers, so that memory is read in runs. */
static void pack_stretch(const packing *p, int64_t panel, int64_t panels)
{
    const kin_real *from = p->b + panel * p->nr;
    kin_real *to = p->panels + (panel * p->panel_k + p->at) * p->nr;
    int64_t apart = p->panel_k * p->nr, lines = p->nr / LINE;
    for (int64_t k = 0; k < p->k; k++, from += p->row_stride, to += p->nr)
        for (int64_t j = 0; j < panels; j++)
            for (int64_t i = 0; i < lines; i++) memcpy(to + j * apart + i * LINE, from + j * p->nr + i * LINE, LINE * sizeof *to);
}

static void pack_panel(const packing *p, int64_t panel)
{
    int64_t first = panel * p->nr, columns = kin_min(p->nr, p->n - first);
    const kin_real *from = p->b + first * p->column_stride;
    kin_real *to = p->panels + (panel * p->panel_k + p->at) * p->nr;
    for (int64_t k = 0; k < p->k; k++, to += p->nr) {
        const kin_real *row = from + k * p->row_stride;
        for (int64_t j = 0; j < columns; j++) to[j] = row[j * p->column_stride];
        for (int64_t j = columns; j < p->nr; j++) to[j] = 0;
    }
}

static void pack_some(void *arg, int64_t index, int worker)
{
    (void)worker;
    const packing *p = arg;
    int64_t first = index * TOGETHER, end = kin_min(kin_blocks(p->n, p->nr), first + TOGETHER), whole = p->n / p->nr;
    if (p->column_stride == 1 && p->nr % LINE == 0 && first < whole) {
        pack_stretch(p, first, kin_min(end, whole) - first);
        first = kin_min(end, whole);
    }
    for (; first < end; first++) pack_panel(p, first);
}

void kin_pack_b(const kin_tiles *t, const kin_real *b, int64_t row_stride, int64_t column_stride, int64_t k, int64_t n, int64_t panel_k, int64_t at, kin_real *panels)
{
    packing p = {b, row_stride, column_stride, k, n, panel_k, at, t->nr, panels};
    kin_parallel_for(kin_blocks(kin_blocks(n, t->nr), TOGETHER), pack_some, &p);
}
