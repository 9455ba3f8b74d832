/* A matrix product or a convolution: GFLOP/s.
 *     build/cc/bench/gemm_conv gemm-MxNxK THREADS
 *     build/cc/bench/gemm_conv conv-BATCHxSIDExINxOUTxKERNELxSTRIDE-forward|input|weight THREADS
 * A turn repeats the work for half a second. Packing counts. */
#include "base/memory.h"
#include "base/parallel.h"
#include "bench/turns.h"
#include "kernels/conv/conv.h"
#include "kernels/gemm.h"

#include <string.h>

typedef struct job {
    kin_gemm_args gemm;
    kin_conv_shape conv;
    char part[16];       /* of the convolution; "": a product */
    kin_real *x, *w, *y; /* or A, B, C */
    void *workspace;
    double flops;
} job;

static kin_real *numbers(int64_t n)
{
    kin_real *x = kin_alloc((size_t)n * sizeof *x);
    for (int64_t i = 0; x && i < n; i++) x[i] = (kin_real)((double)(i % 97) / 97 - 0.5);
    return x;
}

static bool make_gemm(job *j, int64_t m, int64_t n, int64_t k)
{
    j->x = numbers(m * k), j->w = numbers(k * n), j->y = numbers(m * n);
    j->gemm = (kin_gemm_args){
        .m = m, .n = n, .k = k, .a = {j->x, k, 1}, .b = {j->w, n, 1}, .c = j->y, .ldc = n};
    j->workspace = kin_alloc(kin_gemm_workspace(&j->gemm));
    j->flops = 2.0 * (double)m * (double)n * (double)k;
    return j->x && j->w && j->y && j->workspace;
}

static bool make_conv(job *j, int64_t batch, int64_t size, int64_t in, int64_t out, int64_t kernel,
                      int64_t stride)
{
    int64_t pad = kernel / 2, to = (size + 2 * pad - kernel) / stride + 1;
    j->conv = (kin_conv_shape){batch,  size,   size,   in,     in,  to,  to, out, out,
                               kernel, kernel, stride, stride, pad, pad, 1,  1,   1};
    j->x = numbers(batch * size * size * in), j->y = numbers(batch * to * to * out),
    j->w = numbers(kernel * kernel * in * out);
    j->workspace = kin_alloc(kin_conv_workspace(&j->conv));
    j->flops = 2.0 * (double)(batch * to * to * out) * (double)(kernel * kernel * in);
    return j->x && j->w && j->y && j->workspace;
}

/* False when the work is not understood, or out of memory. */
static bool make(job *j, const char *work)
{
    long long d[6];
    if (sscanf(work, "gemm-%lldx%lldx%lld", &d[0], &d[1], &d[2]) == 3) return make_gemm(j, d[0], d[1], d[2]);
    if (sscanf(work, "conv-%lldx%lldx%lldx%lldx%lldx%lld-%15s", &d[0], &d[1], &d[2], &d[3], &d[4], &d[5],
               j->part) != 7)
        return false;
    if (strcmp(j->part, "forward") != 0 && strcmp(j->part, "input") != 0 && strcmp(j->part, "weight") != 0)
        return false;
    return make_conv(j, d[0], d[1], d[2], d[3], d[4], d[5]);
}

static void run(const job *j)
{
    if (!*j->part) kin_gemm(&j->gemm, j->workspace);
    else if (*j->part == 'f') kin_conv_forward(&j->conv, j->x, NULL, j->w, NULL, j->y, j->workspace);
    else if (*j->part == 'i') kin_conv_backward_input(&j->conv, j->y, j->w, j->x, false, j->workspace);
    else kin_conv_backward_weight(&j->conv, j->x, NULL, j->y, j->w, false, j->workspace);
}

int main(int argc, char **argv)
{
    job j = {.flops = 0};
    int threads = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 1;
    kin_set_threads(threads);
    if (argc < 2 || !make(&j, argv[1]))
        return fprintf(stderr, "gemm_conv: gemm-MxNxK or "
                               "conv-BATCHxSIDExINxOUTxKERNELxSTRIDE-forward|input|weight, and THREADS\n"),
               2;
    while (bench_turn()) {
        double began = bench_now(), took;
        int times = 0;
        do run(&j), times++;
        while ((took = bench_now() - began) < BENCH_SECONDS);
        bench_row(argv[1], threads, "GFLOP/s", "kin", j.flops * times / took * 1e-9);
    }
    kin_free(j.x), kin_free(j.w), kin_free(j.y), kin_free(j.workspace);
    return 0;
}
