#include "train/trainer_parts.h"

#include "base/memory.h"
#include "losses/collapse.h"
#include "nn/attention.h"
#include "train/run_folder.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { PATIENCE_LEAST = 50, PATIENCE_MOST = 200 }; /* steps that a collapse must last to be told */

/* ---- opening ---- */

static kin_optim_opt optimiser_of(const kin_config *c)
{
    return (kin_optim_opt){.kind = c->optimizer,
                           .lr = c->lr,
                           .momentum = c->momentum,
                           .weight_decay = c->weight_decay,
                           .clip_norm = c->clip,
                           .decay_all = c->decay_norms,
                           .ema = c->ema};
}

static kin_schedule schedule_of(const kin_config *c)
{
    return (kin_schedule){.kind = c->schedule,
                          .lr = c->lr,
                          .final_lr = c->final_lr,
                          .steps = c->steps,
                          .warmup = c->warmup,
                          .every = c->decay_every,
                          .gamma = c->decay_gamma};
}

/* Batches are P classes with K pictures each where losses on pairs need them, unless another sampler was asked for. */
static void look_at_loss(kin_trainer *t)
{
    const kin_loss_sum *loss = &t->network.loss;
    kin_sampling sampler = t->network.config.sampler;
    t->pk = sampler ? sampler == KIN_SAMPLING_PK : (kin_loss_needs(loss) & KIN_LOSS_NEEDS_PAIRS) != 0;
    for (int i = 0; i < loss->count; i++)
        t->compares |= (loss->term[i].loss->needs & KIN_LOSS_NEEDS_PAIRS) &&
                       kin_term_value_or(&loss->term[i], "xbm", 0) == 0;
}

static bool make_network(kin_trainer *t, kin_error *err)
{
    const kin_config *c = &t->network.config;
    kin_optim_opt optimiser = optimiser_of(c);
    kin_tuning tuning = kin_config_tuning(c);
    if (!(t->module = kin_network_module(&t->network, t->ctx))) return kin_take_error(t->ctx, err);
    kin_module_recompute(t->module, c->recompute);
    kin_module_norm_momentum(t->module, c->norm_momentum);
    if (!kin_module_tune(t->module, &tuning, err)) return false;
    kin_loss_tune(&t->network.loss, t->module);
    return (t->optim = kin_optim_new(t->module, &optimiser)) || kin_take_error(t->ctx, err);
}

static bool begin(kin_trainer *t, const kin_trainer_opt *opt, kin_error *err)
{
    if (!kin_network_describe(&t->network, opt->config, err) || !kin_config_teaches(opt->config, err))
        return false;
    kin_config *c = &t->network.config;
    c->n_classes = t->set->classes;
    look_at_loss(t);
    if (!opt->resume) kin_trainer_fit_batches(t);
    t->now.batch = t->pk ? c->batch_classes * c->batch_pictures : c->batch;
    t->now.steps = c->steps;
    t->ctx = kin_ctx_new();
    t->labels = kin_alloc_array((size_t)t->now.batch, sizeof *t->labels);
    t->now.losses = t->losses = kin_alloc_zero((size_t)c->steps + 1, sizeof *t->losses);
    return (t->ctx && t->labels && t->losses) || kin_fail_memory(err, "the trainer", (size_t)t->now.batch);
}

kin_trainer *kin_trainer_open(const kin_trainer_opt *opt, kin_error *err)
{
    kin_trainer *t = kin_alloc_zero(1, sizeof *t);
    if (!t) return kin_fail_memory(err, "the trainer", sizeof *t), NULL;
    t->set = opt->set, t->validation = opt->validation, t->run = opt->run, t->watch = opt->watch;
    t->lock = -1, t->fresh = !opt->resume, t->start = -1, t->now.best = -1;
    bool ok = begin(t, opt, err) && kin_run_data_of(&t->data, opt->set, opt->validation, err) &&
              make_network(t, err) && (!opt->run || kin_run_own(opt->run, &t->lock, err));
    ok = ok && (opt->resume                  ? kin_trainer_restore(t, err)
                : *t->network.config.weights ? kin_network_load(&t->network, t->module, err)
                                             : true);
    if (ok && kin_trainer_open_batches(t, &opt->reading, err) &&
        kin_trainer_open_teacher(t, &opt->reading, opt->resume, err))
        return t;
    kin_trainer_close(t);
    return NULL;
}

void kin_trainer_close(kin_trainer *t)
{
    if (!t) return;
    kin_loader_free(t->loader);
    kin_teacher_free(t->teacher);
    kin_optim_free(t->optim);
    kin_module_free(t->module);
    kin_ctx_free(t->ctx);
    kin_sampler_free(&t->sampler);
    kin_free(t->sound);
    kin_free(t->labels);
    kin_free(t->losses);
    kin_text_free(&t->log);
    kin_run_data_free(&t->data);
    kin_run_release(&t->lock);
    kin_free(t);
}

const kin_train_state *kin_trainer_state(const kin_trainer *t) { return &t->now; }
const kin_network *kin_trainer_network(const kin_trainer *t) { return &t->network; }
kin_module *kin_trainer_module(kin_trainer *t) { return t->module; }
int64_t kin_trainer_broken(const kin_trainer *t, kin_error *first)
{
    return kin_loader_broken(t->loader, first);
}
int64_t kin_trainer_hidden(const kin_trainer *t) { return kin_loader_hidden(t->loader); }

/* ---- steps ---- */

static bool ask_teacher(kin_trainer *t, const kin_loaded *batch, kin_error *err)
{
    kin_network *n = &t->network;
    if (!t->teacher) return true;
    if (!(n->teacher = kin_teacher_rows(t->teacher, batch->pixels, batch->count, err))) return false;
    n->teacher_dim = kin_teacher_dim(t->teacher), n->teacher_pca_dim = kin_teacher_pca_dim(t->teacher);
    return (n->teacher_pca = kin_teacher_pca(t->teacher, err)) || !n->teacher_pca_dim;
}

static kin_tensor *forward(kin_trainer *t, const kin_loaded *batch)
{
    const kin_config *c = &t->network.config;
    for (int64_t i = 0; i < batch->count; i++) t->labels[i] = t->set->items[batch->index[i]].label;
    kin_set_random(t->ctx, (uint64_t)c->seed, (uint64_t)t->now.step);
    kin_tensor *x = kin_input(t->ctx, KIN_SHAPE(batch->count, c->size, kin_config_across(c), c->channels),
                              NULL);
    if (x) memcpy((float *)kin_data(x), batch->pixels, (size_t)kin_count(x) * sizeof(float));
    t->network.labels = t->labels;
    t->now.idle += kin_trainer_idles(t, batch->count);
    return kin_module_forward(t->module, x, KIN_TRAIN);
}

static bool one_step(kin_trainer *t, double lr, double *loss, kin_error *err)
{
    kin_loaded batch;
    kin_trainer_part(t, KIN_PART_BEGIN);
    if (!kin_loader_next(t->loader, &batch, err)) return false;
    kin_trainer_part(t, KIN_PART_LOADER);
    if (!ask_teacher(t, &batch, err)) return false;
    t->batch = batch.index, t->batch_count = batch.count;
    kin_tensor *value = forward(t, &batch);
    *loss = kin_item(value);
    t->entropy = kin_sca_lowest_entropy(t->module);
    if (kin_ok(t->ctx) && !isfinite(*loss))
        kin_fail(kin_ctx_error(t->ctx), KIN_ERR_NUMERIC,
                 "the loss is not a number at step %lld; try a lower --lr, --warmup or --clip%s",
                 (long long)t->now.step, t->run ? "; the last good checkpoint was kept" : "");
    kin_module_zero_grad(t->module);
    kin_backward(value);
    kin_trainer_part(t, KIN_PART_NETWORK);
    bool ok = kin_optim_step(t->optim, lr);
    kin_trainer_part(t, KIN_PART_OPTIMISER);
    kin_trainer_part(t, KIN_PART_END);
    kin_end_step(t->ctx);
    return ok || kin_take_error(t->ctx, err);
}

static bool due(int64_t step, int64_t every, int64_t steps)
{
    return step == steps || (every > 0 && step % every == 0);
}

static bool stopped(const kin_trainer *t, kin_error *err)
{
    return kin_fail(err, KIN_ERR_INTERRUPTED, "stopped at step %lld of %lld", (long long)t->now.step,
                    (long long)t->network.config.steps);
}

/* Early stopping: so many looks at what is held out gave nothing better. A function of what is saved, so that a run that
 * ended so and is resumed ends at once. */
static bool out_of_patience(const kin_trainer *t)
{
    const kin_config *c = &t->network.config;
    return t->validation && t->now.best >= 0 && t->now.step < c->steps && !t->unjudged &&
           kin_config_out_of_patience(c, t->now.step, t->now.best_step);
}

static void tell_patience(const kin_trainer *t)
{
    char line[160];
    snprintf(line, sizeof line,
             "step %lld: ends here, as %lld looks in a row were no better than that of step %lld",
             (long long)t->now.step, (long long)t->network.config.patience, (long long)t->now.best_step);
    kin_trainer_say(t, line);
}

/* After a step: validation, checkpoints, and Ctrl-C. */
static bool after_step(kin_trainer *t, kin_error *err)
{
    const kin_config *c = &t->network.config;
    bool validated = t->validation && due(t->now.step, c->validate_every, c->steps);
    t->unjudged = false;
    if (validated && !kin_trainer_validate(t, err)) {
        if (!kin_trainer_stops(t) || err->code != KIN_ERR_INTERRUPTED) return false;
        kin_error_clear(err); /* saved as it is, and judged when the run goes on */
        t->unjudged = true;
    }
    bool stop = kin_trainer_stops(t);
    if ((stop || out_of_patience(t) || due(t->now.step, c->save_every, c->steps) ||
         (validated && t->now.best_step == t->now.step)) &&
        !kin_trainer_save(t, err))
        return false;
    return !stop || (t->now.step == c->steps && !t->unjudged) || stopped(t, err);
}

/* What weights are worth before they change is what training has to be better than. */
static bool before_steps(kin_trainer *t, kin_error *err)
{
    if (t->now.step || !t->validation || !*t->network.config.weights) return true;
    if (kin_trainer_validate(t, err)) return kin_trainer_save(t, err);
    if (!kin_trainer_stops(t) || err->code != KIN_ERR_INTERRUPTED) return false;
    kin_error_clear(err);
    return kin_trainer_save(t, err) && stopped(t, err);
}

/* What came before a resume counts. */
static kin_collapse watch_for_collapse(kin_trainer *t)
{
    int64_t quarter = t->network.config.steps / 4, patience = quarter < PATIENCE_LEAST  ? PATIENCE_LEAST
                                                              : quarter > PATIENCE_MOST ? PATIENCE_MOST
                                                                                        : quarter;
    kin_collapse watch = kin_collapse_watch(&t->network.loss, t->network.config.n_classes, patience);
    for (int64_t i = 0; i < t->now.step; i++) t->now.collapsed |= kin_collapse_seen(&watch, t->losses[i]);
    return watch;
}

/* A resume with other --steps: the schedule is that of the new total from here on. */
static void tell_steps(kin_trainer *t)
{
    char line[160];
    int64_t steps = t->network.config.steps;
    kin_trainer_log_steps(t);
    snprintf(line, sizeof line, "from step %lld on the schedule is that of %lld steps, not of %lld",
             (long long)t->now.step, (long long)steps, (long long)t->steps_before);
    kin_trainer_say(t, line);
}

static void tell_idle(kin_trainer *t)
{
    char line[200];
    t->told_idle = true;
    snprintf(line, sizeof line,
             "step %lld: no two pictures of the batch are of one class, and the loss has nothing to compare; "
             "--sampler pk draws several of a class",
             (long long)t->now.step);
    kin_trainer_say(t, line);
}

static bool all_steps(kin_trainer *t, kin_error *err)
{
    const kin_config *c = &t->network.config;
    kin_schedule schedule = schedule_of(c);
    kin_collapse collapse = watch_for_collapse(t);
    double smooth = 0;
    if (!before_steps(t, err)) return false;
    if (t->now.step == 0 && c->steps == 0) return kin_trainer_save(t, err);
    if (t->steps_before) tell_steps(t);
    if (t->best_lost)
        kin_trainer_say(t, "the best network so far is missing in the run's folder; it is chosen anew");
    if (t->unjudged && !after_step(t, err)) return false;
    while (t->now.step < c->steps && !out_of_patience(t)) {
        double lr = kin_schedule_lr(&schedule, t->now.step), loss;
        if (!one_step(t, lr, &loss, err)) return false;
        kin_trainer_log_step(t, loss, lr);
        t->losses[t->now.step++] = loss;
        if (t->now.idle == 1 && !t->told_idle) tell_idle(t);
        smooth = smooth ? 0.95 * smooth + 0.05 * loss : loss;
        if (kin_collapse_seen(&collapse, loss)) {
            t->now.collapsed = true;
            kin_trainer_say(t, kin_collapse_advice());
        } else if (t->now.collapsed && collapse.stuck == 0) {
            t->now.collapsed = false;
            kin_trainer_say(t, "the loss has left that value: the embeddings are no longer one point");
        }
        if (t->watch.on_step)
            t->watch.on_step(t->watch.user, &(kin_train_step){t->now.step, c->steps, loss, smooth, lr,
                                                              t->entropy, t->batch, t->batch_count});
        if (!after_step(t, err)) return false;
    }
    if (out_of_patience(t)) tell_patience(t);
    return true;
}

/* Pictures that could be read at first: others of their classes stood in for them. */
static void tell_of_spoilt(kin_trainer *t, int64_t before)
{
    char line[160];
    int64_t spoilt = kin_loader_broken(t->loader, NULL) - before;
    if (spoilt <= 0) return;
    snprintf(line, sizeof line,
             "%lld pictures could no longer be read during the training; others of their classes stood in "
             "for them",
             (long long)spoilt);
    kin_trainer_say(t, line);
}

bool kin_trainer_run(kin_trainer *t, kin_error *err)
{
    int64_t before = kin_loader_broken(t->loader, NULL);
    t->stopping = false;
    bool ok = all_steps(t, err);
    tell_of_spoilt(t, before);
    return ok;
}
