/* This machine's limits.   build/cc/bench/limits WORK THREADS, WORK being
 *     fma, memory   of arithmetic and of memory (kernels/limits.h), the best of some short runs
 *     tile          what the register tile (kernels/tile.h) gives from operands in the first cache, the best
 *                   of short runs as well: no product can be faster. (Its mean over half a second on a core
 *                   that is shared with others was three quarters of that limit where its best was .98.) */
#include "base/memory.h"
#include "base/parallel.h"
#include "bench/turns.h"
#include "kernels/isa.h"
#include "kernels/limits.h"
#include "kernels/tile.h"

#include <math.h>
#include <string.h>

enum {
    K = 128,     /* a panel of it is a quarter of a first cache, or half */
    TILES = 100, /* of a block of work */
    BLOCKS = 4,  /* of a short run, for each thread: some tenths of a millisecond */
    OPERANDS = K * (KIN_MR_MAX + KIN_NR_MAX) + KIN_MR_MAX * KIN_NR_MAX, /* numbers of A, B and C */
};

/* Each worker has operands of its own, so that threads do not meet. */
static void tiles(void *arg, int64_t block, int worker)
{
    (void)block;
    const kin_tiles *t = kin_tiles_get();
    kin_real *a = (kin_real *)arg + worker * OPERANDS, *b = a + K * KIN_MR_MAX, *c = b + K * KIN_NR_MAX;
    const kin_real *rows[KIN_MR_MAX];
    kin_tile_out out = {.rows = t->mr, .columns = t->nr};
    for (int64_t r = 0; r < t->mr; r++) rows[r] = a + r * K, out.c[r] = c + r * t->nr;
    for (int i = 0; i < TILES; i++) t->rows(rows, &(int64_t){0}, 1, K, b, &out);
}

static double tile_flops(void *operands)
{
    int64_t some = BLOCKS * kin_threads();
    double end = bench_now() + BENCH_SECONDS, least = BENCH_SECONDS;
    for (double began = bench_now(); began < end; began = bench_now()) {
        kin_parallel_for(some, tiles, operands);
        least = fmin(least, bench_now() - began);
    }
    return 2.0 * (double)(some * TILES * K * kin_tiles_get()->mr * kin_tiles_get()->nr) / least;
}

int main(int argc, char **argv)
{
    kin_limits limits;
    const char *work = argc > 1 ? argv[1] : "fma";
    int threads = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 1;
    kin_set_threads(threads);
    kin_real *operands = kin_alloc_zero((size_t)kin_threads() * OPERANDS, sizeof *operands);
    if (!operands) return fprintf(stderr, "limits: out of memory\n"), 1;
    while (bench_turn()) {
        if (strcmp(work, "tile") == 0) {
            bench_row(work, threads, "GFLOP/s", kin_isa_name(), tile_flops(operands) * 1e-9);
            continue;
        }
        if (!kin_limits_measure(&limits)) return fprintf(stderr, "limits: out of memory\n"), 1;
        if (strcmp(work, "memory") == 0)
            bench_row(work, threads, "GB/s", "this machine", limits.bytes * 1e-9);
        else bench_row(work, threads, "GFLOP/s", kin_isa_name(), limits.flops * 1e-9);
    }
    kin_free(operands);
    return 0;
}
