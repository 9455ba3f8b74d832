/* The loops around the register tile (Goto and van de Geijn 2008). B is packed once by all threads, and C
 * is cut into blocks of rows and columns. A block runs over k in steps short enough for the caches; where
 * C is too small to feed the threads and k is long (the gradient of weights), k is cut into parts instead,
 * whose sums are added in order. Where C has few rows, to read B is most of the work (a classifier): then
 * C is cut into columns alone, and a task packs those that it needs, which nobody else does, into its
 * cache just before. Every cut depends on the shape alone. */
#include "kernels/gemm.h"

#include "base/parallel.h"
#include "kernels/tile.h"
#include "kernels/trace.h"

#include <string.h>

/* Rows of a block, and of the tiles that they fill, at most: tests/both_blocking.c holds it. */
enum { ROWS_MAX = KIN_GEMM_ROWS + KIN_MR_MAX };

typedef struct product {
    const kin_gemm_args *args;
    const kin_tiles *tiles;
    kin_gemm_cut cut;
    kin_real *panels;  /* packed B: [⌈n/nr⌉][k][nr]; */
    kin_real *parts;   /* [count][m][n] sums of the parts; the first part goes to C */
    kin_real *scratch; /* of each worker: packed A, and its own columns of B */
} product;

static kin_gemm_cut cut_of(const kin_gemm_args *a)
{
    return kin_gemm_cut_of(a->m, a->n, a->k, a->a.col_stride != 1, kin_tile_size_of(kin_tiles_get()),
                           kin_threads());
}

static bool fits(int64_t a, int64_t b, int64_t limit)
{
    return a >= 0 && b >= 0 && (b == 0 || a <= limit / b);
}

size_t kin_gemm_workspace(const kin_gemm_args *a)
{
    int64_t limit = INT64_MAX / 64;
    if (!fits(a->n + KIN_NR_MAX, a->k + 1, limit) || !fits(a->m, a->n, limit)) return SIZE_MAX;
    if (a->m <= 0 || a->n <= 0 || a->k <= 0) return sizeof(kin_real);
    kin_gemm_cut c = cut_of(a);
    int64_t panels = kin_round_up(c.panels, KIN_CUT_LINE), sums = kin_round_up(c.sums, KIN_CUT_LINE);
    return (size_t)(panels + sums + c.workers * (c.a + c.b)) * sizeof(kin_real);
}

/* ---- one row panel of A times one block of columns ---- */

/* Packs `rows` rows of A (any strides) as [k][mr]. */
static void pack_a(kin_matrix a, int64_t first, int64_t rows, int64_t k0, int64_t k, int64_t mr, kin_real *to)
{
    const kin_real *from = a.data + first * a.row_stride + k0 * a.col_stride;
    for (int64_t p = 0; p < k; p++, to += mr, from += a.col_stride) {
        if (a.row_stride == 1) memcpy(to, from, (size_t)rows * sizeof *to);
        else
            for (int64_t r = 0; r < rows; r++) to[r] = from[r * a.row_stride];
        for (int64_t r = rows; r < mr; r++) to[r] = 0;
    }
}

typedef struct block {
    int64_t row, rows, column, columns, k, k_end;
    kin_real *c;
    int64_t ldc;
    bool accumulate;
    bool bias;     /* the bias belongs to the first part of k alone */
    kin_real *a;   /* where a pass packs its rows of A, if they do not lie together */
    kin_real *own; /* and its columns of B; NULL: they are among the product's panels */
} block;

static void fill_table(const kin_real *from, int64_t pitch, int64_t rows, int64_t mr, const kin_real **table)
{
    for (int64_t tile = 0, tiles = kin_blocks(rows, mr); tile < tiles; tile++, table += mr) {
        int64_t first = kin_tile_row(tile, rows, mr);
        for (int64_t r = 0; r < mr; r++) table[r] = from + kin_min(first + r, rows - 1) * pitch;
    }
}

static void one_pass(const product *p, const block *b, int64_t k0, int64_t k, bool begins)
{
    const kin_gemm_args *a = p->args;
    const kin_tiles *t = p->tiles;
    const kin_real *table[ROWS_MAX];
    kin_real *c[ROWS_MAX];
    for (int64_t r = 0; r < b->rows; r++) c[r] = b->c + (b->row + r) * b->ldc + b->column;
    kin_tile_block tiles = {.rows = b->rows,
                            .columns = b->columns,
                            .c = c,
                            .bias = begins && b->bias && a->bias ? a->bias + b->column : NULL,
                            .accumulate = !begins || b->accumulate,
                            .b_row = &(int64_t){b->own ? 0 : k0},
                            .segments = 1,
                            .length = k,
                            .panels = b->own ? b->own : p->panels + b->column * a->k,
                            .panel_k = b->own ? k : a->k,
                            .panels_near = b->own};
    const kin_real *weights = a->b.data + k0 * a->b.row_stride + b->column * a->b.col_stride;
    if (b->own) kin_pack_b(t, weights, a->b.row_stride, a->b.col_stride, k, b->columns, k, 0, b->own);
    if (a->a.col_stride == 1) {
        fill_table(a->a.data + b->row * a->a.row_stride + k0, a->a.row_stride, b->rows, t->mr, table);
        tiles.table = table, tiles.pitch = t->mr;
    } else {
        int64_t step = p->cut.step;
        for (int64_t r = 0; r < b->rows; r += t->mr)
            pack_a(a->a, b->row + r, kin_min(t->mr, b->rows - r), k0, k, t->mr, b->a + r * step);
        tiles.packed = b->a, tiles.pitch = t->mr * step, tiles.near = true;
    }
    t->run(&tiles);
}

static void run_block(const product *p, const block *b)
{
    int64_t step = kin_gemm_step(b->k_end - b->k, p->tiles->sum);
    for (int64_t k = b->k; k < b->k_end; k += step) one_pass(p, b, k, kin_min(step, b->k_end - k), k == b->k);
}

/* Some rows and columns of C, the whole sum. */
static block block_of(const product *p, int64_t row, int64_t column, int worker)
{
    const kin_gemm_args *a = p->args;
    const kin_gemm_cut *c = &p->cut;
    return (block){.row = row,
                   .rows = kin_min(c->rows, a->m - row),
                   .column = column,
                   .columns = kin_min(c->columns, a->n - column),
                   .k_end = a->k,
                   .c = a->c,
                   .ldc = a->ldc,
                   .accumulate = a->accumulate,
                   .bias = true,
                   .a = p->scratch + worker * (c->a + c->b)};
}

/* All rows meet the same columns of B, one block of rows after the other. */
static void whole_k(void *arg, int64_t index, int worker)
{
    const product *p = arg;
    const kin_gemm_cut *c = &p->cut;
    block b = block_of(p, index % c->row_blocks * c->rows, index / c->row_blocks * c->columns, worker);
    run_block(p, &b);
}

/* All rows, and columns that nobody else will need. */
static void whole_columns(void *arg, int64_t index, int worker)
{
    const product *p = arg;
    block b = block_of(p, 0, index * p->cut.columns, worker);
    b.own = b.a + p->cut.a;
    run_block(p, &b);
}

static void part_of_k(void *arg, int64_t index, int worker)
{
    const product *p = arg;
    const kin_gemm_args *a = p->args;
    const kin_gemm_cut *c = &p->cut;
    int64_t part = index / c->row_blocks;
    block b = block_of(p, index % c->row_blocks * c->rows, 0, worker);
    b.k = part * c->part_k, b.k_end = kin_min(a->k, b.k + c->part_k);
    if (part > 0) {
        b.c = p->parts + (part - 1) * a->m * a->n;
        b.ldc = a->n;
        b.accumulate = b.bias = false;
    }
    run_block(p, &b);
}

static void add_parts(void *arg, int64_t row, int worker)
{
    (void)worker;
    const product *p = arg;
    const kin_gemm_args *a = p->args;
    for (int64_t part = 1; part < p->cut.parts; part++) {
        const kin_real *from = p->parts + ((part - 1) * a->m + row) * a->n;
        for (int64_t j = 0; j < a->n; j++) a->c[row * a->ldc + j] += from[j];
    }
}

static void without_k(const kin_gemm_args *a)
{
    for (int64_t i = 0; i < a->m; i++)
        for (int64_t j = 0; j < a->n; j++) {
            kin_real *c = a->c + i * a->ldc + j;
            *c = (a->accumulate ? *c : 0) + (a->bias ? a->bias[j] : 0);
        }
}

void kin_gemm(const kin_gemm_args *a, void *workspace)
{
    if (a->m <= 0 || a->n <= 0) return;
    if (a->k <= 0) {
        without_k(a);
        return;
    }
    const kin_tiles *t = kin_tiles_get();
    product p = {.args = a, .tiles = t, .cut = cut_of(a), .panels = workspace};
    const kin_gemm_cut *c = &p.cut;
    p.parts = p.panels + kin_round_up(c->panels, KIN_CUT_LINE);
    p.scratch = p.parts + kin_round_up(c->sums, KIN_CUT_LINE);
    kin_trace_gemm(a->m, a->n, a->k,
                   c->own         ? "packed product of few rows"
                   : c->parts > 1 ? "packed product, k in parts"
                                  : "packed product");
    if (c->own) {
        kin_parallel_for(c->column_blocks, whole_columns, &p);
        return;
    }
    kin_pack_b(t, a->b.data, a->b.row_stride, a->b.col_stride, a->k, a->n, a->k, 0, p.panels);
    if (c->parts == 1) {
        kin_parallel_for(c->row_blocks * c->column_blocks, whole_k, &p);
        return;
    }
    kin_parallel_for(c->parts * c->row_blocks, part_of_k, &p);
    kin_parallel_for(a->m, add_parts, &p);
}
