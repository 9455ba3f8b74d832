/* Ensembles: the weighted sum, and the weights. */
#include "retrieval/describe/fuse.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "retrieval/search/best.h"

#include <math.h>

enum { ROWS = 16, GRID = 100 };

typedef struct ordering {
    const kin_fusion *f;
    const double *weight;
    kin_neighbours *out;
    kin_hit *hits[KIN_MAX_THREADS]; /* [4 k]: hits and spare room */
} ordering;

static void order_block(void *arg, int64_t block, int worker)
{
    ordering *o = arg;
    const kin_fusion *f = o->f;
    int64_t k = o->out->k, last = (block + 1) * ROWS < f->queries ? (block + 1) * ROWS : f->queries;
    for (int64_t q = block * ROWS; q < last; q++) {
        kin_best best = kin_best_begin(o->hits[worker], o->hits[worker] + 2 * k, k);
        for (int64_t at = f->offset[q]; at < f->offset[q + 1]; at++) {
            double sum = 0;
            for (int s = 0; s < f->sets; s++) sum += o->weight[s] * (double)f->term[at * f->sets + s];
            kin_best_offer(&best, sum, f->index[at]);
        }
        kin_best_cut(&best);
        for (int64_t a = 0; a < k; a++) {
            o->out->index[q * k + a] = best.hits[a].index;
            o->out->value[q * k + a] = (float)best.hits[a].distance;
        }
    }
}

static bool order_into(const kin_fusion *f, const double *weight, kin_neighbours *out, kin_error *err)
{
    ordering o = {f, weight, out, {NULL}};
    bool ok = true;
    for (int w = 0; ok && w < kin_threads(); w++)
        ok = (o.hits[w] = kin_alloc_array((size_t)out->k, 4 * sizeof(kin_hit)));
    if (ok) kin_parallel_for(kin_blocks(f->queries, ROWS), order_block, &o);
    for (int w = 0; w < KIN_MAX_THREADS; w++) kin_free(o.hits[w]);
    return ok ? true : kin_fail_memory(err, "an ensemble", (unsigned long long)out->k * 4 * sizeof(kin_hit));
}

static bool check(const kin_fusion *f, int64_t k, kin_error *err)
{
    if (k >= 1 && k <= f->shortest) return true;
    return kin_fail(err, KIN_ERR_ARGUMENT,
                    "lists of %lld were asked for; the query with the fewest has %lld candidates",
                    (long long)k, (long long)f->shortest);
}

bool kin_fusion_order(const kin_fusion *f, const double *weight, int64_t k, kin_neighbours *out,
                      kin_error *err)
{
    *out = (kin_neighbours){0};
    for (int s = 0; s < f->sets; s++)
        if (!isfinite(weight[s])) return kin_fail(err, KIN_ERR_ARGUMENT, "weight %d is %g", s, weight[s]);
    if (!check(f, k, err) || !kin_neighbours_alloc(out, f->queries, k, err)) return false;
    if (order_into(f, weight, out, err)) return true;
    kin_neighbours_free(out);
    return false;
}

/* --- the weights --- */

typedef struct search {
    const kin_fusion *f;
    kin_judged judged;
    kin_neighbours lists;
    kin_metrics best; /* so far, with `weight` */
    double *weight;
    kin_error *err;
} search;

/* Judges `weight`, and keeps it when it is better than the best. False on an error. */
static bool try(search *s, const double *weight, bool *better)
{
    kin_metrics m;
    if (!order_into(s->f, weight, &s->lists, s->err) || !kin_evaluate(&s->judged, NULL, &m, NULL, s->err))
        return false;
    *better = m.mean.ap > s->best.mean.ap;
    if (!*better) return true;
    s->best = m;
    for (int i = 0; i < s->f->sets; i++) s->weight[i] = weight[i];
    return true;
}

/* How many ways `parts` can be given to `sets`, capped. */
static int64_t ways(int parts, int sets)
{
    double count = 1;
    for (int i = 1; i < sets; i++) count = count * (parts + i) / i;
    return count < 1e9 ? (int64_t)(count + 0.5) : INT64_C(1000000000);
}

/* Every way to give `left` of `parts` to the sets from `at` on. */
static bool grid(search *s, double *weight, int at, int left, int parts)
{
    bool better;
    if (at == s->f->sets - 1) {
        weight[at] = (double)left / parts;
        return try(s, weight, &better);
    }
    for (int give = 0; give <= left; give++) {
        weight[at] = (double)give / parts;
        if (!grid(s, weight, at + 1, left - give, parts)) return false;
    }
    return true;
}

/* Moves `step` from one weight to another as long as that helps. */
static bool climb(search *s, double step)
{
    int sets = s->f->sets;
    double weight[KIN_FUSE_SETS];
    for (bool moved = true; moved;) {
        moved = false;
        for (int pair = 0; pair < sets * sets; pair++) {
            int from = pair / sets, to = pair % sets;
            bool better;
            if (from == to || s->weight[from] < step - 1e-9) continue;
            for (int i = 0; i < sets; i++)
                weight[i] = s->weight[i] + (i == to ? step : i == from ? -step : 0);
            weight[from] = fmax(0, weight[from]);
            if (!try(s, weight, &better)) return false;
            moved = moved || better;
        }
    }
    return true;
}

bool kin_fusion_fit(const kin_fusion *f, const kin_judged *judged, int64_t k, double *weight,
                    kin_metrics *best, kin_error *err)
{
    search s = {.f = f, .judged = *judged, .best = {.mean = {.ap = -1}}, .weight = weight, .err = err};
    double scratch[KIN_FUSE_SETS], even[KIN_FUSE_SETS];
    int parts = 1;
    bool better;
    if (!check(f, k, err) || !kin_neighbours_alloc(&s.lists, f->queries, k, err)) return false;
    int64_t *offset = kin_alloc_array((size_t)f->queries + 1, sizeof *offset);
    bool ok = offset ? true
                     : kin_fail_memory(err, "an ensemble", (unsigned long long)f->queries * sizeof *offset);
    for (int64_t q = 0; ok && q <= f->queries; q++) offset[q] = q * k;
    s.judged.offset = offset, s.judged.index = s.lists.index, s.judged.value = s.lists.value;
    while (parts < 10 && ways(parts + 1, f->sets) <= GRID) parts++;
    for (int i = 0; i < f->sets; i++) even[i] = 1.0 / f->sets; /* among equals the plain mean wins */
    ok = ok && try(&s, even, &better) && grid(&s, scratch, 0, parts, parts);
    for (double step = 1.0 / 16; ok && f->sets > 1 && step > 1.0 / 300; step /= 2) ok = climb(&s, step);
    *best = s.best;
    kin_free(offset);
    kin_neighbours_free(&s.lists);
    return ok;
}
