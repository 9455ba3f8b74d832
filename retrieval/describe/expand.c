#include "retrieval/describe/expand.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "retrieval/search/exact.h"

#include <math.h>
#include <string.h>

enum { ROWS = 16 };

bool kin_normalize_rows(float *data, int64_t count, int64_t dim, const char *name, kin_error *err)
{
    for (int64_t i = 0; i < count; i++) {
        float *row = data + i * dim;
        double norm = sqrt(kin_exact_inner(row, row, dim));
        if (!(norm > 0) || !isfinite(norm))
            return kin_fail(err, KIN_ERR_NUMERIC,
                            "%s: row %lld (counted from 0) has the norm %g and cannot be normalised", name,
                            (long long)i, norm);
        for (int64_t d = 0; d < dim; d++) row[d] = (float)(row[d] / norm);
    }
    return true;
}

typedef struct job {
    kin_vectors from, gallery; /* unit rows; `from` holds what row i starts with */
    const kin_neighbours *near;
    double alpha;
    float *out;
    double *sum; /* [threads, dim] */
} job;

/* Σ w_j x_j on top of the row itself, in double, then to unit length. A sum of exactly zero leaves the row
 * as it was. */
static void average_row(const job *j, int64_t i, double *sum)
{
    int64_t dim = j->from.dim;
    for (int64_t d = 0; d < dim; d++) sum[d] = (double)kin_row(j->from, i)[d];
    for (int64_t a = 0; a < j->near->k; a++) {
        int64_t at = i * j->near->k + a;
        double s = (double)j->near->value[at], weight = j->alpha > 0 ? pow(fmax(0, s), j->alpha) : 1;
        const float *other = kin_row(j->gallery, j->near->index[at]);
        for (int64_t d = 0; d < dim; d++) sum[d] += weight * (double)other[d];
    }
    double squares = 0;
    for (int64_t d = 0; d < dim; d++) squares += sum[d] * sum[d];
    double scale = squares > 0 ? 1 / sqrt(squares) : 0;
    for (int64_t d = 0; d < dim; d++)
        j->out[i * dim + d] = scale > 0 ? (float)(sum[d] * scale) : kin_row(j->from, i)[d];
}

static void average_block(void *arg, int64_t block, int worker)
{
    const job *j = arg;
    int64_t last = (block + 1) * ROWS < j->from.count ? (block + 1) * ROWS : j->from.count;
    for (int64_t i = block * ROWS; i < last; i++) average_row(j, i, j->sum + worker * j->from.dim);
}

/* One round: `from` searched in the unit rows `gallery`, averaged into `out`, which must not be either of
 * them. */
static bool expand_once(kin_vectors from, kin_vectors gallery, const kin_expand_opt *opt, bool itself,
                        float *out, kin_error *err)
{
    kin_neighbours near = {.queries = from.count};
    kin_search_opt search = {.k = itself ? opt->n - 1 : opt->n,
                             .metric = KIN_COSINE,
                             .leave_one_out = itself,
                             .self = itself ? NULL : opt->self,
                             .progress = opt->progress};
    bool ok = search.k == 0 || kin_search(from, gallery, &search, &near, err);
    job j = {from, gallery, &near, opt->alpha, out, NULL};
    if (ok) {
        j.sum = kin_alloc_array((size_t)kin_threads() * (size_t)from.dim, sizeof *j.sum);
        ok = j.sum ? true
                   : kin_fail_memory(err, "query expansion", (unsigned long long)from.dim * sizeof *j.sum);
    }
    if (ok) kin_parallel_for(kin_blocks(from.count, ROWS), average_block, &j);
    kin_free(j.sum);
    kin_neighbours_free(&near);
    return ok;
}

static float *unit_copy(kin_vectors v, const char *name, kin_error *err)
{
    if (v.count < 1 || v.dim < 1) {
        kin_fail(err, KIN_ERR_ARGUMENT, "%s: %lld rows of %lld numbers cannot be expanded", name,
                 (long long)v.count, (long long)v.dim);
        return NULL;
    }
    size_t count = (size_t)v.count * (size_t)v.dim;
    float *copy = kin_alloc_array(count, sizeof *copy);
    if (!copy) return kin_fail_memory(err, name, count * sizeof *copy), NULL;
    memcpy(copy, v.data, count * sizeof *copy);
    if (kin_normalize_rows(copy, v.count, v.dim, name, err)) return copy;
    kin_free(copy);
    return NULL;
}

static bool check(const kin_expand_opt *opt, int64_t most, kin_error *err)
{
    if (opt->n < 1 || opt->n > most)
        return kin_fail(err, KIN_ERR_ARGUMENT, "expansion by %lld neighbours; 1 to %lld was expected",
                        (long long)opt->n, (long long)most);
    if (!(opt->alpha >= 0) || !isfinite(opt->alpha))
        return kin_fail(err, KIN_ERR_ARGUMENT, "alpha is %g; 0 or more was expected", opt->alpha);
    if (opt->repeats < 0)
        return kin_fail(err, KIN_ERR_ARGUMENT, "expansion repeated %d times; 0 or more was expected",
                        opt->repeats);
    return true;
}

bool kin_expand_queries(kin_vectors query, kin_vectors gallery, const kin_expand_opt *opt, float *out,
                        kin_error *err)
{
    if (!check(opt, gallery.count - kin_any_self(false, opt->self, query.count), err)) return false;
    if (query.dim != gallery.dim)
        return kin_fail(
            err, KIN_ERR_ARGUMENT,
            "the queries have %lld dimensions and the gallery %lld; both must come from one model",
            (long long)query.dim, (long long)gallery.dim);
    float *unit = unit_copy(gallery, "the gallery", err),
          *from = unit ? unit_copy(query, "the queries", err) : NULL;
    bool ok = from;
    for (int round = 0; ok && (round == 0 || round < opt->repeats); round++) {
        if (round > 0) memcpy(from, out, (size_t)query.count * (size_t)query.dim * sizeof *out);
        ok = expand_once((kin_vectors){from, query.count, query.dim},
                         (kin_vectors){unit, gallery.count, gallery.dim}, opt, false, out, err);
    }
    kin_free(unit), kin_free(from);
    return ok;
}

bool kin_expand_database(kin_vectors set, const kin_expand_opt *opt, float *out, kin_error *err)
{
    if (!check(opt, set.count, err)) return false;
    float *from = unit_copy(set, "the gallery", err);
    bool ok = from;
    for (int round = 0; ok && (round == 0 || round < opt->repeats); round++) {
        if (round > 0) memcpy(from, out, (size_t)set.count * (size_t)set.dim * sizeof *out);
        kin_vectors unit = {from, set.count, set.dim};
        ok = expand_once(unit, unit, opt, true, out, err);
    }
    kin_free(from);
    return ok;
}
