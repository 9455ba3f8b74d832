#include "cli/retrieve/calibrate.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "cli/terminal/deadline.h"
#include "cli/terminal/interrupt.h"
#include "retrieval/describe/expand.h"
#include "retrieval/lists/ranks.h"
#include "retrieval/rerank/rerank.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { CLUSTER = 20, LEAST = 600, MOST = 20000, SHORTEST = 10 };
#define PAIRS 1e11 /* multiply-adds of one comparison of the gallery with itself: about a second */

typedef struct bench {
    kin_timings *t;
    const kin_job_size *job;
    float *data, *means;
    kin_vectors query, gallery;
    kin_cost stage;
    double began;
} bench;

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/* As large as is quick. Lists take the same part of the gallery: choosing most of its items would be
 * another work than choosing a few. */
static kin_job_size smaller(const kin_job_size *wanted)
{
    kin_job_size job = *wanted;
    int64_t quick = (int64_t)sqrt(PAIRS / (double)wanted->dim);
    if (quick < LEAST) quick = LEAST;
    if (quick > MOST) quick = MOST;
    job.pictures = 0;
    job.gallery = least(wanted->gallery, quick);
    job.queries = wanted->queries ? least(wanted->queries, job.gallery / 2 + 1) : 0;
    job.top = (int64_t)ceil((double)wanted->top * (double)job.gallery / (double)wanted->gallery);
    job.top = least(least(job.top < SHORTEST ? SHORTEST : job.top, wanted->top),
                    job.gallery - !wanted->queries);
    job.augment = least(wanted->augment, job.gallery);
    job.expand = least(wanted->expand, job.gallery);
    job.k1 = least(wanted->k1, job.queries + job.gallery - 1);
    job.k2 = least(wanted->k2, job.queries + job.gallery);
    return job;
}

/* Sums of uniform numbers about a centre of the item's cluster. */
static bool make_rows(bench *b, kin_error *err)
{
    int64_t dim = b->job->dim, count = b->job->queries + b->job->gallery;
    b->data = kin_alloc_array((size_t)count, (size_t)dim * sizeof *b->data);
    b->means = kin_alloc_array((size_t)count, (size_t)dim * sizeof *b->means);
    if (!b->data || !b->means)
        return kin_fail_memory(err, "made-up descriptors",
                               (unsigned long long)count * (unsigned long long)dim * sizeof *b->data);
    for (int64_t i = 0; i < count; i++)
        for (int64_t d = 0; d < dim; d++) {
            uint64_t centre = kin_key(1, (uint64_t)(i % (count / CLUSTER + 1)), (uint64_t)d),
                     own = kin_key(2, (uint64_t)i, (uint64_t)d);
            b->data[i * dim + d] = (float)(centre >> 40) * 0x1p-24F + (float)(own >> 40) * 0x1p-24F - 1;
        }
    b->query = (kin_vectors){b->data, b->job->queries, dim};
    b->gallery = (kin_vectors){b->data + b->job->queries * dim, b->job->gallery, dim};
    if (!b->job->queries) b->query = b->gallery;
    return kin_normalize_rows(b->data, count, dim, "made-up descriptors", err);
}

static void start(bench *b, kin_cost stage)
{
    b->stage = stage;
    b->began = kin_clock();
}

static void stop(bench *b) { b->t->seconds[b->stage] = kin_clock() - b->began; }

static bool next_stage(void *user, const char *stage, int64_t done, int64_t total)
{
    (void)done, (void)total;
    bench *b = user;
    kin_cost now = strcmp(stage, "encoding") == 0     ? KIN_COST_ENCODE
                   : strcmp(stage, "re-ranking") == 0 ? KIN_COST_RERANK
                                                      : b->stage;
    if (now != b->stage) stop(b), start(b, now);
    return !kin_interrupted();
}

static bool search(bench *b, const char *folder, kin_error *err)
{
    kin_search_opt opt = {.k = b->job->top,
                          .metric = KIN_COSINE,
                          .leave_one_out = !b->job->queries,
                          .progress = {next_stage, b}};
    kin_neighbours lists;
    kin_items queries = {0}, gallery = {0};
    char path[512];
    if (snprintf(path, sizeof path, "%s/kin-plan-%ld", folder, (long)getpid()) >= (int)sizeof path)
        return kin_fail(err, KIN_ERR_ARGUMENT, "%.60s...: too long a path", folder);
    start(b, KIN_COST_SEARCH);
    if (!kin_search(b->query, b->gallery, &opt, &lists, err)) return false;
    stop(b);
    bool ok = kin_items_numbered(&queries, b->query.count, err) &&
              kin_items_numbered(&gallery, b->gallery.count, err);
    start(b, KIN_COST_WRITE);
    ok = ok && kin_ranks_write(path, &lists, &queries, &gallery, err);
    stop(b);
    /* as often as the job writes */
    b->t->seconds[KIN_COST_WRITE] *= kin_cost_work(b->job, KIN_COST_WRITE) /
                                     ((double)lists.queries * (double)lists.k);
    remove(path);
    kin_items_free(&queries), kin_items_free(&gallery);
    kin_neighbours_free(&lists);
    return ok;
}

static bool means(bench *b, kin_error *err)
{
    kin_expand_opt augment = {.n = b->job->augment, .alpha = 3, .progress = {next_stage, b}},
                   expand = augment;
    expand.n = b->job->expand;
    start(b, KIN_COST_AUGMENT);
    if (augment.n && !kin_expand_database(b->gallery, &augment, b->means, err)) return false;
    if (augment.n) stop(b);
    start(b, KIN_COST_EXPAND);
    if (expand.n && !(b->job->queries ? kin_expand_queries(b->query, b->gallery, &expand, b->means, err)
                                      : kin_expand_database(b->gallery, &expand, b->means, err)))
        return false;
    if (expand.n) stop(b);
    if (expand.n || augment.n) b->t->seconds[KIN_COST_SEARCH_AGAIN] = b->t->seconds[KIN_COST_SEARCH];
    return true;
}

static bool rerank(bench *b, kin_error *err)
{
    kin_rerank_opt opt = {.k = b->job->top,
                          .k1 = b->job->k1,
                          .k2 = b->job->k2,
                          .lambda = 0.3,
                          .leave_one_out = !b->job->queries,
                          .progress = {next_stage, b}};
    kin_neighbours lists;
    if (!opt.k1) return true;
    start(b, KIN_COST_COMPARE);
    if (!kin_rerank_k_reciprocal(b->query, b->gallery, &opt, &lists, err)) return false;
    stop(b);
    kin_neighbours_free(&lists);
    return true;
}

bool kin_calibrate(const kin_job_size *wanted, const char *folder, kin_timings *t, kin_error *err)
{
    *t = (kin_timings){.job = smaller(wanted)};
    for (int c = 0; c < KIN_COSTS; c++) t->seconds[c] = -1;
    bench b = {.t = t, .job = &t->job};
    bool ok = make_rows(&b, err) && search(&b, folder, err) && means(&b, err) && rerank(&b, err);
    kin_free(b.data), kin_free(b.means);
    return ok;
}
