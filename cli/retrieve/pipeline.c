#include "cli/retrieve/pipeline.h"

#include "base/memory.h"
#include "cli/terminal/interrupt.h"
#include "retrieval/rerank/among.h"

#include <math.h>
#include <string.h>

#define PROBE_QUERIES 500
#define PROBE_GALLERY 1500

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/* ---- the clock ---- */

static double left(const kin_pipeline *p) { return p->deadline > 0 ? p->deadline - kin_clock() : INFINITY; }

/* Writing the next result takes what the last took, or what a slow disk would take. */
static double reserve(const kin_pipeline *p)
{
    double rate = p->rates.rate[KIN_COST_WRITE],
           lists = (double)(p->job.queries ? p->job.queries : p->job.gallery) * (double)p->job.top;
    return 0.05 + (rate >= 0 ? 1.5 * rate : 2e-7) * lists;
}

static double usable(const kin_pipeline *p) { return left(p) - reserve(p); }

void kin_pipeline_begin(kin_pipeline *p, kin_cost stage)
{
    p->stage = stage;
    p->stage_started = kin_clock();
    p->needs = 0;
    p->pace = (kin_pace){0};
    p->late = false;
}

void kin_pipeline_end(kin_pipeline *p)
{
    double work = kin_cost_work(&p->job, p->stage), took = kin_clock() - p->stage_started;
    p->seconds[p->stage] = (p->seconds[p->stage] > 0 ? p->seconds[p->stage] : 0) + took;
    if (work > 0) p->rates.rate[p->stage] = p->seconds[p->stage] / work;
}

/* Re-ranking is one call with three stages. */
static void follow_stage(kin_pipeline *p, const char *name)
{
    kin_cost stage = strcmp(name, "comparing") == 0    ? KIN_COST_COMPARE
                     : strcmp(name, "encoding") == 0   ? KIN_COST_ENCODE
                     : strcmp(name, "re-ranking") == 0 ? KIN_COST_RERANK
                                                       : p->stage;
    if (stage == p->stage || p->stage < KIN_COST_COMPARE) return;
    kin_pipeline_end(p);
    kin_pipeline_begin(p, stage);
}

/* What follows the stage before its result is there, at the rate that the stage's first part shows where
 * theirs is not known. */
static double rest_of(const kin_pipeline *p, double whole)
{
    static const kin_cost last[KIN_COSTS] = {[KIN_COST_AUGMENT] = KIN_COST_SEARCH_AGAIN,
                                             [KIN_COST_EXPAND] = KIN_COST_SEARCH_AGAIN,
                                             [KIN_COST_COMPARE] = KIN_COST_RERANK,
                                             [KIN_COST_ENCODE] = KIN_COST_RERANK};
    double sum = 0, work = kin_cost_work(&p->job, p->stage);
    kin_rates rates = p->rates;
    if (work > 0) rates.rate[p->stage] = whole / work;
    /* as long lists */
    if (rates.rate[KIN_COST_SEARCH_AGAIN] < 0)
        rates.rate[KIN_COST_SEARCH_AGAIN] = rates.rate[KIN_COST_SEARCH];
    /* as short ones */
    if (rates.rate[KIN_COST_EXPAND] < 0) rates.rate[KIN_COST_EXPAND] = rates.rate[KIN_COST_AUGMENT];
    for (int c = (int)p->stage + 1; c <= (int)last[p->stage]; c++)
        sum += fmax(0, kin_cost_seconds(&rates, &p->job, (kin_cost)c));
    return sum;
}

/* Without a first result there is nothing: it is waited for, and who waits is told. */
static void warn_once(kin_pipeline *p)
{
    char a[24], b[24];
    if (p->warned || p->needs == 0 || p->needs <= p->deadline - p->stage_started) return;
    p->warned = true;
    kin_meter_break();
    kin_cli_note(
        p->r.cli,
        "%s alone takes about %s, more than the %s there are; it goes on, for without it there is no result",
        kin_cost_names[p->stage], kin_meter_clock(ceil(p->needs), a),
        kin_meter_clock(fmax(0, floor(p->deadline - p->stage_started)), b));
}

static bool in_time(kin_pipeline *p, int64_t done, int64_t total)
{
    if (p->deadline <= 0) return true;
    if (p->late) return false; /* other threads' reports, after it was decided */
    double took = kin_clock() - p->stage_started, share = total > 0 ? (double)done / (double)total : 0,
           whole = kin_pace_foretell(&p->pace, took, share);
    bool known = whole > 0;
    if (known) p->needs = whole + (p->holds ? rest_of(p, whole) : 0);
    if (!p->holds) return warn_once(p), true;
    if (usable(p) > 0 && (!known || p->needs - took <= usable(p))) return true;
    p->late = true;
    return false;
}

static bool watch(void *user, const char *stage, int64_t done, int64_t total)
{
    kin_pipeline *p = user;
    kin_progress shown = kin_retrieve_progress(&p->r);
    follow_stage(p, stage);
    return shown.report(shown.user, stage, done, total) && in_time(p, done, total);
}

kin_progress kin_pipeline_progress(kin_pipeline *p) { return (kin_progress){watch, p}; }

/* ---- results ---- */

static bool to_stream(const kin_pipeline *p) { return p->r.out && strcmp(p->r.out, "-") == 0; }

/* Takes `lists` over as the best so far, and writes them; a stream takes one result only, the last. */
static bool keep(kin_pipeline *p, kin_neighbours *lists, kin_list_value value, const char *name,
                 kin_error *err)
{
    char clock[24];
    kin_neighbours_free(&p->best);
    p->best = *lists;
    *lists = (kin_neighbours){0};
    p->r.value = value;
    double began = kin_clock();
    if (!to_stream(p) && !kin_retrieve_write_quietly(&p->r, &p->best, err)) return false;
    p->holds = name;
    double took = kin_clock() - began, written = (double)p->best.queries * (double)p->best.k;
    p->seconds[KIN_COST_WRITE] = fmax(0, p->seconds[KIN_COST_WRITE]) + took;
    if (!to_stream(p)) p->rates.rate[KIN_COST_WRITE] = took / written;
    kin_meter_break();
    kin_cli_note(p->r.cli, "%s: %s after %s", name, to_stream(p) ? "done" : "written",
                 kin_meter_clock(kin_clock() - p->started, clock));
    return true;
}

static void left_out(const kin_pipeline *p, const char *what, double needs)
{
    char a[24], b[24];
    double had = fmax(0, usable(p));
    kin_meter_break();
    if (needs > 0)
        kin_cli_note(p->r.cli, "left out for the deadline: %s, which would take about %s with %s left", what,
                     kin_meter_clock(ceil(needs), a), kin_meter_clock(floor(had), b));
    else kin_cli_note(p->r.cli, "left out for the deadline: %s", what);
}

/* Whether a failure is the deadline's doing, which is no failure once there is a result. */
static bool forgiven(kin_pipeline *p, const char *what, double needs, kin_error *err)
{
    if (!p->late || !p->holds || kin_interrupted() || err->code != KIN_ERR_INTERRUPTED) return false;
    kin_error_clear(err);
    left_out(p, what, needs);
    return true;
}

/* ---- stages ---- */

static bool search(kin_pipeline *p, kin_cost stage, const char *name, kin_error *err)
{
    kin_neighbours lists = {0};
    kin_search_opt opt = {.k = p->r.depth,
                          .metric = p->r.metric,
                          .leave_one_out = p->r.leave_one_out,
                          .self = kin_retrieve_self(&p->r),
                          .progress = kin_pipeline_progress(p)};
    kin_pipeline_begin(p, stage);
    bool ok = kin_search(kin_retrieve_query(&p->r), kin_retrieve_gallery(&p->r), &opt, &lists, err);
    if (ok) kin_pipeline_end(p);
    ok = ok && keep(p, &lists, KIN_VALUE_COSINE, name, err);
    kin_neighbours_free(&lists);
    return ok;
}

static double seconds_of_means(const kin_pipeline *p)
{
    return fmax(0, kin_cost_seconds(&p->rates, &p->job, KIN_COST_AUGMENT)) +
           fmax(0, kin_cost_seconds(&p->rates, &p->job, KIN_COST_EXPAND)) +
           fmax(0, kin_cost_seconds(&p->rates, &p->job, KIN_COST_SEARCH_AGAIN));
}

/* A part of the means, or its absence: *n becomes 0 where there is no time for it. False on an error. */
static bool mean(kin_pipeline *p, kin_cost stage, int64_t *n,
                 bool (*compute)(kin_retrieve *, kin_progress, kin_error *), const char *what, kin_error *err)
{
    double needs = seconds_of_means(p);
    if (*n && needs > 2 * usable(p)) {
        left_out(p, what, needs);
        *n = 0;
    }
    if (!*n) return true;
    kin_pipeline_begin(p, stage);
    if (compute(&p->r, kin_pipeline_progress(p), err)) return kin_pipeline_end(p), true;
    *n = 0; /* and no descriptor was touched */
    return forgiven(p, what, p->needs, err);
}

static bool expand(kin_pipeline *p, kin_error *err)
{
    if (!mean(p, KIN_COST_AUGMENT, &p->job.augment, kin_retrieve_augment, "the gallery's means", err) ||
        !mean(p, KIN_COST_EXPAND, &p->job.expand, kin_retrieve_expand_queries, "the queries' means", err))
        return false;
    if (!p->job.augment && !p->job.expand) return true;
    return search(p, KIN_COST_SEARCH_AGAIN, "search with expanded descriptors", err) ||
           forgiven(p, "the search with expanded descriptors", p->needs, err);
}

/* Every so many rows, `count` of them. */
static float *some_rows(kin_vectors v, int64_t count)
{
    float *rows = kin_alloc_array((size_t)count, (size_t)v.dim * sizeof *rows);
    for (int64_t i = 0; rows && i < count; i++)
        memcpy(rows + i * v.dim, kin_row(v, (int64_t)((double)i * (double)v.count / (double)count)),
               (size_t)v.dim * sizeof *rows);
    return rows;
}

/* How long encoding and the lists take, learned on a small part. */
static void probe(kin_pipeline *p)
{
    kin_vectors q = kin_retrieve_query(&p->r), g = kin_retrieve_gallery(&p->r);
    kin_job_size whole = p->job;
    double seconds[KIN_COSTS];
    memcpy(seconds, p->seconds, sizeof seconds);
    kin_vectors fewer_q = {some_rows(q, least(q.count, PROBE_QUERIES)), least(q.count, PROBE_QUERIES), q.dim};
    kin_vectors fewer_g = {some_rows(g, least(g.count, PROBE_GALLERY)), least(g.count, PROBE_GALLERY), g.dim};
    kin_rerank_opt opt = p->rerank;
    kin_neighbours lists = {0};
    kin_error err = {0};
    opt.k = least(opt.k, fewer_g.count - p->r.leave_one_out);
    opt.leave_one_out = p->r.leave_one_out;
    opt.progress = kin_pipeline_progress(p);
    p->job.queries = p->r.leave_one_out ? 0 : fewer_q.count;
    p->job.gallery = fewer_g.count;
    for (int c = KIN_COST_COMPARE; c <= KIN_COST_RERANK; c++) p->seconds[c] = -1;
    kin_pipeline_begin(p, KIN_COST_COMPARE);
    bool ok = fewer_q.data && fewer_g.data && opt.k1 < p->job.queries + p->job.gallery && opt.k > 0 &&
              kin_rerank_k_reciprocal(fewer_q, fewer_g, &opt, &lists, &err);
    if (ok) kin_pipeline_end(p);
    kin_neighbours_free(&lists);
    kin_free((float *)fewer_q.data), kin_free((float *)fewer_g.data);
    p->job = whole;
    /* too few rows to tell: search's rate is used, until the comparison's own first part is done */
    p->rates.rate[KIN_COST_COMPARE] = -1;
    memcpy(p->seconds, seconds, sizeof seconds);
}

static double seconds_of_rerank(const kin_pipeline *p)
{
    double sum = 0;
    for (int c = KIN_COST_COMPARE; c <= KIN_COST_RERANK; c++)
        sum += fmax(0, kin_cost_seconds(&p->rates, &p->job, (kin_cost)c));
    return sum;
}

static bool rerank_all(kin_pipeline *p, kin_error *err)
{
    kin_rerank_opt opt = p->rerank;
    kin_neighbours lists = {0};
    opt.leave_one_out = p->r.leave_one_out;
    opt.self = kin_retrieve_self(&p->r);
    opt.progress = kin_pipeline_progress(p);
    kin_pipeline_begin(p, KIN_COST_COMPARE);
    bool ok = kin_rerank_k_reciprocal(kin_retrieve_query(&p->r), kin_retrieve_gallery(&p->r), &opt, &lists,
                                      err);
    if (ok) kin_pipeline_end(p);
    ok = ok && keep(p, &lists, KIN_VALUE_DISTANCE, "k-reciprocal re-ranking", err);
    kin_neighbours_free(&lists);
    return ok;
}

/* With the gallery items that are among the first `first` of a list. */
static bool rerank_among(kin_pipeline *p, int64_t first, kin_error *err)
{
    kin_rerank_opt opt = p->rerank;
    kin_neighbours lists = {0};
    opt.self = kin_retrieve_self(&p->r);
    opt.progress = kin_pipeline_progress(p);
    p->total_items = kin_among_count(&p->best, p->job.gallery, first, NULL);
    kin_job_size whole = p->job;
    p->job.gallery = p->total_items; /* the rates are of this part */
    kin_pipeline_begin(p, KIN_COST_COMPARE);
    bool ok = kin_rerank_among(kin_retrieve_query(&p->r), kin_retrieve_gallery(&p->r), &p->best, first, &opt,
                               &lists, err);
    if (ok) kin_pipeline_end(p);
    p->job = whole;
    if (ok)
        kin_cli_note(p->r.cli,
                     "re-ranked with the %lld of %lld gallery items that are among the first %lld of a list",
                     (long long)p->total_items, (long long)whole.gallery, (long long)first);
    ok = ok && keep(p, &lists, KIN_VALUE_DISTANCE, "re-ranking among the first of the lists", err);
    kin_neighbours_free(&lists);
    return ok;
}

/* The longest part of the lists that there is time for. */
static bool rerank_what_fits(kin_pipeline *p, double needs, kin_error *err)
{
    int64_t participants = kin_cost_participants(&p->rates, &p->job, 0.8 * usable(p)), first = 0;
    if (!p->r.leave_one_out && participants > p->job.queries)
        first = kin_among_fit(&p->best, p->job.gallery, participants - p->job.queries);
    if (first < 0) return kin_fail_memory(err, "re-ranking", (unsigned long long)p->job.gallery);
    left_out(p, first ? "re-ranking with the whole gallery" : "re-ranking", needs);
    return !first || rerank_among(p, first, err) ||
           forgiven(p, "re-ranking among the first of the lists", p->needs, err);
}

/* By the first of each list: no query waits for another, and there is nothing smaller to fall back on. */
static bool rerank_top_m(kin_pipeline *p, kin_error *err)
{
    kin_top_m_opt opt = p->top_m;
    kin_neighbours lists = {0};
    opt.leave_one_out = p->r.leave_one_out;
    opt.self = kin_retrieve_self(&p->r);
    opt.progress = kin_pipeline_progress(p);
    kin_pipeline_begin(p, KIN_COST_RERANK);
    bool ok = kin_rerank_top_m(kin_retrieve_query(&p->r), kin_retrieve_gallery(&p->r), &opt, &lists, err);
    if (ok) kin_pipeline_end(p);
    ok = ok && keep(p, &lists, KIN_VALUE_PRODUCT, "re-ranking by the first of each list", err);
    kin_neighbours_free(&lists);
    return ok || forgiven(p, "re-ranking", p->needs, err);
}

static bool rerank(kin_pipeline *p, kin_error *err)
{
    if (p->top_m.first) return rerank_top_m(p, err);
    if (!p->rerank.k1) return true;
    kin_meter_break();
    kin_retrieve_warn_of_small_classes(&p->r, p->rerank.k1);
    if (p->among) return rerank_among(p, p->among, err) || forgiven(p, "re-ranking", p->needs, err);
    if (p->deadline > 0) probe(p);
    double needs = seconds_of_rerank(p);
    /* The estimate errs on the slow side: when it is not far off, the comparison's first part decides. */
    if (needs > 2 * usable(p)) return rerank_what_fits(p, needs, err);
    if (rerank_all(p, err)) return true;
    if (!p->late || kin_interrupted() || err->code != KIN_ERR_INTERRUPTED) return false;
    kin_error_clear(err);
    if (p->stage == KIN_COST_COMPARE && p->needs > 0)
        p->rates.rate[KIN_COST_COMPARE] = (p->needs - rest_of(p, 0)) /
                                          kin_cost_work(&p->job, KIN_COST_COMPARE);
    return rerank_what_fits(p, p->needs > 0 ? p->needs : needs, err);
}

/* ---- the whole ---- */

static bool finish_stream(kin_pipeline *p, kin_error *err)
{
    return !to_stream(p) || !p->holds || kin_retrieve_write_quietly(&p->r, &p->best, err);
}

static bool stages(kin_pipeline *p, kin_error *err)
{
    return search(p, KIN_COST_SEARCH, "plain search", err) && expand(p, err) && rerank(p, err);
}

bool kin_pipeline_run(kin_pipeline *p, kin_error *err)
{
    p->rates = kin_rates_from(&p->job, p->seconds);
    bool ok = stages(p, err);
    kin_error late = {0};
    if (!ok && p->holds && err->code == KIN_ERR_INTERRUPTED) {
        kin_interrupt_lasts("");
        finish_stream(p, &late);
        return kin_fail(err, KIN_ERR_INTERRUPTED, "interrupted; %s the lists of the %s",
                        to_stream(p) ? "standard output has" : "what is written are", p->holds);
    }
    if (ok && left(p) < 0) kin_cli_note(p->r.cli, "the deadline was missed by %.1f s", -left(p));
    return ok && finish_stream(p, err);
}

void kin_pipeline_close(kin_pipeline *p)
{
    kin_neighbours_free(&p->best);
    kin_retrieve_close(&p->r);
}
