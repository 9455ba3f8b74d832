#include "cli/training/compared.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/options/own.h"
#include "train/config_fields.h"
#include "train/run_folder.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- one run ---- */

/* "RUN/phase-a, RUN/phase-b", sorted; nothing where there are none. */
static void list_phases(const char *name, kin_text *out)
{
    static const char begin[] = "phase-";
    const char *entry;
    char last[256] = "";
    for (bool more = true; more;) {
        char next[256] = "";
        DIR *dir = opendir(name);
        kin_error ignored = {0};
        while (dir && kin_next_name(dir, name, &entry, &ignored) && entry)
            if (strncmp(entry, begin, sizeof begin - 1) == 0 && strlen(entry) < sizeof next &&
                strcmp(entry, last) > 0 && (!*next || strcmp(entry, next) < 0))
                snprintf(next, sizeof next, "%s", entry);
        if (dir) closedir(dir);
        more = *next;
        if (more) kin_text_format(out, "%s%s/%s", out->size ? ", " : "", name, next);
        snprintf(last, sizeof last, "%s", next);
    }
}

static bool refuse(const char *name, kin_error *err)
{
    kin_text phases = {0};
    list_phases(name, &phases);
    if (phases.size && !phases.failed)
        kin_fail(err, KIN_ERR_ARGUMENT, "%s is a training in phases, each a run of its own: %s", name,
                 phases.data);
    else
        kin_fail(err, KIN_ERR_ARGUMENT,
                 "%s is no run of kin train: it has no log.jsonl beside a " KIN_RUN_STATE, name);
    kin_text_free(&phases);
    return false;
}

static int64_t number_of(const kin_checkpoint *c, const char *note)
{
    const char *text = kin_checkpoint_note(c, note);
    int64_t number;
    return text && kin_parse_int(text, 0, INT64_MAX, &number) ? number : -1;
}

static bool read_settings(kin_compared_run *r, const char *path, kin_error *err)
{
    kin_checkpoint *checkpoint = NULL;
    bool ok = kin_checkpoint_open(path, &checkpoint, err) &&
              kin_config_from_checkpoint(&r->config, checkpoint, path, kin_own(), err);
    if (ok)
        r->pictures = number_of(checkpoint, "data.pictures"), r->held = number_of(checkpoint, "data.held");
    kin_checkpoint_free(checkpoint);
    return ok;
}

static void measure(kin_compared_run *r)
{
    const kin_run_log *log = &r->log;
    int64_t last = log->steps / 100 > 1 ? log->steps / 100 : 1;
    r->loss = 0, r->best = -1;
    for (int64_t i = log->steps - last; i < log->steps; i++) r->loss += log->loss[i] / (double)last;
    for (int64_t i = 0; i < log->validations; i++)
        if (isfinite(log->map[i]) && (r->best < 0 || log->map[i] > log->map[r->best])) r->best = i;
}

static bool read_run(kin_compared_run *r, const char *name, kin_error *err)
{
    char *log = kin_path_join(name, KIN_RUN_LOG), *state = kin_path_join(name, KIN_RUN_STATE),
         *model = kin_path_join(name, KIN_RUN_MODEL);
    bool ok = (log && state && model) || kin_fail_memory(err, name, strlen(name));
    r->name = name;
    if (ok && (!kin_exists(log) || !(kin_exists(state) || kin_exists(model)))) ok = refuse(name, err);
    ok = ok && read_settings(r, kin_exists(state) ? state : model, err) &&
         kin_run_log_read(log, false, &r->log, err);
    if (ok) measure(r);
    kin_free(log), kin_free(state), kin_free(model);
    return ok;
}

/* ---- rows ---- */

static kin_compared_row *add_row(kin_compared *c, kin_compared_row *rows, int *n, const char *name)
{
    kin_compared_row *row = &rows[*n];
    *row = (kin_compared_row){name, kin_arena_alloc_zero(&c->texts, (size_t)c->n_runs * sizeof *row->values),
                              false};
    ++*n;
    return row->values ? row : NULL;
}

static bool set_value(kin_compared *c, kin_compared_row *row, int run, const char *text)
{
    const char *before = run ? row->values[run - 1] : NULL;
    row->values[run] = *text ? kin_arena_strdup(&c->texts, text) : NULL;
    if (run) row->differs |= strcmp(before ? before : "", text) != 0;
    return row->values[run] || !*text;
}

static bool fill_settings(kin_compared *c)
{
    char text[KIN_CONFIG_TEXT + 1];
    for (const kin_config_field *f = kin_config_fields; f->name; f++) {
        kin_compared_row *row = add_row(c, c->settings, &c->n_settings, f->name);
        for (int r = 0; row && r < c->n_runs; r++) {
            kin_config_value(&c->runs[r].config, f, "%.9g", text, sizeof text);
            if (!set_value(c, row, r, text)) return false;
        }
        if (!row) return false;
    }
    return true;
}

static void figure_text(const kin_compared_run *r, int which, char *text, size_t size)
{
    const kin_run_log *log = &r->log;
    bool judged = r->best >= 0;
    text[0] = '\0';
    if (which == 0) snprintf(text, size, "%lld", (long long)log->steps);
    if (which == 1 && isfinite(r->loss)) snprintf(text, size, "%.4f", r->loss);
    if (which == 2 && judged) snprintf(text, size, "%.4f", log->map[r->best]);
    if (which == 3 && judged && isfinite(log->recall_1[r->best]))
        snprintf(text, size, "%.4f", log->recall_1[r->best]);
    if (which == 4 && judged) snprintf(text, size, "%.0f", log->at[r->best]);
    if (which == 5 && judged) snprintf(text, size, "%.4f", log->map[log->validations - 1]);
    if (which == 6 && r->held > 0) snprintf(text, size, "%lld", (long long)r->held);
    if (which == 7 && r->pictures >= 0) snprintf(text, size, "%lld", (long long)r->pictures);
}

static bool fill_figures(kin_compared *c)
{
    static const char *const names[] = {
        "steps done", "loss at the end",     "best validation mAP", "R@1 there",
        "at step",    "last validation mAP", "pictures held out",   "pictures trained on"};
    char text[32];
    for (int f = 0; f < (int)(sizeof names / sizeof *names); f++) {
        kin_compared_row *row = add_row(c, c->figures, &c->n_figures, names[f]);
        for (int r = 0; row && r < c->n_runs; r++) {
            figure_text(&c->runs[r], f, text, sizeof text);
            if (!set_value(c, row, r, text)) return false;
        }
        if (!row) return false;
    }
    return true;
}

bool kin_compared_open(kin_compared *c, char *const *names, int count, kin_error *err)
{
    enum { FIGURES = 8 };
    *c = (kin_compared){.n_runs = count};
    c->runs = kin_alloc_zero((size_t)count, sizeof *c->runs);
    c->settings = kin_alloc_array(KIN_CONFIG_FIELDS, sizeof *c->settings);
    c->figures = kin_alloc_array(FIGURES, sizeof *c->figures);
    bool ok = (c->runs && c->settings && c->figures) ||
              kin_fail_memory(err, "the runs", (unsigned long long)count * sizeof *c->runs);
    for (int r = 0; ok && r < count; r++) ok = read_run(&c->runs[r], names[r], err);
    ok = ok && ((fill_settings(c) && fill_figures(c)) || kin_fail_memory(err, "the runs", c->texts.used));
    if (!ok) kin_compared_free(c);
    return ok;
}

void kin_compared_free(kin_compared *c)
{
    for (int r = 0; c->runs && r < c->n_runs; r++) kin_run_log_free(&c->runs[r].log);
    kin_free(c->runs), kin_free(c->settings), kin_free(c->figures);
    kin_arena_free(&c->texts);
    *c = (kin_compared){0};
}

static bool other_held(const kin_compared_run *a, const kin_compared_run *b)
{
    const kin_config *x = &a->config, *y = &b->config;
    bool told = a->held >= 0 && b->held >= 0;
    return (told && a->held != b->held) || x->validate != y->validate || strcmp(x->data, y->data) != 0 ||
           strcmp(x->classes, y->classes) != 0 || strcmp(x->validate_fold, y->validate_fold) != 0 ||
           strcmp(x->validate_list, y->validate_list) != 0;
}

const char *kin_compared_remark(const kin_compared *c)
{
    const kin_compared_run *a = NULL; /* the judged one before */
    for (int r = 0; r < c->n_runs; r++) {
        const kin_compared_run *b = &c->runs[r], *before = a;
        if (b->best < 0) continue;
        a = b;
        if (!before) continue;
        if (other_held(before, b))
            return "not all runs held out the same pictures, so their validations cannot be compared";
    }
    return NULL;
}
