#include "train/sweep/verdict.h"

#include "base/memory.h"
#include "base/random.h"

#include <math.h>
#include <string.h>

enum { PARTS = 4, SHUFFLES = 999 };

/* ---- importance ---- */

/* The trials with a first rung: their figures, and the group of each. */
typedef struct grouped {
    double *figure, *value;
    int64_t *order;
    int *group;
    int64_t count;
    int groups;
} grouped;

static void grouped_free(grouped *g)
{
    kin_free(g->figure), kin_free(g->value), kin_free(g->order), kin_free(g->group);
}

static bool gather(grouped *g, const kin_sweep_table *t, int param, const bool *idle, kin_error *err)
{
    size_t most = (size_t)t->count + 1;
    g->figure = kin_alloc_array(most, sizeof *g->figure), g->value = kin_alloc_array(most, sizeof *g->value);
    g->order = kin_alloc_array(most, sizeof *g->order), g->group = kin_alloc_array(most, sizeof *g->group);
    if (!g->figure || !g->value || !g->order || !g->group) return kin_fail_memory(err, "the trials", most);
    for (int64_t i = 0; i < t->count; i++) {
        if (!t->trials[i].rungs || (idle && idle[i])) continue;
        g->figure[g->count] = t->trials[i].result[0].figure;
        g->value[g->count++] = t->trials[i].value[param];
    }
    return true;
}

static bool is_smaller(const void *of, int64_t a, int64_t b)
{
    const double *value = of;
    return value[a] < value[b] || (value[a] == value[b] && a < b);
}

/* By ranks, equal values together; for a choice each value is a group. */
static void divide(grouped *g, bool choice)
{
    int last = -1;
    kin_sweep_sort(g->order, g->count, is_smaller, g->value);
    for (int64_t i = 0; i < g->count; i++) {
        int64_t at = g->order[i];
        int part = (int)(i * PARTS / g->count);
        bool equal = i > 0 && g->value[at] == g->value[g->order[i - 1]];
        if (!equal && (choice || part != last || i == 0)) g->groups++, last = part;
        g->group[at] = g->groups - 1;
    }
}

static double correlation_ratio(const grouped *g, const int64_t *deal, double *sum, double *count)
{
    double mean = 0, all = 0, between = 0;
    for (int i = 0; i < g->groups; i++) sum[i] = count[i] = 0;
    for (int64_t i = 0; i < g->count; i++) {
        double y = g->figure[deal ? deal[i] : i];
        mean += y, sum[g->group[i]] += y, count[g->group[i]]++;
    }
    mean /= (double)g->count;
    for (int64_t i = 0; i < g->count; i++) all += (g->figure[i] - mean) * (g->figure[i] - mean);
    for (int i = 0; i < g->groups; i++)
        between += count[i] * (sum[i] / count[i] - mean) * (sum[i] / count[i] - mean);
    return all > 0 ? between / all : 0;
}

static bool measure(const grouped *g, kin_sweep_importance *out, kin_error *err)
{
    double n = (double)g->count, b = g->groups, *sums = kin_alloc_array((size_t)g->groups, 2 * sizeof *sums);
    int64_t *deal = kin_alloc_array((size_t)g->count, sizeof *deal), as_large = 0;
    bool ok = (sums && deal) || kin_fail_memory(err, "the trials", (size_t)g->count);
    if (ok) {
        double ratio = correlation_ratio(g, NULL, sums, sums + g->groups);
        for (int s = 0; s < SHUFFLES; s++) {
            kin_shuffle(deal, g->count, kin_key(7, (uint64_t)s, 0));
            as_large += correlation_ratio(g, deal, sums, sums + g->groups) >= ratio - 1e-12;
        }
        out->share = fmax(0, 1 - (1 - ratio) * (n - 1) / (n - b));
        out->chance = (double)(as_large + 1) / (SHUFFLES + 1);
    }
    kin_free(sums), kin_free(deal);
    return ok;
}

bool kin_sweep_importance_of(const kin_sweep_param *p, int param, const kin_sweep_table *t, const bool *idle,
                             kin_sweep_importance *out, kin_error *err)
{
    grouped g = {0};
    *out = (kin_sweep_importance){.share = NAN, .chance = 1};
    bool ok = gather(&g, t, param, idle, err);
    if (ok && g.count) divide(&g, p->kind == KIN_SWEEP_CHOICE);
    out->groups = g.groups, out->trials = g.count;
    /* two for each group, else it says nothing */
    if (ok && g.groups > 1 && g.count >= 2 * g.groups) ok = measure(&g, out, err);
    grouped_free(&g);
    return ok;
}

/* ---- seeds ---- */

static kin_sweep_seeds of_trial(const kin_sweep_table *t, int64_t trial)
{
    kin_sweep_seeds s = {.trial = trial, .low = INFINITY, .high = -INFINITY, .deviation = NAN};
    double squares = 0;
    for (int64_t i = 0; i < t->n_again; i++) {
        const kin_sweep_again *a = &t->again[i];
        if (a->trial != trial) continue;
        if (*a->failed) {
            s.failed++;
            continue;
        }
        s.count++, s.mean += a->result.figure;
        s.low = fmin(s.low, a->result.figure), s.high = fmax(s.high, a->result.figure);
    }
    s.mean = s.count ? s.mean / s.count : NAN;
    for (int64_t i = 0; i < t->n_again; i++)
        if (t->again[i].trial == trial && !*t->again[i].failed)
            squares += (t->again[i].result.figure - s.mean) * (t->again[i].result.figure - s.mean);
    if (s.count > 1) s.deviation = sqrt(squares / (s.count - 1));
    return s;
}

int kin_sweep_seeds_of(const kin_sweep_table *t, kin_sweep_seeds *out, int most)
{
    int n = 0;
    for (int64_t i = 0; i < t->count; i++) {
        kin_sweep_seeds s = of_trial(t, i);
        int at = n < most ? n : most;
        if (!s.count && !s.failed) continue;
        for (; at > 0 && (!out[at - 1].count || out[at - 1].mean < s.mean); at--)
            if (at < most) out[at] = out[at - 1];
        if (at < most) out[at] = s, n += n < most;
    }
    return n;
}

/* The 97.5 % point of Student's t with so many degrees of freedom, rounded down to a whole number: on the safe side. */
static double t_point(double freedom)
{
    static const double table[] = {12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
                                   2.201,  2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086};
    int whole = freedom < 1 ? 1 : freedom > 20 ? 20 : (int)freedom;
    return table[whole - 1];
}

kin_sweep_difference kin_sweep_compare(const kin_sweep_seeds *a, const kin_sweep_seeds *b)
{
    kin_sweep_difference d = {.known = a->count > 1 && b->count > 1, .difference = a->mean - b->mean};
    if (!d.known) return d;
    double va = a->deviation * a->deviation / a->count, vb = b->deviation * b->deviation / b->count,
           freedom = va + vb > 0
                         ? (va + vb) * (va + vb) / (va * va / (a->count - 1) + vb * vb / (b->count - 1))
                         : 20;
    d.margin = t_point(freedom) * sqrt(va + vb);
    d.real = fabs(d.difference) > d.margin;
    return d;
}
