#include "kernels/limits.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "kernels/isa.h"

#include <time.h>

enum {
    ROUNDS = 1 << 18, /* some milliseconds */
    REPEATS = 12,
    ARRAY_BYTES = KIN_LIMITS_BYTES / 3,
    PIECES = 96, /* of the arrays */
};

KIN_ISA_DECLARE(kin_limit_loops, kin_limit_loops);

static const kin_limit_loops *loops(void)
{
    static const kin_limit_loops *const tables[KIN_ISA_COUNT] = KIN_ISA_TABLES(kin_limit_loops);
    return tables[kin_isa()];
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

typedef struct arrays {
    kin_real *x, *y, *z;
    int64_t count;
} arrays;

/* Many blocks of equal work, so that a thread that wakes late costs one block and not half of the time. */
static void arithmetic(void *arg, int64_t block, int worker)
{
    (void)worker;
    ((volatile kin_real *)arg)[block] = loops()->multiply_add(ROUNDS / 8, (kin_real)0.75, (kin_real)0.25);
}

static void stream(void *arg, int64_t block, int worker)
{
    (void)worker;
    const arrays *a = arg;
    int64_t each = a->count / PIECES, first = block * each;
    loops()->triad(a->x + first, a->y + first, a->z + first, (kin_real)0.5, each);
}

/* The least seconds of a few runs. */
static double least_time(int64_t blocks, kin_task task, void *arg)
{
    double least = 1e30;
    for (int i = 0; i < REPEATS; i++) {
        double began = now();
        kin_parallel_for(blocks, task, arg);
        double took = now() - began;
        if (took < least) least = took;
    }
    return least;
}

bool kin_limits_measure(kin_limits *limits)
{
    kin_real kept[KIN_MAX_THREADS * 16];
    arrays a = {kin_alloc(ARRAY_BYTES), kin_alloc(ARRAY_BYTES), kin_alloc(ARRAY_BYTES),
                ARRAY_BYTES / (int64_t)sizeof(kin_real)};
    bool ok = a.x && a.y && a.z;
    if (ok) {
        for (int64_t i = 0; i < a.count; i++) a.x[i] = a.y[i] = a.z[i] = 1;
        int64_t blocks = kin_threads() * 16;
        limits->flops = (double)(blocks * (ROUNDS / 8) * loops()->operations) /
                        least_time(blocks, arithmetic, kept);
        limits->bytes = 3.0 * ARRAY_BYTES / least_time(PIECES, stream, &a);
    }
    kin_free(a.x), kin_free(a.y), kin_free(a.z);
    return ok;
}
