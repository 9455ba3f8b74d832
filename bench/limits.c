/* This machine's limits, of arithmetic and of memory (kernels/limits.h).   build/cc/bench/limits WORK THREADS, WORK being `fma` or `memory` */
#include "base/parallel.h"
#include "bench/turns.h"
#include "kernels/isa.h"
#include "kernels/limits.h"

#include <string.h>

int main(int argc, char **argv)
{
    kin_limits limits;
    const char *work = argc > 1 ? argv[1] : "fma";
    int threads = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 1;
    kin_set_threads(threads);
    while (bench_turn()) {
        if (!kin_limits_measure(&limits)) return fprintf(stderr, "limits: out of memory\n"), 1;
        if (strcmp(work, "memory") == 0) bench_row(work, threads, "GB/s", "this machine", limits.bytes * 1e-9);
        else bench_row(work, threads, "GFLOP/s", kin_isa_name(), limits.flops * 1e-9);
    }
    return 0;
}
