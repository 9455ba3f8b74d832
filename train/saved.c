/* The files of a run: written so that a kill at any moment leaves a run that goes on, and read again. */
#include "train/trainer_parts.h"

#include "base/json.h"
#include "base/memory.h"
#include "train/run_folder.h"

#include <stdio.h>
#include <string.h>

static char *run_file(const kin_trainer *t, const char *name, kin_error *err)
{
    char *path = kin_path_join(t->run, name);
    if (!path) kin_fail_memory(err, name, strlen(name));
    return path;
}

/* ---- saving ---- */

static bool save_checkpoint(kin_trainer *t, const char *name, bool with_optimiser, kin_error *err)
{
    kin_note notes[KIN_CONFIG_FIELDS + KIN_RUN_DATA_NOTES + 5];
    kin_arena storage = {0};
    char best[32], best_step[32], start[32], step[32];
    int count = kin_config_to_notes(&t->network.config, notes, &storage);
    char *path = run_file(t, name, err);
    snprintf(best, sizeof best, "%.17g", t->now.best);
    snprintf(best_step, sizeof best_step, "%lld", (long long)t->now.best_step);
    snprintf(start, sizeof start, "%.17g", t->start);
    snprintf(step, sizeof step, "%lld", (long long)t->now.step);
    bool ok = path && ((count >= 0 && kin_run_data_to_notes(&t->data, notes + count, &storage)) ||
                       kin_fail_memory(err, "a checkpoint's notes", sizeof notes));
    if (ok) {
        count += KIN_RUN_DATA_NOTES;
        notes[count++] = (kin_note){"best.map", best};
        notes[count++] = (kin_note){"best.step", best_step};
        if (t->start >= 0) notes[count++] = (kin_note){"start.map", start};
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

/* The network as it is used, beside the one that it will replace. */
static bool save_model(kin_trainer *t, kin_error *err)
{
    kin_optim_swap_ema(t->optim);
    bool ok = save_checkpoint(t, KIN_RUN_NEXT, false, err);
    kin_optim_swap_ema(t->optim);
    return ok;
}

static bool save_teacher(kin_trainer *t, kin_error *err)
{
    if (!t->teacher) return true;
    char *path = run_file(t, KIN_RUN_TEACHER, err);
    bool ok = path && kin_teacher_save(t->teacher, path, err);
    kin_free(path);
    return ok;
}

/* The caller's own files of the run. */
static bool told_of_saving(kin_trainer *t, kin_error *err)
{
    return !t->watch.on_save || t->watch.on_save(t->watch.user, t, err);
}

/* Everything that a resumed run needs; the model for use is the best one where validation chose, else the
 * last. The log goes first: it may run ahead of the checkpoint, which says how much of it counts. */
bool kin_trainer_save(kin_trainer *t, kin_error *err)
{
    if (!t->run) return true;
    bool chosen = !t->validation || t->now.best_step == t->now.step;
    if (t->fresh && (!kin_run_begin(t->run, err) || !save_teacher(t, err))) return false;
    t->fresh = false;
    return save_text(t, KIN_RUN_LOG, &t->log, err) && told_of_saving(t, err) &&
           (!chosen || save_model(t, err)) && save_checkpoint(t, KIN_RUN_STATE, true, err) &&
           (!chosen || kin_run_put_model(t->run, err));
}

/* ---- resuming ---- */

/* The log's lines and losses of the steps before `step`; what a killed run logged later is forgotten. */
static bool restore_log(kin_trainer *t, kin_error *err)
{
    kin_bytes bytes;
    char *path = run_file(t, KIN_RUN_LOG, err);
    bool ok = path && kin_read_file(path, (size_t)1 << 30, &bytes, err);
    kin_free(path);
    if (!ok) return false;
    kin_arena arena = {0};
    int64_t told = 0;
    for (const char *line = (const char *)bytes.data, *end; ok && *line && (end = strchr(line, '\n'));
         line = end + 1) {
        kin_error why = {0}; /* a line that was cut short is passed over */
        kin_arena_reset(&arena);
        const kin_json *entry = kin_json_parse(line, (size_t)(end - line), &arena, &why),
                       *loss = kin_json_get(entry, "loss");
        int64_t step;
        if (why.code == KIN_ERR_MEMORY) ok = kin_fail(err, why.code, "%s", why.message);
        if (!kin_json_integer(kin_json_get(entry, "step"), 0, (double)t->network.config.steps, &step) ||
            step >= t->now.step)
            continue;
        if (loss && loss->kind == KIN_JSON_NUMBER) t->losses[step] = loss->number, told++;
        kin_text_add_bytes(&t->log, line, (size_t)(end - line) + 1);
    }
    kin_arena_free(&arena);
    kin_bytes_free(&bytes);
    if (!ok) return false;
    if (t->log.failed) return kin_fail_memory(err, "the log", bytes.size);
    return told == t->now.step ||
           kin_fail(
               err, KIN_ERR_DATA,
               "%s/log.jsonl: tells of %lld steps before the checkpoint's %lld; it is another run's, or cut "
               "short",
               t->run, (long long)told, (long long)t->now.step);
}

/* The network that the state names is there, or made again; a best one that is lost is looked for again. */
static bool mend(kin_trainer *t, kin_error *err)
{
    bool there, judged = t->validation != NULL, last = !judged || t->now.best_step == t->now.step;
    if (judged && t->now.best < 0) return true; /* none is named yet */
    if (!kin_run_mend(t->run, judged ? t->now.best_step : t->now.step, &there, err)) return false;
    if (there) return true;
    if (last) return save_model(t, err) && kin_run_put_model(t->run, err);
    t->best_lost = true, t->now.best = -1, t->now.best_step = 0;
    return true;
}

static bool load(kin_trainer *t, const kin_checkpoint *from, const char *path, kin_error *err)
{
    kin_error why = {0};
    return (kin_checkpoint_load(from, t->module, NULL, &why) &&
            kin_checkpoint_load_optim(from, t->optim, &why)) ||
           kin_fail(err, why.code, "%s: %s", path, why.message);
}

/* The data come first: another number of classes makes another network, too. */
bool kin_trainer_restore(kin_trainer *t, kin_error *err)
{
    kin_checkpoint *checkpoint = NULL;
    char *path = run_file(t, KIN_RUN_STATE, err);
    bool ok = path && kin_checkpoint_open(path, &checkpoint, err) &&
              kin_run_data_same(&t->data, checkpoint, t->run, err) && load(t, checkpoint, path, err);
    if (ok) {
        const char *best = kin_checkpoint_note(checkpoint, "best.map"),
                   *at = kin_checkpoint_note(checkpoint, "best.step"),
                   *start = kin_checkpoint_note(checkpoint, "start.map");
        const char *steps = kin_checkpoint_note(checkpoint, "kin.steps");
        int64_t before;
        t->unjudged = kin_checkpoint_note(checkpoint, "validation.due") != NULL;
        t->now.step = kin_optim_steps(t->optim);
        if (steps && kin_parse_int(steps, 0, INT64_MAX, &before) && before != t->network.config.steps)
            t->steps_before = before;
        if (!best || !kin_parse_real(best, &t->now.best)) t->now.best = -1;
        if (!start || !kin_parse_real(start, &t->start)) t->start = -1;
        if (!at || !kin_parse_int(at, 0, INT64_MAX, &t->now.best_step)) t->now.best_step = 0;
        ok = t->now.step <= t->network.config.steps ||
             kin_fail(err, KIN_ERR_DATA, "%s: is at step %lld already, past the %lld of --steps", path,
                      (long long)t->now.step, (long long)t->network.config.steps);
        ok = ok && restore_log(t, err) && mend(t, err);
    }
    kin_checkpoint_free(checkpoint);
    kin_free(path);
    return ok;
}

/* ---- the log ---- */

void kin_trainer_log_step(kin_trainer *t, double loss, double lr)
{
    kin_text_format(&t->log, "{\"step\":%lld,\"loss\":", (long long)t->now.step);
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

void kin_trainer_log_steps(kin_trainer *t)
{
    kin_text_format(&t->log, "{\"step\":%lld,\"steps\":%lld,\"steps_before\":%lld}\n", (long long)t->now.step,
                    (long long)t->now.steps, (long long)t->steps_before);
}

void kin_trainer_log_validation(kin_trainer *t, const kin_metrics *m)
{
    /* that before the first step stands at the first step's place */
    kin_text_format(&t->log,
                    "{\"step\":%lld,\"validation_mAP\":", (long long)(t->now.step > 0 ? t->now.step - 1 : 0));
    kin_json_add_number(&t->log, m->mean.ap);
    kin_text_add(&t->log, ",\"validation_R@1\":");
    kin_json_add_number(&t->log, m->mean.recall[0]);
    if (kin_metrics_tied(m)) {
        kin_text_add(&t->log, ",\"validation_mAP-pessimistic\":");
        kin_json_add_number(&t->log, m->pessimistic.ap);
        kin_text_add(&t->log, ",\"validation_R@1-pessimistic\":");
        kin_json_add_number(&t->log, m->pessimistic.recall[0]);
    }
    kin_text_add(&t->log, "}\n");
}
