/* Mutual nearest neighbours. For unit vectors d² = 2 − 2·a·b, so the nearest is the one of the largest
 * product: one matrix product, then the largest number of every row and of every column. A one-way match
 * (the published code's) also pairs what has no counterpart with whatever is least unlike it; that both
 * agree takes most of these away before geometry has to. */
#include "kernels/gemm.h"
#include "retrieval/local/local.h"

#include <math.h>

enum { ALIGN = 64 };

typedef struct layout {
    size_t products, row, column, gemm, all; /* bytes; offsets but for the last */
} layout;

static size_t aligned(size_t bytes) { return (bytes + ALIGN - 1) / ALIGN * ALIGN; }

/* A · Bᵀ; what it needs depends on how the rows lie. */
static kin_gemm_args product_of(const float *a, int64_t na, const float *b, int64_t nb, int64_t dim)
{
    return (kin_gemm_args){.m = na, .n = nb, .k = dim, .a = {a, dim, 1}, .b = {b, 1, dim}, .ldc = nb};
}

static bool lay_out(int64_t na, int64_t nb, int64_t dim, layout *out)
{
    kin_gemm_args shape = product_of(NULL, na, NULL, nb, dim);
    size_t limit = SIZE_MAX / 64, gemm = kin_gemm_workspace(&shape);
    if (na < 0 || nb < 0 || na > INT32_MAX || nb > INT32_MAX || gemm > limit) return false;
    if (nb > 0 && (size_t)na > limit / (size_t)nb) return false;
    out->products = 0;
    out->row = aligned((size_t)na * (size_t)nb * sizeof(float));
    out->column = out->row + aligned((size_t)na * sizeof(int32_t));
    out->gemm = out->column + aligned((size_t)nb * sizeof(int32_t));
    out->all = out->gemm + gemm;
    return true;
}

size_t kin_local_match_workspace(int64_t na, int64_t nb, int64_t dim)
{
    layout l;
    return lay_out(na, nb, dim, &l) ? l.all : SIZE_MAX;
}

/* Rows come one after the other: the best of each column so far is the first of equals. */
static void find_largest(const float *products, int64_t na, int64_t nb, int32_t *row, int32_t *column)
{
    for (int64_t j = 0; j < nb; j++) column[j] = 0;
    for (int64_t i = 0; i < na; i++) {
        const float *p = products + i * nb;
        int32_t best = 0;
        for (int64_t j = 0; j < nb; j++) {
            if (p[j] > p[best]) best = (int32_t)j;
            if (p[j] > products[column[j] * nb + j]) column[j] = (int32_t)i;
        }
        row[i] = best;
    }
}

int64_t kin_local_match(kin_vectors a, kin_vectors b, double distance, kin_local_pair *out, void *workspace)
{
    int64_t na = a.count, nb = b.count;
    layout l;
    char *base = workspace;
    int64_t count = 0;
    if (na < 1 || nb < 1 || !lay_out(na, nb, a.dim, &l)) return 0;
    float *products = (float *)(void *)base;
    int32_t *row = (int32_t *)(void *)(base + l.row), *column = (int32_t *)(void *)(base + l.column);
    kin_gemm_args args = product_of(a.data, na, b.data, nb, a.dim);
    args.c = products;
    kin_gemm(&args, base + l.gemm);
    find_largest(products, na, nb, row, column);
    for (int64_t i = 0; i < na; i++) {
        double squared = 2 - 2 * (double)products[i * nb + row[i]];
        if (column[row[i]] == i && squared <= distance * distance)
            out[count++] = (kin_local_pair){(int32_t)i, row[i]};
    }
    return count;
}
