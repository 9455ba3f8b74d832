/* Propagation over the neighbour graph; N items are queries and gallery together, s is cosine similarity.
 *   1. A_ij = 1 for the k1 nearest j of i, i itself counted, else 0.
 *   2. A ← A + Aᵀ.
 *   3. A_i ← Σ_{j of the k2 nearest of i} s_ij² A_j, i itself counted.
 *   4. A_i ← A_i / |A_i|; steps 2 to 4 are done `layers` times.
 *   5. score = A_q · A_g.
 * The published code keeps A as an N × N matrix. Here it is sparse, and step 5 walks an inverted index
 * over the gallery. */
#include "retrieval/rerank/rerank_graph.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "retrieval/rerank/merge.h"
#include "retrieval/rerank/order.h"
#include "retrieval/rerank/sparse.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 16 };

typedef struct worker {
    double *sum;   /* [count]: 0 outside the row being built */
    int32_t *list; /* [count] */
    bool *listed;  /* [count] */
    kin_order order;
} worker;

typedef struct job {
    const kin_rerank_graph_opt *opt;
    /* all: queries first, then the gallery; the gallery alone when leaving one out */
    kin_vectors all, gallery;
    int64_t queries, lists; /* queries with a row of their own */
    kin_merged merged;
    kin_neighbours among; /* the nearest others of each of all */
    kin_neighbours near;  /* gallery items near each query */
    kin_sparse a, transposed;
    kin_sparse *built;
    bool fill; /* second round: write entries; first round: count them */
    kin_neighbours *out;
    worker workers[KIN_MAX_THREADS];
    atomic_llong done;
    atomic_bool stopped;
} job;

static int64_t last_of(int64_t block, int64_t rows)
{
    return (block + 1) * ROWS < rows ? (block + 1) * ROWS : rows;
}

/* The a-th nearest of item i, itself the first; *s2 receives their similarity, squared. */
static int64_t neighbour(const job *j, int64_t i, int64_t a, double *s2)
{
    if (a == 0) return *s2 = 1, i;
    double s = (double)j->among.value[i * j->among.k + a - 1];
    *s2 = s * s;
    return j->among.index[i * j->among.k + a - 1];
}

static int ascending(const void *a, const void *b)
{
    return *(const int32_t *)a < *(const int32_t *)b ? -1 : *(const int32_t *)a > *(const int32_t *)b;
}

/* --- step 1 --- */

static void describe_block(void *arg, int64_t block, int worker_index)
{
    (void)worker_index;
    job *j = arg;
    double unused;
    int64_t k1 = j->opt->k1;
    for (int64_t i = block * ROWS; i < last_of(block, j->a.rows); i++) {
        int32_t *row = j->a.column + i * k1;
        for (int64_t a = 0; a < k1; a++) {
            row[a] = (int32_t)neighbour(j, i, a, &unused);
            j->a.value[i * k1 + a] = 1;
        }
        qsort(row, (size_t)k1, sizeof *row, ascending);
    }
}

static bool describe(job *j, kin_error *err)
{
    if (!kin_sparse_begin(&j->a, j->all.count, err)) return false;
    for (int64_t i = 0; i < j->a.rows; i++) j->a.offset[i + 1] = j->opt->k1;
    if (!kin_sparse_reserve(&j->a, err)) return false;
    kin_parallel_for(kin_blocks(j->a.rows, ROWS), describe_block, j);
    return true;
}

/* --- step 2 --- */

/* Row i of A + Aᵀ by merging; returns its size. */
static int64_t add_row(const job *j, int64_t i)
{
    const kin_sparse *a = &j->a, *t = &j->transposed;
    int64_t x = a->offset[i], y = t->offset[i], x_end = a->offset[i + 1], y_end = t->offset[i + 1],
            to = j->fill ? j->built->offset[i] : 0, count = 0; /* offsets are being written until then */
    while (x < x_end || y < y_end) {
        int32_t left = x < x_end ? a->column[x] : INT32_MAX, right = y < y_end ? t->column[y] : INT32_MAX;
        double value = (left <= right ? a->value[x] : 0) + (right <= left ? t->value[y] : 0);
        if (j->fill) {
            j->built->column[to + count] = left < right ? left : right;
            j->built->value[to + count] = value;
        }
        x += left <= right;
        y += right <= left;
        count++;
    }
    return count;
}

static void add_block(void *arg, int64_t block, int worker_index)
{
    (void)worker_index;
    job *j = arg;
    for (int64_t i = block * ROWS; i < last_of(block, j->a.rows); i++) {
        int64_t count = add_row(j, i);
        if (!j->fill) j->built->offset[i + 1] = count;
    }
}

/* --- steps 3 and 4 --- */

/* Σ s² A_j into w->sum, its columns into w->list; returns their number. Only the columns, when rows are
 * counted. */
static int64_t propagate_row(const job *j, worker *w, int64_t i)
{
    int64_t count = 0;
    for (int64_t a = 0; a < j->opt->k2; a++) {
        double s2;
        int64_t from = neighbour(j, i, a, &s2);
        for (int64_t e = j->a.offset[from]; e < j->a.offset[from + 1]; e++) {
            int32_t column = j->a.column[e];
            if (!w->listed[column]) {
                w->listed[column] = true;
                w->list[count++] = column;
            }
            w->sum[column] += s2 * j->a.value[e];
        }
    }
    return count;
}

static void store_row(const job *j, worker *w, int64_t i, int64_t count)
{
    double squares = 0;
    qsort(w->list, (size_t)count, sizeof *w->list, ascending);
    for (int64_t a = 0; a < count; a++) squares += w->sum[w->list[a]] * w->sum[w->list[a]];
    for (int64_t a = 0; a < count; a++) {
        j->built->column[j->built->offset[i] + a] = w->list[a];
        j->built->value[j->built->offset[i] + a] = squares > 0 ? w->sum[w->list[a]] / sqrt(squares) : 0;
    }
}

static void propagate_block(void *arg, int64_t block, int worker_index)
{
    job *j = arg;
    worker *w = &j->workers[worker_index];
    for (int64_t i = block * ROWS; i < last_of(block, j->a.rows); i++) {
        int64_t count = propagate_row(j, w, i);
        if (j->fill) store_row(j, w, i, count);
        else j->built->offset[i + 1] = count;
        for (int64_t a = 0; a < count; a++) w->sum[w->list[a]] = 0, w->listed[w->list[a]] = false;
    }
}

/* Counts all rows of the new A, makes room, fills them, and puts it in the place of the old. */
static bool rebuild(job *j, kin_task task, kin_error *err)
{
    kin_sparse built;
    if (!kin_sparse_begin(&built, j->all.count, err)) return false;
    j->built = &built;
    j->fill = false;
    kin_parallel_for(kin_blocks(built.rows, ROWS), task, j);
    if (!kin_sparse_reserve(&built, err)) return false;
    j->fill = true;
    kin_parallel_for(kin_blocks(built.rows, ROWS), task, j);
    kin_sparse_free(&j->a);
    j->a = built;
    return true;
}

static bool propagate(job *j, kin_error *err)
{
    if (!kin_sparse_transpose(&j->a, 0, j->all.count, &j->transposed, err)) return false;
    bool ok = rebuild(j, add_block, err);
    kin_sparse_free(&j->transposed);
    return ok && rebuild(j, propagate_block, err);
}

/* --- step 5 --- */

static void score_block(void *arg, int64_t block, int worker_index)
{
    job *j = arg;
    if (atomic_load(&j->stopped)) return;
    kin_order *order = &j->workers[worker_index].order;
    int64_t first = block * ROWS, last = last_of(block, j->lists);
    for (int64_t list = first; list < last; list++) {
        int64_t row = kin_merged_row(&j->merged, list);
        for (int64_t e = j->a.offset[row]; e < j->a.offset[row + 1]; e++) {
            double mine = j->a.value[e];
            int64_t column = j->a.column[e];
            for (int64_t f = j->transposed.offset[column]; mine != 0 && f < j->transposed.offset[column + 1];
                 f++)
                kin_order_add(order, j->transposed.column[f], mine * j->transposed.value[f]);
        }
        kin_order_list(order, j->near.index + list * j->near.k,
                       kin_self(j->opt->leave_one_out, j->opt->self, list), j->out, list);
    }
    int64_t done = atomic_fetch_add(&j->done, last - first) + last - first;
    const kin_progress *progress = &j->opt->progress;
    if (worker_index == 0 && progress->report &&
        !progress->report(progress->user, "re-ranking", done, j->lists))
        atomic_store(&j->stopped, true);
}

/* --- the whole --- */

/* `own` of the queries have a row of their own beside the gallery. */
static bool check(kin_vectors query, int64_t own, kin_vectors gallery, const kin_rerank_graph_opt *opt,
                  kin_error *err)
{
    int64_t count = own + gallery.count,
            most = gallery.count - kin_any_self(opt->leave_one_out, opt->self, query.count);
    if (gallery.dim < 1 || most < 1 || (!opt->leave_one_out && query.count < 1))
        return kin_fail(err, KIN_ERR_ARGUMENT, "nothing to re-rank: %lld queries, %lld gallery items",
                        (long long)query.count, (long long)gallery.count);
    if (opt->k < 1 || opt->k > most)
        return kin_fail(err, KIN_ERR_ARGUMENT, "the best %lld of %lld items were asked for; take 1 to %lld",
                        (long long)opt->k, (long long)most, (long long)most);
    if (opt->k1 < 1 || opt->k1 > count || opt->k2 < 1 || opt->k2 > count)
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "k1 %lld and k2 %lld do not fit the %lld items there are; take 1 to %lld",
                        (long long)opt->k1, (long long)opt->k2, (long long)count, (long long)count);
    if (opt->layers < 1)
        return kin_fail(err, KIN_ERR_ARGUMENT, "%d layers; 1 or more were expected", opt->layers);
    if (count > INT32_MAX)
        return kin_fail(err, KIN_ERR_ARGUMENT, "at most %d vectors can be re-ranked at once", INT32_MAX);
    return true;
}

/* Queries and gallery in one matrix; the caller frees it. */
static float *join(kin_vectors query, kin_vectors gallery, kin_error *err)
{
    size_t q = (size_t)query.count * (size_t)query.dim, g = (size_t)gallery.count * (size_t)gallery.dim;
    float *all = kin_alloc_array(q + g, sizeof *all);
    if (!all) return kin_fail_memory(err, "queries and gallery together", (q + g) * sizeof *all), NULL;
    memcpy(all, query.data, q * sizeof *all);
    memcpy(all + q, gallery.data, g * sizeof *all);
    return all;
}

static bool find_neighbours(job *j, kin_vectors query, kin_error *err)
{
    int64_t depth = j->opt->k1 > j->opt->k2 ? j->opt->k1 : j->opt->k2;
    bool leave = j->opt->leave_one_out;
    kin_search_opt among = {
        .k = depth - 1, .metric = KIN_COSINE, .leave_one_out = true, .progress = j->opt->progress};
    kin_search_opt near = {
        .k = j->opt->k, .metric = KIN_COSINE, .leave_one_out = leave, .progress = j->opt->progress};
    if (!leave) near.self = j->opt->self;
    return (depth == 1 || kin_search(j->all, j->all, &among, &j->among, err)) &&
           kin_search(leave ? j->gallery : query, j->gallery, &near, &j->near, err);
}

static bool give_workers_room(job *j, kin_error *err)
{
    size_t n = (size_t)j->all.count;
    bool ok = true;
    for (int i = 0; ok && i < kin_threads(); i++) {
        worker *w = &j->workers[i];
        w->sum = kin_alloc_zero(n, sizeof *w->sum);
        w->list = kin_alloc_array(n, sizeof *w->list);
        w->listed = kin_alloc_zero(n, sizeof *w->listed);
        if (!w->sum || !w->list || !w->listed)
            return kin_fail(err, KIN_ERR_MEMORY, "out of memory: re-ranking %zu items", n);
        ok = kin_order_begin(&w->order, j->gallery.count, j->opt->k, err);
    }
    return ok;
}

static bool run(job *j, kin_vectors query, kin_error *err)
{
    if (!find_neighbours(j, query, err) || !give_workers_room(j, err) || !describe(j, err)) return false;
    for (int layer = 0; j->opt->k2 > 1 && layer < j->opt->layers; layer++)
        if (!propagate(j, err)) return false;
    if (!kin_sparse_transpose(&j->a, j->queries, j->all.count, &j->transposed, err)) return false;
    /* Once from here: the worker that reports later may get no block of a short stage. */
    const kin_progress *progress = &j->opt->progress;
    if (progress->report && !progress->report(progress->user, "re-ranking", 0, j->lists))
        return kin_fail(err, KIN_ERR_INTERRUPTED, "stopped while re-ranking");
    kin_parallel_for(kin_blocks(j->lists, ROWS), score_block, j);
    return atomic_load(&j->stopped) ? kin_fail(err, KIN_ERR_INTERRUPTED, "stopped while re-ranking") : true;
}

static void give_back(job *j)
{
    for (int i = 0; i < KIN_MAX_THREADS; i++) {
        kin_free(j->workers[i].sum), kin_free(j->workers[i].list), kin_free(j->workers[i].listed);
        kin_order_free(&j->workers[i].order);
    }
    kin_neighbours_free(&j->among), kin_neighbours_free(&j->near);
    kin_sparse_free(&j->a), kin_sparse_free(&j->transposed);
    kin_merged_free(&j->merged);
    kin_free(j);
}

static void begin(job *j, kin_vectors gallery, const kin_merged *merged, const float *joined,
                  const kin_rerank_graph_opt *opt, kin_neighbours *out)
{
    int64_t own = merged->query.count;
    j->opt = opt;
    j->queries = own;
    j->merged = *merged;
    j->lists = out->queries;
    j->gallery = gallery;
    j->all = joined ? (kin_vectors){joined, own + gallery.count, gallery.dim} : gallery;
    j->out = out;
    atomic_init(&j->done, 0);
    atomic_init(&j->stopped, false);
}

bool kin_rerank_graph(kin_vectors query, kin_vectors gallery, const kin_rerank_graph_opt *opt,
                      kin_neighbours *out, kin_error *err)
{
    kin_merged merged;
    *out = (kin_neighbours){0};
    if (opt->leave_one_out) query = (kin_vectors){NULL, 0, gallery.dim};
    if (!kin_merge(query, gallery, opt->self, &merged, err)) return false;
    int64_t own = merged.query.count;
    float *joined = NULL;
    job *j = NULL;
    bool ok = check(query, own, gallery, opt, err) &&
              kin_neighbours_alloc(out, opt->leave_one_out ? gallery.count : query.count, opt->k, err) &&
              (!own || (joined = join(merged.query, gallery, err))) &&
              ((j = kin_alloc_zero(1, sizeof *j)) || kin_fail_memory(err, "re-ranking", sizeof *j));
    if (ok) {
        begin(j, gallery, &merged, joined, opt, out);
        ok = run(j, query, err);
        give_back(j);
    } else {
        kin_merged_free(&merged);
    }
    kin_free(joined);
    if (!ok) kin_neighbours_free(out);
    return ok;
}
