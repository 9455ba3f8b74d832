/* Candidates by float32 rows around the gallery's mean (for cosine: of unit length), then distances of the
 * doubles. Rows are known to be rounded by δ = ‖x − fl(x)‖, so that for the distances r of doubles and r'
 * of float32 rows
 *   |r − r'| ≤ δ_q + δ_g,
 * and for products |q·g − q'·g'| ≤ ‖q‖ δ_g + ‖g'‖ δ_q. Where that does not show that an item left out is
 * farther than the k-th, the query is searched again, deeper, at last to the whole gallery. */
#include "retrieval/search/wide.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "retrieval/search/exact.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { CHUNK = 256, MARGIN = 16, GROWTH = 8 };

/* Rows as they are searched. */
typedef struct rounded {
    float *rows;   /* [count, dim] */
    double *error; /* [count]: δ */
    double *norm;  /* [count]: of the doubles */
} rounded;

typedef struct job {
    kin_wide query, gallery;
    const kin_search_opt *opt;
    double *centre; /* [dim] */
    rounded q, g;
    double most_error, most_norm; /* of the gallery's float32 rows */
    kin_neighbours *out;
    int64_t *which; /* [CHUNK]: queries that are searched at once */
    float *asked;   /* [CHUNK, dim] */
    bool proved[CHUNK];
    kin_neighbours found;
    kin_hit *hits; /* [CHUNK, 2 found.k] */
} job;

static void rounded_free(rounded *r) { kin_free(r->rows), kin_free(r->error), kin_free(r->norm); }

static const double *row_of(kin_wide v, int64_t i) { return v.data + i * v.dim; }

static double norm_of(const double *x, int64_t dim)
{
    double sum = 0;
    for (int64_t d = 0; d < dim; d++) sum += x[d] * x[d];
    return sqrt(sum);
}

static bool round_rows(const job *j, kin_wide v, const char *what, rounded *out, kin_error *err)
{
    bool cosine = j->opt->metric == KIN_COSINE;
    out->rows = kin_alloc_array((size_t)v.count, (size_t)v.dim * sizeof *out->rows);
    out->error = kin_alloc_array((size_t)v.count, sizeof *out->error);
    out->norm = kin_alloc_array((size_t)v.count, sizeof *out->norm);
    if (!out->rows || !out->error || !out->norm)
        return kin_fail_memory(err, what,
                               (unsigned long long)v.count * (unsigned long long)v.dim * sizeof(float));
    for (int64_t i = 0; i < v.count; i++) {
        const double *x = row_of(v, i);
        double squares = 0;
        out->norm[i] = norm_of(x, v.dim);
        if (cosine && out->norm[i] < FLT_MIN)
            return kin_fail(
                err, KIN_ERR_NUMERIC,
                "%s: row %lld is zero, and has no cosine; drop it, or search by Euclidean distance", what,
                (long long)i);
        for (int64_t d = 0; d < v.dim; d++) {
            double moved = cosine ? x[d] / out->norm[i] : x[d] - j->centre[d], lost;
            out->rows[i * v.dim + d] = (float)moved;
            lost = moved - (double)out->rows[i * v.dim + d];
            squares += lost * lost;
        }
        out->error[i] = sqrt(squares);
    }
    return true;
}

static double distance(const job *j, int64_t q, int64_t g)
{
    const double *a = row_of(j->query, q), *b = row_of(j->gallery, g);
    double sum = 0;
    if (j->opt->metric == KIN_EUCLID) {
        for (int64_t d = 0; d < j->query.dim; d++) sum += (a[d] - b[d]) * (a[d] - b[d]);
        return sum;
    }
    for (int64_t d = 0; d < j->query.dim; d++) sum += a[d] * b[d];
    return j->opt->metric == KIN_INNER ? -sum : -sum / (j->q.norm[q] * j->g.norm[g]);
}

/* Is every item that is not among the candidates surely farther than `kth`? `last` is what the search said
 * of the farthest candidate. Both have rounding of their own. */
static bool proves(const job *j, int64_t q, double kth, double last)
{
    double slack = 4 * FLT_EPSILON;
    if (j->opt->metric == KIN_INNER) {
        double bound = j->q.norm[q] * j->most_error + j->most_norm * j->q.error[q] + slack * fabs(last);
        return kth < -last - bound;
    }
    double reach = sqrt(fmax(0, j->opt->metric == KIN_EUCLID ? kth : 2 + 2 * kth)),
           least = sqrt(fmax(0, last)) * (1 - slack) - j->q.error[q] - j->most_error;
    return reach * (1 + 8 * DBL_EPSILON) + 1e-15 < least;
}

static void measure(void *arg, int64_t row, int worker)
{
    job *j = arg;
    int64_t q = j->which[row], k = j->opt->k, depth = j->found.k,
            self = kin_self(j->opt->leave_one_out, j->opt->self, q), count = 0;
    kin_hit *hits = j->hits + row * 2 * depth;
    (void)worker;
    for (int64_t a = 0; a < depth; a++) {
        int64_t g = j->found.index[row * depth + a];
        if (g != self) hits[count++] = (kin_hit){distance(j, q, g), g};
    }
    kin_hits_sort(hits, hits + depth, count);
    j->proved[row] = depth == j->gallery.count ||
                     (count >= k &&
                      proves(j, q, hits[k - 1].distance, (double)j->found.value[row * depth + depth - 1]));
    for (int64_t a = 0; j->proved[row] && a < k; a++) {
        j->out->index[q * k + a] = hits[a].index;
        j->out->value[q * k + a] = (float)(j->opt->metric == KIN_EUCLID ? hits[a].distance
                                                                        : -hits[a].distance);
    }
}

/* Searches `count` queries among `depth` candidates; those that are not proved stay in j->which. */
static bool look(job *j, int64_t *count, int64_t depth, kin_error *err)
{
    int64_t dim = j->query.dim, left = 0;
    for (int64_t i = 0; i < *count; i++)
        memcpy(j->asked + i * dim, j->q.rows + j->which[i] * dim, (size_t)dim * sizeof *j->asked);
    if (!kin_search((kin_vectors){j->asked, *count, dim}, (kin_vectors){j->g.rows, j->gallery.count, dim},
                    &(kin_search_opt){.k = depth,
                                      .metric = j->opt->metric == KIN_INNER ? KIN_INNER : KIN_EUCLID},
                    &j->found, err))
        return false;
    j->hits = kin_alloc_array((size_t)*count * (size_t)depth, 2 * sizeof *j->hits);
    if (j->hits) kin_parallel_for(*count, measure, j);
    else kin_fail_memory(err, "candidates", (unsigned long long)*count * (unsigned long long)depth * 32);
    bool ok = j->hits;
    for (int64_t i = 0; ok && i < *count; i++)
        if (!j->proved[i]) j->which[left++] = j->which[i];
    *count = left;
    kin_free(j->hits);
    kin_neighbours_free(&j->found);
    return ok;
}

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

static bool search_all(job *j, kin_error *err)
{
    const kin_progress *progress = &j->opt->progress;
    for (int64_t first = 0; first < j->query.count; first += CHUNK) {
        int64_t count = least(CHUNK, j->query.count - first),
                depth = least(j->opt->k + MARGIN, j->gallery.count);
        for (int64_t i = 0; i < count; i++) j->which[i] = first + i;
        for (; count; depth = least(depth * GROWTH, j->gallery.count))
            if (!look(j, &count, depth, err)) return false;
        int64_t done = least(first + CHUNK, j->query.count);
        if (progress->report && !progress->report(progress->user, "searching", done, j->query.count))
            return kin_fail(err, KIN_ERR_INTERRUPTED, "stopped while searching");
    }
    return true;
}

static bool run(job *j, kin_error *err)
{
    int64_t dim = j->gallery.dim;
    j->centre = kin_alloc_zero((size_t)dim, sizeof *j->centre);
    j->which = kin_alloc_array(CHUNK, sizeof *j->which);
    j->asked = kin_alloc_array((size_t)dim, CHUNK * sizeof *j->asked);
    if (!j->centre || !j->which || !j->asked)
        return kin_fail_memory(err, "a search", (unsigned long long)dim * CHUNK * sizeof *j->asked);
    for (int64_t g = 0; j->opt->metric == KIN_EUCLID && g < j->gallery.count; g++)
        for (int64_t d = 0; d < dim; d++) j->centre[d] += row_of(j->gallery, g)[d] / (double)j->gallery.count;
    if (!round_rows(j, j->query, "the queries", &j->q, err) ||
        !round_rows(j, j->gallery, "the gallery", &j->g, err))
        return false;
    for (int64_t g = 0; g < j->gallery.count; g++) {
        j->most_error = fmax(j->most_error, j->g.error[g]);
        j->most_norm = fmax(j->most_norm, j->g.norm[g] + j->g.error[g]);
    }
    return search_all(j, err);
}

bool kin_search_wide(kin_wide query, kin_wide gallery, const kin_search_opt *opt, kin_neighbours *out,
                     kin_error *err)
{
    *out = (kin_neighbours){0};
    if (opt->leave_one_out) query = gallery;
    int64_t most = gallery.count - kin_any_self(opt->leave_one_out, opt->self, query.count);
    if (query.dim != gallery.dim || query.count < 1 || opt->k < 1 || opt->k > most)
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "%lld queries of %lld numbers ask for the best %lld of %lld items of %lld numbers; 1 "
                        "to %lld, and "
                        "as many numbers, were expected",
                        (long long)query.count, (long long)query.dim, (long long)opt->k,
                        (long long)gallery.count, (long long)gallery.dim, (long long)most);
    job *j = kin_alloc_zero(1, sizeof *j);
    if (!j) return kin_fail_memory(err, "a search", sizeof *j);
    j->query = query, j->gallery = gallery, j->opt = opt, j->out = out;
    bool ok = kin_neighbours_alloc(out, query.count, opt->k, err) && run(j, err);
    rounded_free(&j->q), rounded_free(&j->g);
    kin_free(j->centre), kin_free(j->which), kin_free(j->asked);
    kin_neighbours_free(&j->found);
    kin_free(j);
    if (!ok) kin_neighbours_free(out);
    return ok;
}
