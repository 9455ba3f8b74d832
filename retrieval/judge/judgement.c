#include "retrieval/judge/judgement.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "base/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* kin_scores is nothing but doubles, and is treated as a row of them. */
enum { FIGURES = sizeof(kin_scores) / sizeof(double) };
_Static_assert(FIGURES * sizeof(double) == sizeof(kin_scores), "kin_scores holds doubles only");

typedef struct drawing {
    const double *rows; /* [queries, FIGURES]: those evaluated */
    int64_t queries, rounds;
    uint64_t seed;
    double *mean; /* [FIGURES, rounds] */
} drawing;

static void draw_round(void *arg, int64_t round, int worker)
{
    (void)worker;
    drawing *d = arg;
    double sum[FIGURES] = {0};
    uint64_t key = kin_key(d->seed, (uint64_t)round, 0);
    for (int64_t i = 0; i < d->queries; i++) {
        const double *row = d->rows +
                            (int64_t)kin_random_below(key, (uint64_t)i, (uint64_t)d->queries) * FIGURES;
        for (int f = 0; f < FIGURES; f++) sum[f] += row[f];
    }
    for (int f = 0; f < FIGURES; f++) d->mean[f * d->rounds + round] = sum[f] / (double)d->queries;
}

static int ascending(const void *a, const void *b)
{
    return *(const double *)a < *(const double *)b ? -1 : *(const double *)a > *(const double *)b;
}

static int64_t compact(const kin_scores *each, int64_t queries, double *rows)
{
    int64_t used = 0;
    for (int64_t q = 0; q < queries; q++)
        if (!isnan(each[q].ap)) memcpy(rows + used++ * FIGURES, &each[q], sizeof each[q]);
    return used;
}

static bool check(const kin_bootstrap_opt *opt, kin_error *err)
{
    return (opt->rounds > 0 && opt->level > 0 && opt->level < 1) ||
           kin_fail(err, KIN_ERR_ARGUMENT,
                    "bootstrap: %lld rounds, level %g; 1 or more, and a level between 0 and 1, were expected",
                    (long long)opt->rounds, opt->level);
}

/* How many of the sorted means are below the interval. */
static int64_t left_out(const kin_bootstrap_opt *opt)
{
    return (int64_t)floor((1 - opt->level) / 2 * (double)opt->rounds);
}

bool kin_bootstrap(const kin_scores *each, int64_t queries, const kin_bootstrap_opt *opt, kin_scores *low,
                   kin_scores *high, kin_error *err)
{
    int64_t rounds = opt->rounds;
    if (!check(opt, err)) return false;
    double *rows = kin_alloc_array((size_t)queries, sizeof(kin_scores)),
           *mean = kin_alloc_array((size_t)rounds, sizeof(kin_scores));
    bool ok = rows && mean ? true
                           : kin_fail_memory(err, "bootstrap",
                                             (unsigned long long)(queries + rounds) * sizeof(kin_scores));
    drawing d = {rows, ok ? compact(each, queries, rows) : 0, rounds, opt->seed, mean};
    if (ok && !d.queries) ok = kin_fail(err, KIN_ERR_DATA, "bootstrap: no query was evaluated");
    if (ok) {
        double ends[2][FIGURES];
        int64_t first = left_out(opt), last = rounds - 1 - first;
        kin_parallel_for(rounds, draw_round, &d);
        for (int f = 0; f < FIGURES; f++) {
            double *means = mean + f * rounds;
            bool known = true; /* lists that end too early have no INP, and so no interval of it */
            for (int64_t r = 0; r < rounds; r++) known = known && !isnan(means[r]);
            if (known) qsort(means, (size_t)rounds, sizeof *means, ascending);
            ends[0][f] = known ? means[first] : NAN;
            ends[1][f] = known ? means[last] : NAN;
        }
        memcpy(low, ends[0], sizeof *low);
        memcpy(high, ends[1], sizeof *high);
    }
    kin_free(rows), kin_free(mean);
    return ok;
}

typedef struct keyed {
    double key;
    int64_t query;
} keyed;

static int by_key(const void *a, const void *b)
{
    const keyed *x = a, *y = b;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return x->query < y->query ? -1 : x->query > y->query;
}

/* Sums and counts of each label's queries, at the front of the arrays [queries]; returns how many labels. */
static int64_t sum_labels(keyed *k, int64_t count, const kin_figures *f, double *sum, double *queries)
{
    int64_t labels = 0;
    if (count) qsort(k, (size_t)count, sizeof *k, by_key);
    for (int64_t i = 0; i < count; i++) {
        int64_t q = k[i].query;
        if (!i || k[i].key != k[i - 1].key) sum[labels] = queries[labels] = 0, labels++;
        sum[labels - 1] += f->beside ? f->value[q] - f->beside[q] : f->value[q];
        queries[labels - 1]++;
    }
    return labels;
}

bool kin_bootstrap_classes(const kin_figures *f, const kin_bootstrap_opt *opt, double *low, double *high,
                           kin_error *err)
{
    if (!check(opt, err)) return false;
    int64_t queries = f->queries, rounds = opt->rounds, count = 0;
    keyed *k = kin_alloc_array((size_t)queries, sizeof *k);
    double *sum = kin_alloc_array((size_t)queries, 2 * sizeof *sum), *of = sum ? sum + queries : NULL,
           *mean = kin_alloc_array((size_t)rounds, sizeof *mean);
    bool ok = (k && sum && mean) ||
              kin_fail_memory(err, "bootstrap", (unsigned long long)queries * sizeof *k);
    for (int64_t q = 0; ok && q < queries; q++)
        if (!isnan(f->value[q]) && !(f->beside && isnan(f->beside[q])))
            k[count++] = (keyed){(double)f->label[q], q};
    if (ok && !count) ok = kin_fail(err, KIN_ERR_DATA, "bootstrap: no query was evaluated");
    int64_t labels = ok ? sum_labels(k, count, f, sum, of) : 0;
    for (int64_t r = 0; ok && r < rounds; r++) {
        uint64_t key = kin_key(opt->seed, (uint64_t)r, 1);
        double total = 0, drawn = 0;
        for (int64_t i = 0; i < labels; i++) {
            uint64_t c = kin_random_below(key, (uint64_t)i, (uint64_t)labels);
            total += sum[c], drawn += of[c];
        }
        mean[r] = total / drawn;
    }
    if (ok) {
        int64_t first = left_out(opt);
        qsort(mean, (size_t)rounds, sizeof *mean, ascending);
        *low = mean[first], *high = mean[rounds - 1 - first];
    }
    kin_free(k), kin_free(sum), kin_free(mean);
    return ok;
}

/* The evaluated queries sorted by label or AP; NULL when memory ends. */
static keyed *sorted(const kin_scores *each, const int64_t *label, int64_t queries, int64_t *count)
{
    keyed *k = kin_alloc_array((size_t)queries, sizeof *k);
    *count = 0;
    for (int64_t q = 0; k && q < queries; q++)
        if (!isnan(each[q].ap)) k[(*count)++] = (keyed){label ? (double)label[q] : each[q].ap, q};
    if (k) qsort(k, (size_t)*count, sizeof *k, by_key);
    return k;
}

bool kin_class_means(const kin_scores *each, const int64_t *label, int64_t queries, kin_class_scores **out,
                     int64_t *count, kin_error *err)
{
    int64_t evaluated;
    keyed *k = sorted(each, label, queries, &evaluated);
    *count = 0;
    *out = k ? kin_alloc_array((size_t)evaluated, sizeof **out) : NULL;
    for (int64_t first = 0, last; *out && first < evaluated; first = last) {
        double sum[FIGURES] = {0}, row[FIGURES];
        for (last = first; last < evaluated && k[last].key == k[first].key; last++) {
            memcpy(row, &each[k[last].query], sizeof row);
            for (int f = 0; f < FIGURES; f++) sum[f] += row[f];
        }
        kin_class_scores *c = &(*out)[(*count)++];
        *c = (kin_class_scores){.label = label[k[first].query], .queries = last - first};
        for (int f = 0; f < FIGURES; f++) sum[f] /= (double)c->queries;
        memcpy(&c->mean, sum, sizeof sum);
    }
    kin_free(k);
    return *out ? true : kin_fail_memory(err, "the classes", (unsigned long long)queries * sizeof **out);
}

int64_t kin_worst_queries(const kin_scores *each, int64_t queries, int64_t *order)
{
    int64_t count;
    keyed *k = sorted(each, NULL, queries, &count);
    for (int64_t i = 0; k && i < count; i++) order[i] = k[i].query;
    bool failed = !k;
    kin_free(k);
    return failed ? -1 : count;
}
