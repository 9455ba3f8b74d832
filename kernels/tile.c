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

typedef struct packing {
    const kin_real *b;
    int64_t row_stride, column_stride, k, n, panel_k, at, nr;
    kin_real *panels;
} packing;

static void pack_panel(void *arg, int64_t panel, int worker)
{
    (void)worker;
    const packing *p = arg;
    int64_t first = panel * p->nr, columns = kin_min(p->nr, p->n - first);
    const kin_real *from = p->b + first * p->column_stride;
    kin_real *to = p->panels + (panel * p->panel_k + p->at) * p->nr;
    for (int64_t k = 0; k < p->k; k++, to += p->nr) {
        const kin_real *row = from + k * p->row_stride;
        if (p->column_stride == 1) memcpy(to, row, (size_t)columns * sizeof *to);
        else
            for (int64_t j = 0; j < columns; j++) to[j] = row[j * p->column_stride];
        for (int64_t j = columns; j < p->nr; j++) to[j] = 0;
    }
}

void kin_pack_b(const kin_tiles *t, const kin_real *b, int64_t row_stride, int64_t column_stride, int64_t k, int64_t n, int64_t panel_k, int64_t at, kin_real *panels)
{
    packing p = {b, row_stride, column_stride, k, n, panel_k, at, t->nr, panels};
    kin_parallel_for(kin_blocks(n, t->nr), pack_panel, &p);
}
