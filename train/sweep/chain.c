#include "train/sweep/chain.h"

#include "base/memory.h"
#include "retrieval/describe/expand.h"
#include "retrieval/rerank/rerank.h"
#include "train/judge.h"

#include <string.h>

/* One side of the retrieval: rows of the set, gathered. */
typedef struct side {
    float *rows;
    int64_t *label, *camera, count;
} side;

typedef struct chain {
    const kin_sweep_chain *how;
    side query, gallery; /* the query's is empty when each row is looked for among the others */
    float *means;        /* room for those of either side */
    int64_t dim;
    bool leave_one_out;
} chain;

static void side_free(side *s) { kin_free(s->rows), kin_free(s->label), kin_free(s->camera); }

static bool side_alloc(side *s, int64_t most, int64_t dim, kin_error *err)
{
    s->rows = kin_alloc_array((size_t)most, (size_t)dim * sizeof *s->rows);
    s->label = kin_alloc_array((size_t)most, sizeof *s->label);
    s->camera = kin_alloc_array((size_t)most, sizeof *s->camera);
    return (s->rows && s->label && s->camera) ||
           kin_fail_memory(err, "the chain",
                           (unsigned long long)most * (unsigned long long)dim * sizeof *s->rows);
}

static void take(side *s, kin_vectors from, const int64_t *labels, const int64_t *cameras, int64_t row)
{
    memcpy(s->rows + s->count * from.dim, kin_row(from, row), (size_t)from.dim * sizeof *s->rows);
    s->label[s->count] = labels[row];
    s->camera[s->count++] = cameras[row];
}

/* The how manieth of its class each row is decides on its side. */
static bool divide(chain *c, kin_vectors from, const int64_t *labels, const int64_t *cameras, kin_error *err)
{
    int64_t classes = 0;
    for (int64_t i = 0; i < from.count; i++)
        if (labels[i] >= classes) classes = labels[i] + 1;
    int64_t *seen = kin_alloc_zero((size_t)classes + 1, sizeof *seen);
    if (!seen) return kin_fail_memory(err, "the chain", (size_t)classes * sizeof *seen);
    for (int64_t i = 0; i < from.count; i++) {
        bool asks = c->how->query_every && labels[i] >= 0 && seen[labels[i]]++ % c->how->query_every == 0;
        take(asks ? &c->query : &c->gallery, from, labels, cameras, i);
    }
    kin_free(seen);
    return true;
}

static kin_vectors vectors(const chain *c, const side *s) { return (kin_vectors){s->rows, s->count, c->dim}; }

static bool fits(const chain *c, kin_error *err)
{
    const kin_sweep_chain *how = c->how;
    int64_t all = c->query.count + c->gallery.count, gallery = c->gallery.count;
    if (gallery < 2 || (!c->leave_one_out && !c->query.count))
        return kin_fail(err, KIN_ERR_ARGUMENT, "too few pictures are held out for a chain");
    if (how->augment && c->leave_one_out)
        return kin_fail(
            err, KIN_ERR_ARGUMENT,
            "augment: where each picture is looked for among the others, expand makes the means already; "
            "query-every keeps queries and gallery apart");
    if (how->k1 >= all)
        return kin_fail(err, KIN_ERR_ARGUMENT, "k1 %lld needs more pictures than the %lld held out",
                        (long long)how->k1, (long long)all);
    if (how->expand > gallery || how->augment > gallery)
        return kin_fail(err, KIN_ERR_ARGUMENT, "a mean over %lld needs more pictures than the %lld there are",
                        (long long)(how->expand > gallery ? how->expand : how->augment), (long long)gallery);
    return true;
}

static void swap_rows(chain *c, side *s)
{
    float *rows = s->rows;
    s->rows = c->means, c->means = rows;
}

/* As kin retrieve does it: the gallery's means, then the queries' over those. */
static bool average(chain *c, kin_error *err)
{
    kin_expand_opt opt = {.n = c->how->augment, .alpha = c->how->alpha};
    if (opt.n) {
        if (!kin_expand_database(vectors(c, &c->gallery), &opt, c->means, err)) return false;
        swap_rows(c, &c->gallery);
    }
    opt.n = c->how->expand;
    if (!opt.n) return true;
    side *asked = c->leave_one_out ? &c->gallery : &c->query;
    if (!(c->leave_one_out
              ? kin_expand_database(vectors(c, asked), &opt, c->means, err)
              : kin_expand_queries(vectors(c, asked), vectors(c, &c->gallery), &opt, c->means, err)))
        return false;
    swap_rows(c, asked);
    return true;
}

static bool rank(const chain *c, kin_neighbours *lists, kin_error *err)
{
    const kin_sweep_chain *how = c->how;
    kin_vectors gallery = vectors(c, &c->gallery), query = c->leave_one_out ? gallery : vectors(c, &c->query);
    int64_t most = gallery.count - c->leave_one_out;
    if (!how->k1)
        return kin_search(query, gallery,
                          &(kin_search_opt){.k = most,
                                            .metric = KIN_COSINE,
                                            .leave_one_out = c->leave_one_out,
                                            .float32_order = true},
                          lists, err);
    return kin_rerank_k_reciprocal(query, gallery,
                                   &(kin_rerank_opt){.k = most,
                                                     .k1 = how->k1,
                                                     .k2 = how->k2,
                                                     .lambda = how->lambda,
                                                     .leave_one_out = c->leave_one_out},
                                   lists, err);
}

static bool judge(const chain *c, const kin_neighbours *lists, kin_metrics *out, kin_error *err)
{
    const side *query = c->leave_one_out ? &c->gallery : &c->query;
    return kin_judge_lists(lists,
                           &(kin_judged){.gallery = c->gallery.count,
                                         .query_label = query->label,
                                         .gallery_label = c->gallery.label,
                                         .query_camera = query->camera,
                                         .gallery_camera = c->gallery.camera,
                                         .leave_one_out = c->leave_one_out},
                           out, NULL, NULL, err);
}

bool kin_sweep_chain_judge(kin_vectors rows, const int64_t *labels, const int64_t *cameras,
                           const kin_sweep_chain *how, kin_metrics *out, kin_error *err)
{
    kin_neighbours lists = {0};
    chain c = {.how = how, .dim = rows.dim, .leave_one_out = !how->query_every};
    bool ok = side_alloc(&c.query, rows.count, rows.dim, err) &&
              side_alloc(&c.gallery, rows.count, rows.dim, err);
    c.means = ok ? kin_alloc_array((size_t)rows.count, (size_t)rows.dim * sizeof *c.means) : NULL;
    if (ok && !c.means)
        ok = kin_fail_memory(err, "the chain", (unsigned long long)rows.count * (unsigned long long)rows.dim);
    ok = ok && divide(&c, rows, labels, cameras, err) && fits(&c, err) && average(&c, err) &&
         rank(&c, &lists, err) && judge(&c, &lists, out, err);
    kin_neighbours_free(&lists);
    side_free(&c.query), side_free(&c.gallery);
    kin_free(c.means);
    return ok;
}
