#include "train/sweep/trial.h"

#include "base/file.h"
#include "base/memory.h"
#include "train/run_folder.h"
#include "train/trainer_parts.h"

#include <math.h>
#include <time.h>

enum { STEPS_TO_KNOW = 3 };
#define SECONDS_TO_KNOW 0.3

double kin_sweep_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

typedef struct running {
    kin_trial *trial;
    int64_t from, step, judged; /* the step it began at, is at, and was last judged at */
    double began, opened;
    bool late, stopped;
} running;

static void on_step(void *user, const kin_train_step *s)
{
    running *r = user;
    const kin_sweep_watch *w = &r->trial->opt->watch;
    r->step = s->step;
    if (w->on_step) w->on_step(w->user, s);
}

static void on_validation(void *user, const kin_train_validation *v) { ((running *)user)->judged = v->step; }

static void on_remark(void *user, const char *line)
{
    const kin_sweep_watch *w = &((running *)user)->trial->opt->watch;
    if (w->on_remark) w->on_remark(w->user, line);
}

/* Whether its own first part says that it will not be done in time. */
static bool too_late(running *r)
{
    double now = kin_sweep_clock();
    int64_t done = r->step - r->from, all = r->trial->until - r->from;
    if (now > r->trial->latest) return true;
    if (isinf(r->trial->latest) || done < STEPS_TO_KNOW || now - r->opened < SECONDS_TO_KNOW) return false;
    r->trial->needs = r->opened - r->began + (now - r->opened) * (double)all / (double)done;
    return r->began + r->trial->needs > r->trial->latest;
}

/* A rung ends behind its validation, which asks here too while it computes. */
static bool should_stop(void *user)
{
    running *r = user;
    const kin_sweep_watch *w = &r->trial->opt->watch;
    if (r->judged >= r->trial->until) return true;
    if (!r->stopped && w->should_stop) r->stopped = w->should_stop(w->user);
    if (!r->stopped && !r->late) r->late = too_late(r);
    return r->stopped || r->late;
}

static bool reading_goes_on(void *user, int64_t done, int64_t total)
{
    running *r = user;
    const kin_reading *reading = &r->trial->opt->reading;
    return !should_stop(r) && (!reading->progress || reading->progress(reading->user, done, total));
}

/* ---- the figure ---- */

static bool go_on(void *user, int64_t done, int64_t total)
{
    const kin_sweep_watch *w = user;
    (void)done, (void)total;
    return !w->should_stop || !w->should_stop(w->user);
}

static bool judge_rows(const kin_trial *t, const kin_encoded *rows, double *figure, kin_error *err)
{
    kin_metrics m;
    int64_t *labels = kin_alloc_array((size_t)rows->count, 2 * sizeof *labels);
    if (!labels) return kin_fail_memory(err, "validation", (size_t)rows->count * 2 * sizeof *labels);
    for (int64_t i = 0; i < rows->count; i++) {
        const kin_sample *item = &t->opt->validation->items[rows->item[i]];
        labels[i] = item->label, labels[rows->count + i] = item->camera;
    }
    bool ok = kin_sweep_chain_judge((kin_vectors){rows->rows, rows->count, rows->dim}, labels,
                                    labels + rows->count, t->chain, &m, err);
    if (ok) *figure = kin_metrics_tied(&m) ? m.pessimistic.ap : m.mean.ap;
    kin_free(labels);
    return ok;
}

/* What the chain makes of the network that is kept: the best so far. */
static bool judge_chain(const kin_trial *t, double *figure, kin_error *err)
{
    kin_network *network = kin_alloc_zero(1, sizeof *network);
    kin_ctx *ctx = kin_ctx_new();
    kin_module *module = NULL;
    kin_encoded rows = {0};
    char *path = kin_run_model(t->folder);
    kin_encode_opt opt = {
        .progress = go_on, .user = (void *)&t->opt->watch, .limits = t->opt->reading.limits};
    bool ok = (network && ctx && path) || kin_fail_memory(err, "a network", sizeof *network);
    ok = ok && kin_network_open(path, &(kin_open_opt){.own = t->config->own}, ctx, network, &module, err) &&
         kin_encode(module, network, t->opt->validation, &opt, &rows, err) &&
         judge_rows(t, &rows, figure, err);
    kin_encoded_free(&rows);
    kin_module_free(module), kin_ctx_free(ctx);
    kin_free(path), kin_free(network);
    return ok;
}

/* ---- the run ---- */

/* A training that goes on does so with the settings of its checkpoint, whose batches were fitted to the set. */
static bool look_for_state(const kin_trial *t, bool *has, kin_error *err)
{
    kin_checkpoint *checkpoint = NULL;
    const kin_catalogue *own = t->config->own;
    char *path = kin_path_join(t->folder, KIN_RUN_STATE);
    bool ok = path ? kin_look_for(path, has, err) : kin_fail_memory(err, t->folder, 1);
    if (ok && *has)
        ok = kin_checkpoint_open(path, &checkpoint, err) &&
             kin_config_from_checkpoint(t->config, checkpoint, path, own, err);
    t->config->own = own;
    kin_checkpoint_free(checkpoint);
    kin_free(path);
    return ok;
}

/* True where the rung's end is reached and judged. */
static bool train_until(running *r, kin_trainer *t, kin_error *err)
{
    r->from = r->step = t->now.step;
    if (t->now.step >= r->trial->until && !t->unjudged) return true;
    if (kin_trainer_run(t, err)) return true;
    if (err->code != KIN_ERR_INTERRUPTED || r->judged < r->trial->until) return false;
    kin_error_clear(err);
    return true;
}

/* What a trial's own settings are to blame for. */
static bool own_fault(kin_code code, bool resumed)
{
    return code == KIN_ERR_ARGUMENT || code == KIN_ERR_NUMERIC || code == KIN_ERR_MEMORY ||
           (code == KIN_ERR_DATA && !resumed);
}

static kin_trial_end end_of(const running *r, bool resumed, const kin_error *err)
{
    if (err->code == KIN_ERR_INTERRUPTED) return r->late && !r->stopped ? KIN_TRIAL_LATE : KIN_TRIAL_BROKEN;
    return own_fault(err->code, resumed) ? KIN_TRIAL_FAILED : KIN_TRIAL_BROKEN;
}

kin_trial_end kin_trial_run(kin_trial *trial, kin_sweep_result *result, kin_error *err)
{
    running r = {.trial = trial, .judged = -1, .began = kin_sweep_clock()};
    bool resumed = false;
    kin_reading reading = trial->opt->reading;
    *result = (kin_sweep_result){.step = trial->until};
    trial->needs = 0;
    r.opened = r.began;
    reading.progress = reading_goes_on, reading.user = &r;
    bool ok = look_for_state(trial, &resumed, err);
    kin_trainer *t = ok ? kin_trainer_open(&(kin_trainer_opt){.config = trial->config,
                                                              .set = trial->opt->set,
                                                              .validation = trial->opt->validation,
                                                              .run = trial->folder,
                                                              .resume = resumed,
                                                              .reading = reading,
                                                              .watch = {.user = &r,
                                                                        .on_step = on_step,
                                                                        .on_validation = on_validation,
                                                                        .on_remark = on_remark,
                                                                        .should_stop = should_stop}},
                                           err)
                        : NULL;
    r.opened = kin_sweep_clock();
    ok = t && train_until(&r, t, err);
    if (ok) result->plain = result->figure = t->now.best, result->best_step = t->now.best_step;
    kin_trainer_close(t);
    ok = ok && (!trial->chain->used || judge_chain(trial, &result->figure, err));
    if (ok && (!isfinite(result->figure) || !isfinite(result->plain) || result->plain < 0))
        ok = kin_fail(err, KIN_ERR_NUMERIC, "what is held out has no figure");
    if (!ok) result->step = r.step;
    result->computed = r.step - r.from;
    result->opening = r.opened - r.began;
    result->seconds = kin_sweep_clock() - r.began;
    return ok ? KIN_TRIAL_DONE : end_of(&r, resumed, err);
}
