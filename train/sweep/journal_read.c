/* Reading: whole lines alone, each checked before it counts. */
#include "train/sweep/journal.h"

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST_TRIALS = 1000000, MOST_CHOICES = 1000, MOST_AGAIN = 1000000 };

typedef struct reader {
    kin_sweep_record *record;
    kin_arena line; /* of one line */
    const char *path;
    int64_t number;
    kin_error *err;
} reader;

static bool bad(reader *r, const char *why)
{
    return kin_fail(r->err, KIN_ERR_DATA, "%s:%lld: %s", r->path, (long long)r->number, why);
}

static bool no_memory(reader *r) { return kin_fail_memory(r->err, r->path, 1); }

static const char *string(const kin_json *object, const char *name)
{
    const kin_json *value = kin_json_get(object, name);
    return value && value->kind == KIN_JSON_STRING && strlen(value->text) == value->length ? value->text
                                                                                           : NULL;
}

static bool real(const kin_json *object, const char *name, double *out)
{
    const kin_json *value = kin_json_get(object, name);
    if (!value || value->kind != KIN_JSON_NUMBER) return false;
    *out = value->number;
    return true;
}

static bool whole(const kin_json *object, const char *name, double high, int64_t *out)
{
    return kin_json_integer(kin_json_get(object, name), 0, high, out);
}

/* ---- the first line ---- */

static bool read_choices(reader *r, const kin_json *list, kin_sweep_param *p)
{
    if (list->kind != KIN_JSON_ARRAY || list->count < 2 || list->count > MOST_CHOICES)
        return bad(r, "a choice is a list of two or more");
    const char **choices = kin_arena_alloc(&r->record->storage, list->count * sizeof *choices);
    if (!choices) return no_memory(r);
    for (const kin_json *c = list->first; c; c = c->next) {
        if (c->kind != KIN_JSON_STRING ||
            !(choices[p->n_choices++] = kin_arena_strdup(&r->record->storage, c->text)))
            return c->kind != KIN_JSON_STRING ? bad(r, "a choice is a list of texts") : no_memory(r);
    }
    p->kind = KIN_SWEEP_CHOICE, p->choices = choices;
    return true;
}

static bool read_param(reader *r, const kin_json *from, kin_sweep_param *p)
{
    const char *name = string(from, "name"), *range = string(from, "range");
    const kin_json *list = kin_json_get(from, "choices"), *integral = kin_json_get(from, "whole");
    kin_error why = {0};
    if (!name || !*name) return bad(r, "a parameter has no name");
    if (!(p->name = kin_arena_strdup(&r->record->storage, name))) return no_memory(r);
    if (list && !read_choices(r, list, p)) return false;
    if (!list) {
        if (!range || (strcmp(range, "log") != 0 && strcmp(range, "uniform") != 0) ||
            !real(from, "low", &p->low) || !real(from, "high", &p->high))
            return bad(r, "a parameter has neither a range nor choices");
        p->kind = strcmp(range, "log") == 0 ? KIN_SWEEP_LOG : KIN_SWEEP_UNIFORM;
        p->whole = integral && integral->kind == KIN_JSON_BOOL && integral->boolean;
    }
    return kin_sweep_param_check(p, &why) || bad(r, why.message);
}

static bool read_rungs(reader *r, const kin_json *list)
{
    kin_sweep_plan *plan = &r->record->plan;
    if (!list || list->kind != KIN_JSON_ARRAY || list->count < 1 || list->count > KIN_SWEEP_RUNGS)
        return bad(r, "the steps of the rungs are missing");
    for (const kin_json *step = list->first; step; step = step->next) {
        int64_t last = plan->rungs ? plan->step[plan->rungs - 1] : 0;
        if (!kin_json_integer(step, 1, 1e15, &plan->step[plan->rungs]) || plan->step[plan->rungs] <= last)
            return bad(r, "the steps of the rungs do not grow");
        plan->rungs++;
    }
    return true;
}

static bool read_head(reader *r, const kin_json *line)
{
    kin_sweep_space *s = &r->record->space;
    const kin_json *list = kin_json_get(line, "space");
    const char *data = string(line, "data"), *fixed = string(line, "fixed");
    int64_t version, eta, seed;
    if (!whole(line, "kin sweep", 1000, &version)) return bad(r, "is no journal of kin sweep");
    if (version != 1) return bad(r, "was written by a newer kin");
    if (!data || strlen(data) >= sizeof s->data || !fixed || !whole(line, "eta", 1e6, &eta) || eta < 2 ||
        !whole(line, "seed", 9e15, &seed) || !whole(line, "pictures", 1e15, &s->pictures) ||
        !whole(line, "held", 1e15, &s->held) || !list || list->kind != KIN_JSON_ARRAY || list->count < 1 ||
        list->count > KIN_SWEEP_PARAMS)
        return bad(r, "the first line does not tell what is searched");
    kin_sweep_param *params = kin_arena_alloc(&r->record->storage, list->count * sizeof *params);
    s->fixed = kin_arena_strdup(&r->record->storage, fixed);
    if (!params || !s->fixed) return no_memory(r);
    memset(params, 0, list->count * sizeof *params);
    s->params = params;
    snprintf(s->data, sizeof s->data, "%s", data);
    r->record->plan.eta = (int)eta, r->record->plan.seed = (uint64_t)seed;
    for (const kin_json *p = list->first; p; p = p->next)
        if (!read_param(r, p, &params[s->n_params++])) return false;
    return read_rungs(r, kin_json_get(line, "steps"));
}

/* ---- the others ---- */

static bool read_value(reader *r, const kin_sweep_param *p, const kin_json *from, double *value)
{
    if (p->kind != KIN_SWEEP_CHOICE)
        return (from && from->kind == KIN_JSON_NUMBER && (*value = from->number, true)) ||
               bad(r, "a trial lacks a value");
    for (int i = 0; i < p->n_choices && from && from->kind == KIN_JSON_STRING; i++)
        if (strcmp(p->choices[i], from->text) == 0) return *value = i, true;
    return bad(r, "a trial has a value that is not among the choices");
}

static bool read_begin(reader *r, int64_t trial, const kin_json *values)
{
    const kin_sweep_space *s = &r->record->space;
    if (trial != r->record->table.count) return bad(r, "the trials do not come in their order");
    kin_sweep_trial *t = kin_sweep_table_add(&r->record->table);
    if (!t) return no_memory(r);
    for (int i = 0; i < s->n_params; i++)
        if (!read_value(r, &s->params[i], kin_json_get(values, s->params[i].name), &t->value[i]))
            return false;
    return true;
}

static bool read_result(reader *r, const kin_json *line, int64_t trial, int64_t seed)
{
    kin_sweep_result result = {0};
    kin_sweep_trial *t = &r->record->table.trials[trial];
    int64_t rung;
    if (!whole(line, "rung", KIN_SWEEP_RUNGS - 1, &rung) || !whole(line, "step", 1e15, &result.step) ||
        !whole(line, "best step", 1e15, &result.best_step) || !whole(line, "steps", 1e15, &result.computed) ||
        !real(line, "mAP", &result.figure) || !real(line, "search mAP", &result.plain) ||
        !real(line, "seconds", &result.seconds) || !real(line, "opening", &result.opening))
        return bad(r, "a result lacks a number");
    if (rung >= r->record->plan.rungs || result.step != r->record->plan.step[rung] ||
        (!seed && rung != t->rungs))
        return bad(r, "a result is of no rung that could be next");
    if (!seed) {
        t->result[t->rungs++] = result;
        return true;
    }
    kin_sweep_again *again = kin_sweep_table_add_again(&r->record->table, trial, seed);
    if (!again) return no_memory(r);
    again->result = result;
    return true;
}

static bool read_failure(reader *r, const kin_json *line, int64_t trial, int64_t seed, const char *why)
{
    double seconds;
    char *to = r->record->table.trials[trial].failed;
    if (seed) {
        kin_sweep_again *again = kin_sweep_table_add_again(&r->record->table, trial, seed);
        if (!again) return no_memory(r);
        to = again->failed;
    }
    snprintf(to, sizeof r->record->table.trials->failed, "%s", *why ? why : "failed");
    if (real(line, "seconds", &seconds)) r->record->table.unfinished += seconds;
    return true;
}

static bool read_line(reader *r, const kin_json *line)
{
    int64_t trial, seed = 0;
    const kin_json *values = kin_json_get(line, "values");
    const char *failed = string(line, "failed");
    if (r->number == 1) return read_head(r, line);
    if (!whole(line, "trial", MOST_TRIALS, &trial)) return bad(r, "is of no trial");
    if (values) return read_begin(r, trial, values);
    if (trial >= r->record->table.count) return bad(r, "is of a trial that has not begun");
    if (kin_json_get(line, "again") && (!whole(line, "again", MOST_AGAIN, &seed) || !seed))
        return bad(r, "is of no seed");
    if (failed) return read_failure(r, line, trial, seed, failed);
    if (kin_json_get(line, "paused")) {
        double seconds = 0;
        if (!real(line, "seconds", &seconds)) return bad(r, "a pause has no seconds");
        r->record->table.unfinished += seconds;
        return true;
    }
    return read_result(r, line, trial, seed);
}

static bool read_lines(reader *r, const char *text, size_t size)
{
    for (const char *line = text, *end; (end = memchr(line, '\n', size - (size_t)(line - text)));
         line = end + 1) {
        kin_error why = {0};
        kin_arena_reset(&r->line);
        r->number++;
        const kin_json *parsed = kin_json_parse(line, (size_t)(end - line), &r->line, &why);
        if (!parsed && why.code == KIN_ERR_MEMORY) return no_memory(r);
        if (!parsed) return bad(r, why.message);
        if (!read_line(r, parsed)) return false;
        r->record->whole = (size_t)(end + 1 - text);
    }
    return r->number > 0 || kin_fail(r->err, KIN_ERR_DATA, "%s: is empty", r->path);
}

bool kin_sweep_parse(const char *path, const char *text, size_t size, kin_sweep_record *out, kin_error *err)
{
    *out = (kin_sweep_record){0};
    reader r = {.record = out, .path = path, .err = err};
    bool ok = read_lines(&r, text, size);
    kin_arena_free(&r.line);
    if (!ok) kin_sweep_record_free(out);
    return ok;
}

bool kin_sweep_read(const char *folder, kin_sweep_record *out, kin_error *err)
{
    kin_bytes bytes = {0};
    char *path = kin_path_join(folder, KIN_SWEEP_JOURNAL);
    *out = (kin_sweep_record){0};
    bool ok = (path || kin_fail_memory(err, folder, strlen(folder))) &&
              kin_read_file(path, (size_t)1 << 30, &bytes, err) &&
              kin_sweep_parse(path, (const char *)bytes.data, bytes.size, out, err);
    kin_bytes_free(&bytes);
    kin_free(path);
    return ok;
}

void kin_sweep_record_free(kin_sweep_record *r)
{
    kin_sweep_table_free(&r->table);
    kin_arena_free(&r->storage);
    *r = (kin_sweep_record){0};
}
