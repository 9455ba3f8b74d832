#include "train/sweep/sweep.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "train/phase.h"
#include "train/run_data.h"
#include "train/run_folder.h"
#include "train/sweep/journal.h"
#include "train/sweep/trial.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { HOPELESS = 8 }; /* so many trials that fail, and none that does not: it is the space */
#define KEPT_BACK 0.25 /* seconds for what is written in the end */

typedef struct sweeping {
    const kin_sweep_opt *opt;
    kin_sweep_space space;
    kin_sweep_journal journal;
    kin_sweep_table table;
    kin_sweep_stage stage;
    double latest; /* moment by which all must be done; INFINITY: none */
    double whole;  /* seconds there were for it, at this call's beginning */
    bool late;     /* what was just worked on was stopped for the time */
    kin_sweep_next
        left_out[KIN_SWEEP_FINALISTS + 1]; /* by stage: what the caller knows that there is no time for */
    int64_t told; /* the best trial that the caller knows of, -1: none, and its rungs then */
    int told_rungs;
    kin_config config;
    int lock;
} sweeping;

char *kin_sweep_folder(const char *folder, int64_t trial, int64_t seed)
{
    kin_text path = {0};
    kin_text_format(&path, "%s/trial-%04lld", folder, (long long)trial);
    if (seed) kin_text_format(&path, "-seed-%lld", (long long)seed);
    if (path.failed) kin_text_free(&path);
    return path.data;
}

/* ---- what it will take ---- */

/* Seconds a step, by the trial's own last rung, else by the mean of all; and what opening took at most. */
static void known(const sweeping *s, int64_t trial, double *rate, double *opening)
{
    double seconds = 0, steps = 0, own = 0;
    *opening = 0;
    for (int64_t i = 0; i < s->table.count; i++)
        for (int r = 0; r < s->table.trials[i].rungs; r++) {
            const kin_sweep_result *result = &s->table.trials[i].result[r];
            double worked = result->seconds - result->opening;
            *opening = fmax(*opening, result->opening);
            if (result->computed < 1) continue;
            seconds += worked, steps += (double)result->computed;
            if (i == trial) own = worked / (double)result->computed;
        }
    *rate = own > 0 ? own : steps > 0 ? seconds / steps : 0;
}

static int64_t begins_at(const sweeping *s, const kin_sweep_next *next)
{
    return next->seed || !next->rung ? 0 : s->opt->plan.step[next->rung - 1];
}

/* Seconds that a rung takes; 0: not known yet. */
static double needs_of(const sweeping *s, const kin_sweep_next *next)
{
    double rate, opening;
    known(s, next->trial, &rate, &opening);
    int64_t steps = s->opt->plan.step[next->rung] - begins_at(s, next);
    return rate > 0 ? opening + rate * (double)steps : 0;
}

/* Time for the finalists, of whom one is like another: what they would need, and half of all at most. */
static double kept_for_finalists(const sweeping *s)
{
    const kin_sweep_plan *plan = &s->opt->plan;
    int64_t best = kin_sweep_best(&s->table);
    double rate, opening;
    if (best < 0 || isinf(s->latest) || s->stage == KIN_SWEEP_FINALISTS) return 0;
    known(s, best, &rate, &opening);
    double each = opening + rate * (double)plan->step[plan->rungs - 1],
           left = (double)((int64_t)plan->finalists * plan->seeds - s->table.n_again);
    return fmin(fmax(left, 0) * each, s->whole / 2);
}

static double latest_for(const sweeping *s) { return s->latest - KEPT_BACK - kept_for_finalists(s); }

static bool same_piece(const kin_sweep_next *a, const kin_sweep_next *b)
{
    return a->what == b->what && a->trial == b->trial && a->rung == b->rung && a->seed == b->seed;
}

/* Once: a promotion that is left out comes again as a finalist that is. */
static void tell_left_out(sweeping *s, const kin_sweep_next *next, double needs, double left)
{
    const kin_sweep_watch *w = &s->opt->watch;
    bool told = false;
    for (int i = 0; i < (int)s->stage; i++) told |= same_piece(&s->left_out[i], next);
    s->left_out[s->stage] = *next;
    if (!told && w->on_left_out) w->on_left_out(w->user, next, needs, fmax(left, 0));
}

/* Whether a rung is begun; else the search goes on with what is smaller, and it is told. */
static bool there_is_time(sweeping *s, const kin_sweep_next *next)
{
    double needs = needs_of(s, next), left = latest_for(s) - kin_sweep_clock();
    if (left > 0 && needs <= left) return true;
    tell_left_out(s, next, needs, left);
    return false;
}

static kin_sweep_stage smaller(const sweeping *s, const kin_sweep_next *next)
{
    return s->stage == KIN_SWEEP_SEARCH && next->what == KIN_SWEEP_GO_ON ? KIN_SWEEP_NO_PROMOTION
                                                                         : KIN_SWEEP_FINALISTS;
}

/* ---- one piece of work ---- */

static bool configure(sweeping *s, const kin_sweep_next *next, kin_sweep_chain *chain, kin_error *err)
{
    const kin_sweep_plan *plan = &s->opt->plan;
    *chain = (kin_sweep_chain){0};
    if (!s->opt->configure(s->opt->user, s->table.trials[next->trial].value, &s->config, chain, err))
        return false;
    s->config.steps = plan->step[plan->rungs - 1];
    s->config.validate_every = plan->step[0];
    s->config.seed += next->seed;
    return true;
}

/* A trial that is new to the table is in the journal before its first step. */
static bool begin(sweeping *s, const kin_sweep_next *next, kin_error *err)
{
    if (next->what != KIN_SWEEP_NEW || next->trial < s->table.count) return true;
    kin_sweep_trial *trial = kin_sweep_table_add(&s->table);
    if (!trial) return kin_fail_memory(err, "the trials", sizeof *trial);
    for (int i = 0; i < s->opt->n_params; i++)
        trial->value[i] = kin_sweep_draw(&s->opt->params[i], s->opt->plan.seed, next->trial);
    return kin_sweep_journal_begin(&s->journal, next->trial, trial->value, err);
}

static bool hopeless(const sweeping *s, kin_error *err)
{
    if (s->table.count < HOPELESS) return false;
    for (int64_t i = 0; i < s->table.count; i++)
        if (s->table.trials[i].rungs) return false;
    kin_fail(err, KIN_ERR_ARGUMENT, "the first %lld trials failed, all of them; the first: %s",
             (long long)s->table.count, s->table.trials[0].failed);
    return true;
}

static bool forget(const sweeping *s, int64_t trial, int64_t seed, kin_error *err)
{
    char *folder = kin_sweep_folder(s->opt->folder, trial, seed);
    bool ok = folder ? kin_phase_forget(folder, err) : kin_fail_memory(err, s->opt->folder, 1);
    kin_free(folder);
    return ok;
}

/* What lies behind the best so many gives up its checkpoints: should it be promoted yet, it begins again. With another
 * seed a finalist is trained for its figure alone. */
static bool prune(const sweeping *s, kin_error *err)
{
    int64_t keep = s->opt->plan.keep, *order;
    bool ok = true;
    if (!keep) return true;
    for (int64_t i = 0; ok && i < s->table.n_again; i++)
        ok = forget(s, s->table.again[i].trial, s->table.again[i].seed, err);
    if (!ok || s->table.count <= keep) return ok;
    if (!(order = kin_alloc_array((size_t)s->table.count, sizeof *order)))
        return kin_fail_memory(err, "the trials", (size_t)s->table.count * sizeof *order);
    kin_sweep_order(&s->table, order);
    for (int64_t i = keep; ok && i < s->table.count; i++) {
        const kin_sweep_trial *trial = &s->table.trials[order[i]];
        if (trial->rungs || *trial->failed) ok = forget(s, order[i], 0, err);
    }
    kin_free(order);
    return ok;
}

/* Whatever made it the best: its own rung, a better one that fell back or failed, a call that was killed before it
 * told. */
static bool tell_best(sweeping *s, kin_error *err)
{
    const kin_sweep_watch *w = &s->opt->watch;
    int64_t best = kin_sweep_best(&s->table);
    if (best < 0 || (best == s->told && s->table.trials[best].rungs == s->told_rungs)) return true;
    s->told = best, s->told_rungs = s->table.trials[best].rungs;
    return !w->on_best || w->on_best(w->user, &s->table, best, err);
}

static bool keep_failure(sweeping *s, const kin_sweep_next *next, const char *why, double seconds,
                         kin_error *err)
{
    const kin_sweep_watch *w = &s->opt->watch;
    char *to = s->table.trials[next->trial].failed;
    if (next->seed) {
        kin_sweep_again *again = kin_sweep_table_add_again(&s->table, next->trial, next->seed);
        if (!again) return kin_fail_memory(err, "the trials", sizeof *again);
        to = again->failed;
    }
    snprintf(to, sizeof s->table.trials->failed, "%s", why);
    s->table.unfinished += seconds;
    if (!kin_sweep_journal_failed(&s->journal, next->trial, next->seed, to, seconds, err)) return false;
    if (w->on_failed) w->on_failed(w->user, next, to);
    return !hopeless(s, err) && tell_best(s, err) && prune(s, err);
}

static bool keep_result(sweeping *s, const kin_sweep_next *next, const kin_sweep_result *result,
                        kin_error *err)
{
    const kin_sweep_watch *w = &s->opt->watch;
    if (!kin_sweep_journal_result(&s->journal, next->trial, next->rung, next->seed, result, err))
        return false;
    if (next->seed) {
        kin_sweep_again *again = kin_sweep_table_add_again(&s->table, next->trial, next->seed);
        if (!again) return kin_fail_memory(err, "the trials", sizeof *again);
        again->result = *result;
    } else {
        kin_sweep_trial *trial = &s->table.trials[next->trial];
        trial->result[trial->rungs++] = *result;
    }
    if (w->on_result) w->on_result(w->user, next, result);
    return tell_best(s, err) && prune(s, err);
}

/* It was stopped inside the rung: what it took counts, and its checkpoint waits. */
static bool keep_pause(sweeping *s, const kin_sweep_next *next, const kin_sweep_result *result,
                       kin_error *err)
{
    s->table.unfinished += result->seconds;
    return kin_sweep_journal_paused(&s->journal, next->trial, next->seed, result->step, result->seconds, err);
}

static bool train(sweeping *s, const kin_sweep_next *next, const kin_sweep_chain *chain, kin_error *err)
{
    kin_sweep_result result;
    kin_error why = {0}, ignored = {0};
    char *folder = kin_sweep_folder(s->opt->folder, next->trial, next->seed);
    kin_trial trial = {.opt = s->opt,
                       .config = &s->config,
                       .chain = chain,
                       .folder = folder,
                       .until = s->opt->plan.step[next->rung],
                       .latest = latest_for(s)};
    if (!folder) return kin_fail_memory(err, s->opt->folder, strlen(s->opt->folder));
    kin_trial_end end = kin_trial_run(&trial, &result, &why);
    kin_free(folder);
    if (end == KIN_TRIAL_DONE) return keep_result(s, next, &result, err);
    if (end == KIN_TRIAL_FAILED) return keep_failure(s, next, why.message, result.seconds, err);
    if (end == KIN_TRIAL_BROKEN) {
        if (why.code == KIN_ERR_INTERRUPTED) keep_pause(s, next, &result, &ignored);
        return kin_fail(err, why.code, "trial %lld: %s", (long long)next->trial, why.message);
    }
    if (!keep_pause(s, next, &result, err)) return false;
    tell_left_out(s, next, trial.needs, trial.latest - kin_sweep_clock());
    return s->late = true;
}

static bool work_on(sweeping *s, const kin_sweep_next *next, kin_error *err)
{
    const kin_sweep_watch *w = &s->opt->watch;
    kin_sweep_chain chain;
    kin_error why = {0};
    if (!begin(s, next, err)) return false;
    if (!configure(s, next, &chain, &why))
        return why.code == KIN_ERR_ARGUMENT ? keep_failure(s, next, why.message, 0, err)
                                            : kin_fail(err, why.code, "%s", why.message);
    if (w->on_begin)
        w->on_begin(w->user, next, begins_at(s, next), s->opt->plan.step[next->rung], needs_of(s, next));
    return train(s, next, &chain, err);
}

/* ---- the whole ---- */

static bool stopped(const sweeping *s, kin_error *err)
{
    const kin_sweep_watch *w = &s->opt->watch;
    return w->should_stop && w->should_stop(w->user) && !kin_fail(err, KIN_ERR_INTERRUPTED, "stopped");
}

static bool all(sweeping *s, kin_error *err)
{
    for (;;) {
        kin_sweep_next next = kin_sweep_decide(&s->table, &s->opt->plan, s->stage);
        if (next.what == KIN_SWEEP_DONE) return true;
        if (stopped(s, err)) return false;
        s->late = !there_is_time(s, &next);
        if (!s->late && !work_on(s, &next, err)) return false;
        if (!s->late) continue;
        if (s->stage == KIN_SWEEP_FINALISTS) return true; /* nothing smaller is left */
        s->stage = smaller(s, &next);
    }
}

/* Trials without the journal that tells of them would be taken for others. */
static bool is_free(const sweeping *s, kin_error *err)
{
    char *journal = kin_path_join(s->opt->folder, KIN_SWEEP_JOURNAL),
         *first = kin_sweep_folder(s->opt->folder, 0, 0);
    bool ok = (journal && first) || kin_fail_memory(err, s->opt->folder, 1);
    if (ok && !kin_exists(journal) && kin_exists(first))
        ok = kin_fail(err, KIN_ERR_ARGUMENT, "%s: is there, but no %s that tells of it; name another folder",
                      first, KIN_SWEEP_JOURNAL);
    kin_free(journal), kin_free(first);
    return ok;
}

static bool own(sweeping *s, kin_error *err)
{
    kin_error why = {0};
    if (kin_run_own(s->opt->folder, &s->lock, &why)) return true;
    if (why.code == KIN_ERR_BUSY)
        return kin_fail(err, why.code, "%s: another sweep works in this folder; wait for it, or name another",
                        s->opt->folder);
    return kin_fail(err, why.code, "%s", why.message);
}

static bool open_sweep(sweeping *s, kin_error *err)
{
    const kin_sweep_opt *opt = s->opt;
    kin_run_data data = {0};
    if (opt->n_params < 1 || opt->n_params > KIN_SWEEP_PARAMS)
        return kin_fail(err, KIN_ERR_ARGUMENT, "a sweep searches 1 to %d parameters, not %d",
                        KIN_SWEEP_PARAMS, opt->n_params);
    for (int i = 0; i < opt->n_params; i++)
        if (!kin_sweep_param_check(&opt->params[i], err)) return false;
    if (!opt->validation) return kin_fail(err, KIN_ERR_ARGUMENT, "a sweep needs pictures that are held out");
    if (!kin_run_data_of(&data, opt->set, opt->validation, err)) return false;
    s->space = (kin_sweep_space){.params = opt->params,
                                 .n_params = opt->n_params,
                                 .fixed = opt->fixed ? opt->fixed : "",
                                 .pictures = data.pictures,
                                 .held = data.held};
    snprintf(s->space.data, sizeof s->space.data, "%s", data.digest);
    kin_run_data_free(&data);
    return own(s, err) && is_free(s, err) &&
           kin_sweep_journal_open(&s->journal, opt->folder, &s->space, &opt->plan, &s->table, err);
}

static void set_time(sweeping *s, double began)
{
    const kin_sweep_opt *opt = s->opt;
    double whole = INFINITY;
    if (opt->budget > 0) whole = opt->budget - kin_sweep_spent(&s->table);
    if (opt->deadline > 0) whole = fmin(whole, opt->deadline);
    s->whole = fmax(whole, 0);
    s->latest = began + whole;
}

bool kin_sweep(const kin_sweep_opt *opt, kin_sweep_table *out, kin_error *err)
{
    double began = kin_sweep_clock();
    if (out) *out = (kin_sweep_table){0};
    sweeping *s = kin_alloc_zero(1, sizeof *s);
    if (!s) return kin_fail_memory(err, "the sweep", sizeof *s);
    s->opt = opt, s->lock = -1, s->journal.file = -1, s->told = -1;
    bool ok = open_sweep(s, err);
    if (ok) set_time(s, began);
    ok = ok && tell_best(s, err) && all(s, err);
    if (out) *out = s->table;
    else kin_sweep_table_free(&s->table);
    kin_sweep_journal_close(&s->journal);
    kin_run_release(&s->lock);
    kin_free(s);
    return ok;
}
