#include "retrieval/rerank/sparse.h"

#include "base/memory.h"

bool kin_sparse_begin(kin_sparse *m, int64_t rows, kin_error *err)
{
    *m = (kin_sparse){.rows = rows, .offset = kin_alloc_zero((size_t)rows + 1, sizeof(int64_t))};
    return m->offset ? true
                     : kin_fail(err, KIN_ERR_MEMORY, "out of memory: a sparse matrix of %lld rows",
                                (long long)rows);
}

bool kin_sparse_reserve(kin_sparse *m, kin_error *err)
{
    for (int64_t i = 0; i < m->rows; i++) m->offset[i + 1] += m->offset[i];
    int64_t entries = m->offset[m->rows];
    m->column = kin_alloc_array((size_t)entries, sizeof *m->column);
    m->value = kin_alloc_array((size_t)entries, sizeof *m->value);
    if (m->column && m->value) return true;
    kin_sparse_free(m);
    return kin_fail(err, KIN_ERR_MEMORY,
                    "out of memory: a sparse matrix of %lld entries; fewer neighbours need less",
                    (long long)entries);
}

void kin_sparse_free(kin_sparse *m)
{
    kin_free(m->offset), kin_free(m->column), kin_free(m->value);
    *m = (kin_sparse){0};
}

bool kin_sparse_transpose(const kin_sparse *m, int64_t first, int64_t columns, kin_sparse *out,
                          kin_error *err)
{
    if (!kin_sparse_begin(out, columns, err)) return false;
    for (int64_t e = m->offset[first]; e < m->offset[m->rows]; e++) out->offset[m->column[e] + 1]++;
    if (!kin_sparse_reserve(out, err)) return false;
    for (int64_t i = first; i < m->rows; i++) {
        for (int64_t e = m->offset[i]; e < m->offset[i + 1]; e++) {
            int64_t to = out->offset[m->column[e]]++;
            out->column[to] = (int32_t)(i - first);
            out->value[to] = m->value[e];
        }
    }
    for (int64_t c = columns; c > 0; c--) out->offset[c] = out->offset[c - 1];
    out->offset[0] = 0;
    return true;
}
