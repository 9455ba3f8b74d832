#include "kernels/cut.h"

/* ---- matrix products ---- */

enum {
    STEP_ROUND = 16,         /* of a pass's k: a line of the caches */
    FEW_ROWS = 24,           /* fewer rows of a block are not worth the reading of B */
    BLOCK_COLUMNS = 1024,    /* of a block, or fewer: B's */
    FEW_COLUMNS = 256,       /* at least */
    COLUMNS_ROUND = 64,      /* of the columns between */
    BLOCK_WEIGHTS = 1 << 21, /* numbers, which all blocks of rows read in turn, stay in the third cache */
    TASKS = 16,              /* enough blocks for many threads */
    PART_K = 2048,           /* k of one part, at least, when k is split ... */
    SPLIT_TASKS = 8,         /* ... where there are fewer blocks than this */
    MAX_PARTS = 16,
    PART_NUMBERS = 1 << 24, /* of the parts' sums */
    /* at most, of a task that packs them itself; 64 × 512 floats are a quarter of the second cache */
    OWN_COLUMNS = 64,
    OWN_TASKS = 8, /* at least, of as many columns */
};

/* Parts of k, where C is too small to feed the threads and k is long. */
static int64_t gemm_parts(int64_t m, int64_t n, int64_t k)
{
    int64_t blocks = kin_blocks(m, KIN_GEMM_ROWS) * kin_blocks(n, BLOCK_COLUMNS);
    if (blocks >= SPLIT_TASKS || k < 2 * PART_K) return 1;
    int64_t long_enough = kin_min(k / PART_K, MAX_PARTS);
    int64_t small_enough = PART_NUMBERS / (m * n) + 1;
    return kin_most(kin_min(long_enough, small_enough), 1);
}

/* Smaller blocks where there are few of them, so that many threads have work. */
static int64_t gemm_rows(int64_t m, int64_t n, int64_t mr)
{
    int64_t rows = KIN_GEMM_ROWS, columns = kin_blocks(n, BLOCK_COLUMNS);
    while (rows > FEW_ROWS && kin_blocks(m, rows) * columns < TASKS) rows -= FEW_ROWS;
    return kin_round_up(rows, mr);
}

static int64_t gemm_columns(int64_t k, int64_t nr)
{
    int64_t fit = kin_round_up(BLOCK_WEIGHTS / k, COLUMNS_ROUND);
    int64_t some = kin_min(kin_most(fit, FEW_COLUMNS), BLOCK_COLUMNS);
    return kin_round_up(some, nr);
}

static int64_t gemm_own_columns(int64_t n, int64_t nr)
{
    int64_t share = kin_round_up(kin_blocks(n, OWN_TASKS), nr);
    return kin_min(share, kin_whole_tiles(OWN_COLUMNS, nr));
}

int64_t kin_gemm_step(int64_t k, int64_t sum) { return kin_round_up(kin_even_part(k, sum), STEP_ROUND); }

kin_gemm_cut kin_gemm_cut_of(int64_t m, int64_t n, int64_t k, bool packs, kin_tile_size tile, int64_t threads)
{
    kin_gemm_cut c = {.parts = gemm_parts(m, n, k)};
    c.part_k = kin_blocks(k, c.parts);
    c.parts = kin_blocks(k, c.part_k);
    c.own = m <= KIN_GEMM_ROWS && c.parts == 1;
    c.rows = c.own ? m : gemm_rows(m, n, tile.mr);
    c.columns = c.own ? gemm_own_columns(n, tile.nr) : c.parts > 1 ? n : gemm_columns(k, tile.nr);
    c.row_blocks = kin_blocks(m, c.rows);
    c.column_blocks = kin_blocks(n, c.columns);
    /* A part that is shorter may be taken in longer steps. */
    c.step = kin_round_up(kin_min(c.part_k, tile.sum), STEP_ROUND);
    c.panels = c.own ? 0 : kin_round_up(n, tile.nr) * k;
    c.sums = (c.parts - 1) * m * n;
    c.a = packs ? kin_round_up(kin_round_up(kin_min(c.rows, m), tile.mr) * c.step, KIN_CUT_LINE) : 0;
    c.b = c.own ? kin_round_up(kin_round_up(c.columns, tile.nr) * c.step, KIN_CUT_LINE) : 0;
    c.workers = kin_workers(c.parts * c.row_blocks * c.column_blocks, threads);
    return c;
}

/* ---- norms ---- */

enum { BLOCK_NUMBERS = 1 << 15, MAX_BLOCKS = 64 };

int64_t kin_norm_cut(int64_t rows, int64_t channels, bool sums)
{
    int64_t near = kin_most(BLOCK_NUMBERS / kin_most(channels, 1), 1);
    return sums ? kin_most(near, kin_blocks(rows, MAX_BLOCKS)) : near;
}
