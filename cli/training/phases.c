#include "cli/options/own.h"
#include "cli/training/phases.h"

#include "base/file.h"
#include "base/memory.h"
#include "cli/terminal/interrupt.h"
#include "cli/training/live.h"
#include "train/phase.h"
#include "train/run_folder.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define KEPT "recipe.conf"
#define START "start.safetensors"
enum { PATH = 4096 };

/* Descriptions of networks are large, and lie together on the heap: of the phase that the others are held to, or that
 * is gone on with; of the one at hand; and one to try without a setting. */
enum { FIRST, THIS, TRIED, CONFIGS };

/* A recipe on its way through its phases. */
typedef struct phases {
    const kin_cli *typed;
    const kin_train_calls *calls;
    const char *run;
    kin_conf conf;
    kin_text ran;       /* the recipe as it runs */
    kin_config *config; /* [CONFIGS], owned */
    int lock;           /* of the run, whose phases have locks of their own */
} phases;

static bool path_of(char out[PATH], const char *run, const char *phase, const char *file, kin_error *err)
{
    int length = snprintf(out, PATH, "%s%s%s%s%s", run, phase ? "/phase-" : "", phase ? phase : "",
                          file ? "/" : "", file ? file : "");
    return (length > 0 && length < PATH) ||
           kin_fail(err, KIN_ERR_ARGUMENT, "%.100s...: the path is too long", run);
}

/* ---- what each phase is ---- */

/* The line that is to blame: the last setting without which the phase would be fine, else the phase's own. */
static int line_to_blame(const phases *p, int phase)
{
    kin_config *tried = &p->config[TRIED];
    for (int i = p->conf.count - 1; i >= 0; i--) {
        kin_conf without = p->conf;
        kin_setting blamed = p->conf.settings[i];
        kin_cli cli = *p->typed;
        kin_error ignored = {0};
        if (!kin_conf_counts(&p->conf, &blamed, phase, p->typed)) continue;
        p->conf.settings[i].phase = KIN_PHASES; /* of no phase */
        bool fine = kin_conf_apply(&without, phase, &cli, &ignored) &&
                    p->calls->configure(tried, &cli, &ignored) &&
                    (phase < 0 || kin_phase_check(tried, &ignored));
        p->conf.settings[i] = blamed;
        if (fine) return blamed.line;
    }
    return phase >= 0 ? p->conf.phase_line[phase] : 1;
}

/* The command line and the settings of a phase as one. A recipe is for any data: its batches fit
 * themselves to small sets, as the defaults do. */
static bool configure(const phases *p, int phase, kin_cli *cli, kin_config *c, kin_error *err)
{
    kin_error why = {0};
    *cli = *p->typed;
    if (kin_conf_apply(&p->conf, phase, cli, &why) && p->calls->configure(c, cli, &why)) {
        c->open_batch_classes = !kin_option_given(p->typed, "batch-classes");
        c->open_batch = !kin_option_given(p->typed, "batch");
        return true;
    }
    return kin_fail(err, why.code, "%s:%d: %s", p->conf.path, line_to_blame(p, phase), why.message);
}

/* Line of a setting that counts in a phase; the phase's own where it was typed. */
static int line_of(const phases *p, int phase, const char *name)
{
    for (int i = 0; i < p->conf.count; i++)
        if (strcmp(p->conf.settings[i].name, name) == 0 &&
            kin_conf_counts(&p->conf, &p->conf.settings[i], phase, p->typed))
            return p->conf.settings[i].line;
    return p->conf.phase_line[phase];
}

static bool fail_in(const phases *p, int phase, const char *option, const char *why, kin_error *err)
{
    return kin_fail(err, KIN_ERR_ARGUMENT, "%s:%d: %s", p->conf.path, line_of(p, phase, option), why);
}

/* The networks of all phases must be one network, or nothing would be handed on. */
static bool one_network(const phases *p, int phase, const kin_config *first, const kin_config *c,
                        kin_error *err)
{
    const struct {
        const char *option;
        bool same;
    } rows[] = {{"model", strcmp(first->model, c->model) == 0},
                {"width", first->width == c->width},
                {"stem", strcmp(first->stem, c->stem) == 0},
                {"channels", first->channels == c->channels}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (!rows[i].same)
            return kin_fail(
                err, KIN_ERR_ARGUMENT,
                "%s:%d: the phases %s and %s differ in %s, and a phase goes on with the network of the "
                "one before",
                p->conf.path, line_of(p, phase, rows[i].option), p->conf.phase[0], p->conf.phase[phase],
                rows[i].option);
    for (int i = 0; i < p->conf.count; i++)
        if (p->conf.settings[i].phase == phase && strcmp(p->conf.settings[i].name, "weights") == 0)
            return fail_in(p, phase, "weights",
                           "weights are what the first phase begins with; this one goes on with its network",
                           err);
    return true;
}

static bool check_all(const phases *p, kin_error *err)
{
    kin_cli cli;
    for (int i = 0; i < p->conf.phases; i++) {
        kin_error why = {0};
        kin_config *first = &p->config[FIRST], *c = i ? &p->config[THIS] : first;
        if (!configure(p, i, &cli, c, err)) return false;
        if (i && !one_network(p, i, first, c, err)) return false;
        if (!kin_phase_check(c, &why))
            return kin_fail(err, why.code, "%s:%d: phase %s: %s", p->conf.path, line_to_blame(p, i),
                            p->conf.phase[i], why.message);
    }
    return true;
}

/* ---- from one phase to the next ---- */

/* A phase behind the first begins with what the one before it learnt; what it has beyond that is new. */
static bool start_from(const phases *p, int phase, kin_config *c, kin_error *err)
{
    char folder[PATH], model[PATH], start[PATH];
    if (!path_of(folder, p->run, p->conf.phase[phase], NULL, err) ||
        !path_of(model, p->run, p->conf.phase[phase - 1], KIN_RUN_MODEL, err) ||
        !path_of(start, p->run, p->conf.phase[phase], START, err))
        return false;
    if (!kin_make_folders(folder, err)) return false;
    return kin_phase_start(c, model, start, err);
}

/* ---- training ---- */

static bool forget(const char *path, kin_error *err)
{
    return remove(path) == 0 || errno == ENOENT ||
           kin_fail(err, KIN_ERR_IO, "%s: cannot be removed: %s", path, strerror(errno));
}

/* The first phase begins: the recipe is kept, and what an earlier run left in the folder is no part of
 * this one. Its state goes first, so that a kill in between leaves nothing that could be resumed as this
 * run. */
static bool begin(void *user, kin_error *err)
{
    phases *p = user;
    char path[PATH];
    if (p->conf.phases && !kin_run_own(p->run, &p->lock, err)) return false;
    for (int i = 0; i < p->conf.phases; i++)
        if (!path_of(path, p->run, p->conf.phase[i], NULL, err) || !kin_phase_forget(path, err)) return false;
    if (p->conf.phases && (!kin_phase_forget(p->run, err) || !kin_live_forget(p->run, err))) return false;
    return path_of(path, p->run, NULL, KEPT, err) && kin_write_file(path, p->ran.data, p->ran.size, err);
}

/* The run that is resumed is the whole one. */
static void tell_where(const phases *p, int phase, kin_error *err)
{
    char told[sizeof err->message];
    kin_code code = err->code;
    snprintf(told, sizeof told, "%s", err->message);
    char *hint = code == KIN_ERR_INTERRUPTED ? strstr(told, "; go on with: ") : NULL;
    if (hint) *hint = '\0';
    kin_error_clear(err);
    kin_fail(err, code, "phase %s: %.700s%s%.200s", p->conf.phase[phase], told,
             hint ? "; go on with: kin train --resume " : "", hint ? p->run : "");
}

static bool train_phase(phases *p, int phase, kin_cli *cli, const kin_config *c, bool resume, kin_error *err)
{
    char folder[PATH], start[PATH];
    kin_beginning first = {begin, p};
    if (!path_of(folder, p->run, p->conf.phase[phase], NULL, err) ||
        !path_of(start, p->run, p->conf.phase[phase], START, err))
        return false;
    kin_cli_note(p->typed, "phase %s, %d of %d", p->conf.phase[phase], phase + 1, p->conf.phases);
    bool ok = p->calls->train(cli, c, folder, resume, !phase && !resume ? &first : NULL, err);
    if (ok) return forget(start, err);
    tell_where(p, phase, err);
    return false;
}

static bool train_fresh(phases *p, int phase, const char *data, kin_error *err)
{
    kin_config *c = &p->config[THIS];
    kin_cli cli;
    if (!configure(p, phase, &cli, c, err)) return false;
    snprintf(c->data, sizeof c->data, "%s", data);
    return (!phase || start_from(p, phase, c, err)) && train_phase(p, phase, &cli, c, false, err);
}

/* The last phase's network is the run's. */
static bool publish(const phases *p, kin_error *err)
{
    char folder[PATH], to[PATH];
    bool ok = path_of(folder, p->run, p->conf.phase[p->conf.phases - 1], NULL, err) &&
              path_of(to, p->run, NULL, KIN_RUN_MODEL, err) && kin_phase_publish(folder, p->run, err);
    if (ok) kin_cli_note(p->typed, "the network of the last phase is %s", to);
    return ok;
}

static bool train_from(phases *p, int phase, const char *data, kin_error *err)
{
    for (; phase < p->conf.phases; phase++) {
        if (kin_interrupted())
            return kin_fail(err, KIN_ERR_INTERRUPTED,
                            "stopped before phase %s; go on with: kin train --resume %s",
                            p->conf.phase[phase], p->run);
        if (!train_fresh(p, phase, data, err)) return false;
    }
    return publish(p, err);
}

static bool train_plain(phases *p, kin_error *err)
{
    kin_config *c = &p->config[THIS];
    kin_cli cli;
    kin_beginning first = {begin, p};
    if (!configure(p, -1, &cli, c, err)) return false;
    snprintf(c->data, sizeof c->data, "%s", p->typed->positional[0]);
    return p->calls->train(&cli, c, p->run, false, &first, err);
}

static bool one_table(const phases *p, kin_error *err)
{
    return p->conf.phases < 2 || !kin_option_given(p->typed, "profile-csv") ||
           kin_fail(err, KIN_ERR_ARGUMENT,
                    "--profile-csv would hold the last of %d phases alone; --profile prints each",
                    p->conf.phases);
}

static bool make_room(phases *p, kin_error *err)
{
    p->config = kin_alloc_zero(CONFIGS, sizeof *p->config);
    return p->config || kin_fail_memory(err, "the settings of a run", CONFIGS * sizeof *p->config);
}

static void close_phases(phases *p)
{
    kin_run_release(&p->lock);
    kin_text_free(&p->ran);
    kin_conf_free(&p->conf);
    kin_free(p->config);
}

bool kin_phases_train(const kin_cli *typed, const kin_train_calls *calls, kin_error *err)
{
    phases p = {.typed = typed, .calls = calls, .run = kin_option_string(typed, "out"), .lock = -1};
    if (!kin_conf_open(kin_option_string(typed, "recipe"), typed->command, &p.conf, err)) return false;
    bool ok = make_room(&p, err) && kin_conf_as_ran(&p.conf, typed, &p.ran, err) && one_table(&p, err) &&
              check_all(&p, err);
    ok = ok && (p.conf.phases ? train_from(&p, 0, typed->positional[0], err) : train_plain(&p, err));
    close_phases(&p);
    return ok;
}

/* ---- resuming ---- */

bool kin_phases_has(const char *run)
{
    char path[PATH];
    return path_of(path, run, NULL, KIN_RUN_STATE, NULL) && !kin_exists(path) &&
           path_of(path, run, NULL, KEPT, NULL) && kin_exists(path);
}

bool kin_phases_begun(const char *run, const kin_command *command)
{
    char path[PATH];
    kin_conf conf;
    if (!kin_phases_has(run)) return false;
    if (!path_of(path, run, NULL, KEPT, NULL) || !kin_conf_open(path, command, &conf, NULL))
        return true; /* who knows */
    bool begun = conf.phases && (!path_of(path, run, conf.phase[0], KIN_RUN_STATE, NULL) || kin_exists(path));
    kin_conf_free(&conf);
    return begun;
}

static bool look_at(const phases *p, int phase, kin_phase_progress *how, kin_config *c, kin_error *err)
{
    char folder[PATH];
    return path_of(folder, p->run, p->conf.phase[phase], NULL, err) &&
           kin_phase_look(folder, kin_own(), how, c, err);
}

/* --steps extends the phase that goes on, --data holds for all that follow. */
static bool resume_at(phases *p, int phase, kin_phase_progress how, kin_config *c, const char *data,
                      kin_error *err)
{
    kin_cli cli = *p->typed;
    if (how == KIN_PHASE_NOT_BEGUN) {
        kin_cli none = {.command = p->typed->command};
        for (int i = 0; none.command->options[i].name; i++) /* it is still a recipe that is gone on with */
            if (strcmp(none.command->options[i].name, "resume") == 0) none.values[i] = p->run;
        if (!kin_conf_apply(&p->conf, phase, &none, err) || !p->calls->configure(c, &none, err)) return false;
        c->open_batch_classes = c->open_batch = true;
        snprintf(c->data, sizeof c->data, "%s", data);
    }
    if (!p->calls->changed(c, p->typed, p->run, err) || !kin_conf_apply(&p->conf, phase, &cli, err))
        return false;
    if (how == KIN_PHASE_NOT_BEGUN && phase && !start_from(p, phase, c, err)) return false;
    return train_phase(p, phase, &cli, c, how != KIN_PHASE_NOT_BEGUN, err);
}

/* The phases behind the resumed one are the recipe's alone. */
static bool train_rest(phases *p, int phase, const char *data, kin_error *err)
{
    kin_cli typed = *p->typed;
    for (int i = 0; typed.command->options[i].name; i++)
        if (strcmp(typed.command->options[i].name, "steps") == 0) typed.values[i] = NULL;
    p->typed = &typed;
    return train_from(p, phase, data, err);
}

static bool resume(phases *p, kin_error *err)
{
    kin_config *c = &p->config[FIRST], *next = &p->config[THIS];
    kin_phase_progress how = KIN_PHASE_NOT_BEGUN, after;
    int phase = 0;
    if (!p->conf.phases) return kin_fail(err, KIN_ERR_DATA, "%s: tells of no phases", p->conf.path);
    if (!look_at(p, 0, &how, c, err)) return false;
    if (how == KIN_PHASE_NOT_BEGUN)
        return kin_fail(err, KIN_ERR_DATA,
                        "%s: no step of its first phase was kept; begin again: kin train DATA "
                        "--recipe %s --out %s",
                        p->run, p->conf.path, p->run);
    for (; how == KIN_PHASE_FINISHED && phase + 1 < p->conf.phases; phase++, how = after) {
        if (!look_at(p, phase + 1, &after, next, err)) return false;
        if (after != KIN_PHASE_NOT_BEGUN) *c = *next;
    }
    char data[sizeof c->data];
    snprintf(data, sizeof data, "%s", c->data);
    if (!resume_at(p, phase, how, c, data, err)) return false;
    return train_rest(p, phase + 1, c->data, err);
}

bool kin_phases_resume(const kin_cli *typed, const kin_train_calls *calls, kin_error *err)
{
    char kept[PATH];
    phases p = {.typed = typed, .calls = calls, .run = kin_option_string(typed, "resume"), .lock = -1};
    if (!path_of(kept, p.run, NULL, KEPT, err) || !kin_conf_open(kept, typed->command, &p.conf, err))
        return false;
    bool ok = make_room(&p, err) && one_table(&p, err) && kin_run_own(p.run, &p.lock, err) && resume(&p, err);
    close_phases(&p);
    return ok;
}
