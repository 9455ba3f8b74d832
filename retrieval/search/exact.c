#include "retrieval/search/exact.h"

#include "kernels/isa.h"
#include "retrieval/search/kernels.h"

#include <string.h>

enum { RUN = 16 };

KIN_ISA_DECLARE(kin_search_kernels, kin_search_kernels);

const kin_search_kernels *kin_search_kernels_get(void)
{
    static const kin_search_kernels *const tables[KIN_ISA_COUNT] = KIN_ISA_TABLES(kin_search_kernels);
    return tables[kin_isa()];
}

double kin_exact_euclid(const float *a, const float *b, int64_t dim)
{
    return kin_search_kernels_get()->euclid(a, b, dim);
}
double kin_exact_inner(const float *a, const float *b, int64_t dim)
{
    return kin_search_kernels_get()->inner(a, b, dim);
}

static void sort_run(kin_hit *hits, int64_t count)
{
    for (int64_t i = 1; i < count; i++) {
        kin_hit hit = hits[i];
        int64_t j = i;
        for (; j > 0 && kin_hit_before(hit, hits[j - 1]); j--) hits[j] = hits[j - 1];
        hits[j] = hit;
    }
}

static void merge(kin_hit *hits, kin_hit *spare, int64_t left, int64_t count)
{
    if (!kin_hit_before(hits[left], hits[left - 1])) return;
    memcpy(spare, hits, (size_t)left * sizeof *hits);
    int64_t i = 0, j = left, out = 0;
    while (i < left && j < count) hits[out++] = kin_hit_before(hits[j], spare[i]) ? hits[j++] : spare[i++];
    memcpy(hits + out, spare + i, (size_t)(left - i) * sizeof *hits);
}

void kin_hits_sort(kin_hit *hits, kin_hit *spare, int64_t count)
{
    for (int64_t i = 0; i < count; i += RUN) sort_run(hits + i, count - i < RUN ? count - i : RUN);
    for (int64_t width = RUN; width < count; width *= 2)
        for (int64_t i = 0; i + width < count; i += 2 * width)
            merge(hits + i, spare, width, count - i < 2 * width ? count - i : 2 * width);
}
