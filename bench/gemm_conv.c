/* Matrix products and convolutions of the networks: milliseconds and GFLOP/s, one line each.
 *     build/cc/bench/gemm_conv [THREADS] */
#include "base/memory.h"
#include "base/parallel.h"
#include "kernels/conv.h"
#include "kernels/gemm.h"
#include "kernels/isa.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static kin_real *numbers(int64_t n)
{
    kin_real *x = kin_alloc((size_t)n * sizeof *x);
    for (int64_t i = 0; x && i < n; i++) x[i] = (kin_real)((double)(i % 97) / 97 - 0.5);
    return x;
}

enum { RUNS = 7 };
static int ascending(const void *a, const void *b) { return *(const double *)a < *(const double *)b ? -1 : 1; }

static void report(const char *what, double *seconds, double flops)
{
    qsort(seconds, RUNS, sizeof *seconds, ascending);
    printf("%-44s %9.3f ms %8.1f GFLOP/s\n", what, seconds[RUNS / 2] * 1e3, flops / seconds[RUNS / 2] * 1e-9);
}

static void bench_gemm(int64_t m, int64_t n, int64_t k)
{
    kin_gemm_args a = {.m = m, .n = n, .k = k, .a = {numbers(m * k), k, 1}, .b = {numbers(k * n), n, 1}, .c = numbers(m * n), .ldc = n};
    void *workspace = kin_alloc(kin_gemm_workspace(&a));
    double seconds[RUNS];
    for (int i = -1; i < RUNS; i++) {
        double start = now();
        kin_gemm(&a, workspace);
        if (i >= 0) seconds[i] = now() - start;
    }
    char what[80];
    snprintf(what, sizeof what, "gemm %lld x %lld x %lld", (long long)m, (long long)n, (long long)k);
    report(what, seconds, 2.0 * (double)m * (double)n * (double)k);
    kin_free((void *)a.a.data), kin_free((void *)a.b.data), kin_free(a.c), kin_free(workspace);
}

static void bench_conv(int64_t batch, int64_t size, int64_t in, int64_t out, int64_t kernel, int64_t stride)
{
    int64_t pad = kernel / 2, to = (size + 2 * pad - kernel) / stride + 1;
    kin_conv_shape s = {batch, size, size, in, in, to, to, out, out, kernel, kernel, stride, stride, pad, pad, 1, 1, 1};
    kin_real *x = numbers(batch * size * size * in), *y = numbers(batch * to * to * out), *w = numbers(kernel * kernel * in * out);
    void *workspace = kin_alloc(kin_conv_workspace(&s));
    double seconds[3][RUNS], flops = 2.0 * (double)(batch * to * to * out) * (double)(kernel * kernel * in);
    for (int i = -1; i < RUNS; i++)
        for (int what = 0; what < 3; what++) {
            double start = now();
            if (what == 0) kin_conv_forward(&s, x, w, NULL, y, workspace);
            if (what == 1) kin_conv_backward_input(&s, y, w, x, false, workspace);
            if (what == 2) kin_conv_backward_weight(&s, x, y, w, false, workspace);
            if (i >= 0) seconds[what][i] = now() - start;
        }
    static const char *const names[] = {"forward", "input gradient", "weight gradient"};
    for (int what = 0; what < 3; what++) {
        char text[96];
        snprintf(text, sizeof text, "conv %lldx%lld^2x%lld->%lld %lldx%lld/%lld %s", (long long)batch, (long long)size, (long long)in, (long long)out, (long long)kernel, (long long)kernel,
                 (long long)stride, names[what]);
        report(text, seconds[what], flops);
    }
    kin_free(x), kin_free(y), kin_free(w), kin_free(workspace);
}

int main(int argc, char **argv)
{
    if (argc > 1) kin_set_threads((int)strtol(argv[1], NULL, 10));
    printf("%s, %d threads, %s\n", kin_isa_name(), kin_threads(), kin_parallel_backend());
    bench_gemm(2048, 2048, 2048);
    bench_gemm(50176, 256, 64);
    bench_gemm(12544, 512, 128);
    bench_gemm(784, 512, 2048);
    bench_conv(128, 28, 1, 64, 3, 1);
    bench_conv(128, 14, 64, 64, 3, 1);
    bench_conv(128, 7, 64, 64, 3, 1);
    bench_conv(128, 3, 64, 64, 3, 1);
    bench_conv(16, 56, 64, 64, 3, 1);
    bench_conv(16, 28, 128, 128, 3, 2);
    bench_conv(16, 14, 256, 256, 3, 1);
    return 0;
}
