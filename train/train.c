#include "train/train.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "train/phase.h"
#include "train/run_folder.h"

#include <stdio.h>
#include <string.h>

/* What is too large for a stack. */
typedef struct running {
    const kin_train_opt *opt;
    kin_config config, other;
    int lock; /* of the run, whose phases have locks of their own */
} running;

/* ---- checks ---- */

static bool name_fits(const char *name)
{
    size_t length = strlen(name);
    return length > 0 && length < 64 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == length;
}

static bool names_fit(const kin_train_opt *opt, kin_error *err)
{
    for (int i = 0; i < opt->n_phases; i++) {
        const char *name = opt->phases[i].name;
        if (!opt->phases[i].config) return kin_fail(err, KIN_ERR_ARGUMENT, "phase %d has no settings", i + 1);
        if (!name && opt->n_phases == 1) return true;
        if (!name || !name_fits(name))
            return kin_fail(err, KIN_ERR_ARGUMENT, "phase %d needs a name of letters, digits, - and _",
                            i + 1);
        for (int j = 0; j < i; j++)
            if (strcmp(opt->phases[j].name, name) == 0)
                return kin_fail(err, KIN_ERR_ARGUMENT, "two phases are called %s", name);
    }
    return true;
}

static bool check(running *r, kin_error *err)
{
    const kin_train_opt *opt = r->opt;
    if (opt->version != KIN_TRAIN_VERSION)
        return kin_fail(err, KIN_ERR_ARGUMENT, "kin_train_opt is of version %d, and this library knows %d",
                        opt->version, KIN_TRAIN_VERSION);
    if (opt->n_phases < 1 || !opt->phases || !opt->set || !opt->run)
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "kin_train needs a phase, a data set and a folder for the run");
    if (!names_fit(opt, err)) return false;
    for (int i = 0; i < opt->n_phases; i++) {
        kin_error why = {0};
        const char *name = opt->phases[i].name;
        r->config = *opt->phases[i].config;
        if (opt->own) r->config.own = opt->own;
        if (!kin_config_check(&r->config, &why) || !kin_phase_check(&r->config, &why))
            return kin_fail(err, why.code, "%s%s%s%s", name ? "phase " : "", name ? name : "",
                            name ? ": " : "", why.message);
    }
    return true;
}

/* ---- one phase ---- */

/* The folder of a phase: the run's own where there is one phase without a name. NULL when out of memory. */
static char *folder_of(const kin_train_opt *opt, int phase, kin_error *err)
{
    const char *name = opt->phases[phase].name;
    kin_text path = {0};
    kin_text_add(&path, opt->run);
    if (name) kin_text_format(&path, "/phase-%s", name);
    if (!path.failed) return path.data;
    kin_text_free(&path);
    return kin_fail_memory(err, opt->run, strlen(opt->run)), NULL;
}

/* A training of phases begins, its data and its network being there: what an earlier run left is no part of it. */
static bool forget_all(const kin_train_opt *opt, kin_error *err)
{
    bool ok = kin_phase_forget(opt->run, err);
    for (int i = 0; ok && i < opt->n_phases; i++) {
        char *folder = folder_of(opt, i, err);
        ok = folder && kin_phase_forget(folder, err);
        kin_free(folder);
    }
    return ok;
}

static bool train_in(running *r, int phase, const char *folder, bool resume, kin_train_state *last,
                     kin_error *err)
{
    const kin_train_opt *opt = r->opt;
    kin_trainer *t = kin_trainer_open(&(kin_trainer_opt){.config = &r->config,
                                                         .set = opt->set,
                                                         .validation = opt->validation,
                                                         .run = folder,
                                                         .resume = resume,
                                                         .reading = opt->reading,
                                                         .watch = opt->watch},
                                      err);
    bool begins = !phase && !opt->resume && opt->phases[0].name,
         ok = t && (!begins || forget_all(opt, err)) && kin_trainer_run(t, err);
    if (ok && last) {
        *last = *kin_trainer_state(t);
        last->losses = NULL;
    }
    kin_trainer_close(t);
    return ok;
}

/* Begins with the network of the phase before. */
static bool train_behind(running *r, int phase, const char *folder, kin_train_state *last, kin_error *err)
{
    char *before = folder_of(r->opt, phase - 1, err),
         *model = before ? kin_path_join(before, KIN_RUN_MODEL) : NULL,
         *start = kin_path_join(folder, "start.safetensors");
    bool ok = (model && start) || kin_failed(err) || kin_fail_memory(err, folder, strlen(folder));
    ok = ok && model && start && kin_make_folders(folder, err) &&
         kin_phase_start(&r->config, model, start, err) && train_in(r, phase, folder, false, last, err);
    if (ok) remove(start);
    kin_free(before), kin_free(model), kin_free(start);
    return ok;
}

static bool train_phase(running *r, int phase, const char *folder, kin_train_state *last, kin_error *err)
{
    const kin_config *asked = r->opt->phases[phase].config;
    kin_phase_progress how = KIN_PHASE_NOT_BEGUN;
    r->config = *asked;
    if (r->opt->own) r->config.own = r->opt->own;
    if (!kin_config_check(&r->config, err)) return false;
    if (r->opt->resume && !kin_phase_look(folder, r->config.own, &how, &r->other, err)) return false;
    if (how == KIN_PHASE_NOT_BEGUN)
        return phase ? train_behind(r, phase, folder, last, err)
                     : train_in(r, phase, folder, false, last, err);
    int64_t ended = r->other.steps;
    r->config = r->other;
    r->config.steps = asked->steps > ended || how == KIN_PHASE_BEGUN ? asked->steps : ended;
    if (how == KIN_PHASE_FINISHED && r->config.steps == ended && phase + 1 < r->opt->n_phases) return true;
    return train_in(r, phase, folder, true, last, err);
}

/* ---- all of them ---- */

static bool train_all(running *r, kin_train_state *last, kin_error *err)
{
    const kin_train_opt *opt = r->opt;
    bool named = opt->phases[0].name != NULL, ok = true;
    if (named && !kin_run_own(opt->run, &r->lock, err)) return false;
    for (int i = 0; ok && i < opt->n_phases; i++) {
        char *folder = folder_of(opt, i, err);
        ok = folder && train_phase(r, i, folder, last, err);
        if (ok && named && i + 1 == opt->n_phases) ok = kin_phase_publish(folder, opt->run, err);
        kin_free(folder);
    }
    return ok;
}

bool kin_train(const kin_train_opt *opt, kin_train_state *last, kin_error *err)
{
    running *r = kin_alloc_zero(1, sizeof *r);
    if (!r) return kin_fail_memory(err, "the training", sizeof *r);
    r->opt = opt, r->lock = -1;
    if (last) *last = (kin_train_state){.best = -1};
    bool ok = check(r, err) && train_all(r, last, err);
    kin_run_release(&r->lock);
    kin_free(r);
    return ok;
}
