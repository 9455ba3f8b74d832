#include "retrieval/search/search.h"

#include "base/memory.h"
#include "retrieval/search/scan.h"

bool kin_neighbours_alloc(kin_neighbours *out, int64_t queries, int64_t k, kin_error *err)
{
    *out = (kin_neighbours){queries, k, NULL, NULL};
    size_t count = 0;
    if (queries > 0 && k > 0 && kin_mul_size((size_t)queries, (size_t)k, &count)) {
        out->index = kin_alloc_array(count, sizeof *out->index);
        out->value = kin_alloc_array(count, sizeof *out->value);
    }
    if (out->index && out->value) return true;
    kin_neighbours_free(out);
    return kin_fail(err, KIN_ERR_MEMORY, "out of memory: %lld lists of %lld; take shorter ones",
                    (long long)queries, (long long)k);
}

void kin_neighbours_free(kin_neighbours *neighbours)
{
    kin_free(neighbours->index);
    kin_free(neighbours->value);
    *neighbours = (kin_neighbours){0};
}

bool kin_any_self(bool leave_one_out, const int64_t *self, int64_t queries)
{
    for (int64_t q = 0; self && q < queries; q++)
        if (self[q] >= 0) return true;
    return leave_one_out;
}

typedef struct lists {
    kin_neighbours *out;
    bool similarity;
    const int64_t *self;
} lists;

static void store(void *arg, int64_t q, const kin_hit *hits, const kin_hit *farthest)
{
    (void)farthest;
    const lists *to = arg;
    int64_t k = to->out->k, self = kin_self(false, to->self, q), used = 0;
    for (int64_t i = 0; used < k; i++) {
        if (hits[i].index == self) continue; /* then there is one more than k */
        to->out->index[q * k + used] = hits[i].index;
        to->out->value[q * k + used++] = (float)(to->similarity ? -hits[i].distance : hits[i].distance);
    }
}

bool kin_search(kin_vectors query, kin_vectors gallery, const kin_search_opt *opt, kin_neighbours *out,
                kin_error *err)
{
    *out = (kin_neighbours){0};
    const int64_t *self = kin_any_self(false, opt->self, query.count) ? opt->self : NULL;
    int64_t most = gallery.count - (self ? 1 : 0);
    if (opt->k < 1 || opt->k > most || query.count < 1)
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "%lld queries ask for the best %lld of %lld items; at least one query, and 1 to "
                        "%lld, were expected",
                        (long long)query.count, (long long)opt->k, (long long)gallery.count, (long long)most);
    if (!kin_neighbours_alloc(out, query.count, opt->k, err)) return false;
    lists to = {out, opt->metric != KIN_EUCLID, self};
    kin_scan scan = {.query = query,
                     .gallery = gallery,
                     .metric = opt->metric,
                     .k = opt->k + (self ? 1 : 0),
                     .leave_one_out = opt->leave_one_out,
                     .float32_order = opt->float32_order,
                     .emit = store,
                     .arg = &to,
                     .progress = opt->progress,
                     .stage = "searching"};
    if (kin_scan_run(&scan, err)) return true;
    kin_neighbours_free(out);
    return false;
}
