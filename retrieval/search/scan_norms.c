/* What a scan knows of items and rows before they meet: their norms, and for each item base and scale of its keys,
 * with the bound on their error (derived in scan.c). */
#include "retrieval/search/scan_parts.h"

#include "base/npy.h"
#include "retrieval/search/exact.h"

#include <float.h>
#include <math.h>

enum { MEASURED = 64 /* norms a task */ };
static const double norm_most = 1e18;

typedef struct measuring {
    kin_vectors v;
    kin_metric metric;
    double *norm;
    atomic_bool bad;
} measuring;

/* Norms of rows first .. last - 1; can all of them be searched? */
static bool norms_of(kin_vectors v, kin_metric metric, int64_t first, int64_t last, double *norm)
{
    bool fine = true;
    for (int64_t i = first; i < last; i++) {
        /* The machine asks for what comes next on the same page only. */
        if (i + 2 < last) kin_scan_expect(kin_row(v, i + 2), v.dim);
        norm[i] = sqrt(kin_exact_inner(kin_row(v, i), kin_row(v, i), v.dim));
        fine = fine && norm[i] <= norm_most && (metric != KIN_COSINE || norm[i] >= FLT_MIN);
    }
    return fine;
}

/* Says what is wrong with the first row that cannot be searched. */
static bool refuse(kin_vectors v, const char *what, kin_metric metric, const double *norm, kin_error *err)
{
    for (int64_t i = 0; i < v.count; i++) {
        if (!isfinite(norm[i])) return kin_check_finite(v.data, v.count, v.dim, what, err);
        if (norm[i] > norm_most)
            return kin_fail(err, KIN_ERR_NUMERIC, "%s: row %lld has the norm %g; at most %g can be searched",
                            what, (long long)i, norm[i], norm_most);
        if (metric == KIN_COSINE && norm[i] < FLT_MIN)
            return kin_fail(
                err, KIN_ERR_NUMERIC,
                "%s: row %lld is zero, and has no cosine; drop it, or search by Euclidean distance", what,
                (long long)i);
    }
    return true;
}

static void measure_block(void *arg, int64_t block, int worker)
{
    (void)worker;
    measuring *m = arg;
    if (!norms_of(m->v, m->metric, block * MEASURED, kin_min((block + 1) * MEASURED, m->v.count), m->norm))
        atomic_store(&m->bad, true);
}

static bool measure(kin_vectors v, const char *what, kin_metric metric, double *norm, kin_error *err)
{
    measuring m = {.v = v, .metric = metric, .norm = norm};
    atomic_init(&m.bad, false);
    kin_parallel_for(kin_blocks(v.count, MEASURED), measure_block, &m);
    return !atomic_load(&m.bad) || refuse(v, what, metric, norm, err);
}

bool kin_scan_measure_gallery(kin_scan_pass *p, kin_error *err)
{
    return measure(p->scan->gallery, "the gallery", p->scan->metric, p->norm, err);
}

bool kin_scan_measure(kin_scan_pass *p, kin_error *err)
{
    const kin_scan *s = p->scan;
    int64_t queries = s->query.count;
    if (s->joined)
        return measure(s->query, "the queries", s->metric, p->norm, err) &&
               measure(s->gallery, "the gallery", s->metric, p->norm + queries, err);
    return (p->row_norm == p->norm || measure(s->query, "the queries", s->metric, p->row_norm, err)) &&
           (p->late || kin_scan_measure_gallery(p, err));
}

void kin_scan_weigh(kin_scan_pass *p, int64_t first, int64_t last, kin_scan_most *most)
{
    const kin_scan *s = p->scan;
    double u = ldexp(1, -24);
    for (int64_t j = first; j < last; j++) {
        double norm = p->norm[j], a, b = FLT_MIN * (double)p->dim;
        if (s->metric == KIN_EUCLID) {
            p->base[j] = (float)(norm * norm);
            p->scale[j] = -2;
            a = 2 * norm;
            b += 2.02 * u * norm * norm;
        } else if (s->metric == KIN_INNER) {
            p->base[j] = 0;
            p->scale[j] = -1;
            a = norm;
        } else {
            p->base[j] = 0;
            p->scale[j] = (float)(-1 / norm);
            a = 1;
            b += b / norm;
        }
        most->a = fmax(most->a, a);
        most->b = fmax(most->b, b);
        if (p->coarse) most->error = fmax(most->error, (double)p->error[j]);
        if (!s->farthest) continue;
        p->far_base[j] = -p->base[j];
        p->far_scale[j] = -p->scale[j];
    }
}

/* Where few rows meet them: items g .. are read, measured and weighed while they are at hand. */
bool kin_scan_weigh_late(kin_scan_pass *p, kin_scan_scratch *me, int64_t g, int64_t columns)
{
    if (!norms_of(p->scan->gallery, p->scan->metric, g, g + columns, p->norm)) {
        atomic_store(&p->bad, true);
        atomic_store(&p->stopped, true);
        return false;
    }
    kin_scan_weigh(p, g, g + columns, &me->most);
    return true;
}
