#include "retrieval/describe/scatter.h"

#include "base/memory.h"
#include "kernels/gemm.h"

enum { ROWS = 512 };

int64_t kin_scatter_rank(const double *values, int64_t n, int64_t rows)
{
    const double noise = 0x1p-20; /* ε = 2⁻²⁴, and sums of up to 512 products */
    int64_t rank = 0, most = rows - 1 < n ? rows - 1 : n;
    while (rank < most && values[rank] > noise * values[0]) rank++;
    return rank;
}

bool kin_scatter(int64_t count, int64_t dim, void (*row)(const void *arg, int64_t i, float *x),
                 const void *arg, double divisor, double *out, kin_error *err)
{
    kin_gemm_args args = {
        .m = dim, .n = dim, .k = ROWS, .a = {NULL, 1, dim}, .b = {NULL, dim, 1}, .ldc = dim};
    float *x = kin_alloc_array((size_t)dim, ROWS * sizeof *x),
          *product = kin_alloc_array((size_t)dim, (size_t)dim * sizeof *product);
    void *workspace = kin_alloc(kin_gemm_workspace(&args));
    bool ok = x && product && workspace;
    for (int64_t i = 0; i < dim * dim; i++) out[i] = 0;
    for (int64_t first = 0; ok && first < count; first += ROWS) {
        args.k = count - first < ROWS ? count - first : ROWS;
        for (int64_t i = 0; i < args.k; i++) row(arg, first + i, x + i * dim);
        args.a.data = args.b.data = x;
        args.c = product;
        kin_gemm(&args, workspace);
        for (int64_t i = 0; i < dim * dim; i++) out[i] += (double)product[i];
    }
    for (int64_t a = 0; a < dim; a++)
        for (int64_t b = a; b < dim; b++)
            out[a * dim + b] = out[b * dim + a] = (out[a * dim + b] + out[b * dim + a]) / (2 * divisor);
    kin_free(x), kin_free(product), kin_free(workspace);
    return ok ? true
              : kin_fail_memory(err, "a covariance",
                                (unsigned long long)dim * (unsigned long long)dim * sizeof *product);
}
