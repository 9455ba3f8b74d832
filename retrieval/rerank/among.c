#include "retrieval/rerank/among.h"

#include "base/memory.h"

#include <string.h>

#define FARTHEST 1.0F /* no re-ranked distance is above */
#define BEHIND 2.0F   /* and what was not re-ranked comes behind */

int64_t kin_among_count(const kin_neighbours *lists, int64_t gallery, int64_t first, int64_t *rows)
{
    bool *among = kin_alloc_zero((size_t)gallery, sizeof *among);
    int64_t count = 0;
    if (!among) return -1;
    for (int64_t q = 0; q < lists->queries; q++)
        for (int64_t a = 0; a < first && a < lists->k; a++)
            if (lists->index[q * lists->k + a] >= 0) among[lists->index[q * lists->k + a]] = true;
    for (int64_t g = 0; g < gallery; g++) {
        if (!among[g]) continue;
        if (rows) rows[count] = g;
        count++;
    }
    kin_free(among);
    return count;
}

int64_t kin_among_fit(const kin_neighbours *lists, int64_t gallery, int64_t most)
{
    int64_t low = 0, high = lists->k; /* `low` fits */
    while (low < high) {
        int64_t middle = low + (high - low + 1) / 2, count = kin_among_count(lists, gallery, middle, NULL);
        if (count < 0) return -1;
        if (count <= most) low = middle;
        else high = middle - 1;
    }
    return low;
}

typedef struct part {
    int64_t *rows;  /* [count]: which gallery rows take part */
    int64_t *place; /* [gallery]: the place of a row among them, or -1 */
    int64_t *self;  /* [queries] or NULL: the place of the gallery row that a query is, or -1 */
    float *data;    /* [count, dim] */
    int64_t count;
} part;

static void part_free(part *p)
{
    kin_free(p->rows);
    kin_free(p->place);
    kin_free(p->self);
    kin_free(p->data);
}

static bool part_make(part *p, kin_vectors gallery, const kin_neighbours *lists, int64_t first,
                      kin_error *err)
{
    size_t bytes = (size_t)gallery.dim * sizeof *p->data;
    *p = (part){.rows = kin_alloc_array((size_t)gallery.count, sizeof *p->rows),
                .place = kin_alloc_array((size_t)gallery.count, sizeof *p->place)};
    p->count = p->rows && p->place ? kin_among_count(lists, gallery.count, first, p->rows) : -1;
    if (p->count > 0) p->data = kin_alloc_array((size_t)p->count, bytes);
    if (p->count < 0 || (p->count && !p->data)) {
        part_free(p);
        return kin_fail_memory(err, "a part of the gallery", (unsigned long long)gallery.count * bytes);
    }
    for (int64_t g = 0; g < gallery.count; g++) p->place[g] = -1;
    for (int64_t i = 0; i < p->count; i++) {
        p->place[p->rows[i]] = i;
        memcpy(p->data + i * gallery.dim, kin_row(gallery, p->rows[i]), bytes);
    }
    return true;
}

/* What opt->self says, of the part. */
static bool part_selves(part *p, const int64_t *self, int64_t queries, kin_error *err)
{
    if (!self) return true;
    if (!(p->self = kin_alloc_array((size_t)queries, sizeof *p->self)))
        return kin_fail_memory(err, "a part of the gallery", (unsigned long long)queries * sizeof *p->self);
    for (int64_t q = 0; q < queries; q++) p->self[q] = self[q] < 0 ? -1 : p->place[self[q]];
    return true;
}

/* Where queries are items of the part, all lists are one shorter than it: which item of the part does list
 * q lack, that is not the query itself? -1: none. */
static int64_t lacking(const part *p, const kin_neighbours *better, int64_t q)
{
    int64_t rest = p->count * (p->count - 1) / 2;
    if (better->k != p->count - 1) return -1;
    for (int64_t a = 0; a < better->k; a++) rest -= better->index[q * better->k + a];
    return p->self && rest == p->self[q] ? -1 : rest;
}

/* Row q of `out`: what was re-ranked, then what the list has beside it. */
static void join(const part *p, const kin_neighbours *better, const kin_neighbours *lists, int64_t q,
                 float behind, kin_neighbours *out)
{
    int64_t *index = out->index + q * out->k, at = 0;
    float *value = out->value + q * out->k;
    for (int64_t a = 0; a < better->k && at < out->k; a++, at++) {
        index[at] = p->rows[better->index[q * better->k + a]];
        value[at] = better->value[q * better->k + a];
    }
    int64_t last = lacking(p, better, q);
    if (last >= 0 && at < out->k) index[at] = p->rows[last], value[at++] = FARTHEST;
    for (int64_t a = 0; a < lists->k && at < out->k; a++) {
        int64_t g = lists->index[q * lists->k + a];
        if (g < 0 || p->place[g] >= 0) continue;
        index[at] = g;
        value[at++] = behind;
    }
    for (; at < out->k; at++) index[at] = -1, value[at] = behind;
}

/* When leaving one out, a query is a gallery item, and all of them must take part to be asked for. */
static bool check(const kin_neighbours *lists, int64_t queries, int64_t first, const kin_rerank_opt *opt,
                  kin_error *err)
{
    if (opt->leave_one_out)
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "re-ranking among the first of the lists needs queries apart from the gallery");
    if (lists->queries != queries)
        return kin_fail(err, KIN_ERR_ARGUMENT, "%lld lists were given for %lld queries",
                        (long long)lists->queries, (long long)queries);
    if (first < 1)
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "re-ranking among the first %lld of the lists; at least 1 was expected",
                        (long long)first);
    return true;
}

bool kin_rerank_among(kin_vectors query, kin_vectors gallery, const kin_neighbours *lists, int64_t first,
                      const kin_rerank_opt *opt, kin_neighbours *out, kin_error *err)
{
    part p;
    kin_neighbours better = {0};
    kin_rerank_opt inner = *opt;
    *out = (kin_neighbours){0};
    if (!check(lists, query.count, first, opt, err) || !part_make(&p, gallery, lists, first, err))
        return false;
    bool ok = part_selves(&p, opt->self, query.count, err);
    int64_t most = p.count - kin_any_self(false, p.self, query.count);
    inner.self = p.self;
    if (inner.k > most) inner.k = most;
    ok = ok &&
         (!most || kin_rerank_k_reciprocal(query, (kin_vectors){p.data, p.count, gallery.dim}, &inner,
                                           &better, err)) &&
         kin_neighbours_alloc(out, query.count, opt->k, err);
    for (int64_t q = 0; ok && q < query.count; q++) join(&p, &better, lists, q, BEHIND, out);
    kin_neighbours_free(&better);
    part_free(&p);
    if (!ok) kin_neighbours_free(out);
    return ok;
}
