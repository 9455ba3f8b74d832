/* Attention and pools, forward and backward in training: milliseconds, one line each. bench/attention.py
 * does the same in PyTorch.
 *     build/cc/bench/attention [THREADS] */
#include "base/parallel.h"
#include "kernels/isa.h"
#include "nn/attention.h"
#include "nn/head.h"
#include "autograd/ops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RUNS = 15 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    return *(const double *)a < *(const double *)b ? -1 : 1;
}

static kin_tensor *net(kin_scope *s, kin_tensor *x, void *kind)
{
    return kind && *(const char *)kind == 'g' ? kin_pool(s, x, kind) : kin_attention(s, x, kind);
}

static void bench(const char *kind, kin_shape shape)
{
    kin_ctx *ctx = kin_ctx_new();
    kin_module *m = kin_module_new(ctx, net, (void *)kind, shape, 1);
    int64_t count = kin_shape_count(shape);
    kin_real *numbers = malloc((size_t)count * sizeof *numbers);
    double seconds[RUNS];
    for (int64_t i = 0; numbers && i < count; i++)
        numbers[i] = (kin_real)((double)(i * 7919 % 9973) / 9973 - 0.3);
    for (int i = -2; numbers && m && i < RUNS; i++) {
        kin_tensor *x = kin_variable(ctx, shape, numbers);
        kin_module_zero_grad(m);
        double start = now();
        kin_tensor *y = kin_module_forward(m, x, KIN_TRAIN);
        kin_backward(kin_sum(y, 0));
        if (i >= 0) seconds[i] = now() - start;
        kin_end_step(ctx);
    }
    if (kin_ok(ctx)) {
        qsort(seconds, RUNS, sizeof *seconds, ascending);
        printf("%-6s %lldx%lldx%lldx%lld %9.3f ms\n", kind, (long long)shape.dim[0], (long long)shape.dim[1],
               (long long)shape.dim[2], (long long)shape.dim[3], seconds[RUNS / 2] * 1e3);
    }
    free(numbers);
    kin_module_free(m);
    kin_ctx_free(ctx);
}

int main(int argc, char **argv)
{
    static const char *const kinds[] = {"se", "eca", "cbam", "sca", "gap", "gmp", "gem"};
    if (argc > 1) kin_set_threads((int)strtol(argv[1], NULL, 10));
    printf("%s, %d threads, %s\n", kin_isa_name(), kin_threads(), kin_parallel_backend());
    for (int i = 0; i < 7; i++) {
        bench(kinds[i], KIN_SHAPE(32, 8, 8, 512));
        bench(kinds[i], KIN_SHAPE(16, 28, 28, 128));
    }
    return 0;
}
