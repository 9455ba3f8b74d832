/* Lists out of the scan (retrieval/search/scan.h). The plain form: reference/search.c. */
#include "retrieval/search/search.h"

#include "base/memory.h"
#include "retrieval/search/scan.h"

#include <float.h>
#include <math.h>

bool kin_neighbours_alloc(kin_neighbours *out, int64_t queries, int64_t k, kin_error *err)
{
    *out = (kin_neighbours){queries, k, NULL, NULL};
    size_t count = 0;
    if (queries > 0 && k > 0 && kin_mul_size((uint64_t)queries, (uint64_t)k, &count)) {
        out->index = kin_alloc_array(count, sizeof *out->index);
        out->value = kin_alloc_array(count, sizeof *out->value);
    }
    if (out->index && out->value) return true;
    kin_neighbours_free(out);
    return kin_fail(err, KIN_ERR_MEMORY, "out of memory: %lld lists of %lld; take shorter ones",
                    (long long)queries, (long long)k);
}

void kin_neighbours_free(kin_neighbours *neighbours)
{
    kin_free(neighbours->index);
    kin_free(neighbours->value);
    *neighbours = (kin_neighbours){0};
}

bool kin_any_self(bool leave_one_out, const int64_t *self, int64_t queries)
{
    for (int64_t q = 0; self && q < queries; q++)
        if (self[q] >= 0) return true;
    return leave_one_out;
}

typedef struct lists {
    kin_neighbours *out;
    bool similarity;
    const int64_t *self;
} lists;

static void store(void *arg, int64_t q, const kin_hit *hits, const kin_hit *farthest)
{
    (void)farthest;
    const lists *to = arg;
    int64_t k = to->out->k, self = kin_self(false, to->self, q), used = 0;
    for (int64_t i = 0; used < k; i++) {
        if (hits[i].index == self) continue; /* then there is one more than k */
        to->out->index[q * k + used] = hits[i].index;
        to->out->value[q * k + used++] = (float)(to->similarity ? -hits[i].distance : hits[i].distance);
    }
}

/* ---- float32 products around the gallery's mean ---- */

/* ‖q − g‖² from products of vectors that lie far from the origin is a small difference of large numbers,
 * and q·g and cosines differ by a small part of themselves. Where the mean outweighs what is around it,
 * rows are moved by it: distances stay, products lose the same q·mean, and cosines are 1 − d/2 of unit
 * vectors. */
typedef struct moving {
    kin_vectors query, gallery;
    kin_metric metric;
    double *mean, *row; /* [dim] */
    float *q, *g;       /* the moved rows; NULL: as they were */
} moving;

/* Row i, of unit length for cosines. */
static const double *row_in_double(const moving *m, kin_vectors v, int64_t i)
{
    const float *x = kin_row(v, i);
    double squares = 0;
    for (int64_t d = 0; d < v.dim; d++) m->row[d] = (double)x[d], squares += m->row[d] * m->row[d];
    for (int64_t d = 0; m->metric == KIN_COSINE && d < v.dim; d++) m->row[d] /= sqrt(squares);
    return m->row;
}

static bool lies_far(const moving *m)
{
    /* cosines are told apart well enough until they are all near 1 */
    double share = m->metric == KIN_COSINE ? 0.99 : 0.5, squares = 0, around = 0;
    kin_vectors v = m->gallery;
    for (int64_t d = 0; d < v.dim; d++) m->mean[d] = 0;
    for (int64_t i = 0; i < v.count; i++) {
        const double *x = row_in_double(m, v, i);
        for (int64_t d = 0; d < v.dim; d++) m->mean[d] += x[d], squares += x[d] * x[d];
    }
    for (int64_t d = 0; d < v.dim; d++) m->mean[d] /= (double)v.count, around += m->mean[d] * m->mean[d];
    return around * (double)v.count > share * squares;
}

static float *moved(const moving *m, kin_vectors v)
{
    float *rows = kin_alloc_array((size_t)v.count, (size_t)v.dim * sizeof *rows);
    for (int64_t i = 0; rows && i < v.count; i++) {
        const double *x = row_in_double(m, v, i);
        for (int64_t d = 0; d < v.dim; d++) rows[i * v.dim + d] = (float)(x[d] - m->mean[d]);
    }
    return rows;
}

static bool move(moving *m, kin_error *err)
{
    bool one = m->query.data == m->gallery.data && m->query.count == m->gallery.count;
    m->mean = kin_alloc_array((size_t)m->gallery.dim, sizeof *m->mean);
    m->row = kin_alloc_array((size_t)m->gallery.dim, sizeof *m->row);
    if (m->mean && m->row && !lies_far(m)) return true;
    if (m->mean && m->row) m->g = moved(m, m->gallery);
    if (m->g && !one && m->metric != KIN_INNER) m->q = moved(m, m->query);
    if (!m->g || (!one && m->metric != KIN_INNER && !m->q))
        return kin_fail_memory(err, "rows around their mean",
                               (unsigned long long)m->gallery.count * (unsigned long long)m->gallery.dim * 4);
    m->gallery.data = m->g;
    if (m->metric != KIN_INNER) m->query.data = one ? m->g : m->q;
    return true;
}

/* Back to the values of the rows as they were. */
static void restore_values(const moving *m, kin_neighbours *found)
{
    for (int64_t q = 0; m->metric != KIN_EUCLID && q < found->queries; q++) {
        double base = m->metric == KIN_COSINE ? 1 : 0, scale = m->metric == KIN_COSINE ? -0.5 : 1;
        for (int64_t d = 0; m->metric == KIN_INNER && d < m->query.dim; d++)
            base += (double)kin_row(m->query, q)[d] * m->mean[d];
        for (int64_t a = 0; a < found->k; a++)
            found->value[q * found->k + a] = (float)(base + scale * (double)found->value[q * found->k + a]);
    }
}

static bool search(kin_vectors query, kin_vectors gallery, const kin_search_opt *opt, kin_neighbours *out,
                   kin_error *err);

static bool search_around_mean(kin_vectors query, kin_vectors gallery, const kin_search_opt *opt,
                               kin_neighbours *out, kin_error *err)
{
    moving m = {.query = query, .gallery = gallery, .metric = opt->metric};
    kin_search_opt inner = *opt;
    bool ok = move(&m, err);
    if (m.g && opt->metric == KIN_COSINE) inner.metric = KIN_EUCLID;
    ok = ok && search(m.query, m.gallery, &inner, out, err);
    if (ok && m.g) restore_values(&m, out);
    kin_free(m.mean), kin_free(m.row), kin_free(m.q), kin_free(m.g);
    return ok;
}

/* Rows without a direction, or without sense, are named by the search itself. */
static bool all_have_length(kin_vectors v, kin_metric metric)
{
    for (int64_t i = 0; i < v.count; i++) {
        double squares = 0;
        for (int64_t d = 0; d < v.dim; d++) squares += (double)kin_row(v, i)[d] * (double)kin_row(v, i)[d];
        if (!(squares <= 1e36) || (metric == KIN_COSINE && squares < (double)FLT_MIN)) return false;
    }
    return true;
}

bool kin_search(kin_vectors query, kin_vectors gallery, const kin_search_opt *opt, kin_neighbours *out,
                kin_error *err)
{
    *out = (kin_neighbours){0};
    bool centre = opt->float32_order && query.dim == gallery.dim && gallery.count > 0 && gallery.dim > 0 &&
                  all_have_length(gallery, opt->metric) && all_have_length(query, opt->metric);
    return (centre ? search_around_mean : search)(query, gallery, opt, out, err);
}

static bool search(kin_vectors query, kin_vectors gallery, const kin_search_opt *opt, kin_neighbours *out,
                   kin_error *err)
{
    *out = (kin_neighbours){0};
    const int64_t *self = kin_any_self(false, opt->self, query.count) ? opt->self : NULL;
    int64_t most = gallery.count - (self ? 1 : 0);
    if (opt->k < 1 || opt->k > most || query.count < 1)
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "%lld queries ask for the best %lld of %lld items; at least one query, and 1 to "
                        "%lld, were expected",
                        (long long)query.count, (long long)opt->k, (long long)gallery.count, (long long)most);
    if (!kin_neighbours_alloc(out, query.count, opt->k, err)) return false;
    lists to = {out, opt->metric != KIN_EUCLID, self};
    kin_scan scan = {.query = query,
                     .gallery = gallery,
                     .metric = opt->metric,
                     .k = opt->k + (self ? 1 : 0),
                     .leave_one_out = opt->leave_one_out,
                     .float32_order = opt->float32_order,
                     .emit = store,
                     .arg = &to,
                     .progress = opt->progress,
                     .stage = "searching"};
    if (kin_scan_run(&scan, err)) return true;
    kin_neighbours_free(out);
    return false;
}
