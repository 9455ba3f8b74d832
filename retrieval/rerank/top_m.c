/* For a query q with the nearest items x_1 .. x_M, of unit length, s_ij = x_i·x_j:
 *   1. x'_i = (x_i + Σ_j β s_ij x_j) / (1 + Σ_j β s_ij) over the K nearest j of i among the M, i not counted
 *      (x'_i is not normalised again; where the weights cancel, x'_i = x_i);
 *   2. s1_i = q·x'_i orders them;
 *   3. q' = the element-wise maximum of the first K + 1 of that order, s2_i = q'·x'_i;
 *   4. the score is (s1 + s2) / 2.
 * M² D products a query and no state beside: queries are done one at a time, on all cores. */
#include "retrieval/rerank/top_m.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "retrieval/search/exact.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

typedef struct worker {
    double *similarity; /* [M, M] */
    double *refined;    /* [M, dim]: x' */
    double *best;       /* [dim]: q' */
    kin_hit *hits;      /* [2 M] */
    double *score;      /* [M]: s1 */
} worker;

typedef struct job {
    const kin_top_m_opt *opt;
    kin_vectors query, gallery;
    kin_neighbours near; /* [queries, at least M and k] */
    int64_t m, neighbours;
    kin_neighbours *out;
    worker workers[KIN_MAX_THREADS];
    atomic_llong done;
    atomic_bool stopped;
} job;

static double product(const double *a, const double *b, int64_t dim)
{
    double sum = 0;
    for (int64_t d = 0; d < dim; d++) sum += a[d] * b[d];
    return sum;
}

/* Step 1 for the i-th item. */
static void refine(const job *j, worker *w, const int64_t *list, int64_t i)
{
    int64_t dim = j->gallery.dim, count = 0;
    double *x = w->refined + i * dim, weights = 1;
    const float *own = kin_row(j->gallery, list[i]);
    for (int64_t other = 0; other < j->m; other++)
        if (other != i) w->hits[count++] = (kin_hit){-w->similarity[i * j->m + other], list[other]};
    kin_hits_sort(w->hits, w->hits + j->m, count);
    for (int64_t d = 0; d < dim; d++) x[d] = (double)own[d];
    for (int64_t a = 0; a < j->neighbours; a++) {
        double weight = j->opt->beta * -w->hits[a].distance;
        const float *theirs = kin_row(j->gallery, w->hits[a].index);
        for (int64_t d = 0; d < dim; d++) x[d] += weight * (double)theirs[d];
        weights += weight;
    }
    for (int64_t d = 0; d < dim; d++) x[d] = weights > 0 ? x[d] / weights : (double)own[d];
}

/* Steps 2 to 4; leaves the M in w->hits, best first. */
static void order(const job *j, worker *w, const float *query, const int64_t *list)
{
    int64_t dim = j->gallery.dim, m = j->m;
    for (int64_t d = 0; d < dim; d++) w->best[d] = (double)query[d];
    for (int64_t i = 0; i < m; i++) {
        w->score[i] = product(w->best, w->refined + i * dim, dim);
        w->hits[i] = (kin_hit){-w->score[i], list[i]};
    }
    kin_hits_sort(w->hits, w->hits + m, m);
    bool begun = false;
    for (int64_t a = 0; a <= j->neighbours; a++)
        for (int64_t i = 0; i < m; i++) {
            if (list[i] != w->hits[a].index) continue;
            const double *x = w->refined + i * dim;
            for (int64_t d = 0; d < dim; d++) w->best[d] = begun ? fmax(w->best[d], x[d]) : x[d];
            begun = true;
        }
    for (int64_t i = 0; i < m; i++)
        w->hits[i] = (kin_hit){-(w->score[i] + product(w->best, w->refined + i * dim, dim)) / 2, list[i]};
    kin_hits_sort(w->hits, w->hits + m, m);
}

static void rerank_one(void *arg, int64_t q, int worker_index)
{
    job *j = arg;
    worker *w = &j->workers[worker_index];
    if (atomic_load(&j->stopped)) return;
    const int64_t *list = j->near.index + q * j->near.k;
    int64_t dim = j->gallery.dim, k = j->opt->k;
    for (int64_t a = 0; a < j->m; a++)
        for (int64_t b = 0; b <= a; b++)
            w->similarity[a * j->m + b] = w->similarity[b * j->m + a] = kin_exact_inner(
                kin_row(j->gallery, list[a]), kin_row(j->gallery, list[b]), dim);
    for (int64_t i = 0; i < j->m; i++) refine(j, w, list, i);
    order(j, w, kin_row(j->query, q), list);
    double lowest = -w->hits[j->m - 1].distance;
    for (int64_t a = 0; a < k; a++) {
        bool refined = a < j->m;
        j->out->index[q * k + a] = refined ? w->hits[a].index : list[a];
        /* beyond M: behind the last, as much as the item is farther than the query itself */
        j->out->value[q * k + a] = (float)(refined ? -w->hits[a].distance
                                                   : lowest - (1 - (double)j->near.value[q * j->near.k + a]));
    }
    int64_t done = atomic_fetch_add(&j->done, 1) + 1;
    const kin_progress *progress = &j->opt->progress;
    if (worker_index == 0 && progress->report &&
        !progress->report(progress->user, "re-ranking", done, j->query.count))
        atomic_store(&j->stopped, true);
}

static bool give_room(job *j, kin_error *err)
{
    size_t m = (size_t)j->m, dim = (size_t)j->gallery.dim;
    for (int i = 0; i < kin_threads(); i++) {
        worker *w = &j->workers[i];
        w->similarity = kin_alloc_array(m, m * sizeof *w->similarity);
        w->refined = kin_alloc_array(m, dim * sizeof *w->refined);
        w->best = kin_alloc_array(dim, sizeof *w->best);
        w->hits = kin_alloc_array(m, 2 * sizeof *w->hits);
        w->score = kin_alloc_array(m, sizeof *w->score);
        if (!w->similarity || !w->refined || !w->best || !w->hits || !w->score)
            return kin_fail(err, KIN_ERR_MEMORY,
                            "out of memory: re-ranking the first %zu of each list; fewer need less", m);
    }
    return true;
}

static bool check(kin_vectors query, kin_vectors gallery, const kin_top_m_opt *opt, int64_t most,
                  kin_error *err)
{
    if (gallery.dim < 1 || most < 1 || query.count < 1)
        return kin_fail(err, KIN_ERR_ARGUMENT, "nothing to re-rank: %lld queries, %lld gallery items",
                        (long long)query.count, (long long)gallery.count);
    if (query.dim != gallery.dim)
        return kin_fail(
            err, KIN_ERR_ARGUMENT,
            "the queries have %lld dimensions and the gallery %lld; both must come from one model",
            (long long)query.dim, (long long)gallery.dim);
    if (opt->k < 1 || opt->k > most)
        return kin_fail(err, KIN_ERR_ARGUMENT, "the best %lld of %lld items were asked for; take 1 to %lld",
                        (long long)opt->k, (long long)most, (long long)most);
    if (opt->first < 1 || opt->neighbours < 0)
        return kin_fail(
            err, KIN_ERR_ARGUMENT,
            "the first %lld of a list with %lld neighbours each; 1 or more, and 0 or more, were expected",
            (long long)opt->first, (long long)opt->neighbours);
    if (!(opt->beta >= 0) || !isfinite(opt->beta))
        return kin_fail(err, KIN_ERR_ARGUMENT, "beta is %g; 0 or more was expected", opt->beta);
    return true;
}

static bool run(job *j, kin_error *err)
{
    const kin_progress *progress = &j->opt->progress;
    kin_search_opt search = {.k = j->m > j->opt->k ? j->m : j->opt->k,
                             .metric = KIN_COSINE,
                             .leave_one_out = j->opt->leave_one_out,
                             .self = j->opt->leave_one_out ? NULL : j->opt->self,
                             .progress = *progress};
    if (!kin_search(j->query, j->gallery, &search, &j->near, err) || !give_room(j, err)) return false;
    if (progress->report && !progress->report(progress->user, "re-ranking", 0, j->query.count))
        return kin_fail(err, KIN_ERR_INTERRUPTED, "stopped while re-ranking");
    kin_parallel_for(j->query.count, rerank_one, j);
    return atomic_load(&j->stopped) ? kin_fail(err, KIN_ERR_INTERRUPTED, "stopped while re-ranking") : true;
}

static void give_back(job *j)
{
    for (int i = 0; i < KIN_MAX_THREADS; i++) {
        worker *w = &j->workers[i];
        kin_free(w->similarity), kin_free(w->refined), kin_free(w->best), kin_free(w->hits),
            kin_free(w->score);
    }
    kin_neighbours_free(&j->near);
    kin_free(j);
}

bool kin_rerank_top_m(kin_vectors query, kin_vectors gallery, const kin_top_m_opt *opt, kin_neighbours *out,
                      kin_error *err)
{
    *out = (kin_neighbours){0};
    if (opt->leave_one_out) query = gallery;
    int64_t most = gallery.count - kin_any_self(opt->leave_one_out, opt->self, query.count);
    if (!check(query, gallery, opt, most, err) || !kin_neighbours_alloc(out, query.count, opt->k, err))
        return false;
    job *j = kin_alloc_zero(1, sizeof *j);
    bool ok = j || kin_fail_memory(err, "re-ranking", sizeof *j);
    if (j) {
        j->opt = opt, j->query = query, j->gallery = gallery, j->out = out;
        j->m = opt->first < most ? opt->first : most;
        j->neighbours = opt->neighbours < j->m ? opt->neighbours : j->m - 1;
        atomic_init(&j->done, 0);
        atomic_init(&j->stopped, false);
        ok = run(j, err);
        give_back(j);
    }
    if (!ok) kin_neighbours_free(out);
    return ok;
}
