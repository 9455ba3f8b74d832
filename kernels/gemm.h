/* Matrix products on packed panels (after Goto and van de Geijn 2008): any strides on A and B, rows of C
 * contiguous. Nothing here allocates; the caller gives a workspace of the size that is asked for.
 * Results are bit-identical for any number of threads: the blocks depend on the shape alone, and sums
 * over k run in one fixed order. */
#ifndef KIN_KERNELS_GEMM_H
#define KIN_KERNELS_GEMM_H

#include "base/real.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Element (i, j) is data[i * row_stride + j * col_stride]; a transposed matrix is one with its strides
 * exchanged. */
typedef struct kin_matrix {
    const kin_real *data;
    int64_t row_stride, col_stride;
} kin_matrix;

/* C[m×n] = A[m×k] · B[k×n] + bias (+ the old C when `accumulate`). C's row i begins at c + i*ldc. */
typedef struct kin_gemm_args {
    int64_t m, n, k;
    kin_matrix a, b;
    kin_real *c;
    int64_t ldc;
    const kin_real *bias; /* [n], added to every row; NULL for none */
    bool accumulate;
} kin_gemm_args;

/* Bytes of workspace that kin_gemm needs for this shape (SIZE_MAX when the shape overflows). */
size_t kin_gemm_workspace(const kin_gemm_args *args);

/* Runs on all threads. `workspace` is 64-byte aligned. m, n or k of 0 is allowed (k = 0 sets C to the
 * bias). */
void kin_gemm(const kin_gemm_args *args, void *workspace);

#endif
