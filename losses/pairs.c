#include "losses/pairs.h"

#include "base/memory.h"

void kin_triplets_free(kin_triplets *t)
{
    kin_free(t->anchor);
    kin_free(t->positive);
    kin_free(t->negative);
    *t = (kin_triplets){0};
}

static bool add(kin_triplets *t, int64_t a, int64_t p, int64_t n)
{
    size_t count = (size_t)t->count, capacity_a = t->capacity, capacity_p = t->capacity;
    if (!kin_grow((void **)&t->anchor, count, &capacity_a, sizeof *t->anchor) ||
        !kin_grow((void **)&t->positive, count, &capacity_p, sizeof *t->positive) ||
        !kin_grow((void **)&t->negative, count, &t->capacity, sizeof *t->negative))
        return false;
    t->anchor[count] = a;
    t->positive[count] = p;
    t->negative[count] = n;
    t->count++;
    return true;
}

static bool out_of_memory(kin_tensor *d, kin_triplets *t)
{
    kin_triplets_free(t);
    return kin_fail_memory(kin_ctx_error(kin_ctx_of(d)), "the triplets of a batch", (size_t)kin_count(d));
}

static bool none(kin_tensor *d)
{
    return kin_fail(kin_ctx_error(kin_ctx_of(d)), KIN_ERR_ARGUMENT,
                    "no triplet in this batch of %lld: it needs at least two classes, one of them with two "
                    "pictures (see the sampler's classes and pictures a class)",
                    (long long)kin_rows(d));
}

static const kin_real *distances(kin_tensor *d)
{
    if (!d || !kin_ok(kin_ctx_of(d))) return NULL;
    if (kin_rows(d) == kin_channels(d)) return kin_data(d);
    kin_fail(kin_ctx_error(kin_ctx_of(d)), KIN_ERR_ARGUMENT,
             "a miner needs the square matrix of a batch's distances, not %lld x %lld (see kin_distance)",
             (long long)kin_rows(d), (long long)kin_channels(d));
    return NULL;
}

bool kin_mine_batch_hard(kin_tensor *d, const int *labels, kin_triplets *out)
{
    *out = (kin_triplets){0};
    const kin_real *at = distances(d);
    if (!at) return false;
    int64_t n = kin_rows(d), ld = kin_ld(d);
    for (int64_t a = 0; a < n; a++) {
        int64_t positive = -1, negative = -1;
        for (int64_t j = 0; j < n; j++) {
            kin_real here = at[a * ld + j];
            if (labels[j] != labels[a])
                negative = negative < 0 || here < at[a * ld + negative] ? j : negative;
            else if (j != a) positive = positive < 0 || here > at[a * ld + positive] ? j : positive;
        }
        if (positive >= 0 && negative >= 0 && !add(out, a, positive, negative)) return out_of_memory(d, out);
    }
    return out->count ? true : none(d);
}

/* All triplets that `keep` accepts by d_an − d_ap. */
static bool mine(kin_tensor *d, const int *labels, bool all, double margin, kin_triplets *out, bool *any)
{
    *out = (kin_triplets){0};
    *any = false;
    const kin_real *at = distances(d);
    if (!at) return false;
    int64_t n = kin_rows(d), ld = kin_ld(d);
    for (int64_t a = 0; a < n; a++)
        for (int64_t p = 0; p < n; p++) {
            if (p == a || labels[p] != labels[a]) continue;
            for (int64_t j = 0; j < n; j++) {
                if (labels[j] == labels[a]) continue;
                *any = true;
                double gap = (double)at[a * ld + j] - (double)at[a * ld + p];
                if ((all || (gap > 0 && gap <= margin)) && !add(out, a, p, j)) return out_of_memory(d, out);
            }
        }
    return true;
}

bool kin_mine_semi_hard(kin_tensor *d, const int *labels, double margin, kin_triplets *out)
{
    bool any;
    return mine(d, labels, false, margin, out, &any) && (any ? true : none(d));
}

bool kin_mine_batch_all(kin_tensor *d, const int *labels, kin_triplets *out)
{
    bool any;
    return mine(d, labels, true, 0, out, &any) && (any ? true : none(d));
}
