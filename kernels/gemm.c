/* The loops around the register tile (Goto and van de Geijn 2008). B is packed once by all threads, and C
 * is cut into blocks of rows and columns. A block runs over k in steps short enough for the caches; where
 * C is too small to feed the threads and k is long (the gradient of weights), k is cut into parts instead,
 * whose sums are added in order. Where C has few rows, to read B is most of the work (a classifier): then
 * C is cut into columns alone, and a task packs those that it needs, which nobody else does, into its
 * cache just before. Every cut depends on the shape alone. */
#include "kernels/gemm.h"

#include "base/parallel.h"
#include "kernels/chosen.h"
#include "kernels/tile.h"

#include <string.h>

enum {
    /* k of one pass at most, of which there are as few as may be and equal ones: each reads and writes C */
    K_STEP = KIN_SUM_MAX,
    STEP_ROUND = 16, /* of a pass's k: a line of the caches */
    /* rows of a block, rounded up to whole tiles; 96 × 512 floats stay in the second cache */
    BLOCK_ROWS = 96,
    BLOCK_COLUMNS = 1024,    /* of a block, or fewer: B's */
    BLOCK_WEIGHTS = 1 << 20, /* numbers, which all blocks of rows read in turn, stay in the third cache */
    ROWS_MAX = BLOCK_ROWS + KIN_MR_MAX,
    PART_K = 2048, /* k of one part, at least, when k is split */
    MAX_PARTS = 16,
    /* at most, of a task that packs them itself; 64 × 512 floats are a quarter of the second cache */
    OWN_COLUMNS = KIN_NR_MAX,
    OWN_TASKS = 8, /* at least, of as many columns */
};

typedef struct product {
    const kin_gemm_args *args;
    const kin_tiles *tiles;
    kin_real *panels; /* packed B: [⌈n/nr⌉][k][nr]; */
    kin_real *parts;  /* [count][m][n] sums of the parts; the first part goes to C */
    int64_t row_blocks, column_blocks, rows, columns, n_parts, part_k;
} product;

/* ---- shape decisions ---- */

static int64_t parts_of(const kin_gemm_args *a)
{
    int64_t blocks = kin_blocks(a->m, BLOCK_ROWS) * kin_blocks(a->n, BLOCK_COLUMNS);
    if (blocks >= 8 || a->k < 2 * PART_K) return 1;
    int64_t parts = kin_min(a->k / PART_K, MAX_PARTS);
    while (parts > 1 && (parts - 1) * a->m * a->n > (int64_t)1 << 24) parts--;
    return parts;
}

/* Whether each task packs the columns of B that it needs. */
static bool few_rows(const kin_gemm_args *a) { return a->m <= BLOCK_ROWS && parts_of(a) == 1; }

/* Smaller blocks where there are few of them, so that many threads have work. */
static int64_t block_rows(const kin_gemm_args *a, int64_t mr)
{
    int64_t rows = BLOCK_ROWS;
    while (rows > 24 && kin_blocks(a->m, rows) * kin_blocks(a->n, BLOCK_COLUMNS) < 16) rows -= 24;
    return kin_round_up(rows, mr);
}

static int64_t block_columns(const kin_gemm_args *a)
{
    int64_t columns = kin_round_up(BLOCK_WEIGHTS / a->k, KIN_NR_MAX);
    return kin_min(BLOCK_COLUMNS, columns < 4 * KIN_NR_MAX ? 4 * KIN_NR_MAX : columns);
}

static bool fits(int64_t a, int64_t b, int64_t limit)
{
    return a >= 0 && b >= 0 && (b == 0 || a <= limit / b);
}

size_t kin_gemm_workspace(const kin_gemm_args *a)
{
    int64_t limit = INT64_MAX / 64;
    if (!fits(a->n + KIN_NR_MAX, a->k + 1, limit) || !fits(a->m, a->n, limit)) return SIZE_MAX;
    int64_t panels = few_rows(a) ? 0 : kin_round_up(a->n, KIN_NR_MAX) * a->k,
            parts = parts_of(a) > 1 ? (parts_of(a) - 1) * a->m * a->n : 0;
    return (size_t)(panels + parts + 32) * sizeof(kin_real);
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
    kin_real *own; /* where a pass packs its columns of B; NULL: they are among the product's panels */
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
    kin_real panels[ROWS_MAX * K_STEP];
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
                            .panel_k = b->own ? k : a->k};
    const kin_real *weights = a->b.data + k0 * a->b.row_stride + b->column * a->b.col_stride;
    if (b->own) kin_pack_b(t, weights, a->b.row_stride, a->b.col_stride, k, b->columns, k, 0, b->own);
    if (a->a.col_stride == 1) {
        fill_table(a->a.data + b->row * a->a.row_stride + k0, a->a.row_stride, b->rows, t->mr, table);
        tiles.table = table, tiles.pitch = t->mr;
    } else {
        for (int64_t r = 0; r < b->rows; r += t->mr)
            pack_a(a->a, b->row + r, kin_min(t->mr, b->rows - r), k0, k, t->mr, panels + r * K_STEP);
        tiles.packed = panels, tiles.pitch = t->mr * K_STEP, tiles.near = true;
    }
    t->run(&tiles);
}

static void run_block(const product *p, const block *b)
{
    int64_t all = b->k_end - b->k,
            step = kin_round_up(kin_blocks(all, kin_blocks(all, p->tiles->sum)), STEP_ROUND);
    for (int64_t k = b->k; k < b->k_end; k += step) one_pass(p, b, k, kin_min(step, b->k_end - k), k == b->k);
}

/* All rows meet the same columns of B, one block of rows after the other. */
static void whole_k(void *arg, int64_t index, int worker)
{
    (void)worker;
    const product *p = arg;
    const kin_gemm_args *a = p->args;
    int64_t row = index % p->row_blocks * p->rows, column = index / p->row_blocks * p->columns;
    run_block(p, &(block){row, kin_min(p->rows, a->m - row), column, kin_min(p->columns, a->n - column), 0,
                          a->k, a->c, a->ldc, a->accumulate, true, NULL});
}

/* All rows, and columns that nobody else will need. */
static void whole_columns(void *arg, int64_t index, int worker)
{
    (void)worker;
    const product *p = arg;
    const kin_gemm_args *a = p->args;
    kin_real own[OWN_COLUMNS * K_STEP];
    int64_t column = index * p->columns;
    run_block(p, &(block){0, a->m, column, kin_min(p->columns, a->n - column), 0, a->k, a->c, a->ldc,
                          a->accumulate, true, own});
}

static void part_of_k(void *arg, int64_t index, int worker)
{
    (void)worker;
    const product *p = arg;
    const kin_gemm_args *a = p->args;
    int64_t part = index / p->row_blocks, row = index % p->row_blocks * p->rows, k = part * p->part_k;
    block b = {row,
               kin_min(p->rows, a->m - row),
               0,
               a->n,
               k,
               kin_min(a->k, k + p->part_k),
               a->c,
               a->ldc,
               a->accumulate,
               true,
               NULL};
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
    for (int64_t part = 1; part < p->n_parts; part++) {
        const kin_real *from = p->parts + ((part - 1) * a->m + row) * a->n;
        for (int64_t j = 0; j < a->n; j++) a->c[row * a->ldc + j] += from[j];
    }
}

static void column_by_column(product *p)
{
    p->columns = kin_min(OWN_COLUMNS, kin_round_up(kin_blocks(p->args->n, OWN_TASKS), p->tiles->nr));
    kin_parallel_for(kin_blocks(p->args->n, p->columns), whole_columns, p);
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
    kin_chose_gemm(a->m, a->n, a->k,
                   few_rows(a)       ? "packed product of few rows"
                   : parts_of(a) > 1 ? "packed product, k in parts"
                                     : "packed product");
    product p = {.args = a,
                 .tiles = t,
                 .panels = workspace,
                 .n_parts = parts_of(a),
                 .columns = block_columns(a),
                 .rows = block_rows(a, t->mr)};
    if (few_rows(a)) {
        column_by_column(&p);
        return;
    }
    p.parts = p.panels + kin_round_up(kin_round_up(a->n, t->nr) * a->k, 16);
    kin_pack_b(t, a->b.data, a->b.row_stride, a->b.col_stride, a->k, a->n, a->k, 0, p.panels);
    p.row_blocks = kin_blocks(a->m, p.rows);
    p.column_blocks = kin_blocks(a->n, p.columns);
    if (p.n_parts == 1) {
        kin_parallel_for(p.row_blocks * p.column_blocks, whole_k, &p);
        return;
    }
    p.part_k = kin_blocks(a->k, p.n_parts);
    p.n_parts = kin_blocks(a->k, p.part_k);
    kin_parallel_for(p.n_parts * p.row_blocks, part_of_k, &p);
    kin_parallel_for(a->m, add_parts, &p);
}
