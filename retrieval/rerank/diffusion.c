#include "retrieval/rerank/diffusion.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "retrieval/rerank/conjugate.h"
#include "retrieval/rerank/graph.h"
#include "retrieval/rerank/order.h"

#include <math.h>
#include <stdatomic.h>

enum { LANES = KIN_CONJUGATE_LANES, ROWS = 16 };

typedef struct worker {
    double *x, *r, *p, *q; /* [gallery, LANES], or [truncation] */
    int32_t *place;        /* [gallery]: 1 + the place in the submatrix at hand, 0 outside it */
    kin_sparse part;       /* the submatrix: room for `truncation` rows of at most kd − 1 entries */
    kin_order order;
} worker;

typedef struct job {
    const kin_diffusion_opt *opt;
    kin_vectors query, gallery;
    int64_t lists, kd, kq, truncation; /* the last three as lowered */
    /* every gallery item's nearest others; off-line, the values become those of its solution */
    kin_neighbours among;
    float *own;          /* [gallery]: off-line, the solution at the item itself */
    kin_neighbours near; /* every query's nearest gallery items */
    kin_sparse graph;    /* S */
    kin_neighbours *out;
    worker workers[KIN_MAX_THREADS];
    const char *stage;
    int64_t total;
    atomic_llong done;
    atomic_bool stopped;
} job;

static void tell(job *j, int64_t rows, int worker_index)
{
    int64_t done = atomic_fetch_add(&j->done, rows) + rows;
    const kin_progress *progress = &j->opt->progress;
    if (worker_index == 0 && progress->report && !progress->report(progress->user, j->stage, done, j->total))
        atomic_store(&j->stopped, true);
}

static int64_t lowered(int64_t wanted, int64_t most) { return wanted < most ? wanted : most; }

/* The gallery item that a query is; -1: none. */
static int64_t self_of(const job *j, int64_t list)
{
    return kin_self(j->opt->leave_one_out, j->opt->self, list);
}

/* How many entries y has. */
static int64_t entries(const job *j, int64_t list)
{
    return lowered(j->kq, j->near.k + (self_of(j, list) >= 0));
}

/* The a-th entry of y for query `list`: a gallery item and its weight, which may be 0. */
static int64_t entry(const job *j, int64_t list, int64_t a, double *weight)
{
    int64_t self = self_of(j, list);
    if (self >= 0 && a == 0) return *weight = 1, self;
    int64_t at = list * j->near.k + a - (self >= 0);
    *weight = pow(fmax(0, (double)j->near.value[at]), j->opt->gamma);
    return j->near.index[at];
}

static kin_conjugate_opt conjugate(const job *j)
{
    return (kin_conjugate_opt){j->opt->alpha, j->opt->tolerance, j->opt->iterations};
}

/* --- one solve a query --- */

static void solve_block(void *arg, int64_t block, int worker_index)
{
    job *j = arg;
    if (atomic_load(&j->stopped)) return;
    worker *w = &j->workers[worker_index];
    int64_t first = block * LANES, lanes = j->lists - first < LANES ? j->lists - first : LANES;
    kin_conjugate_opt opt = conjugate(j);
    for (int64_t i = 0; i < j->gallery.count * LANES; i++) w->r[i] = 0;
    for (int64_t l = 0; l < lanes; l++)
        for (int64_t a = 0; a < entries(j, first + l); a++) {
            double weight;
            int64_t item = entry(j, first + l, a, &weight);
            w->r[item * LANES + l] = weight;
        }
    kin_conjugate_gradients(&j->graph, LANES, &opt, w->x, w->r, w->p, w->q);
    for (int64_t l = 0; l < lanes; l++) {
        int64_t list = first + l;
        for (int64_t g = 0; g < j->gallery.count; g++)
            if (w->x[g * LANES + l] != 0) kin_order_add(&w->order, g, w->x[g * LANES + l]);
        kin_order_list(&w->order, j->near.index + list * j->near.k, self_of(j, list), j->out, list);
    }
    tell(j, lanes, worker_index);
}

/* --- off-line: one solve a gallery item --- */

static int64_t member(const job *j, int64_t item, int64_t a)
{
    return a == 0 ? item : j->among.index[item * j->among.k + a - 1];
}

/* S restricted to the item and its nearest, which keep their order. */
static void cut_out(const job *j, worker *w, int64_t item)
{
    int64_t count = 0;
    for (int64_t a = 0; a < j->truncation; a++) w->place[member(j, item, a)] = (int32_t)(a + 1);
    for (int64_t a = 0; a < j->truncation; a++) {
        int64_t row = member(j, item, a);
        w->part.offset[a] = count;
        for (int64_t e = j->graph.offset[row]; e < j->graph.offset[row + 1]; e++) {
            int32_t place = w->place[j->graph.column[e]];
            if (!place) continue;
            w->part.column[count] = place - 1;
            w->part.value[count++] = j->graph.value[e];
        }
    }
    w->part.offset[j->truncation] = count;
    for (int64_t a = 0; a < j->truncation; a++) w->place[member(j, item, a)] = 0;
}

/* The item's nearest are read by no other item, so its solution takes the place of their similarities. */
static void prepare_block(void *arg, int64_t block, int worker_index)
{
    job *j = arg;
    if (atomic_load(&j->stopped)) return;
    worker *w = &j->workers[worker_index];
    int64_t first = block * ROWS, last = first + ROWS < j->gallery.count ? first + ROWS : j->gallery.count;
    kin_conjugate_opt opt = conjugate(j);
    for (int64_t item = first; item < last; item++) {
        cut_out(j, w, item);
        for (int64_t a = 0; a < j->truncation; a++) w->r[a] = a == 0;
        kin_conjugate_gradients(&w->part, 1, &opt, w->x, w->r, w->p, w->q);
        j->own[item] = (float)w->x[0];
        for (int64_t a = 1; a < j->truncation; a++)
            j->among.value[item * j->among.k + a - 1] = (float)w->x[a];
    }
    tell(j, last - first, worker_index);
}

static void combine(const job *j, kin_order *order, int64_t item, double weight)
{
    if (weight * (double)j->own[item] != 0) kin_order_add(order, item, weight * (double)j->own[item]);
    for (int64_t a = 1; a < j->truncation; a++) {
        double amount = weight * (double)j->among.value[item * j->among.k + a - 1];
        if (amount != 0) kin_order_add(order, member(j, item, a), amount);
    }
}

static void combine_block(void *arg, int64_t block, int worker_index)
{
    job *j = arg;
    if (atomic_load(&j->stopped)) return;
    worker *w = &j->workers[worker_index];
    int64_t first = block * ROWS, last = first + ROWS < j->lists ? first + ROWS : j->lists;
    for (int64_t list = first; list < last; list++) {
        for (int64_t a = 0; a < entries(j, list); a++) {
            double weight;
            int64_t item = entry(j, list, a, &weight);
            combine(j, &w->order, item, weight);
        }
        kin_order_list(&w->order, j->near.index + list * j->near.k, self_of(j, list), j->out, list);
    }
    tell(j, last - first, worker_index);
}

/* --- the whole --- */

static bool check(kin_vectors query, kin_vectors gallery, const kin_diffusion_opt *opt, kin_error *err)
{
    int64_t most = gallery.count - kin_any_self(opt->leave_one_out, opt->self, query.count);
    if (gallery.dim < 1 || most < 1 || (!opt->leave_one_out && query.count < 1))
        return kin_fail(err, KIN_ERR_ARGUMENT, "nothing to re-rank: %lld queries, %lld gallery items",
                        (long long)query.count, (long long)gallery.count);
    if (opt->k < 1 || opt->k > most)
        return kin_fail(err, KIN_ERR_ARGUMENT, "the best %lld of %lld items were asked for; take 1 to %lld",
                        (long long)opt->k, (long long)most, (long long)most);
    if (opt->kd < 1 || opt->kq < 1 || opt->truncation < 0)
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "diffusion: kd %lld, kq %lld, truncation %lld; kd and kq of 1 or more were expected",
                        (long long)opt->kd, (long long)opt->kq, (long long)opt->truncation);
    if (!(opt->alpha >= 0 && opt->alpha < 1))
        return kin_fail(err, KIN_ERR_ARGUMENT, "diffusion: alpha is %g; 0 to less than 1 was expected",
                        opt->alpha);
    if (!(opt->gamma > 0) || !isfinite(opt->gamma))
        return kin_fail(err, KIN_ERR_ARGUMENT, "diffusion: gamma is %g; more than 0 was expected",
                        opt->gamma);
    if (!(opt->tolerance >= 0) || opt->iterations < 1)
        return kin_fail(
            err, KIN_ERR_ARGUMENT,
            "diffusion: %d iterations to a tolerance of %g; at least one, and 0 or more, were expected",
            opt->iterations, opt->tolerance);
    if (gallery.count > INT32_MAX)
        return kin_fail(err, KIN_ERR_ARGUMENT, "at most %d vectors can be re-ranked at once", INT32_MAX);
    return true;
}

static bool build_graph(job *j, kin_error *err)
{
    int64_t depth = j->kd > j->truncation ? j->kd : j->truncation;
    if (depth == 1)
        return kin_sparse_begin(&j->graph, j->gallery.count, err) && kin_sparse_reserve(&j->graph, err);
    kin_search_opt search = {
        .k = depth - 1, .metric = KIN_COSINE, .leave_one_out = true, .progress = j->opt->progress};
    return kin_search(j->gallery, j->gallery, &search, &j->among, err) &&
           kin_graph_mutual(&j->among, j->kd - 1, j->opt->gamma, &j->graph, err) &&
           kin_graph_normalise(&j->graph, err);
}

static bool enter(job *j, kin_error *err)
{
    int64_t most = j->gallery.count - kin_any_self(j->opt->leave_one_out, j->opt->self, j->query.count),
            wanted = lowered(j->opt->leave_one_out ? j->kq - 1 : j->kq, most);
    kin_search_opt search = {.k = wanted > j->opt->k ? wanted : j->opt->k,
                             .metric = KIN_COSINE,
                             .leave_one_out = j->opt->leave_one_out,
                             .self = j->opt->leave_one_out ? NULL : j->opt->self,
                             .progress = j->opt->progress};
    return kin_search(j->query, j->gallery, &search, &j->near, err);
}

static bool give_workers_room(job *j, kin_error *err)
{
    size_t g = (size_t)j->gallery.count, n = j->truncation ? (size_t)j->truncation : g * LANES,
           t = (size_t)j->truncation;
    bool ok = true;
    for (int i = 0; ok && i < kin_threads(); i++) {
        worker *w = &j->workers[i];
        double **arrays[] = {&w->x, &w->r, &w->p, &w->q};
        for (int a = 0; a < 4; a++) ok = (*arrays[a] = kin_alloc_array(n, sizeof(double))) && ok;
        if (t) {
            w->place = kin_alloc_zero(g, sizeof *w->place);
            w->part = (kin_sparse){.rows = j->truncation,
                                   .offset = kin_alloc_array(t + 1, sizeof(int64_t)),
                                   .column = kin_alloc_array(t, (size_t)j->kd * sizeof(int32_t)),
                                   .value = kin_alloc_array(t, (size_t)j->kd * sizeof(double))};
            ok = ok && w->place && w->part.offset && w->part.column && w->part.value;
        }
        if (!ok) return kin_fail(err, KIN_ERR_MEMORY, "out of memory: diffusion over %zu items", g);
        ok = kin_order_begin(&w->order, j->gallery.count, j->opt->k, err);
    }
    return ok;
}

static bool work(job *j, const char *stage, int64_t total, int64_t rows, kin_task task, kin_error *err)
{
    j->stage = stage;
    j->total = total;
    atomic_store(&j->done, 0);
    /* Once from here: the worker that reports later may get no block of a short stage. */
    const kin_progress *progress = &j->opt->progress;
    if (progress->report && !progress->report(progress->user, stage, 0, total))
        return kin_fail(err, KIN_ERR_INTERRUPTED, "stopped while %s", stage);
    kin_parallel_for(kin_blocks(total, rows), task, j);
    return atomic_load(&j->stopped) ? kin_fail(err, KIN_ERR_INTERRUPTED, "stopped while %s", stage) : true;
}

static bool run(job *j, kin_error *err)
{
    if (!build_graph(j, err) || !enter(j, err) || !give_workers_room(j, err)) return false;
    if (!j->truncation) return work(j, "diffusing", j->lists, LANES, solve_block, err);
    j->own = kin_alloc_array((size_t)j->gallery.count, sizeof *j->own);
    if (!j->own)
        return kin_fail_memory(err, "diffusion", (unsigned long long)j->gallery.count * sizeof *j->own);
    return work(j, "preparing", j->gallery.count, ROWS, prepare_block, err) &&
           work(j, "diffusing", j->lists, ROWS, combine_block, err);
}

static void give_back(job *j)
{
    for (int i = 0; i < KIN_MAX_THREADS; i++) {
        worker *w = &j->workers[i];
        kin_free(w->x), kin_free(w->r), kin_free(w->p), kin_free(w->q), kin_free(w->place);
        kin_sparse_free(&w->part);
        kin_order_free(&w->order);
    }
    kin_neighbours_free(&j->among), kin_neighbours_free(&j->near);
    kin_sparse_free(&j->graph);
    kin_free(j->own), kin_free(j);
}

bool kin_diffuse(kin_vectors query, kin_vectors gallery, const kin_diffusion_opt *opt, kin_neighbours *out,
                 kin_error *err)
{
    *out = (kin_neighbours){0};
    if (opt->leave_one_out) query = gallery;
    if (!check(query, gallery, opt, err) || !kin_neighbours_alloc(out, query.count, opt->k, err))
        return false;
    job *j = kin_alloc_zero(1, sizeof *j);
    bool ok = j ? true : kin_fail_memory(err, "diffusion", sizeof *j);
    if (j) {
        j->opt = opt;
        j->query = query, j->gallery = gallery;
        j->lists = query.count;
        j->kd = lowered(opt->kd, gallery.count), j->kq = lowered(opt->kq, gallery.count),
        j->truncation = lowered(opt->truncation, gallery.count);
        j->out = out;
        atomic_init(&j->done, 0);
        atomic_init(&j->stopped, false);
        ok = run(j, err);
        give_back(j);
    }
    if (!ok) kin_neighbours_free(out);
    return ok;
}
