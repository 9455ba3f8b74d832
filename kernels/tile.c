#include "kernels/tile.h"

#include "base/parallel.h"
#include "kernels/isa.h"

#include <string.h>

KIN_ISA_DECLARE(kin_tiles, kin_tiles);

const kin_tiles *kin_tiles_get(void)
{
    static const kin_tiles *const tables[KIN_ISA_COUNT] = KIN_ISA_TABLES(kin_tiles);
    return tables[kin_isa()];
}

enum {
    LINE = 64 / sizeof(kin_real),
    AHEAD = 8,    /* rows that are asked for */
    TOGETHER = 8, /* panels packed by one task */
};

typedef struct packing {
    const kin_real *b;
    int64_t row_stride, column_stride, k, n, panel_k, at, nr;
    kin_real *panels;
} packing;

/* Whole panels of a matrix that lies row by row: of each row a stretch of `panels` times nr numbers, so
 * that memory is read in runs. */
static void pack_stretch(const packing *p, int64_t panel, int64_t panels)
{
    const kin_real *from = p->b + panel * p->nr;
    kin_real *to = p->panels + (panel * p->panel_k + p->at) * p->nr;
    int64_t apart = p->panel_k * p->nr, lines = p->nr / LINE;
    for (int64_t k = 0; k < p->k; k++, from += p->row_stride, to += p->nr) {
        for (int64_t i = 0; i < panels * lines && k + AHEAD < p->k; i++)
            __builtin_prefetch(from + AHEAD * p->row_stride + i * LINE);
        for (int64_t j = 0; j < panels; j++)
            for (int64_t i = 0; i < lines; i++)
                memcpy(to + j * apart + i * LINE, from + j * p->nr + i * LINE, LINE * sizeof *to);
    }
}

/* A line of k at a time, column by column: where k is what lies together, as in a transposed matrix, each
 * line of memory is read once, although columns that lie a power of two apart drive one another out of the
 * first cache. */
static void pack_panel(const packing *p, int64_t panel)
{
    int64_t first = panel * p->nr, columns = kin_min(p->nr, p->n - first);
    const kin_real *from = p->b + first * p->column_stride;
    kin_real *to = p->panels + (panel * p->panel_k + p->at) * p->nr;
    for (int64_t k = 0; k < p->k; k += LINE, from += LINE * p->row_stride, to += LINE * p->nr) {
        int64_t rows = kin_min(LINE, p->k - k);
        for (int64_t j = 0; j < columns; j++)
            for (int64_t i = 0; i < rows; i++)
                to[i * p->nr + j] = from[i * p->row_stride + j * p->column_stride];
        for (int64_t i = 0; columns < p->nr && i < rows; i++)
            memset(to + i * p->nr + columns, 0, (size_t)(p->nr - columns) * sizeof *to);
    }
}

static void pack_some(void *arg, int64_t index, int worker)
{
    (void)worker;
    const packing *p = arg;
    int64_t first = index * TOGETHER, end = kin_min(kin_blocks(p->n, p->nr), first + TOGETHER),
            whole = p->n / p->nr;
    if (p->column_stride == 1 && p->nr % LINE == 0 && first < whole) {
        pack_stretch(p, first, kin_min(end, whole) - first);
        first = kin_min(end, whole);
    }
    for (; first < end; first++) pack_panel(p, first);
}

void kin_pack_b(const kin_tiles *t, const kin_real *b, int64_t row_stride, int64_t column_stride, int64_t k,
                int64_t n, int64_t panel_k, int64_t at, kin_real *panels)
{
    packing p = {b, row_stride, column_stride, k, n, panel_k, at, t->nr, panels};
    kin_parallel_for(kin_blocks(kin_blocks(n, t->nr), TOGETHER), pack_some, &p);
}
