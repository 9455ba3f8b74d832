#include "retrieval/rerank/reciprocal.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "retrieval/search/exact.h"

#include <math.h>
#include <stdlib.h>

enum { ROWS = 64 };

typedef struct worker {
    int32_t *member; /* [count]: 1 + position in `list` of the set being built, 0 outside it */
    int32_t *list;   /* [count] */
    double *sum;     /* [count]: 0 outside the set */
} worker;

typedef struct encoder {
    const kin_joined *set;
    int64_t k1, half, k2;
    int32_t *mutual, *mutual_count; /* R(i, half): [count, half + 1], [count] */
    kin_sparse *out;
    const kin_sparse *v; /* what step 6 averages */
    bool fill;           /* second round: write entries; first round: count them */
    worker workers[KIN_MAX_THREADS];
} encoder;

static const int32_t *ranked(const kin_joined *set, int64_t i) { return set->rank + i * (set->depth + 1); }

static bool among_first(const int32_t *list, int64_t count, int64_t item)
{
    for (int64_t i = 0; i < count; i++)
        if (list[i] == item) return true;
    return false;
}

/* Step 3: R(i, k) = { j among the first k + 1 of i : i among the first k + 1 of j }. */
static int64_t reciprocal(const kin_joined *set, int64_t i, int64_t k, int32_t *out)
{
    int64_t count = 0;
    const int32_t *mine = ranked(set, i);
    for (int64_t a = 0; a <= k; a++)
        if (among_first(ranked(set, mine[a]), k + 1, i)) out[count++] = mine[a];
    return count;
}

static void mutual_block(void *arg, int64_t block, int worker_index)
{
    (void)worker_index;
    encoder *e = arg;
    int64_t last = (block + 1) * ROWS < e->set->count ? (block + 1) * ROWS : e->set->count;
    for (int64_t i = block * ROWS; i < last; i++)
        e->mutual_count[i] = (int32_t)reciprocal(e->set, i, e->half, e->mutual + i * (e->half + 1));
}

static int64_t add(worker *w, int64_t count, int32_t item)
{
    if (w->member[item]) return count;
    w->list[count] = item;
    w->member[item] = (int32_t)++count;
    return count;
}

static void forget(worker *w, int64_t count)
{
    for (int64_t a = 0; a < count; a++) w->member[w->list[a]] = 0;
}

/* Step 4: R* of item i, into w->list; its first entries are R(i, k1). */
static int64_t expand(const encoder *e, worker *w, int64_t i)
{
    int64_t direct = reciprocal(e->set, i, e->k1, w->list), count = direct;
    for (int64_t a = 0; a < direct; a++) w->member[w->list[a]] = (int32_t)(a + 1);
    for (int64_t a = 0; a < direct; a++) {
        int64_t candidate = w->list[a], size = e->mutual_count[candidate], common = 0;
        const int32_t *theirs = e->mutual + candidate * (e->half + 1);
        for (int64_t b = 0; b < size; b++) common += w->member[theirs[b]] && w->member[theirs[b]] <= direct;
        if (3 * common <= 2 * size) continue;
        for (int64_t b = 0; b < size; b++) count = add(w, count, theirs[b]);
    }
    return count;
}

static int ascending(const void *a, const void *b)
{
    return *(const int32_t *)a < *(const int32_t *)b ? -1 : *(const int32_t *)a > *(const int32_t *)b;
}

/* Step 5: exp(−D') on R*, divided by its sum. Distances of the neighbours kept are known; the few others
 * are computed. */
static void weigh(const encoder *e, worker *w, int64_t i, int64_t count)
{
    const kin_joined *set = e->set;
    const double *distance = set->distance + i * (set->depth + 1);
    forget(w, count);
    qsort(w->list, (size_t)count, sizeof *w->list, ascending);
    for (int64_t a = 0; a <= set->depth; a++) w->member[ranked(set, i)[a]] = (int32_t)(a + 1);
    double *value = e->out->value + e->out->offset[i], sum = 0;
    for (int64_t a = 0; a < count; a++) {
        int64_t j = w->list[a];
        double d = w->member[j]
                       ? distance[w->member[j] - 1]
                       : kin_exact_euclid(kin_joined_row(set, i), kin_joined_row(set, j), set->gallery.dim);
        value[a] = exp(-kin_joined_scaled(set, i, d));
        sum += value[a];
    }
    for (int64_t a = 0; a < count; a++) {
        value[a] /= sum;
        e->out->column[e->out->offset[i] + a] = w->list[a];
    }
    for (int64_t a = 0; a <= set->depth; a++) w->member[ranked(set, i)[a]] = 0;
}

static void encode_block(void *arg, int64_t block, int worker_index)
{
    encoder *e = arg;
    worker *w = &e->workers[worker_index];
    int64_t last = (block + 1) * ROWS < e->set->count ? (block + 1) * ROWS : e->set->count;
    for (int64_t i = block * ROWS; i < last; i++) {
        int64_t count = expand(e, w, i);
        if (e->fill) {
            weigh(e, w, i, count);
        } else {
            forget(w, count);
            e->out->offset[i + 1] = count;
        }
    }
}

/* Step 6: the mean of V over the first k2 of rank_i, itself included. */
static void average_block(void *arg, int64_t block, int worker_index)
{
    encoder *e = arg;
    worker *w = &e->workers[worker_index];
    int64_t last = (block + 1) * ROWS < e->set->count ? (block + 1) * ROWS : e->set->count;
    for (int64_t i = block * ROWS; i < last; i++) {
        int64_t count = 0;
        for (int64_t a = 0; a < e->k2; a++) {
            int64_t j = ranked(e->set, i)[a];
            for (int64_t at = e->v->offset[j]; at < e->v->offset[j + 1]; at++) {
                count = add(w, count, e->v->column[at]);
                w->sum[e->v->column[at]] += e->v->value[at];
            }
        }
        if (e->fill) qsort(w->list, (size_t)count, sizeof *w->list, ascending);
        else e->out->offset[i + 1] = count;
        for (int64_t a = 0; a < count; a++) {
            int32_t j = w->list[a];
            if (e->fill) {
                e->out->column[e->out->offset[i] + a] = j;
                e->out->value[e->out->offset[i] + a] = w->sum[j] / (double)e->k2;
            }
            w->member[j] = 0;
            w->sum[j] = 0;
        }
    }
}

/* Counts all rows, makes room, fills them. */
static bool build(encoder *e, kin_task task, kin_sparse *out, kin_error *err)
{
    e->out = out;
    if (!kin_sparse_begin(out, e->set->count, err)) return false;
    int64_t blocks = kin_blocks(e->set->count, ROWS);
    e->fill = false;
    kin_parallel_for(blocks, task, e);
    if (!kin_sparse_reserve(out, err)) return false;
    e->fill = true;
    kin_parallel_for(blocks, task, e);
    return true;
}

static bool give_room(encoder *e, kin_error *err)
{
    size_t n = (size_t)e->set->count;
    e->mutual = kin_alloc_array(n, (size_t)(e->half + 1) * sizeof *e->mutual);
    e->mutual_count = kin_alloc_array(n, sizeof *e->mutual_count);
    bool ok = e->mutual && e->mutual_count;
    for (int w = 0; ok && w < kin_threads(); w++) {
        worker *me = &e->workers[w];
        me->member = kin_alloc_zero(n, sizeof *me->member);
        me->list = kin_alloc_array(n + 1, sizeof *me->list);
        me->sum = kin_alloc_zero(n, sizeof *me->sum);
        ok = me->member && me->list && me->sum;
    }
    return ok ? true : kin_fail(err, KIN_ERR_MEMORY, "out of memory: encoding %zu items", n);
}

bool kin_reciprocal_encode(const kin_joined *set, int64_t k1, int64_t k2, kin_sparse *out, kin_error *err)
{
    *out = (kin_sparse){0};
    encoder *e = kin_alloc_zero(1, sizeof *e);
    if (!e) return kin_fail_memory(err, "re-ranking", sizeof *e);
    e->set = set;
    e->k1 = k1;
    e->half = (int64_t)nearbyint((double)k1 / 2); /* half to even, as numpy.around */
    e->k2 = k2;
    bool ok = give_room(e, err);
    if (ok) {
        kin_parallel_for(kin_blocks(set->count, ROWS), mutual_block, e);
        ok = build(e, encode_block, out, err);
    }
    if (ok && k2 != 1) {
        kin_sparse old = *out;
        e->v = &old;
        ok = build(e, average_block, out, err);
        kin_sparse_free(&old);
    }
    for (int w = 0; w < KIN_MAX_THREADS; w++)
        kin_free(e->workers[w].member), kin_free(e->workers[w].list), kin_free(e->workers[w].sum);
    kin_free(e->mutual), kin_free(e->mutual_count), kin_free(e);
    if (!ok) kin_sparse_free(out);
    return ok;
}
