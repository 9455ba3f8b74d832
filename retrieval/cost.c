#include "retrieval/cost.h"

#include <math.h>
#include <stddef.h>

const char *const kin_cost_names[] = {"embed",   "search", "augment", "expand", "search-again",
                                      "compare", "encode", "rerank",  "write",  0};

static double lists_of(const kin_job_size *j) { return (double)(j->queries ? j->queries : j->gallery); }
static double items_of(const kin_job_size *j) { return (double)j->queries + (double)j->gallery; }
static bool has_means(const kin_job_size *j) { return j->augment || j->expand; }

/* What else a pair costs, and what a place in a list costs, in multiply-adds of a pair's product. */
static double pair_work(double dim) { return dim + 50; }
static double symmetric_work(double dim) { return dim + 150; }
static double place_work(double dim) { return 9 * dim + 3500; }

/* q rows against n items, the best k of each. */
static double search_work(double q, double n, double dim, double k)
{
    return q * (n * pair_work(dim) + k * place_work(dim));
}

double kin_cost_work(const kin_job_size *j, kin_cost stage)
{
    double q = lists_of(j), n = (double)j->gallery, d = (double)j->dim;
    switch (stage) {
    case KIN_COST_EMBED: return (double)j->pictures;
    case KIN_COST_SEARCH: return search_work(q, n, d, (double)j->top);
    case KIN_COST_AUGMENT: return j->augment ? search_work(n, n, d, (double)j->augment) : 0;
    case KIN_COST_EXPAND: return j->expand ? search_work(q, n, d, (double)j->expand) : 0;
    case KIN_COST_SEARCH_AGAIN: return has_means(j) ? search_work(q, n, d, (double)j->top) : 0;
    case KIN_COST_COMPARE:
        return j->k1 ? items_of(j) * items_of(j) / 2 * symmetric_work(d) +
                           (q * (double)j->top + items_of(j) * (double)j->k1) * place_work(d)
                     : 0;
    case KIN_COST_ENCODE: return j->k1 ? items_of(j) * (double)j->k1 : 0;
    case KIN_COST_RERANK: return j->k1 ? q * (double)j->k1 : 0;
    case KIN_COST_WRITE: return q * (double)j->top * (1 + has_means(j) + (j->k1 > 0));
    case KIN_COSTS: break;
    }
    return 0;
}

/* Numbers of V that an item has after averaging over k2 neighbours, which share about a half of theirs. */
static double encoded_numbers(const kin_job_size *j)
{
    return (double)j->k1 * (1 + 0.5 * ((double)(j->k2 > 1 ? j->k2 : 1) - 1));
}

/* Of an item while all pairs are met: candidates of its neighbours and of its farthest item
 * (retrieval/search/scan.c). */
static double selection_bytes(const kin_job_size *j)
{
    return (2.2 * (double)j->k1 + 190) * sizeof(uint64_t);
}

double kin_cost_bytes(const kin_job_size *j, kin_cost stage)
{
    const double hit = sizeof(int64_t) + sizeof(float), near = sizeof(int32_t) + sizeof(double),
                 entry = sizeof(int32_t) + sizeof(double);
    double descriptors = items_of(j) * (double)j->dim * sizeof(float),
           list = lists_of(j) * (double)j->top * hit;
    double neighbours = items_of(j) * (double)(j->k1 + 1) * near + lists_of(j) * (double)j->top * near;
    switch (stage) {
    case KIN_COST_EMBED: return descriptors;
    case KIN_COST_SEARCH: return descriptors + list;
    case KIN_COST_AUGMENT: return descriptors + list + (double)j->gallery * (double)j->dim * sizeof(float);
    case KIN_COST_EXPAND: return descriptors + list + lists_of(j) * (double)j->dim * sizeof(float);
    case KIN_COST_SEARCH_AGAIN: return descriptors + 2 * list;
    case KIN_COST_COMPARE:
        return descriptors + list + neighbours + descriptors / 2 + items_of(j) * selection_bytes(j);
    case KIN_COST_ENCODE:
    case KIN_COST_RERANK:
        return descriptors + 2 * list + neighbours + 2 * items_of(j) * encoded_numbers(j) * entry;
    case KIN_COST_WRITE: return descriptors + 2 * list;
    case KIN_COSTS: break;
    }
    return 0;
}

kin_rates kin_rates_from(const kin_job_size *job, const double *seconds)
{
    kin_rates r;
    for (int c = 0; c < KIN_COSTS; c++) {
        double work = kin_cost_work(job, (kin_cost)c);
        r.rate[c] = work > 0 && seconds[c] >= 0 ? seconds[c] / work : -1;
    }
    return r;
}

/* Stages that compare descriptors stand in for one another. */
static double comparison_rate(const kin_rates *r)
{
    static const kin_cost comparisons[] = {KIN_COST_SEARCH, KIN_COST_AUGMENT, KIN_COST_EXPAND,
                                           KIN_COST_SEARCH_AGAIN, KIN_COST_COMPARE};
    double most = -1;
    for (size_t i = 0; i < sizeof comparisons / sizeof *comparisons; i++)
        most = fmax(most, r->rate[comparisons[i]]);
    return most;
}

static double rate_of(const kin_rates *r, kin_cost stage)
{
    bool compares = stage >= KIN_COST_SEARCH && stage <= KIN_COST_COMPARE;
    double own = stage < KIN_COSTS ? r->rate[stage] : -1;
    return own < 0 && compares ? comparison_rate(r) : own;
}

double kin_cost_seconds(const kin_rates *rates, const kin_job_size *job, kin_cost stage)
{
    double work = kin_cost_work(job, stage);
    return work > 0 ? rate_of(rates, stage) < 0 ? -1 : rate_of(rates, stage) * work : 0;
}

/* c·P² + e·P ≤ s, where c is the comparison of a pair, which is met once, and e the neighbours and the
 * encoding of an item; lists cost what they cost. */
int64_t kin_cost_participants(const kin_rates *rates, const kin_job_size *job, double seconds)
{
    double compare = rate_of(rates, KIN_COST_COMPARE), place = compare * place_work((double)job->dim);
    double c = compare * symmetric_work((double)job->dim) / 2,
           e = (double)job->k1 * (place + fmax(0, rates->rate[KIN_COST_ENCODE]));
    double s = seconds - lists_of(job) * (double)job->top * place -
               fmax(0, kin_cost_seconds(rates, job, KIN_COST_RERANK));
    if (!(c > 0) || !(s > 0)) return 0;
    return (int64_t)((sqrt(e * e + 4 * c * s) - e) / (2 * c));
}
