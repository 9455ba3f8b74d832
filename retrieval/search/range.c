#include "retrieval/search/range.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 256, FIRST = 64, GROWTH = 8 };

void kin_ranges_free(kin_ranges *r)
{
    kin_free(r->offset), kin_free(r->index), kin_free(r->value);
    *r = (kin_ranges){0};
}

bool kin_ranges_pad(const kin_ranges *r, float missing, kin_neighbours *out, kin_error *err)
{
    int64_t longest = 1;
    for (int64_t q = 0; q < r->queries; q++)
        if (r->offset[q + 1] - r->offset[q] > longest) longest = r->offset[q + 1] - r->offset[q];
    if (!kin_neighbours_alloc(out, r->queries, longest, err)) return false;
    for (int64_t q = 0; q < r->queries; q++)
        for (int64_t a = 0, from = r->offset[q]; a < longest; a++) {
            bool there = from + a < r->offset[q + 1];
            out->index[q * longest + a] = there ? r->index[from + a] : -1;
            out->value[q * longest + a] = there ? r->value[from + a] : missing;
        }
    return true;
}

typedef struct collector {
    kin_vectors query, gallery;
    const kin_range_opt *opt;
    kin_ranges *out;
    size_t indices, values;      /* capacities */
    float *rows;                 /* [CHUNK, dim]: the queries that are searched again, deeper */
    int64_t *which;              /* [CHUNK]: which they are */
    kin_neighbours lists[CHUNK]; /* one row each, when it was cut out of a search */
} collector;

static bool inside(const kin_range_opt *opt, float value)
{
    double distance = opt->metric == KIN_EUCLID   ? (double)value
                      : opt->metric == KIN_COSINE ? 1 - (double)value
                                                  : -(double)value;
    return distance <= opt->distance;
}

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/* Items of row `row` within the distance, itself (by index) not counted. */
static int64_t count_inside(const collector *c, const kin_neighbours *found, int64_t row, int64_t self)
{
    int64_t count = 0;
    for (int64_t a = 0; a < found->k && inside(c->opt, found->value[row * found->k + a]); a++)
        count += found->index[row * found->k + a] != self;
    return c->opt->limit ? least(count, c->opt->limit) : count;
}

static bool keep(collector *c, const kin_neighbours *found, int64_t row, int64_t q, kin_error *err)
{
    int64_t self = kin_self(c->opt->leave_one_out, c->opt->self, q),
            count = count_inside(c, found, row, self);
    kin_neighbours *list = &c->lists[q % CHUNK];
    if (!count) return true;
    if (!kin_neighbours_alloc(list, 1, count, err)) return false;
    for (int64_t a = 0, to = 0; to < count; a++) {
        int64_t item = found->index[row * found->k + a];
        if (item == self) continue;
        list->index[to] = item;
        list->value[to++] = found->value[row * found->k + a];
    }
    return true;
}

/* Is there surely nothing more within the distance than what was found? */
static bool complete(const collector *c, const kin_neighbours *found, int64_t row)
{
    if (found->k == c->gallery.count || !inside(c->opt, found->value[row * found->k + found->k - 1]))
        return true;
    /* one more than the limit, since the item itself may be among them */
    return c->opt->limit && found->k > c->opt->limit;
}

/* Searches the chunk's queries again and again, deeper each time, until each list ends beyond the
 * distance. */
static bool search_chunk(collector *c, int64_t first, int64_t count, kin_error *err)
{
    int64_t dim = c->query.dim, open = count;
    for (int64_t i = 0; i < count; i++) c->which[i] = first + i;
    for (int64_t k = least(FIRST, c->gallery.count); open; k = least(k * GROWTH, c->gallery.count)) {
        for (int64_t i = 0; i < open; i++)
            memcpy(c->rows + i * dim, kin_row(c->query, c->which[i]), (size_t)dim * sizeof *c->rows);
        kin_neighbours found;
        if (!kin_search((kin_vectors){c->rows, open, dim}, c->gallery,
                        &(kin_search_opt){.k = k, .metric = c->opt->metric}, &found, err))
            return false;
        int64_t left = 0;
        bool ok = true;
        for (int64_t i = 0; ok && i < open; i++) {
            if (complete(c, &found, i)) ok = keep(c, &found, i, c->which[i], err);
            else c->which[left++] = c->which[i];
        }
        kin_neighbours_free(&found);
        if (!ok) return false;
        open = left;
    }
    return true;
}

static bool append(collector *c, int64_t first, int64_t count, kin_error *err)
{
    for (int64_t q = first; q < first + count; q++) {
        kin_neighbours *list = &c->lists[q % CHUNK];
        int64_t at = c->out->offset[q], length = list->queries ? list->k : 0;
        for (int64_t a = 0; a < length; a++) {
            void *index = c->out->index, *value = c->out->value;
            bool ok = kin_grow(&index, (size_t)(at + a), &c->indices, sizeof *c->out->index);
            c->out->index = index;
            ok = ok && kin_grow(&value, (size_t)(at + a), &c->values, sizeof *c->out->value);
            c->out->value = value;
            if (!ok)
                return kin_fail(
                    err, KIN_ERR_MEMORY,
                    "out of memory: %lld items are within the distance so far; take a smaller one",
                    (long long)(at + a));
            c->out->index[at + a] = list->index[a];
            c->out->value[at + a] = list->value[a];
        }
        c->out->offset[q + 1] = at + length;
        kin_neighbours_free(list);
    }
    return true;
}

static bool collect(collector *c, kin_error *err)
{
    const kin_progress *progress = &c->opt->progress;
    for (int64_t first = 0; first < c->query.count; first += CHUNK) {
        int64_t count = least(CHUNK, c->query.count - first);
        if (!search_chunk(c, first, count, err) || !append(c, first, count, err)) return false;
        if (progress->report && !progress->report(progress->user, "searching", first + count, c->query.count))
            return kin_fail(err, KIN_ERR_INTERRUPTED, "stopped while searching");
    }
    return true;
}

bool kin_search_range(kin_vectors query, kin_vectors gallery, const kin_range_opt *opt, kin_ranges *out,
                      kin_error *err)
{
    if (opt->leave_one_out) query = gallery;
    *out = (kin_ranges){.queries = query.count};
    if (query.count < 1 || gallery.count < 1)
        return kin_fail(err, KIN_ERR_ARGUMENT, "nothing to search: %lld queries, %lld gallery items",
                        (long long)query.count, (long long)gallery.count);
    if (isnan(opt->distance) || opt->limit < 0)
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "all items within %g, at most %lld; a number, and 0 or more, were expected",
                        opt->distance, (long long)opt->limit);
    collector *c = kin_alloc_zero(1, sizeof *c);
    if (!c) return kin_fail_memory(err, "a range search", sizeof *c);
    c->query = query, c->gallery = gallery, c->opt = opt, c->out = out;
    c->rows = kin_alloc_array((size_t)query.dim, CHUNK * sizeof *c->rows);
    c->which = kin_alloc_array(CHUNK, sizeof *c->which);
    out->offset = kin_alloc_zero((size_t)query.count + 1, sizeof *out->offset);
    bool ok = c->rows && c->which && out->offset
                  ? true
                  : kin_fail_memory(err, "a range search",
                                    (unsigned long long)query.count * sizeof *out->offset);
    ok = ok && collect(c, err);
    for (int i = 0; i < CHUNK; i++) kin_neighbours_free(&c->lists[i]);
    kin_free(c->rows), kin_free(c->which), kin_free(c);
    if (!ok) kin_ranges_free(out);
    return ok;
}

/* --- the threshold --- */

static int ascending(const void *a, const void *b)
{
    return *(const float *)a < *(const float *)b ? -1 : *(const float *)a > *(const float *)b;
}

static int by_label(const void *a, const void *b)
{
    return *(const int64_t *)a < *(const int64_t *)b ? -1 : *(const int64_t *)a > *(const int64_t *)b;
}

/* The size of the largest class of the gallery; -1 when memory ends. */
static int64_t largest_class(const int64_t *label, int64_t count)
{
    int64_t *sorted = kin_alloc_array((size_t)count, sizeof *sorted), most = 1;
    if (!sorted) return -1;
    memcpy(sorted, label, (size_t)count * sizeof *sorted);
    qsort(sorted, (size_t)count, sizeof *sorted, by_label);
    for (int64_t i = 0, run = 0; i < count; i++) {
        run = i && sorted[i] == sorted[i - 1] ? run + 1 : 1;
        if (sorted[i] >= 0 && run > most) most = run;
    }
    kin_free(sorted);
    return most;
}

static bool matches(int64_t a, int64_t b) { return a >= 0 && a == b; }

static bool has_relevant(const kin_threshold_labels *l, int64_t q, int64_t gallery)
{
    int64_t self = kin_self(l->leave_one_out, l->self, q);
    for (int64_t g = 0; g < gallery; g++)
        if (matches(l->query[q], l->gallery[g]) && g != self) return true;
    return false;
}

/* The largest float32 with no more than `share` of the sorted distances at or below it. */
static double cut(const float *sorted, int64_t count, double share)
{
    int64_t allowed = (int64_t)floor(share * (double)count + 1e-9);
    return allowed >= count ? (double)sorted[count - 1] : (double)nextafterf(sorted[allowed], -INFINITY);
}

static void judge(const kin_neighbours *found, const kin_threshold_labels *l, int64_t gallery,
                  const float *impostor, double share, kin_threshold *out)
{
    int64_t accepted = 0, first = 0, right = 0;
    out->distance = cut(impostor, out->impostors, share);
    for (int64_t i = 0; i < out->impostors; i++) accepted += (double)impostor[i] <= out->distance;
    for (int64_t q = 0; q < found->queries; q++) {
        if (!has_relevant(l, q, gallery)) continue;
        bool hit = matches(l->query[q], l->gallery[found->index[q * found->k]]);
        out->queries++;
        first += hit;
        right += hit && 1 - (double)found->value[q * found->k] <= out->distance;
    }
    out->false_accept = (double)accepted / (double)out->impostors;
    out->first = out->queries ? (double)first / (double)out->queries : NAN;
    out->found = out->queries ? (double)right / (double)out->queries : NAN;
}

bool kin_threshold_fit(kin_vectors query, kin_vectors gallery, const kin_threshold_labels *labels,
                       double false_accept, kin_threshold *out, kin_error *err)
{
    kin_threshold_labels l = *labels;
    *out = (kin_threshold){0};
    if (l.leave_one_out) query = gallery, l.query = l.gallery;
    if (!(false_accept >= 0 && false_accept <= 1))
        return kin_fail(err, KIN_ERR_ARGUMENT, "a false-accept rate of %g; 0 to 1 was expected",
                        false_accept);
    int64_t most = gallery.count - kin_any_self(l.leave_one_out, l.self, query.count),
            largest = gallery.count > 0 ? largest_class(l.gallery, gallery.count) : 0;
    if (largest < 0)
        return kin_fail_memory(err, "the labels", (unsigned long long)gallery.count * sizeof *l.gallery);
    kin_neighbours found;
    /* One item more than the largest class has: one of another class is among them, if there is any. */
    if (!kin_search(query, gallery,
                    &(kin_search_opt){.k = least(largest + 1, most),
                                      .metric = KIN_COSINE,
                                      .leave_one_out = l.leave_one_out,
                                      .self = l.leave_one_out ? NULL : l.self},
                    &found, err))
        return false;
    float *impostor = kin_alloc_array((size_t)query.count, sizeof *impostor);
    bool ok = impostor
                  ? true
                  : kin_fail_memory(err, "a threshold", (unsigned long long)query.count * sizeof *impostor);
    for (int64_t q = 0; ok && q < query.count; q++)
        for (int64_t a = 0; a < found.k; a++) {
            if (matches(l.query[q], l.gallery[found.index[q * found.k + a]])) continue;
            impostor[out->impostors++] = (float)(1 - (double)found.value[q * found.k + a]);
            break;
        }
    if (ok && !out->impostors)
        ok = kin_fail(err, KIN_ERR_DATA,
                      "all items have one label: what a stranger looks like cannot be learned from them");
    if (ok) {
        qsort(impostor, (size_t)out->impostors, sizeof *impostor, ascending);
        judge(&found, &l, gallery.count, impostor, false_accept, out);
    }
    kin_free(impostor);
    kin_neighbours_free(&found);
    return ok;
}
