/* How work is cut into parts: every size that follows from a register tile, a cache or the number of threads
 * is computed here and in kernels/conv/cut.h, by pure functions of shape, tile and threads, one decision
 * after the other. So the tests try each of them with the tiles of all instruction sets and with odd ones
 * (tests/both_blocking.c), not only with that of the machine at hand: a part that was rounded down to whole
 * tiles once was empty where a tile has 14 rows.
 *
 * What a kernel computes may not depend on the threads: they count workers' memory alone. */
#ifndef KIN_KERNELS_CUT_H
#define KIN_KERNELS_CUT_H

#include "base/parallel.h"
#include "base/real.h"

#include <stdbool.h>
#include <stdint.h>

/* A register tile, and the products that one pass adds up at most (kernels/tile.h). */
typedef struct kin_tile_size {
    int64_t mr, nr, sum;
} kin_tile_size;

/* The largest of all instruction sets: two vectors of 64 bytes. */
enum { KIN_MR_MAX = 16, KIN_NR_MAX = 128 / sizeof(kin_real) };

/* Numbers of a line of the caches. */
enum { KIN_CUT_LINE = 64 / sizeof(kin_real) };

static inline int64_t kin_min(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t kin_most(int64_t a, int64_t b) { return a > b ? a : b; }
static inline int64_t kin_round_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

/* Whole tiles of at most n numbers, but one of them at least. */
static inline int64_t kin_whole_tiles(int64_t n, int64_t tile) { return kin_most(n / tile, 1) * tile; }

/* n in as few parts of at most `most` as may be, all of nearly one size: that size, 1 at least. */
static inline int64_t kin_even_part(int64_t n, int64_t most)
{
    int64_t some = kin_most(n, 1), parts = kin_blocks(some, kin_most(most, 1));
    return kin_blocks(some, parts);
}

/* At least so many numbers, an odd count of cache lines: rows so far apart do not fall on the same lines of
 * the first cache. */
static inline int64_t kin_odd_lines(int64_t numbers)
{
    return kin_round_up(numbers, KIN_CUT_LINE) | KIN_CUT_LINE;
}

/* Workers that a loop of so many tasks can have. */
static inline int64_t kin_workers(int64_t tasks, int64_t threads)
{
    return kin_most(kin_min(tasks, threads), 1);
}

/* ---- matrix products (kernels/gemm.c): C [m, n] = A [m, k] · B [k, n] ---- */

enum {
    KIN_GEMM_ROWS = 96 /* of a block, rounded up to whole tiles; 96 × 512 floats stay in the second cache */
};

typedef struct kin_gemm_cut {
    bool own; /* C is cut into columns alone, and each task packs those of B that it needs */
    int64_t rows, row_blocks, columns, column_blocks;
    int64_t part_k, parts; /* of k, each with a C of its own */
    int64_t step;          /* k of one pass, at most */
    /* numbers of packed B, of the parts' sums, and of a worker's packed A and columns of B */
    int64_t panels, sums, a, b;
    int64_t workers;
} kin_gemm_cut;

/* `packs`: A is packed too, its rows not lying together. All sizes are 1 at least. */
kin_gemm_cut kin_gemm_cut_of(int64_t m, int64_t n, int64_t k, bool packs, kin_tile_size tile,
                             int64_t threads);

/* k of each pass over a block's k: as few passes as may be, for each reads and writes C. */
int64_t kin_gemm_step(int64_t k, int64_t sum);

/* ---- norms (kernels/norm.c) ---- */

/* Rows of a block: few enough blocks where sums are kept for each. */
int64_t kin_norm_cut(int64_t rows, int64_t channels, bool sums);

#endif
