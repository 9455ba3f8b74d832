/* Sparse matrices by rows. */
#ifndef KIN_RETRIEVAL_RERANK_SPARSE_H
#define KIN_RETRIEVAL_RERANK_SPARSE_H

#include "base/error.h"

#include <stdint.h>

typedef struct kin_sparse {
    int64_t rows;
    int64_t *offset; /* [rows + 1]; row i is entries offset[i] .. offset[i+1] - 1 */
    int32_t *column; /* ascending within a row */
    double *value;
} kin_sparse;

/* Makes room in two steps, so that rows can be counted and then filled in parallel: the caller puts row
 * i's size in offset[i + 1], kin_sparse_reserve turns sizes into offsets and allocates the entries. */
bool kin_sparse_begin(kin_sparse *m, int64_t rows, kin_error *err);
bool kin_sparse_reserve(kin_sparse *m, kin_error *err);
void kin_sparse_free(kin_sparse *m);

/* Columns of m become rows of `out` (`columns` of them), from m's rows `first` on, which are counted from
 * 0 in `out`. */
bool kin_sparse_transpose(const kin_sparse *m, int64_t first, int64_t columns, kin_sparse *out,
                          kin_error *err);

#endif
