#include "losses/pairs.h"

#include "base/memory.h"
#include "base/random.h"

#include <math.h>
#include <string.h>

/* ---- pairs ---- */

bool kin_pairs_new(kin_pairs *p, const int *labels, int64_t n, const int *other_labels, int64_t m,
                   int64_t own, kin_error *err)
{
    *p = (kin_pairs){.n = n, .m = m, .kind = kin_alloc_array((size_t)n, (size_t)m)};
    if (!p->kind) return kin_fail_memory(err, "the pairs of a batch", (size_t)n * (size_t)m);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < m; j++)
            p->kind[i * m + j] = labels[i] == other_labels[j] ? KIN_PAIR_POSITIVE : KIN_PAIR_NEGATIVE;
    for (int64_t i = 0; own >= 0 && i < n; i++) p->kind[i * m + (own + i) % m] = KIN_PAIR_NONE;
    return true;
}

void kin_pairs_free(kin_pairs *p)
{
    kin_free(p->kind);
    *p = (kin_pairs){0};
}

int64_t kin_pairs_count(const kin_pairs *p, int kind)
{
    int64_t count = 0;
    for (int64_t i = 0; i < p->n * p->m; i++) count += p->kind[i] == kind;
    return count;
}

void kin_mine_multi_similarity(kin_tensor *s, double epsilon, kin_pairs *p)
{
    const kin_real *at = kin_data(s);
    for (int64_t i = 0; at && i < p->n; i++, at += kin_ld(s)) {
        signed char *kind = p->kind + i * p->m;
        double least_alike = INFINITY, most_alike = -INFINITY;
        for (int64_t j = 0; j < p->m; j++) {
            if (kind[j] == KIN_PAIR_POSITIVE) least_alike = fmin(least_alike, (double)at[j]);
            if (kind[j] == KIN_PAIR_NEGATIVE) most_alike = fmax(most_alike, (double)at[j]);
        }
        for (int64_t j = 0; j < p->m; j++) {
            bool stays = kind[j] == KIN_PAIR_POSITIVE ? (double)at[j] - epsilon < most_alike
                                                      : (double)at[j] + epsilon > least_alike;
            if (!stays) kind[j] = KIN_PAIR_NONE;
        }
    }
}

/* ---- triplets ---- */

void kin_triplets_free(kin_triplets *t)
{
    kin_free(t->anchor);
    kin_free(t->positive);
    kin_free(t->negative);
    *t = (kin_triplets){0};
}

bool kin_triplets_add(kin_triplets *t, int64_t anchor, int64_t positive, int64_t negative)
{
    size_t count = (size_t)t->count, capacity_a = t->capacity, capacity_p = t->capacity;
    if (!kin_grow((void **)&t->anchor, count, &capacity_a, sizeof *t->anchor) ||
        !kin_grow((void **)&t->positive, count, &capacity_p, sizeof *t->positive) ||
        !kin_grow((void **)&t->negative, count, &t->capacity, sizeof *t->negative))
        return false;
    t->anchor[count] = anchor;
    t->positive[count] = positive;
    t->negative[count] = negative;
    t->count++;
    return true;
}

static bool out_of_memory(kin_tensor *d, kin_triplets *t)
{
    kin_triplets_free(t);
    return kin_fail_memory(kin_ctx_error(kin_ctx_of(d)), "the triplets of a batch", (size_t)kin_count(d));
}

static const kin_real *distances(kin_tensor *d, const kin_pairs *p, kin_triplets *out)
{
    *out = (kin_triplets){0};
    if (!d || !kin_ok(kin_ctx_of(d))) return NULL;
    if (kin_rows(d) == p->n && kin_channels(d) == p->m) return kin_data(d);
    kin_fail(kin_ctx_error(kin_ctx_of(d)), KIN_ERR_ARGUMENT,
             "a miner needs the %lld x %lld distances of its pairs, not %lld x %lld (see kin_distance)",
             (long long)p->n, (long long)p->m, (long long)kin_rows(d), (long long)kin_channels(d));
    return NULL;
}

bool kin_mine_batch_hard(kin_tensor *d, const kin_pairs *p, kin_triplets *out)
{
    const kin_real *at = distances(d, p, out);
    if (!at) return false;
    for (int64_t a = 0; a < p->n; a++, at += kin_ld(d)) {
        int64_t positive = -1, negative = -1;
        for (int64_t j = 0; j < p->m; j++) {
            int kind = kin_pair(p, a, j);
            if (kind == KIN_PAIR_NEGATIVE) negative = negative < 0 || at[j] < at[negative] ? j : negative;
            else if (kind) positive = positive < 0 || at[j] > at[positive] ? j : positive;
        }
        if (positive >= 0 && negative >= 0 && !kin_triplets_add(out, a, positive, negative))
            return out_of_memory(d, out);
    }
    return true;
}

/* All triplets whose gap d_an − d_ap lies in (low, high]. */
static bool mine(kin_tensor *d, const kin_pairs *p, double low, double high, kin_triplets *out)
{
    const kin_real *at = distances(d, p, out);
    if (!at) return false;
    for (int64_t a = 0; a < p->n; a++, at += kin_ld(d))
        for (int64_t i = 0; i < p->m; i++) {
            if (kin_pair(p, a, i) != KIN_PAIR_POSITIVE) continue;
            for (int64_t j = 0; j < p->m; j++) {
                if (kin_pair(p, a, j) != KIN_PAIR_NEGATIVE) continue;
                double gap = (double)at[j] - (double)at[i];
                if (gap > low && gap <= high && !kin_triplets_add(out, a, i, j)) return out_of_memory(d, out);
            }
        }
    return true;
}

bool kin_mine_semi_hard(kin_tensor *d, const kin_pairs *p, double margin, kin_triplets *out)
{
    return mine(d, p, 0, margin, out);
}

bool kin_mine_batch_all(kin_tensor *d, const kin_pairs *p, kin_triplets *out)
{
    return mine(d, p, -INFINITY, INFINITY, out);
}

/* Points spread evenly over the unit sphere in n dimensions lie d apart with a density
 *
 *   q(d) ∝ d^{n−2} (1 − d²/4)^{(n−3)/2},
 *
 * nearly all of them at √2. Drawing with 1/q covers all distances; it is formed from logarithms, since q
 * spans hundreds of decades. */
void kin_distance_weights(kin_tensor *d, const kin_pairs *p, int64_t anchor, int64_t dim, double cutoff,
                          double limit, double *weight)
{
    const kin_real *at = kin_data(d) + anchor * kin_ld(d);
    double n = (double)dim, most = -INFINITY, sum = 0;
    for (int64_t j = 0; j < p->m; j++) {
        double apart = fmax((double)at[j], cutoff);
        bool drawn = kin_pair(p, anchor, j) == KIN_PAIR_NEGATIVE && apart < limit && apart < 2;
        weight[j] = drawn ? (2 - n) * log(apart) - (n - 3) / 2 * log(1 - apart * apart / 4) : -INFINITY;
        most = fmax(most, weight[j]);
    }
    for (int64_t j = 0; j < p->m; j++) {
        weight[j] = weight[j] > -INFINITY ? exp(weight[j] - most) : 0;
        sum += weight[j];
    }
    for (int64_t j = 0; j < p->m && sum > 0; j++) weight[j] /= sum;
}

static int64_t drawn(const double *weight, int64_t m, double uniform)
{
    int64_t last = -1;
    for (int64_t j = 0; j < m; j++) {
        if (!(weight[j] > 0)) continue;
        last = j;
        if ((uniform -= weight[j]) < 0) break;
    }
    return last;
}

bool kin_mine_distance_weighted(kin_tensor *d, const kin_pairs *p, int64_t dim, double cutoff, double limit,
                                uint64_t key, kin_triplets *out)
{
    if (!distances(d, p, out)) return false;
    double *weight = kin_alloc_array((size_t)p->m, sizeof *weight);
    kin_stream s = kin_stream_new(key);
    bool ok = weight != NULL;
    for (int64_t a = 0; ok && a < p->n; a++) {
        kin_distance_weights(d, p, a, dim, cutoff, limit, weight);
        for (int64_t i = 0; ok && i < p->m; i++) {
            if (kin_pair(p, a, i) != KIN_PAIR_POSITIVE) continue;
            int64_t negative = drawn(weight, p->m, kin_stream_uniform(&s));
            ok = negative < 0 || kin_triplets_add(out, a, i, negative);
        }
    }
    kin_free(weight);
    return ok || out_of_memory(d, out);
}

/* ---- what a loss has looked at ---- */

void kin_mined_free(kin_mined *m)
{
    kin_pairs_free(&m->pairs);
    kin_triplets_free(&m->triplets);
}

static bool nothing_yet(const kin_mined *m) { return m && !m->pairs.kind && !m->triplets.count; }

bool kin_mined_pairs(kin_mined *mined, const kin_pairs *p, kin_error *err)
{
    if (!nothing_yet(mined)) return true;
    mined->pairs = (kin_pairs){p->n, p->m, kin_alloc_array((size_t)p->n, (size_t)p->m)};
    if (!mined->pairs.kind) return kin_fail_memory(err, "the pairs mined", (size_t)(p->n * p->m));
    memcpy(mined->pairs.kind, p->kind, (size_t)(p->n * p->m));
    return true;
}

bool kin_mined_triplets(kin_mined *mined, const kin_triplets *t, kin_error *err)
{
    if (!nothing_yet(mined)) return true;
    for (int64_t i = 0; i < t->count; i++)
        if (!kin_triplets_add(&mined->triplets, t->anchor[i], t->positive[i], t->negative[i]))
            return kin_fail_memory(err, "the triplets mined", (size_t)t->count * 3 * sizeof *t->anchor);
    return true;
}
