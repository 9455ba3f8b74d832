#include "retrieval/describe/fuse.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "retrieval/search/exact.h"
#include "retrieval/describe/expand.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 16 };

void kin_fusion_free(kin_fusion *f)
{
    kin_free(f->offset), kin_free(f->index), kin_free(f->term);
    *f = (kin_fusion){0};
}

typedef struct job {
    kin_fusion *f;
    const kin_ranks *lists;             /* [sets], that candidates come from */
    const kin_vectors *query, *gallery; /* NULL: only ranks are known */
    kin_fuse_by by;
    kin_metric metric;
    double constant;
    double *query_norm[KIN_FUSE_SETS], *gallery_norm[KIN_FUSE_SETS]; /* for cosine */
    /* second round: write candidates and terms; first round: count them */
    bool fill;
    /* [gallery]: 1 + the place among the query's candidates, 0 for others */
    int32_t *place[KIN_MAX_THREADS];
    int32_t *list[KIN_MAX_THREADS]; /* [gallery] */
} job;

static int ascending(const void *a, const void *b)
{
    return *(const int32_t *)a < *(const int32_t *)b ? -1 : *(const int32_t *)a > *(const int32_t *)b;
}

static double distance(const job *j, int s, int64_t q, int64_t g)
{
    const float *a = kin_row(j->query[s], q), *b = kin_row(j->gallery[s], g);
    if (j->metric == KIN_EUCLID) return kin_exact_euclid(a, b, j->gallery[s].dim);
    double inner = kin_exact_inner(a, b, j->gallery[s].dim);
    return j->metric == KIN_INNER ? -inner : 1 - inner / (j->query_norm[s][q] * j->gallery_norm[s][g]);
}

static void fill_distances(const job *j, int s, int64_t q, const int32_t *candidate, int64_t count,
                           float *term)
{
    double mean = 0, square = 0;
    int sets = j->f->sets;
    for (int64_t a = 0; a < count; a++) {
        double d = distance(j, s, q, candidate[a]), before = d - mean;
        mean += before / (double)(a + 1); /* Welford's recurrence */
        square += before * (d - mean);
        term[a * sets + s] = (float)d;
    }
    if (j->by != KIN_FUSE_STANDARDISED) return;
    double deviation = sqrt(square / (double)count);
    for (int64_t a = 0; a < count; a++)
        term[a * sets + s] = deviation > 0 ? (float)(((double)term[a * sets + s] - mean) / deviation) : 0;
}

/* `place` holds the candidates' places. */
static void fill_ranks(const job *j, int s, int64_t q, const int32_t *place, int64_t count, float *term)
{
    int sets = j->f->sets;
    for (int64_t a = 0; a < count; a++) term[a * sets + s] = 0;
    const kin_ranks *l = &j->lists[s];
    const int64_t *first = l->index + l->offset[q], length = l->offset[q + 1] - l->offset[q];
    for (int64_t a = 0; a < length; a++)
        term[(place[first[a]] - 1) * sets + s] = (float)(-1 / (j->constant + (double)(a + 1)));
}

static void table_row(job *j, int64_t q, int32_t *place, int32_t *list)
{
    kin_fusion *f = j->f;
    int64_t count = 0;
    for (int s = 0; s < f->sets; s++)
        for (int64_t at = j->lists[s].offset[q]; at < j->lists[s].offset[q + 1]; at++) {
            int64_t g = j->lists[s].index[at];
            if (!place[g]) place[g] = 1, list[count++] = (int32_t)g;
        }
    if (j->fill) {
        qsort(list, (size_t)count, sizeof *list, ascending);
        memcpy(f->index + f->offset[q], list, (size_t)count * sizeof *list);
        for (int64_t a = 0; a < count; a++) place[list[a]] = (int32_t)(a + 1);
        float *term = f->term + f->offset[q] * f->sets;
        for (int s = 0; s < f->sets; s++) {
            if (j->by == KIN_FUSE_RECIPROCAL) fill_ranks(j, s, q, place, count, term);
            else fill_distances(j, s, q, list, count, term);
        }
    } else {
        f->offset[q + 1] = count;
    }
    for (int64_t a = 0; a < count; a++) place[list[a]] = 0;
}

static void table_block(void *arg, int64_t block, int worker)
{
    job *j = arg;
    int64_t last = (block + 1) * ROWS < j->f->queries ? (block + 1) * ROWS : j->f->queries;
    for (int64_t q = block * ROWS; q < last; q++) table_row(j, q, j->place[worker], j->list[worker]);
}

static bool give_room(job *j, kin_error *err)
{
    for (int w = 0; w < kin_threads(); w++) {
        j->place[w] = kin_alloc_zero((size_t)j->f->gallery, sizeof(int32_t));
        j->list[w] = kin_alloc_array((size_t)j->f->gallery, sizeof(int32_t));
        if (!j->place[w] || !j->list[w])
            return kin_fail_memory(err, "an ensemble", (unsigned long long)j->f->gallery * sizeof(int32_t));
    }
    j->f->offset = kin_alloc_zero((size_t)j->f->queries + 1, sizeof(int64_t));
    return j->f->offset
               ? true
               : kin_fail_memory(err, "an ensemble", (unsigned long long)j->f->queries * sizeof(int64_t));
}

static bool build(job *j, kin_error *err)
{
    kin_fusion *f = j->f;
    int64_t blocks = kin_blocks(f->queries, ROWS);
    if (!give_room(j, err)) return false;
    kin_parallel_for(blocks, table_block, j);
    f->shortest = INT64_MAX;
    for (int64_t q = 0; q < f->queries; q++) {
        if (f->offset[q + 1] < f->shortest) f->shortest = f->offset[q + 1];
        f->offset[q + 1] += f->offset[q];
    }
    size_t count = (size_t)f->offset[f->queries];
    if (f->shortest < 1)
        return kin_fail(err, KIN_ERR_DATA, "an ensemble needs at least one candidate of every query");
    f->index = kin_alloc_array(count, sizeof *f->index);
    f->term = kin_alloc_array(count, (size_t)f->sets * sizeof *f->term);
    if (!f->index || !f->term)
        return kin_fail(err, KIN_ERR_MEMORY,
                        "out of memory: an ensemble over %zu candidates; fewer of each model need less",
                        count);
    j->fill = true;
    kin_parallel_for(blocks, table_block, j);
    return true;
}

static bool finish(job *j, kin_error *err)
{
    bool ok = build(j, err);
    for (int w = 0; w < KIN_MAX_THREADS; w++) kin_free(j->place[w]), kin_free(j->list[w]);
    if (!ok) kin_fusion_free(j->f);
    return ok;
}

static bool check_sets(int sets, int64_t gallery, kin_error *err)
{
    if (sets < 1 || sets > KIN_FUSE_SETS)
        return kin_fail(err, KIN_ERR_ARGUMENT, "an ensemble of %d; 1 to %d were expected", sets,
                        KIN_FUSE_SETS);
    if (gallery > INT32_MAX)
        return kin_fail(err, KIN_ERR_ARGUMENT, "an ensemble over %lld items; at most %d can be taken",
                        (long long)gallery, INT32_MAX);
    return true;
}

bool kin_fusion_lists(const kin_ranks *lists, int sets, int64_t gallery, double constant, kin_fusion *out,
                      kin_error *err)
{
    *out = (kin_fusion){.sets = sets, .gallery = gallery};
    if (!check_sets(sets, gallery, err)) return false;
    out->queries = lists[0].queries;
    if (!(constant >= 0) || !isfinite(constant))
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "reciprocal rank fusion: the constant is %g; 0 or more was expected", constant);
    for (int s = 0; s < sets; s++) {
        if (lists[s].queries != out->queries)
            return kin_fail(err, KIN_ERR_ARGUMENT, "list set %d is of %lld queries, the first of %lld", s,
                            (long long)lists[s].queries, (long long)out->queries);
        for (int64_t at = lists[s].offset[0]; at < lists[s].offset[out->queries]; at++)
            if (lists[s].index[at] < 0 || lists[s].index[at] >= gallery)
                return kin_fail(err, KIN_ERR_DATA,
                                "list set %d: item %lld does not exist; the gallery has %lld", s,
                                (long long)lists[s].index[at], (long long)gallery);
    }
    job j = {.f = out, .lists = lists, .by = KIN_FUSE_RECIPROCAL, .constant = constant > 0 ? constant : 60};
    return finish(&j, err);
}

/* --- from vectors --- */

static double *norms(kin_vectors v, kin_error *err)
{
    double *norm = kin_alloc_array((size_t)v.count, sizeof *norm);
    if (!norm) return kin_fail_memory(err, "norms", (unsigned long long)v.count * sizeof *norm), NULL;
    for (int64_t i = 0; i < v.count; i++)
        norm[i] = sqrt(kin_exact_inner(kin_row(v, i), kin_row(v, i), v.dim));
    return norm;
}

static bool check_vectors(const kin_vectors *query, const kin_vectors *gallery, int sets,
                          const kin_fuse_opt *opt, kin_error *err)
{
    int64_t most = gallery[0].count - kin_any_self(opt->leave_one_out, opt->self, query[0].count);
    if (!check_sets(sets, gallery[0].count, err)) return false;
    for (int s = 1; s < sets; s++)
        if (gallery[s].count != gallery[0].count || query[s].count != query[0].count)
            return kin_fail(err, KIN_ERR_ARGUMENT,
                            "set %d has %lld queries and %lld gallery items, the first %lld and %lld; rows "
                            "must be the same pictures",
                            s, (long long)query[s].count, (long long)gallery[s].count,
                            (long long)query[0].count, (long long)gallery[0].count);
    if (opt->candidates < 1 || opt->candidates > most)
        return kin_fail(err, KIN_ERR_ARGUMENT, "%lld candidates of each model; 1 to %lld were expected",
                        (long long)opt->candidates, (long long)most);
    return true;
}

bool kin_fusion_vectors(const kin_vectors *query, const kin_vectors *gallery, int sets,
                        const kin_fuse_opt *opt, kin_fusion *out, kin_error *err)
{
    if (opt->leave_one_out) query = gallery;
    *out = (kin_fusion){0};
    if (!check_vectors(query, gallery, sets, opt, err)) return false;
    *out = (kin_fusion){.sets = sets, .queries = query[0].count, .gallery = gallery[0].count};
    job j = {.f = out,
             .query = query,
             .gallery = gallery,
             .by = opt->by,
             .metric = opt->metric,
             .constant = opt->constant > 0 ? opt->constant : 60};
    kin_neighbours found[KIN_FUSE_SETS] = {{0}};
    kin_ranks lists[KIN_FUSE_SETS];
    kin_search_opt search = {.k = opt->candidates,
                             .metric = opt->metric,
                             .leave_one_out = opt->leave_one_out,
                             .self = opt->leave_one_out ? NULL : opt->self,
                             .progress = opt->progress};
    int64_t *offset = kin_alloc_array((size_t)out->queries + 1, sizeof *offset);
    bool ok = offset ? true
                     : kin_fail_memory(err, "an ensemble", (unsigned long long)out->queries * sizeof *offset);
    for (int64_t q = 0; ok && q <= out->queries; q++) offset[q] = q * opt->candidates;
    for (int s = 0; ok && s < sets; s++) {
        ok = kin_search(query[s], gallery[s], &search, &found[s], err);
        if (ok && opt->metric == KIN_COSINE && opt->by != KIN_FUSE_RECIPROCAL)
            ok = (j.query_norm[s] = norms(query[s], err)) && (j.gallery_norm[s] = norms(gallery[s], err));
        lists[s] = (kin_ranks){.queries = out->queries, .offset = offset, .index = found[s].index};
    }
    j.lists = lists;
    ok = ok && finish(&j, err);
    for (int s = 0; s < sets; s++) {
        kin_neighbours_free(&found[s]);
        kin_free(j.query_norm[s]), kin_free(j.gallery_norm[s]);
    }
    kin_free(offset);
    if (!ok) kin_fusion_free(out);
    return ok;
}

bool kin_fuse_concat(const kin_vectors *sets, const double *weight, int n, float *out, kin_error *err)
{
    int64_t width = 0, at = 0;
    double sum = 0;
    if (!check_sets(n, 1, err)) return false;
    for (int s = 0; s < n; s++) {
        if (sets[s].count != sets[0].count)
            return kin_fail(err, KIN_ERR_ARGUMENT,
                            "set %d has %lld rows, the first %lld; rows must be the same pictures", s,
                            (long long)sets[s].count, (long long)sets[0].count);
        if (!(weight[s] >= 0) || !isfinite(weight[s]))
            return kin_fail(err, KIN_ERR_ARGUMENT, "weight %d is %g; 0 or more was expected", s, weight[s]);
        width += sets[s].dim;
        sum += weight[s];
    }
    if (!(sum > 0)) return kin_fail(err, KIN_ERR_ARGUMENT, "all weights are 0");
    for (int s = 0; s < n; at += sets[s++].dim)
        for (int64_t i = 0; i < sets[s].count; i++) {
            const float *row = kin_row(sets[s], i);
            double norm = sqrt(kin_exact_inner(row, row, sets[s].dim)), scale = sqrt(weight[s]) / norm;
            if (!(norm > 0) || !isfinite(norm))
                return kin_fail(err, KIN_ERR_NUMERIC,
                                "set %d: row %lld (counted from 0) has the norm %g and cannot be normalised",
                                s, (long long)i, norm);
            for (int64_t d = 0; d < sets[s].dim; d++)
                out[i * width + at + d] = (float)((double)row[d] * scale);
        }
    return kin_normalize_rows(out, sets[0].count, width, "the ensemble", err);
}
