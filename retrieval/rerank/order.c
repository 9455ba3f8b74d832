#include "retrieval/rerank/order.h"

#include "base/memory.h"
#include "retrieval/search/best.h"

bool kin_order_begin(kin_order *o, int64_t gallery, int64_t k, kin_error *err)
{
    *o = (kin_order){.score = kin_alloc_zero((size_t)gallery, sizeof *o->score),
                     .touched = kin_alloc_array((size_t)gallery, sizeof *o->touched),
                     .hits = kin_alloc_array((size_t)k, 2 * sizeof *o->hits),
                     .spare = kin_alloc_array((size_t)k, 2 * sizeof *o->spare)};
    if (o->score && o->touched && o->hits && o->spare) return true;
    kin_order_free(o);
    return kin_fail(err, KIN_ERR_MEMORY, "out of memory: scores of %lld items", (long long)gallery);
}

void kin_order_free(kin_order *o)
{
    kin_free(o->score), kin_free(o->touched), kin_free(o->hits), kin_free(o->spare);
    *o = (kin_order){0};
}

void kin_order_list(kin_order *o, const int64_t *near, int64_t self, kin_neighbours *out, int64_t row)
{
    kin_best best = kin_best_begin(o->hits, o->spare, out->k);
    for (int64_t a = 0; a < o->count; a++) {
        int32_t item = o->touched[a];
        if (item != self && o->score[item] != 0) kin_best_offer(&best, -o->score[item], item);
    }
    kin_best_cut(&best);
    int64_t *index = out->index + row * out->k, used = 0;
    float *value = out->value + row * out->k;
    for (; used < best.count; used++) {
        index[used] = best.hits[used].index;
        value[used] = (float)-best.hits[used].distance;
    }
    for (int64_t a = 0; used < out->k; a++) {
        if (o->score[near[a]] != 0) continue;
        index[used] = near[a];
        value[used++] = 0;
    }
    for (int64_t a = 0; a < o->count; a++) o->score[o->touched[a]] = 0;
    o->count = 0;
}
