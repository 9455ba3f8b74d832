/* k-reciprocal re-ranking in eight steps; N items are queries and gallery together.
 *   1. D_ij = squared Euclid; D'_ij = D_ij / max_j D_ij.
 *   2. rank_i = order of D'_i, item i itself first, ties by index.
 *   3. R(i, k) = { j in the first k + 1 of rank_i : i in the first k + 1 of rank_j }.
 *   4. R* = R(i, k1), joined by R(c, k1/2) of each of its members c that shares more than 2/3 of it.
 *   5. V_ij = exp(−D'_ij) / Σ on R*, else 0.
 *   6. V_i ← mean of V over the first k2 of rank_i.
 *   7. s = Σ_j min(V_qj, V_gj); Jaccard distance d_J = 1 − s / (2 − s), since every V_i sums to 1.
 *   8. d* = (1 − λ) d_J + λ D'_qg.
 * The published code keeps N × N matrices of each step. Here steps 1 and 2 are one blocked pass that keeps
 * the neighbours and the largest distance of each row; V is sparse; step 7 walks an inverted index over
 * the gallery. A gallery item with s = 0 has d* = (1 − λ) + λ D', which orders as D' does: so the best K
 * lie in { s > 0 } ∪ { the K nearest }.
 *
 * The plain form: reference/k_reciprocal.c. */
#include "retrieval/rerank/rerank.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "retrieval/search/kernels.h"
#include "retrieval/search/best.h"
#include "retrieval/rerank/merge.h"
#include "retrieval/rerank/reciprocal.h"
#include "retrieval/search/scan.h"
#include "retrieval/search/select.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

enum {
    ROWS = 192,
    TASKS = 32,
    STRAYS = 1 << 19 /* measured together at most, but for the last list's */,
    AHEAD = 8
};
static const int64_t hits_bytes = 16 << 20; /* of the lists of a block */

/* An item that shares something with a list's row, and is not among its K nearest. */
typedef struct stray {
    int32_t item, row;
    double shared, distance;
} stray;

typedef struct worker {
    double *shared;        /* [gallery]: s of the items touched, else 0 */
    int32_t *touched;      /* [gallery + 1] */
    bool *taken;           /* [gallery]: among the K nearest of the row at hand */
    kin_hit *hits, *spare; /* [rows, 2 k], [2 k] */
    kin_best *best;        /* [rows] */
    stray *strays;         /* in the order of rows */
    uint64_t *order;       /* [2 strays]: item, then place in `strays`; and room for sorting */
    double *wide;          /* [dim]: an item, while strays are measured */
    int64_t count;
    size_t room, order_room;
} worker;

typedef struct job {
    const kin_rerank_opt *opt;
    kin_joined set;
    kin_vectors query; /* of the lists, as they were given; none when leaving one out */
    kin_merged merged;
    int64_t lists;   /* rows that want a final list: the queries, or the whole gallery */
    int64_t nearest; /* gallery neighbours kept for each of them */
    int32_t *near;   /* [lists, nearest]: gallery items, nearest first */
    double *near_distance;
    kin_sparse v, inverted;
    kin_neighbours *out;
    int64_t rows; /* lists a block */
    worker workers[KIN_MAX_THREADS];
    atomic_llong done;
    atomic_bool stopped, out_of_memory;
} job;

/* --- steps 1 and 2 --- */

static void keep_nearest(job *j, int64_t list, const kin_hit *hits)
{
    for (int64_t a = 0; a < j->nearest; a++) {
        j->near[list * j->nearest + a] = (int32_t)hits[a].index;
        j->near_distance[list * j->nearest + a] = hits[a].distance;
    }
}

static void collect(void *arg, int64_t i, const kin_hit *hits, const kin_hit *farthest)
{
    job *j = arg;
    int64_t depth = j->set.depth;
    int32_t *rank = j->set.rank + i * (depth + 1);
    double *distance = j->set.distance + i * (depth + 1);
    rank[0] = (int32_t)i;
    distance[0] = 0;
    for (int64_t a = 0; a < depth; a++) {
        rank[a + 1] = (int32_t)hits[a].index;
        distance[a + 1] = hits[a].distance;
    }
    j->set.farthest[i] = farthest->distance;
    if (j->opt->leave_one_out) keep_nearest(j, i, hits);
}

static void collect_list(void *arg, int64_t q, const kin_hit *hits) { keep_nearest(arg, q, hits); }

/* Which gallery row a list is of, and does not hold; -1: none. */
static int64_t self_of(const job *j, int64_t list)
{
    return kin_self(j->opt->leave_one_out, j->opt->self, list);
}

/* The nearest of a query that is, or may be, a gallery item: one more was asked for than is kept. */
static void collect_others(void *arg, int64_t list, const kin_hit *hits, const kin_hit *farthest)
{
    job *j = arg;
    int64_t self = self_of(j, list), used = 0;
    (void)farthest;
    for (int64_t a = 0; used < j->nearest; a++) {
        if (hits[a].index == self) continue;
        j->near[list * j->nearest + used] = (int32_t)hits[a].index;
        j->near_distance[list * j->nearest + used++] = hits[a].distance;
    }
}

/* Lists that are not rows 0, 1, 2 .. of the joined set have their nearest by a search of their own. */
static bool find_others(job *j, kin_error *err)
{
    kin_scan scan = {.query = j->query,
                     .gallery = j->set.gallery,
                     .k = j->nearest + 1,
                     .emit = collect_others,
                     .arg = j,
                     .progress = j->opt->progress,
                     .stage = "comparing"};
    return kin_scan_run(&scan, err);
}

/* All pairs of the joined set, each once: neighbours and the farthest of every item, and the queries'
 * nearest of the gallery. */
static bool compare_all(job *j, kin_error *err)
{
    bool alone = j->opt->leave_one_out, others = kin_any_self(false, j->opt->self, j->query.count);
    int64_t k = alone && j->nearest > j->set.depth ? j->nearest : j->set.depth;
    kin_scan scan = {.query = j->set.query,
                     .gallery = j->set.gallery,
                     .joined = true,
                     .k = k,
                     .list = alone || others ? 0 : j->nearest,
                     .farthest = true,
                     .emit = collect,
                     .emit_list = collect_list,
                     .arg = j,
                     .progress = j->opt->progress,
                     .stage = "comparing"};
    return kin_scan_run(&scan, err) && (!others || find_others(j, err));
}

/* --- steps 7 and 8 --- */

/* Σ_j min(V_ij, V_gj) for every gallery item g that shares a column with item i. */
static int64_t intersect(const job *j, worker *w, int64_t i)
{
    int64_t touched = 0;
    for (int64_t at = j->v.offset[i]; at < j->v.offset[i + 1]; at++) {
        double mine = j->v.value[at];
        int64_t column = j->v.column[at];
        for (int64_t e = j->inverted.offset[column]; e < j->inverted.offset[column + 1]; e++) {
            int32_t g = j->inverted.column[e];
            double s = w->shared[g], theirs = j->inverted.value[e];
            w->touched[touched] = g; /* always written, counted only if it is new: no branch to mispredict */
            touched += s == 0;
            w->shared[g] = s + (mine < theirs ? mine : theirs);
        }
    }
    return touched;
}

static double final_distance(const job *j, double shared, double scaled)
{
    return (1 - j->opt->lambda) * (1 - shared / (2 - shared)) + j->opt->lambda * scaled;
}

static bool add_stray(worker *w, stray s)
{
    if (!kin_grow((void **)&w->strays, (size_t)w->count, &w->room, sizeof *w->strays)) return false;
    w->strays[w->count++] = s;
    return true;
}

/* λ > 0: first the K nearest, shared or not. The items that share something and are farther are put aside,
 * unless even the K-th nearest's distance would make them too late. */
static bool choose(const job *j, worker *w, int64_t row, int64_t list, int64_t self, int64_t touched,
                   kin_best *best)
{
    int64_t mine = kin_merged_row(&j->merged, list);
    const int32_t *near = j->near + list * j->nearest;
    const double *distance = j->near_distance + list * j->nearest;
    bool ok = true;
    for (int64_t a = 0; a < j->nearest; a++) {
        kin_best_offer(best,
                       final_distance(j, w->shared[near[a]], kin_joined_scaled(&j->set, mine, distance[a])),
                       near[a]);
        w->taken[near[a]] = true;
    }
    kin_best_cut(best);
    double nearer = kin_joined_scaled(&j->set, mine, distance[j->nearest - 1]);
    for (int64_t a = 0; ok && a < touched; a++) {
        int32_t g = w->touched[a];
        if (w->taken[g] || g == self || final_distance(j, w->shared[g], nearer) > best->limit.distance)
            continue;
        ok = add_stray(w, (stray){g, (int32_t)row, w->shared[g], 0});
    }
    for (int64_t a = 0; a < j->nearest; a++) w->taken[near[a]] = false;
    return ok;
}

/* λ = 0: items that share nothing are all alike, so the first by index follow. */
static void choose_without_distance(const job *j, const worker *w, int64_t self, int64_t touched,
                                    kin_best *best)
{
    for (int64_t a = 0; a < touched; a++)
        if (w->touched[a] != self)
            kin_best_offer(best, final_distance(j, w->shared[w->touched[a]], 0), w->touched[a]);
    kin_best_cut(best);
    for (int64_t g = 0; best->count < best->k; g++)
        if (w->shared[g] == 0 && g != self) best->hits[best->count++] = (kin_hit){1, g};
}

static stray *stray_at(const worker *w, int64_t a) { return &w->strays[w->order[a] & UINT32_MAX]; }

static const float *row_of(const job *j, int64_t list)
{
    return kin_joined_row(&j->set, kin_merged_row(&j->merged, list));
}

/* Distances of the strays of lists `first` .., item after item, so that each comes from memory once. */
static bool measure_strays(const job *j, worker *w, int64_t first)
{
    if (w->count == 0) return true;
    if (w->order_room < 2 * (size_t)w->count) {
        kin_free(w->order);
        w->order = kin_alloc_array((size_t)w->count, 2 * sizeof *w->order);
        w->order_room = w->order ? 2 * (size_t)w->count : 0;
        if (!w->order) return false;
    }
    int64_t dim = j->set.gallery.dim, last = -1;
    for (int64_t a = 0; a < w->count; a++) w->order[a] = (uint64_t)w->strays[a].item << 32 | (uint64_t)a;
    kin_select_sort(w->order, w->order + w->count, w->count, 32);
    for (int64_t a = 0; a < w->count; a++) {
        stray *s = stray_at(w, a);
        if (a + AHEAD < w->count) __builtin_prefetch(stray_at(w, a + AHEAD), 1);
        const float *row = row_of(j, first + s->row),
                    *next = row_of(j, first + stray_at(w, a + 1 < w->count ? a + 1 : a)->row);
        if (s->item != last)
            kin_search_kernels_get()->widen(kin_row(j->set.gallery, s->item), w->wide, dim, row);
        last = s->item;
        s->distance = kin_search_kernels_get()->euclid_wide(w->wide, row, dim, next);
    }
    return true;
}

/* Lists first .. last - 1, whose K nearest are in their pools: the strays join, and the lists are done. */
static bool finish_lists(const job *j, worker *w, int64_t first, int64_t last)
{
    int64_t k = j->opt->k;
    if (!measure_strays(j, w, first)) return false;
    for (int64_t a = 0; a < w->count; a++) {
        const stray *s = &w->strays[a];
        kin_best_offer(&w->best[s->row],
                       final_distance(j, s->shared,
                                      kin_joined_scaled(&j->set, kin_merged_row(&j->merged, first + s->row),
                                                        s->distance)),
                       s->item);
    }
    for (int64_t list = first; list < last; list++) {
        kin_best *best = &w->best[list - first];
        kin_best_cut(best);
        for (int64_t a = 0; a < k; a++) {
            j->out->index[list * k + a] = best->hits[a].index;
            j->out->value[list * k + a] = (float)best->hits[a].distance;
        }
    }
    w->count = 0;
    return true;
}

static bool begin_list(const job *j, worker *w, int64_t row, int64_t list)
{
    int64_t self = self_of(j, list), touched = intersect(j, w, kin_merged_row(&j->merged, list));
    bool ok = true;
    w->best[row] = kin_best_begin(w->hits + row * 2 * j->opt->k, w->spare, j->opt->k);
    if (j->opt->lambda > 0) ok = choose(j, w, row, list, self, touched, &w->best[row]);
    else choose_without_distance(j, w, self, touched, &w->best[row]);
    for (int64_t a = 0; a < touched; a++) w->shared[w->touched[a]] = 0;
    return ok;
}

static void final_block(void *arg, int64_t block, int worker_index)
{
    job *j = arg;
    if (atomic_load(&j->stopped)) return;
    worker *w = &j->workers[worker_index];
    int64_t first = block * j->rows, last = first + j->rows < j->lists ? first + j->rows : j->lists,
            begun = first;
    bool ok = true;
    for (int64_t list = first; ok && list < last; list++) {
        ok = begin_list(j, w, list - begun, list);
        if (!ok || (list + 1 < last && w->count < STRAYS)) continue;
        ok = finish_lists(j, w, begun, list + 1);
        begun = list + 1;
    }
    if (!ok) atomic_store(&j->out_of_memory, true), atomic_store(&j->stopped, true);
    int64_t done = atomic_fetch_add(&j->done, last - first) + last - first;
    const kin_progress *progress = &j->opt->progress;
    if (worker_index == 0 && progress->report &&
        !progress->report(progress->user, "re-ranking", done, j->lists))
        atomic_store(&j->stopped, true);
}

/* --- the whole --- */

/* `own` of the queries have a row of their own beside the gallery. */
static bool check(kin_vectors query, int64_t own, kin_vectors gallery, const kin_rerank_opt *opt,
                  kin_error *err)
{
    int64_t count = own + gallery.count,
            most = gallery.count - kin_any_self(opt->leave_one_out, opt->self, query.count);
    if (gallery.count < 1 || gallery.dim < 1 || (!opt->leave_one_out && query.count < 1))
        return kin_fail(err, KIN_ERR_ARGUMENT, "nothing to re-rank: %lld queries, %lld gallery items",
                        (long long)query.count, (long long)gallery.count);
    if (opt->k < 1 || opt->k > most)
        return kin_fail(err, KIN_ERR_ARGUMENT, "the best %lld of %lld items were asked for; take 1 to %lld",
                        (long long)opt->k, (long long)most, (long long)most);
    if (opt->k1 < 1 || opt->k1 >= count || opt->k2 < 1 || opt->k2 > count)
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "k1 %lld and k2 %lld need more items than the %lld there are; take k1 in 1 to %lld, "
                        "k2 in 1 to %lld",
                        (long long)opt->k1, (long long)opt->k2, (long long)count, (long long)count - 1,
                        (long long)count);
    if (!(opt->lambda >= 0 && opt->lambda <= 1))
        return kin_fail(err, KIN_ERR_ARGUMENT, "lambda is %g; 0 to 1 was expected", opt->lambda);
    if (count > INT32_MAX)
        return kin_fail(err, KIN_ERR_ARGUMENT, "at most %d vectors can be re-ranked at once", INT32_MAX);
    return true;
}

static bool give_room(job *j, kin_error *err)
{
    size_t n = (size_t)j->set.count, width = (size_t)j->set.depth + 1, lists = (size_t)j->lists,
           nearest = (size_t)j->nearest;
    j->set.rank = kin_alloc_array(n, width * sizeof *j->set.rank);
    j->set.distance = kin_alloc_array(n, width * sizeof *j->set.distance);
    j->set.farthest = kin_alloc_array(n, sizeof *j->set.farthest);
    j->near = kin_alloc_array(lists, nearest * sizeof *j->near);
    j->near_distance = kin_alloc_array(lists, nearest * sizeof *j->near_distance);
    if (j->set.rank && j->set.distance && j->set.farthest && j->near && j->near_distance) return true;
    return kin_fail(err, KIN_ERR_MEMORY,
                    "out of memory: re-ranking %zu items, lists of %zu; shorter lists need less", n, nearest);
}

static bool give_workers_room(job *j, kin_error *err)
{
    size_t g = (size_t)j->set.gallery.count, k = (size_t)j->opt->k;
    int64_t even = kin_blocks(j->lists, TASKS), afford = hits_bytes / (int64_t)(2 * k * sizeof(kin_hit));
    bool ok = true;
    j->rows = even < ROWS ? even : ROWS;
    if (afford < j->rows) j->rows = afford > 1 ? afford : 1;
    for (int w = 0; ok && w < kin_threads(); w++) {
        worker *me = &j->workers[w];
        me->shared = kin_alloc_zero(g, sizeof *me->shared);
        me->touched = kin_alloc_array(g + 1, sizeof *me->touched);
        me->taken = kin_alloc_zero(g, sizeof *me->taken);
        me->hits = kin_alloc_array((size_t)j->rows * k, 2 * sizeof *me->hits);
        me->best = kin_alloc_array((size_t)j->rows, sizeof *me->best);
        me->spare = kin_alloc_array(k, 2 * sizeof *me->spare);
        me->wide = kin_alloc_array((size_t)j->set.gallery.dim, sizeof *me->wide);
        ok = me->wide && me->shared && me->touched && me->taken && me->hits && me->best && me->spare;
    }
    return ok ? true : kin_fail(err, KIN_ERR_MEMORY, "out of memory: re-ranking against %zu items", g);
}

static void give_back(job *j)
{
    for (int w = 0; w < KIN_MAX_THREADS; w++) {
        worker *me = &j->workers[w];
        kin_free(me->shared), kin_free(me->wide), kin_free(me->touched), kin_free(me->taken),
            kin_free(me->hits), kin_free(me->spare), kin_free(me->best), kin_free(me->strays),
            kin_free(me->order);
    }
    kin_free(j->set.rank), kin_free(j->set.distance), kin_free(j->set.farthest), kin_free(j->near),
        kin_free(j->near_distance);
    kin_sparse_free(&j->v), kin_sparse_free(&j->inverted);
    kin_merged_free(&j->merged);
    kin_free(j);
}

static bool proceed(job *j, const char *stage, kin_error *err)
{
    const kin_progress *progress = &j->opt->progress;
    if (!progress->report || progress->report(progress->user, stage, 0, j->lists)) return true;
    return kin_fail(err, KIN_ERR_INTERRUPTED, "stopped before %s", stage);
}

static bool run(job *j, kin_error *err)
{
    if (!give_room(j, err) || !compare_all(j, err) || !proceed(j, "encoding", err)) return false;
    if (!kin_reciprocal_encode(&j->set, j->opt->k1, j->opt->k2, &j->v, err)) return false;
    if (!kin_sparse_transpose(&j->v, j->set.query.count, j->set.count, &j->inverted, err)) return false;
    if (!proceed(j, "re-ranking", err) || !give_workers_room(j, err)) return false;
    kin_parallel_for(kin_blocks(j->lists, j->rows), final_block, j);
    if (atomic_load(&j->out_of_memory))
        return kin_fail(err, KIN_ERR_MEMORY,
                        "out of memory: re-ranking against %lld items; fewer threads need less",
                        (long long)j->set.gallery.count);
    return atomic_load(&j->stopped) ? kin_fail(err, KIN_ERR_INTERRUPTED, "stopped while re-ranking") : true;
}

static void begin(job *j, kin_vectors query, kin_vectors gallery, kin_merged *merged,
                  const kin_rerank_opt *opt, kin_neighbours *out)
{
    j->opt = opt;
    j->out = out;
    j->query = query;
    j->merged = *merged;
    j->lists = out->queries;
    j->nearest = opt->k;
    j->set = (kin_joined){.query = merged->query,
                          .gallery = gallery,
                          .count = merged->query.count + gallery.count,
                          .squared_input = opt->input == KIN_INPUT_SQUARED};
    j->set.depth = opt->k1 > opt->k2 - 1 ? opt->k1 : opt->k2 - 1;
    atomic_init(&j->done, 0);
    atomic_init(&j->stopped, false);
    atomic_init(&j->out_of_memory, false);
}

bool kin_rerank_k_reciprocal(kin_vectors query, kin_vectors gallery, const kin_rerank_opt *opt,
                             kin_neighbours *out, kin_error *err)
{
    kin_merged merged;
    *out = (kin_neighbours){0};
    if (opt->leave_one_out) query = (kin_vectors){NULL, 0, gallery.dim};
    if (!kin_merge(query, gallery, opt->self, &merged, err)) return false;
    job *j = NULL;
    bool ok = check(query, merged.query.count, gallery, opt, err) &&
              kin_neighbours_alloc(out, opt->leave_one_out ? gallery.count : query.count, opt->k, err) &&
              ((j = kin_alloc_zero(1, sizeof *j)) || kin_fail_memory(err, "re-ranking", sizeof *j));
    if (ok) {
        begin(j, query, gallery, &merged, opt, out);
        ok = run(j, err);
        give_back(j);
    } else {
        kin_merged_free(&merged);
    }
    if (!ok) kin_neighbours_free(out);
    return ok;
}
