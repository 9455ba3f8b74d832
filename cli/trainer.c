#include "cli/trainer.h"

#include "base/json.h"
#include "base/memory.h"
#include "base/random.h"
#include "cli/interrupt.h"
#include "train/judge.h"
#include "cli/pages/svg.h"
#include "train/run_folder.h"
#include "losses/collapse.h"
#include "nn/attention.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PATIENCE_LEAST = 50, PATIENCE_MOST = 200 }; /* steps that a collapse must last to be told */

static bool save_model(kin_trainer *t, kin_error *err);

/* ---- opening ---- */

static kin_optim_opt optimiser_of(const kin_config *c)
{
    return (kin_optim_opt){.kind = c->optimizer,
                           .lr = c->lr,
                           .momentum = c->momentum,
                           .weight_decay = c->weight_decay,
                           .clip_norm = c->clip,
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

/* Whether batches are P classes with K pictures each: what losses on pairs need, unless another sampler
 * was asked for. */
static bool samples_pairs(const kin_trainer *t)
{
    kin_sampling sampler = t->network.config.sampler;
    return sampler ? sampler == KIN_SAMPLING_PK
                   : (kin_loss_needs(&t->network.loss) & KIN_LOSS_NEEDS_PAIRS) != 0;
}

static bool take_ctx_error(kin_trainer *t, kin_error *err)
{
    const kin_error *e = kin_ctx_error(t->ctx);
    return kin_fail(err, e->code, "%s", e->message);
}

/* A set smaller than the batches that nobody asked for gets smaller ones. */
static void fit_batches(kin_trainer *t)
{
    kin_config *c = &t->network.config;
    int64_t classes = 0;
    bool plain = c->sampler != KIN_SAMPLING_BALANCED;
    int *seen = kin_alloc_zero((size_t)t->set->classes + 1, sizeof *seen);
    for (int64_t i = 0; seen && i < t->set->count; i++) {
        int label = t->set->items[i].label;
        if (label >= 0 && label < t->set->classes) classes += !seen[label]++;
    }
    kin_free(seen);
    if (samples_pairs(t) && c->open_batch_classes && classes >= 2 && classes < c->batch_classes)
        c->batch_classes = classes;
    if (!samples_pairs(t) && plain && c->open_batch && t->set->count >= 2 && t->set->count < c->batch)
        c->batch = t->set->count;
}

static bool enough_pictures(const kin_trainer *t, kin_error *err)
{
    int64_t filled = 0, with_two = 0;
    for (int c = 0; c < t->sampler.classes; c++) {
        int64_t n = t->sampler.first[c + 1] - t->sampler.first[c];
        filled += n > 0;
        with_two += n > 1;
    }
    if (filled < 2)
        return kin_fail(err, KIN_ERR_DATA,
                        "the training set has one class only; a network learns to tell classes apart, so at "
                        "least two are needed");
    const kin_loss *pairs = kin_loss_first(&t->network.loss, KIN_LOSS_NEEDS_PAIRS);
    if (pairs && with_two == 0)
        return kin_fail(err, KIN_ERR_DATA,
                        "every class has one picture only; the loss %s compares pictures of a class, so at "
                        "least two are needed",
                        pairs->name);
    return true;
}

static char *run_file(const kin_trainer *t, const char *name, kin_error *err)
{
    char *path = kin_path_join(t->run, name);
    if (!path) kin_fail_memory(err, name, strlen(name));
    return path;
}

/* The log's lines and losses of the steps before `step`; what a killed run logged later is forgotten. */
static bool restore_log(kin_trainer *t, kin_error *err)
{
    kin_bytes bytes;
    char *path = run_file(t, "log.jsonl", err);
    bool ok = path && kin_read_file(path, (size_t)1 << 30, &bytes, err);
    kin_free(path);
    if (!ok) return false;
    kin_arena arena = {0};
    int64_t told = 0;
    for (const char *line = (const char *)bytes.data, *end; *line && (end = strchr(line, '\n'));
         line = end + 1) {
        kin_error ignored = {0};
        kin_arena_reset(&arena);
        const kin_json *entry = kin_json_parse(line, (size_t)(end - line), &arena, &ignored),
                       *loss = kin_json_get(entry, "loss");
        int64_t step;
        if (!kin_json_integer(kin_json_get(entry, "step"), 0, (double)t->network.config.steps, &step) ||
            step >= t->step)
            continue;
        if (loss && loss->kind == KIN_JSON_NUMBER) t->losses[step] = loss->number, told++;
        kin_text_add_bytes(&t->log, line, (size_t)(end - line) + 1);
    }
    kin_arena_free(&arena);
    kin_bytes_free(&bytes);
    if (t->log.failed) return kin_fail_memory(err, "the log", bytes.size);
    return told == t->step ||
           kin_fail(
               err, KIN_ERR_DATA,
               "%s/log.jsonl: tells of %lld steps before the checkpoint's %lld; it is another run's, or cut "
               "short",
               t->run, (long long)told, (long long)t->step);
}

/* The network that the state names is there, or made again; a best one that is lost is looked for again. */
static bool settle(kin_trainer *t, kin_error *err)
{
    bool there, judged = t->validation != NULL, last = !judged || t->best_step == t->step;
    if (judged && t->best < 0) return true; /* none is named yet */
    if (!kin_run_settle(t->run, judged ? t->best_step : t->step, &there, err)) return false;
    if (there) return true;
    if (last) return save_model(t, err) && kin_run_put_model(t->run, err);
    t->best_lost = true, t->best = -1, t->best_step = 0;
    return true;
}

static bool restore(kin_trainer *t, kin_error *err)
{
    kin_checkpoint *checkpoint = NULL;
    char *path = run_file(t, KIN_RUN_STATE, err);
    bool ok = path && kin_checkpoint_open(path, &checkpoint, err) &&
              kin_checkpoint_load(checkpoint, t->module, NULL, err) &&
              kin_checkpoint_load_optim(checkpoint, t->optim, err);
    if (ok) {
        const char *best = kin_checkpoint_note(checkpoint, "best.map"),
                   *at = kin_checkpoint_note(checkpoint, "best.step");
        const char *steps = kin_checkpoint_note(checkpoint, "kin.steps");
        int64_t before;
        t->unjudged = kin_checkpoint_note(checkpoint, "validation.due") != NULL;
        t->step = kin_optim_steps(t->optim);
        if (steps && kin_parse_int(steps, 0, INT64_MAX, &before) && before != t->network.config.steps)
            t->steps_before = before;
        if (!best || !kin_parse_real(best, &t->best)) t->best = -1;
        if (!at || !kin_parse_int(at, 0, INT64_MAX, &t->best_step)) t->best_step = 0;
        ok = t->step <= t->network.config.steps ||
             kin_fail(err, KIN_ERR_DATA, "%s: is at step %lld, behind the %lld of --steps", path,
                      (long long)t->step, (long long)t->network.config.steps);
        ok = ok && kin_run_data_same(&t->data, checkpoint, t->run, err) && restore_log(t, err) &&
             settle(t, err);
    }
    kin_checkpoint_free(checkpoint);
    kin_free(path);
    return ok;
}

/* ---- batches ---- */

/* The pictures that can be read, for the sampler; the loader knows them by their places in the set. */
static bool choose_sound(kin_trainer *t, kin_error *err)
{
    const kin_dataset *set = t->set;
    kin_sample *items = kin_alloc_array((size_t)set->count, sizeof *items);
    t->sound = kin_alloc_array((size_t)set->count, sizeof *t->sound);
    bool ok = (items && t->sound) || kin_fail_memory(err, "the sampler", (size_t)set->count * sizeof *items);
    for (int64_t i = 0; ok && i < set->count; i++)
        if (!kin_loader_is_broken(t->loader, i)) {
            items[t->n_sound] = set->items[i];
            t->sound[t->n_sound++] = i;
        }
    ok = ok && kin_sampler_new(items, t->n_sound, set->classes, &t->sampler, err);
    kin_free(items);
    return ok;
}

/* Called ahead of the training: which pictures make up a step's batch. */
static int64_t draw_batch(void *user, int64_t step, int64_t *index, kin_error *err)
{
    kin_trainer *t = user;
    const kin_config *c = &t->network.config;
    uint64_t seed = (uint64_t)c->seed;
    bool ok = true;
    if (step >= c->steps) return 0;
    if (samples_pairs(t))
        ok = kin_sampler_pk(&t->sampler, (int)c->batch_classes, (int)c->batch_pictures, seed, step, index,
                            err);
    else if (c->sampler == KIN_SAMPLING_BALANCED)
        kin_sampler_balanced(&t->sampler, (int)c->batch, seed, step, index);
    else ok = kin_sampler_plain(&t->sampler, (int)c->batch, seed, step, index, err);
    for (int64_t i = 0; ok && i < t->batch; i++) index[i] = t->sound[index[i]];
    return ok ? t->batch : -1;
}

static bool by_recipe(const void *user, uint64_t key, kin_image *image, kin_error *err)
{
    return kin_recipe_apply(user, key, image, err);
}

/* The recipe's last size must be the network's, where it can be told beforehand. */
static bool read_recipe(kin_trainer *t, kin_error *err)
{
    const kin_config *c = &t->network.config;
    int width = 0, height = 0;
    if (!*c->augment) return true;
    if (!kin_recipe_parse(c->augment, &t->recipe, err)) return false;
    /* What the network reads later, without the recipe, must be scaled alike. */
    kin_batch_opt scaling = kin_config_batch(c, 0);
    for (int k = 0; t->recipe.normalizes && k < 3; k++)
        if (fabs((double)t->recipe.mean[k] - scaling.mean[k]) > 1e-6 ||
            fabs((double)t->recipe.std[k] - scaling.deviation[k]) > 1e-6)
            return kin_fail(err, KIN_ERR_ARGUMENT,
                            "normalize() in --augment differs from --normalize %s, which holds for embedding "
                            "too; leave it out of the recipe",
                            c->normalize);
    /* Erasing with the mean or with noise means this network's scaling, where it has one. */
    if (!t->recipe.normalizes && scaling.mean[0] > 0) {
        for (int k = 0; k < 3; k++)
            t->recipe.mean[k] = (float)scaling.mean[k], t->recipe.std[k] = (float)scaling.deviation[k];
        t->recipe.normalizes = true;
    }
    kin_recipe_output_size(&t->recipe, &width, &height);
    if ((width && width != c->size) || (height && height != c->size))
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "--augment makes pictures of %d x %d where the network takes --size %lld", width,
                        height, (long long)c->size);
    return true;
}

static bool open_loader(kin_trainer *t, const kin_reading *reading, kin_error *err)
{
    if (!read_recipe(t, err)) return false;
    kin_loader_opt load = kin_config_loader(&t->network.config);
    load.batch = t->batch, load.plan = draw_batch, load.plan_user = t, load.first_step = t->step,
    load.substitute = true;
    load.scaling = kin_config_batch(&t->network.config, 1);
    /* Sets that lie in memory as a whole need no cache. */
    if (!t->set->pixels) load.cache = reading->cache;
    load.limits = kin_config_limits(&t->network.config, reading->limits);
    if (t->recipe.count)
        load.change = by_recipe, load.change_user = &t->recipe,
        load.cache_side = (int)t->network.config.cache_side;
    if (!(t->loader = kin_loader_new(t->set, &load, err))) return false;
    return t->set->pixels || kin_loader_survey(t->loader, reading->progress, reading->user, err);
}

/* ---- opening, continued ---- */

/* The head is new: the weights' classifier is passed over, and what this network has beyond them keeps its
 * first values. */
static bool load_weights(kin_trainer *t, kin_error *err)
{
    return !*t->network.config.weights || kin_network_load(&t->network, t->module, err);
}

bool kin_trainer_open(kin_trainer *t, const kin_config *config, const kin_dataset *set,
                      const kin_dataset *validation, const char *run, bool resume, const kin_reading *reading,
                      kin_error *err)
{
    static const kin_reading plain = {0};
    *t = (kin_trainer){
        .set = set, .validation = validation, .run = run, .lock = -1, .fresh = !resume, .best = -1};
    if (!kin_network_describe(&t->network, config, err)) return false;
    t->network.config.n_classes = set->classes;
    const kin_config *c = &t->network.config;
    if (!resume) fit_batches(t);
    t->batch = samples_pairs(t) ? c->batch_classes * c->batch_pictures : c->batch;
    t->ctx = kin_ctx_new();
    t->labels = kin_alloc_array((size_t)t->batch, sizeof *t->labels);
    t->losses = kin_alloc_zero((size_t)config->steps + 1, sizeof *t->losses);
    bool ok = (t->ctx && t->labels && t->losses) || kin_fail_memory(err, "the trainer", (size_t)t->batch);
    ok = ok && kin_run_data_of(&t->data, set, validation, err);
    if (ok && !(t->module = kin_network_module(&t->network, t->ctx))) ok = take_ctx_error(t, err);
    kin_optim_opt optimiser = optimiser_of(config);
    kin_tuning tuning = kin_config_tuning(config);
    if (ok) kin_module_recompute(t->module, config->recompute);
    ok = ok && kin_module_tune(t->module, &tuning, err);
    if (ok) kin_loss_tune(&t->network.loss, t->module);
    if (ok && !(t->optim = kin_optim_new(t->module, &optimiser))) ok = take_ctx_error(t, err);
    ok = ok && (!run || kin_run_own(run, &t->lock, err));
    ok = ok && (resume ? restore(t, err) : load_weights(t, err));
    ok = ok && open_loader(t, reading ? reading : &plain, err) && choose_sound(t, err) &&
         enough_pictures(t, err);
    if (!ok) kin_trainer_close(t);
    return ok;
}

void kin_trainer_close(kin_trainer *t)
{
    kin_loader_free(t->loader);
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
    t->loader = NULL, t->optim = NULL, t->module = NULL, t->ctx = NULL, t->sound = NULL, t->labels = NULL,
    t->losses = NULL;
}

/* ---- saving ---- */

static bool save_checkpoint(kin_trainer *t, const char *name, bool with_optimiser, kin_error *err)
{
    kin_note notes[KIN_CONFIG_FIELDS + KIN_RUN_DATA_NOTES + 4];
    kin_arena storage = {0};
    char best[32], best_step[32], step[32];
    int count = kin_config_to_notes(&t->network.config, notes, &storage);
    char *path = run_file(t, name, err);
    snprintf(best, sizeof best, "%.17g", t->best);
    snprintf(best_step, sizeof best_step, "%lld", (long long)t->best_step);
    snprintf(step, sizeof step, "%lld", (long long)t->step);
    bool ok = path && ((count >= 0 && kin_run_data_to_notes(&t->data, notes + count, &storage)) ||
                       kin_fail_memory(err, "a checkpoint's notes", sizeof notes));
    if (ok) {
        count += KIN_RUN_DATA_NOTES;
        notes[count++] = (kin_note){"best.map", best};
        notes[count++] = (kin_note){"best.step", best_step};
        notes[count++] = (kin_note){"step", step};
        if (t->unjudged) notes[count++] = (kin_note){"validation.due", "yes"};
        ok = kin_checkpoint_save(path, t->module, with_optimiser ? t->optim : NULL, notes, count, err);
    }
    kin_free(path);
    kin_arena_free(&storage);
    return ok;
}

static bool save_text(kin_trainer *t, const char *name, const kin_text *text, kin_error *err)
{
    char *path = run_file(t, name, err);
    bool ok = path && (!text->failed || kin_fail_memory(err, name, text->size)) &&
              kin_write_file(path, text->data ? text->data : "", text->size, err);
    kin_free(path);
    return ok;
}

static bool save_curve(kin_trainer *t, kin_error *err)
{
    if (t->step < 2) return true;
    double *steps = kin_alloc_array((size_t)t->step, sizeof *steps);
    char *path = run_file(t, "curve.svg", err);
    bool ok = path && (steps || kin_fail_memory(err, "the curve", (size_t)t->step * sizeof *steps));
    for (int64_t i = 0; ok && i < t->step; i++) steps[i] = (double)i;
    kin_curve loss = {
        .name = t->network.config.loss, .x = steps, .y = t->losses, .count = t->step, .smooth = true};
    ok = ok && kin_svg_write_curves(path,
                                    &(kin_curves){.title = "Training loss",
                                                  .x_label = "step",
                                                  .y_label = "loss",
                                                  .curves = &loss,
                                                  .n_curves = 1},
                                    err);
    kin_free(path);
    kin_free(steps);
    return ok;
}

/* The network as it is used, beside the one that it will replace. */
static bool save_model(kin_trainer *t, kin_error *err)
{
    kin_optim_swap_ema(t->optim);
    bool ok = save_checkpoint(t, KIN_RUN_NEXT, false, err);
    kin_optim_swap_ema(t->optim);
    return ok;
}

/* Everything that a resumed run needs; the model for use is the best one where validation chose, else the
 * last. The log goes first: it may run ahead of the checkpoint, which says how much of it counts. */
static bool save(kin_trainer *t, kin_error *err)
{
    if (!t->run) return true;
    bool chosen = !t->validation || t->best_step == t->step;
    if (t->fresh && !kin_run_begin(t->run, err)) return false;
    t->fresh = false;
    return save_text(t, "log.jsonl", &t->log, err) && save_curve(t, err) && (!chosen || save_model(t, err)) &&
           save_checkpoint(t, KIN_RUN_STATE, true, err) && (!chosen || kin_run_put_model(t->run, err));
}

/* ---- steps ---- */

/* Whether a loss that compares pictures has nothing to compare in this batch. */
static bool nothing_to_compare(const kin_trainer *t, int64_t count)
{
    bool compares = false;
    for (int i = 0; i < t->network.loss.count; i++) {
        const kin_loss_term *term = &t->network.loss.term[i];
        compares |= (term->loss->needs & KIN_LOSS_NEEDS_PAIRS) && kin_term_value(term, "xbm") == 0;
    }
    for (int64_t i = 0; compares && i < count; i++)
        for (int64_t j = 0; j < i; j++)
            if (t->labels[i] == t->labels[j]) return false;
    return compares;
}

static kin_tensor *forward(kin_trainer *t, const kin_loaded *batch)
{
    const kin_config *c = &t->network.config;
    for (int64_t i = 0; i < batch->count; i++) t->labels[i] = t->set->items[batch->index[i]].label;
    kin_set_random(t->ctx, (uint64_t)c->seed, (uint64_t)t->step);
    kin_tensor *x = kin_input(t->ctx, KIN_SHAPE(batch->count, c->size, c->size, c->channels), NULL);
    if (x) memcpy((float *)kin_data(x), batch->pixels, (size_t)kin_count(x) * sizeof(float));
    t->network.labels = t->labels;
    t->idle += nothing_to_compare(t, batch->count);
    return kin_module_forward(t->module, x, KIN_TRAIN);
}

static bool one_step(kin_trainer *t, double lr, double *loss, kin_error *err)
{
    kin_loaded batch;
    kin_profile_begin(t->profile);
    if (!kin_loader_next(t->loader, &batch, err)) return false;
    kin_profile_lap(t->profile, KIN_LAP_LOADER);
    kin_tensor *value = forward(t, &batch);
    *loss = kin_item(value);
    t->entropy = kin_sca_lowest_entropy(t->module);
    if (kin_ok(t->ctx) && !isfinite(*loss))
        kin_fail(kin_ctx_error(t->ctx), KIN_ERR_NUMERIC,
                 "the loss is not a number at step %lld; try a lower --lr, --warmup or --clip%s",
                 (long long)t->step, t->run ? "; the last good checkpoint was kept" : "");
    kin_module_zero_grad(t->module);
    kin_backward(value);
    kin_profile_lap(t->profile, KIN_LAP_NETWORK);
    bool ok = kin_optim_step(t->optim, lr);
    kin_profile_lap(t->profile, KIN_LAP_OPTIMISER);
    kin_profile_end(t->profile);
    kin_end_step(t->ctx);
    return ok || take_ctx_error(t, err);
}

static void log_step(kin_trainer *t, double loss, double lr)
{
    kin_text_format(&t->log, "{\"step\":%lld,\"loss\":", (long long)t->step);
    kin_json_add_number(&t->log, loss);
    kin_text_add(&t->log, ",\"lr\":");
    kin_json_add_number(&t->log, lr);
    kin_text_add(&t->log, ",\"grad_norm\":");
    kin_json_add_number(&t->log, kin_optim_grad_norm(t->optim));
    if (t->entropy >= 0) {
        kin_text_add(&t->log, ",\"attention_entropy\":");
        kin_json_add_number(&t->log, t->entropy);
    }
    kin_text_add(&t->log, "}\n");
}

static bool go_on(void *user, int64_t done, int64_t total)
{
    (void)user, (void)done, (void)total;
    return !kin_interrupted();
}

static void tell_of_broken(kin_trainer *t, const kin_encoded *encoded, kin_remark *say, void *user)
{
    char line[sizeof(kin_error) + 160];
    if (encoded->broken == t->held_broken) return;
    t->held_broken = encoded->broken;
    snprintf(line, sizeof line,
             "%lld of %lld held-out pictures could not be read and are left out; the first: %s",
             (long long)encoded->broken, (long long)t->validation->count, encoded->first_broken.message);
    if (say) say(user, line);
}

static bool validate(kin_trainer *t, kin_metrics *m, kin_remark *say, void *user, kin_error *err)
{
    kin_encoded encoded;
    kin_optim_swap_ema(t->optim);
    kin_profile_pause(t->profile);
    bool ok = kin_encode(t->module, &t->network, t->validation, &(kin_encode_opt){.progress = go_on},
                         &encoded, err);
    kin_profile_resume(t->profile);
    kin_optim_swap_ema(t->optim);
    if (!ok) return false;
    t->zeros = encoded.zeros;
    tell_of_broken(t, &encoded, say, user);
    int64_t count = encoded.count, *labels = kin_alloc_array((size_t)count, 2 * sizeof *labels);
    ok = labels || kin_fail_memory(err, "validation", (size_t)count * 2 * sizeof *labels);
    for (int64_t i = 0; ok && i < count; i++) {
        const kin_sample *item = &t->validation->items[encoded.item[i]];
        labels[i] = item->label, labels[count + i] = item->camera;
    }
    ok = ok &&
         kin_judge_set((kin_vectors){encoded.rows, count, encoded.dim}, labels, labels + count, m, NULL, err);
    kin_encoded_free(&encoded);
    kin_free(labels);
    return ok;
}

static bool look_at_validation(kin_trainer *t, kin_remark *say, void *user, kin_error *err)
{
    kin_metrics m;
    char line[240], ties[KIN_TIES_TEXT];
    if (!validate(t, &m, say, user, err)) return false;
    bool better = m.mean.ap > t->best;
    if (better) {
        t->best = m.mean.ap;
        t->best_step = t->step;
    }
    if (t->zeros && say) {
        snprintf(line, sizeof line,
                 "validation: %lld pictures have a descriptor of zeros and count for nothing",
                 (long long)t->zeros);
        say(user, line);
    }
    kin_text_format(&t->log, "{\"step\":%lld,\"validation_mAP\":", (long long)t->step - 1);
    kin_json_add_number(&t->log, m.mean.ap);
    kin_text_add(&t->log, ",\"validation_R@1\":");
    kin_json_add_number(&t->log, m.mean.recall[0]);
    if (kin_metrics_tied(&m)) {
        kin_text_add(&t->log, ",\"validation_mAP-pessimistic\":");
        kin_json_add_number(&t->log, m.pessimistic.ap);
        kin_text_add(&t->log, ",\"validation_R@1-pessimistic\":");
        kin_json_add_number(&t->log, m.pessimistic.recall[0]);
    }
    kin_text_add(&t->log, "}\n");
    snprintf(line, sizeof line, "step %lld: validation mAP %.4f, R@1 %.4f%s%s", (long long)t->step, m.mean.ap,
             m.mean.recall[0], better ? ", the best so far" : "", kin_judge_ties(&m, ties));
    if (say) say(user, line);
    return true;
}

static bool due(int64_t step, int64_t every, int64_t steps)
{
    return step == steps || (every > 0 && step % every == 0);
}

/* After a step: validation, checkpoints, and Ctrl-C. */
static bool after_step(kin_trainer *t, kin_remark *say, void *user, kin_error *err)
{
    const kin_config *c = &t->network.config;
    bool validated = t->validation && due(t->step, c->validate_every, c->steps);
    t->unjudged = false;
    if (validated && !look_at_validation(t, say, user, err)) {
        if (!kin_interrupted() || err->code != KIN_ERR_INTERRUPTED) return false;
        kin_error_clear(err); /* saved as it is, and judged when the run goes on */
        t->unjudged = true;
    }
    bool stop = kin_interrupted();
    if ((stop || due(t->step, c->save_every, c->steps) || (validated && t->best_step == t->step)) &&
        !save(t, err))
        return false;
    if (!stop || (t->step == c->steps && !t->unjudged)) return true;
    return t->run ? kin_fail(err, KIN_ERR_INTERRUPTED,
                             "stopped at step %lld of %lld; go on with: kin train --resume %s",
                             (long long)t->step, (long long)c->steps, t->run)
                  : kin_fail(err, KIN_ERR_INTERRUPTED, "stopped at step %lld of %lld", (long long)t->step,
                             (long long)c->steps);
}

/* What came before a resume counts. */
static kin_collapse watch_for_collapse(kin_trainer *t)
{
    int64_t quarter = t->network.config.steps / 4, patience = quarter < PATIENCE_LEAST  ? PATIENCE_LEAST
                                                              : quarter > PATIENCE_MOST ? PATIENCE_MOST
                                                                                        : quarter;
    kin_collapse watch = kin_collapse_watch(&t->network.loss, t->network.config.n_classes, patience);
    for (int64_t i = 0; i < t->step; i++) t->collapsed |= kin_collapse_seen(&watch, t->losses[i]);
    return watch;
}

/* A resume with other --steps: the schedule is that of the new total from here on. */
static void tell_steps(kin_trainer *t, void (*say)(void *user, const char *line), void *user)
{
    char line[160];
    int64_t steps = t->network.config.steps;
    kin_text_format(&t->log, "{\"step\":%lld,\"steps\":%lld,\"steps_before\":%lld}\n", (long long)t->step,
                    (long long)steps, (long long)t->steps_before);
    snprintf(line, sizeof line, "from step %lld on the schedule is that of %lld steps, not of %lld",
             (long long)t->step, (long long)steps, (long long)t->steps_before);
    if (say) say(user, line);
}

static void tell_idle(kin_trainer *t, void (*say)(void *user, const char *line), void *user)
{
    char line[200];
    t->told_idle = true;
    snprintf(line, sizeof line,
             "step %lld: no two pictures of the batch are of one class, and the loss has nothing to compare; "
             "--sampler pk draws several of a class",
             (long long)t->step);
    if (say) say(user, line);
}

static void show_step(const kin_trainer *t, double loss, char *out, size_t size)
{
    if (t->entropy >= 0) snprintf(out, size, "loss %.4f, attention's entropy %.3f", loss, t->entropy);
    else snprintf(out, size, "loss %.4f", loss);
}

static bool all_steps(kin_trainer *t, kin_meter *meter, kin_remark *say, void *user, kin_error *err)
{
    const kin_config *c = &t->network.config;
    kin_schedule schedule = schedule_of(c);
    kin_collapse collapse = watch_for_collapse(t);
    double smooth = 0;
    if (t->step == 0 && c->steps == 0) return save(t, err);
    if (t->steps_before) tell_steps(t, say, user);
    if (t->best_lost && say)
        say(user, "the best network so far is missing in the run's folder; it is chosen anew");
    if (t->unjudged && !after_step(t, say, user, err)) return false;
    while (t->step < c->steps) {
        double lr = kin_schedule_lr(&schedule, t->step), loss;
        if (!one_step(t, lr, &loss, err)) return false;
        log_step(t, loss, lr);
        t->losses[t->step++] = loss;
        if (t->idle == 1 && !t->told_idle) tell_idle(t, say, user);
        smooth = smooth ? 0.95 * smooth + 0.05 * loss : loss;
        if (kin_collapse_seen(&collapse, loss)) {
            t->collapsed = true;
            if (say) say(user, kin_collapse_advice());
        }
        char extra[64];
        if (kin_meter_due(meter)) show_step(t, smooth, extra, sizeof extra);
        kin_meter_update(meter, t->step, extra);
        if (!after_step(t, say, user, err)) return false;
    }
    return true;
}

/* Pictures that could be read at first: others of their classes stood in for them. */
static void tell_of_spoilt(kin_trainer *t, int64_t before, kin_remark *say, void *user)
{
    char line[160];
    int64_t spoilt = kin_loader_broken(t->loader, NULL) - before;
    if (spoilt <= 0 || !say) return;
    snprintf(line, sizeof line,
             "%lld pictures could no longer be read during the training; others of their classes stood in "
             "for them",
             (long long)spoilt);
    say(user, line);
}

bool kin_trainer_run(kin_trainer *t, kin_meter *meter, kin_remark *say, void *user, kin_error *err)
{
    if (t->run)
        kin_interrupt_lasts("\nkin: stops after this step, with a checkpoint; once more ends at once\n");
    int64_t before = kin_loader_broken(t->loader, NULL);
    bool ok = all_steps(t, meter, say, user, err);
    tell_of_spoilt(t, before, say, user);
    kin_interrupt_lasts(NULL);
    return ok;
}
