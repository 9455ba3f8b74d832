#include "retrieval/rerank/merge.h"

#include "base/memory.h"

#include <string.h>

void kin_merged_free(kin_merged *m)
{
    kin_free(m->rows), kin_free(m->row);
    *m = (kin_merged){0};
}

static bool is_row(kin_vectors query, kin_vectors gallery, const int64_t *self, int64_t q)
{
    return self && self[q] >= 0 &&
           memcmp(kin_row(query, q), kin_row(gallery, self[q]), (size_t)query.dim * sizeof(float)) == 0;
}

bool kin_merge(kin_vectors query, kin_vectors gallery, const int64_t *self, kin_merged *out, kin_error *err)
{
    int64_t own = 0;
    *out = (kin_merged){.query = query};
    if (query.count && query.dim != gallery.dim)
        return kin_fail(
            err, KIN_ERR_ARGUMENT,
            "the queries have %lld dimensions and the gallery %lld; both must come from one model",
            (long long)query.dim, (long long)gallery.dim);
    for (int64_t q = 0; q < query.count; q++) own += !is_row(query, gallery, self, q);
    if (own == query.count) return true;
    size_t bytes = (size_t)query.dim * sizeof(float);
    out->row = kin_alloc_array((size_t)query.count, sizeof *out->row);
    out->rows = own ? kin_alloc_array((size_t)own, bytes) : NULL;
    if (!out->row || (own && !out->rows)) {
        kin_merged_free(out);
        return kin_fail_memory(err, "the queries", (unsigned long long)query.count * bytes);
    }
    int64_t used = 0;
    for (int64_t q = 0; q < query.count; q++) {
        if (is_row(query, gallery, self, q)) {
            out->row[q] = own + self[q];
            continue;
        }
        memcpy(out->rows + used * query.dim, kin_row(query, q), bytes);
        out->row[q] = used++;
    }
    out->query = (kin_vectors){out->rows, own, query.dim};
    return true;
}
