/* The figures of a ranking, all in one walk along each list. The plain form of average precision:
 * reference/mean_average_precision.c. */
#include "retrieval/judge/metrics.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

typedef struct labelled {
    int64_t label, item;
} labelled;

typedef struct judge {
    const kin_judged *in;
    kin_metrics *out;
    labelled *by_label; /* [gallery], sorted */
    int64_t *seen;      /* [gallery]: 1 + the query whose list held it last */
    uint8_t *relevant;  /* [longest]: the list after removals */
    float *value;       /* [longest]: the distances beside it */
    double *discount;   /* [longest + 1]: Σ_{i ≤ n} 1/log2(i + 1) */
} judge;

static int by_label(const void *a, const void *b)
{
    const labelled *x = a, *y = b;
    if (x->label != y->label) return x->label < y->label ? -1 : 1;
    return x->item < y->item ? -1 : x->item > y->item;
}

static bool matches(const kin_judged *in, int64_t q, int64_t g)
{
    return in->query_label[q] >= 0 && in->query_label[q] == in->gallery_label[g];
}

/* What is taken out of the list: the query itself, and junk. */
static bool removed(const kin_judged *in, int64_t q, int64_t g)
{
    if ((in->leave_one_out && q == g) || (in->self && in->self[q] == g)) return true;
    return in->query_camera && in->gallery_camera && matches(in, q, g) && in->query_camera[q] >= 0 &&
           in->query_camera[q] == in->gallery_camera[g];
}

/* R: relevant items of the gallery left after removals. */
static int64_t relevant_count(const judge *j, int64_t q)
{
    int64_t label = j->in->query_label[q], low = 0, high = j->in->gallery, count = 0;
    if (label < 0) return 0;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (j->by_label[middle].label < label) low = middle + 1;
        else high = middle;
    }
    for (; low < j->in->gallery && j->by_label[low].label == label; low++)
        count += !removed(j->in, q, j->by_label[low].item);
    return count;
}

static bool sound(const judge *j, int64_t q, int64_t g, float value, kin_error *err)
{
    long long query = q, item = g;
    if (g < 0 || g >= j->in->gallery)
        return kin_fail(err, KIN_ERR_DATA, "query %lld: item %lld does not exist; the gallery has %lld",
                        query, item, (long long)j->in->gallery);
    if (j->seen[g] == q + 1)
        return kin_fail(err, KIN_ERR_DATA, "query %lld: item %lld is listed twice", query, item);
    if (isnan(value))
        return kin_fail(err, KIN_ERR_NUMERIC, "query %lld: the distance of item %lld is NaN", query, item);
    return true;
}

/* Compacts the list of query q into `relevant` and `value`; returns its length, or -1 on bad input. */
static int64_t compact(judge *j, int64_t q, kin_error *err)
{
    const kin_judged *in = j->in;
    int64_t length = 0, first = in->offset[q], last = in->offset[q + 1];
    if (last <= first)
        return kin_fail(err, KIN_ERR_DATA, "query %lld (counted from 0) has no list; every query needs one",
                        (long long)q),
               -1;
    for (int64_t at = first; at < last; at++) {
        int64_t g = in->index[at];
        if (!sound(j, q, g, in->value ? in->value[at] : 0, err)) return -1;
        j->seen[g] = q + 1;
        if (removed(in, q, g)) continue;
        j->relevant[length] = matches(in, q, g);
        j->value[length++] = in->value ? in->value[at] : 0;
    }
    return length;
}

static void score_prefixes(const judge *j, int64_t length, int64_t r, kin_scores *s)
{
    int64_t hits = 0, k = j->out->k, best = r < k ? r : k, last_hit = 0;
    double ideal = j->discount[best], gain = 0;
    for (int64_t i = 1; i <= length; i++) {
        if (!j->relevant[i - 1]) continue;
        double precision = (double)++hits / (double)i,
               before = i == 1 ? 1 : (double)(hits - 1) / (double)(i - 1);
        s->ap += precision;
        s->ap_trapezoid += (before + precision) / 2;
        if (i <= k) s->ap_at_k += precision, gain += j->discount[i] - j->discount[i - 1];
        if (i <= r) s->ap_at_r += precision, s->r_precision += 1;
        if (hits == 1) s->reciprocal_rank = 1 / (double)i;
        for (int c = 0; hits == 1 && c < KIN_RECALL_RANKS && j->out->recall_at[c]; c++)
            s->recall[c] = i <= j->out->recall_at[c];
        last_hit = i;
    }
    s->ap /= (double)r;
    s->ap_trapezoid /= (double)r;
    s->ap_at_k /= (double)best;
    s->ap_at_r /= (double)r;
    s->r_precision /= (double)r;
    s->ndcg = gain / ideal;
    s->inp = hits == r ? (double)r / (double)last_hit : NAN;
}

/* A list of `length` places that ends before all that could be found: what it does not tell. */
static void forget_unknown(const judge *j, int64_t length, int64_t r, kin_scores *s)
{
    if (!isnan(s->inp)) r = 0; /* all hits were found, the R-th among them */
    for (int c = 0; c < KIN_RECALL_RANKS && j->out->recall_at[c]; c++)
        if (j->out->recall_at[c] > length) s->recall[c] = NAN;
    if (j->out->k > length) s->ap_at_k = s->ndcg = NAN;
    if (r > length) s->ap_at_r = s->r_precision = NAN;
    if (!(s->reciprocal_rank > 0)) s->reciprocal_rank = NAN;
    if (length < 1) s->recall1_pessimistic = NAN;
}

/* Every run of equal distances with its relevant items last. */
static void order_pessimistically(const judge *j, int64_t length)
{
    for (int64_t first = 0, last; first < length; first = last) {
        int64_t good = 0;
        for (last = first; last < length && j->value[last] == j->value[first]; last++)
            good += j->relevant[last];
        for (int64_t i = first; i < last; i++) j->relevant[i] = i >= last - good;
    }
}

static void score(const judge *j, int64_t length, int64_t r, bool all, kin_scores *s, kin_scores *pessimistic)
{
    *s = *pessimistic = (kin_scores){0};
    score_prefixes(j, length, r, s);
    if (j->in->value) order_pessimistically(j, length);
    score_prefixes(j, length, r, pessimistic);
    s->ap_pessimistic = pessimistic->ap_pessimistic = pessimistic->ap;
    s->recall1_pessimistic = pessimistic->recall1_pessimistic = length > 0 && j->relevant[0];
    if (!all) forget_unknown(j, length, r, s), forget_unknown(j, length, r, pessimistic);
}

static void add(kin_scores *sum, const kin_scores *s, double weight)
{
    sum->ap += weight * s->ap;
    sum->ap_at_k += weight * s->ap_at_k;
    sum->ap_at_r += weight * s->ap_at_r;
    sum->ap_trapezoid += weight * s->ap_trapezoid;
    sum->r_precision += weight * s->r_precision;
    sum->reciprocal_rank += weight * s->reciprocal_rank;
    sum->inp += weight * s->inp; /* NaN stays: what one list does not tell has no mean either */
    sum->ndcg += weight * s->ndcg;
    for (int c = 0; c < KIN_RECALL_RANKS; c++) sum->recall[c] += weight * s->recall[c];
    sum->ap_pessimistic += weight * s->ap_pessimistic;
    sum->recall1_pessimistic += weight * s->recall1_pessimistic;
}

static bool differ(double a, double b) { return fabs(a - b) >= 5e-5; }

bool kin_metrics_tied(const kin_metrics *m)
{
    const kin_scores *a = &m->mean, *b = &m->pessimistic;
    bool tied = differ(a->ap, b->ap) || differ(a->ap_at_k, b->ap_at_k) || differ(a->ap_at_r, b->ap_at_r);
    for (int c = 0; c < KIN_RECALL_RANKS && m->recall_at[c]; c++)
        tied = tied || differ(a->recall[c], b->recall[c]);
    return tied;
}

static kin_scores no_scores(void)
{
    kin_scores s = {NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, {0}, NAN, NAN};
    for (int c = 0; c < KIN_RECALL_RANKS; c++) s.recall[c] = NAN;
    return s;
}

/* Whether the list of query q, before removals, holds all of the gallery but the query itself. */
static bool holds_all(const kin_judged *in, int64_t q)
{
    int64_t first = in->offset[q], last = in->offset[q + 1],
            self = in->leave_one_out ? q
                   : in->self        ? in->self[q]
                                     : -1,
            others = last - first;
    for (int64_t at = first; self >= 0 && at < last; at++) others -= in->index[at] == self;
    return others == in->gallery - (self >= 0);
}

/* The K where none is given: what all lists tell, the longest at most. */
static bool choose_k(judge *j, const kin_metrics_opt *opt, kin_error *err)
{
    kin_metrics *out = j->out;
    out->shortest = INT64_MAX;
    for (int64_t q = 0; q < j->in->queries; q++) {
        int64_t length = compact(j, q, err);
        if (length < 0) return false;
        if (length < out->shortest && !holds_all(j->in, q) && relevant_count(j, q)) out->shortest = length;
    }
    for (int64_t g = 0; g < j->in->gallery; g++) j->seen[g] = 0;
    out->k = opt && opt->k ? opt->k : out->shortest < out->longest ? out->shortest : out->longest;
    if (out->k < 1) out->k = 1;
    return true;
}

static bool score_all(judge *j, kin_scores *per_query, kin_error *err)
{
    kin_scores sum = {0}, against = {0};
    for (int64_t q = 0; q < j->in->queries; q++) {
        int64_t length = compact(j, q, err), r = relevant_count(j, q);
        if (length < 0) return false;
        if (per_query) per_query[q] = no_scores();
        if (r == 0) {
            j->out->skipped++;
            continue;
        }
        kin_scores s, worst;
        score(j, length, r, holds_all(j->in, q), &s, &worst);
        if (isnan(s.inp)) j->out->complete = false;
        if (per_query) per_query[q] = s;
        add(&sum, &s, 1);
        add(&against, &worst, 1);
        j->out->evaluated++;
    }
    if (!j->out->evaluated)
        return kin_fail(err, KIN_ERR_DATA,
                        "none of the %lld queries has a relevant item in the gallery; do the labels of both "
                        "come from one set?",
                        (long long)j->in->queries);
    add(&j->out->mean, &sum, 1 / (double)j->out->evaluated);
    add(&j->out->pessimistic, &against, 1 / (double)j->out->evaluated);
    if (j->out->shortest > 0) return true;
    kin_scores *means[] = {&j->out->mean, &j->out->pessimistic};
    for (int i = 0; i < 2; i++) means[i]->ap = means[i]->ap_trapezoid = means[i]->ap_pessimistic = NAN;
    return true;
}

static bool begin(judge *j, const kin_metrics_opt *opt, kin_error *err)
{
    const kin_judged *in = j->in;
    kin_metrics *out = j->out;
    static const int64_t usual[] = {1, 5, 10, 0};
    long long queries = in->queries, gallery = in->gallery;
    if (queries < 1 || gallery < 1)
        return kin_fail(err, KIN_ERR_ARGUMENT, "nothing to evaluate: %lld queries, %lld items", queries,
                        gallery);
    if (in->leave_one_out && queries != gallery)
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "leaving one out needs the gallery itself as queries: %lld and %lld", queries,
                        gallery);
    for (int64_t q = 0; q < in->queries; q++)
        if (in->offset[q + 1] - in->offset[q] > out->longest)
            out->longest = in->offset[q + 1] - in->offset[q];
    const int64_t *ranks = opt && opt->recall_at[0] ? opt->recall_at : usual;
    for (int c = 0; c < KIN_RECALL_RANKS && ranks[c]; c++) {
        if (ranks[c] < 1)
            return kin_fail(err, KIN_ERR_ARGUMENT, "recall at %lld; 1 or more was expected",
                            (long long)ranks[c]);
        out->recall_at[c] = ranks[c];
    }
    if (opt && opt->k < 0)
        return kin_fail(err, KIN_ERR_ARGUMENT, "AP at %lld; 1 or more was expected", (long long)opt->k);
    int64_t depth = out->longest > in->gallery ? out->longest : in->gallery;
    j->by_label = kin_alloc_array((size_t)in->gallery, sizeof *j->by_label);
    j->seen = kin_alloc_zero((size_t)in->gallery, sizeof *j->seen);
    j->relevant = kin_alloc((size_t)out->longest);
    j->value = kin_alloc_array((size_t)out->longest, sizeof *j->value);
    j->discount = kin_alloc_array((size_t)depth + 1, sizeof *j->discount);
    if (!j->by_label || !j->seen || !j->relevant || !j->value || !j->discount)
        return kin_fail_memory(err, "metrics", (unsigned long long)depth * 40);
    for (int64_t g = 0; g < in->gallery; g++) j->by_label[g] = (labelled){in->gallery_label[g], g};
    qsort(j->by_label, (size_t)in->gallery, sizeof *j->by_label, by_label);
    j->discount[0] = 0;
    for (int64_t i = 1; i <= depth; i++) j->discount[i] = j->discount[i - 1] + 1 / log2((double)i + 1);
    return true;
}

bool kin_evaluate(const kin_judged *in, const kin_metrics_opt *opt, kin_metrics *out, kin_scores *per_query,
                  kin_error *err)
{
    *out = (kin_metrics){.complete = true};
    judge j = {.in = in, .out = out};
    bool ok = begin(&j, opt, err) && choose_k(&j, opt, err) && score_all(&j, per_query, err);
    kin_free(j.by_label), kin_free(j.seen), kin_free(j.relevant), kin_free(j.value), kin_free(j.discount);
    return ok;
}
