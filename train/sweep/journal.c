/* Writing: a line at a time, whole or not at all. */
#include "train/sweep/journal.h"

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- lines ---- */

static bool append(kin_sweep_journal *j, kin_text *line, kin_error *err)
{
    kin_text_add(line, "}\n");
    if (line->failed) {
        kin_text_free(line);
        return kin_fail_memory(err, j->path, 1);
    }
    off_t before = lseek(j->file, 0, SEEK_END);
    size_t done = 0;
    bool ok = before >= 0;
    while (ok && done < line->size) {
        ssize_t wrote = write(j->file, line->data + done, line->size - done);
        if (wrote < 0 && errno == EINTR) continue;
        ok = wrote > 0;
        if (ok) done += (size_t)wrote;
    }
    ok = ok && fsync(j->file) == 0;
    int why = errno;
    kin_text_free(line);
    if (ok) return true;
    /* half a line is none; where even that fails, the next reader cuts it off */
    if (before >= 0 && ftruncate(j->file, before) != 0) why = errno;
    return kin_fail(err, KIN_ERR_IO,
                    "%s: cannot be written: %s; what it holds is whole, and the same command goes on",
                    j->path, strerror(why));
}

static void number(kin_text *line, const char *name, double value)
{
    kin_text_format(line, ",\"%s\":", name);
    kin_json_add_number(line, value);
}

static kin_text line_of(int64_t trial, int64_t seed)
{
    kin_text line = {0};
    kin_text_format(&line, "{\"trial\":%lld", (long long)trial);
    if (seed) kin_text_format(&line, ",\"again\":%lld", (long long)seed);
    return line;
}

bool kin_sweep_journal_begin(kin_sweep_journal *j, int64_t trial, const double *value, kin_error *err)
{
    kin_text line = line_of(trial, 0);
    kin_text_add(&line, ",\"values\":{");
    for (int i = 0; i < j->space->n_params; i++) {
        const kin_sweep_param *p = &j->space->params[i];
        if (i) kin_text_add(&line, ",");
        kin_json_add_string(&line, p->name);
        kin_text_add(&line, ":");
        if (p->kind == KIN_SWEEP_CHOICE) kin_json_add_string(&line, p->choices[(int)value[i]]);
        else kin_json_add_number(&line, value[i]);
    }
    kin_text_add(&line, "}");
    return append(j, &line, err);
}

bool kin_sweep_journal_result(kin_sweep_journal *j, int64_t trial, int rung, int64_t seed,
                              const kin_sweep_result *r, kin_error *err)
{
    kin_text line = line_of(trial, seed);
    kin_text_format(&line, ",\"rung\":%d,\"step\":%lld", rung, (long long)r->step);
    number(&line, "mAP", r->figure);
    number(&line, "search mAP", r->plain);
    kin_text_format(&line, ",\"best step\":%lld,\"steps\":%lld", (long long)r->best_step,
                    (long long)r->computed);
    number(&line, "seconds", r->seconds);
    number(&line, "opening", r->opening);
    return append(j, &line, err);
}

bool kin_sweep_journal_failed(kin_sweep_journal *j, int64_t trial, int64_t seed, const char *why,
                              double seconds, kin_error *err)
{
    kin_text line = line_of(trial, seed);
    kin_text_add(&line, ",\"failed\":");
    kin_json_add_string(&line, why);
    number(&line, "seconds", seconds);
    return append(j, &line, err);
}

bool kin_sweep_journal_paused(kin_sweep_journal *j, int64_t trial, int64_t seed, int64_t step, double seconds,
                              kin_error *err)
{
    kin_text line = line_of(trial, seed);
    kin_text_format(&line, ",\"paused\":%lld", (long long)step);
    number(&line, "seconds", seconds);
    return append(j, &line, err);
}

/* ---- the first line ---- */

static void add_param(kin_text *line, const kin_sweep_param *p)
{
    kin_text_add(line, "{\"name\":");
    kin_json_add_string(line, p->name);
    if (p->kind != KIN_SWEEP_CHOICE) {
        kin_text_format(line, ",\"range\":\"%s\",\"whole\":%s", p->kind == KIN_SWEEP_LOG ? "log" : "uniform",
                        p->whole ? "true" : "false");
        number(line, "low", p->low);
        number(line, "high", p->high);
    } else {
        kin_text_add(line, ",\"choices\":[");
        for (int c = 0; c < p->n_choices; c++) {
            if (c) kin_text_add(line, ",");
            kin_json_add_string(line, p->choices[c]);
        }
        kin_text_add(line, "]");
    }
    kin_text_add(line, "}");
}

static bool write_head(kin_sweep_journal *j, const kin_sweep_plan *plan, kin_error *err)
{
    const kin_sweep_space *s = j->space;
    kin_text line = {0};
    kin_text_format(&line, "{\"kin sweep\":1,\"seed\":%llu,\"eta\":%d,\"steps\":[",
                    (unsigned long long)plan->seed, plan->eta);
    for (int i = 0; i < plan->rungs; i++)
        kin_text_format(&line, "%s%lld", i ? "," : "", (long long)plan->step[i]);
    kin_text_add(&line, "],\"data\":");
    kin_json_add_string(&line, s->data);
    kin_text_format(&line, ",\"pictures\":%lld,\"held\":%lld,\"space\":[", (long long)s->pictures,
                    (long long)s->held);
    for (int i = 0; i < s->n_params; i++) {
        if (i) kin_text_add(&line, ",");
        add_param(&line, &s->params[i]);
    }
    kin_text_add(&line, "],\"fixed\":");
    kin_json_add_string(&line, s->fixed);
    return append(j, &line, err);
}

/* ---- whose it is ---- */

static bool same_param(const kin_sweep_param *a, const kin_sweep_param *b)
{
    if (strcmp(a->name, b->name) != 0 || a->kind != b->kind || a->n_choices != b->n_choices) return false;
    if (a->kind != KIN_SWEEP_CHOICE) return a->whole == b->whole && a->low == b->low && a->high == b->high;
    for (int i = 0; i < a->n_choices; i++)
        if (strcmp(a->choices[i], b->choices[i]) != 0) return false;
    return true;
}

static bool other(const char *path, kin_error *err, const char *what)
{
    return kin_fail(err, KIN_ERR_ARGUMENT, "%s: is of another sweep: %s; name another folder", path, what);
}

static bool same_sweep(const char *path, const kin_sweep_record *was, const kin_sweep_space *space,
                       const kin_sweep_plan *plan, kin_error *err)
{
    char what[300];
    const kin_sweep_space *s = &was->space;
    if (strcmp(s->data, space->data) != 0) {
        snprintf(what, sizeof what,
                 "the data are others (%lld pictures and %lld held out, where there were %lld and %lld)",
                 (long long)space->pictures, (long long)space->held, (long long)s->pictures,
                 (long long)s->held);
        return other(path, err, what);
    }
    for (int i = 0; i < space->n_params && i < s->n_params; i++)
        if (!same_param(&s->params[i], &space->params[i])) {
            snprintf(what, sizeof what, "its space has another %.60s", s->params[i].name);
            return other(path, err, what);
        }
    if (s->n_params != space->n_params) return other(path, err, "its space has more parameters, or fewer");
    if (strcmp(s->fixed, space->fixed) != 0) return other(path, err, "its space has other fixed settings");
    if (was->plan.seed != plan->seed) {
        snprintf(what, sizeof what, "its --seed is %llu", (unsigned long long)was->plan.seed);
        return other(path, err, what);
    }
    bool same = was->plan.rungs == plan->rungs && (was->plan.eta == plan->eta || plan->rungs == 1);
    for (int i = 0; same && i < plan->rungs; i++) same = was->plan.step[i] == plan->step[i];
    return same || other(path, err, "its rungs end at other steps");
}

/* ---- opening ---- */

static bool go_on(kin_sweep_journal *j, const char *folder, const kin_sweep_plan *plan,
                  kin_sweep_table *table, kin_error *err)
{
    kin_sweep_record was;
    if (!kin_sweep_read(folder, &was, err)) return false;
    bool ok = same_sweep(j->path, &was, j->space, plan, err);
    if (ok && ftruncate(j->file, (off_t)was.whole) != 0)
        ok = kin_fail(err, KIN_ERR_IO, "%s: cannot be cut to its whole lines: %s", j->path, strerror(errno));
    if (ok) {
        *table = was.table;
        was.table = (kin_sweep_table){0};
    }
    kin_sweep_record_free(&was);
    return ok;
}

/* A first line that a kill cut short is no beginning. */
static bool has_a_line(const char *path, bool *has, kin_error *err)
{
    kin_bytes bytes;
    *has = false;
    if (!kin_exists(path)) return true;
    if (!kin_read_file(path, (size_t)1 << 30, &bytes, err)) return false;
    *has = memchr(bytes.data, '\n', bytes.size) != NULL;
    kin_bytes_free(&bytes);
    return true;
}

bool kin_sweep_journal_open(kin_sweep_journal *j, const char *folder, const kin_sweep_space *space,
                            const kin_sweep_plan *plan, kin_sweep_table *table, kin_error *err)
{
    bool has;
    *j = (kin_sweep_journal){.file = -1, .path = kin_path_join(folder, KIN_SWEEP_JOURNAL), .space = space};
    *table = (kin_sweep_table){0};
    if (!j->path) return kin_fail_memory(err, folder, strlen(folder));
    if (!has_a_line(j->path, &has, err)) return false;
    j->file = open(j->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (j->file < 0)
        return kin_fail(err, KIN_ERR_IO, "%s: cannot be opened for writing: %s", j->path, strerror(errno));
    if (has) return go_on(j, folder, plan, table, err);
    return (ftruncate(j->file, 0) == 0 ||
            kin_fail(err, KIN_ERR_IO, "%s: cannot be emptied: %s", j->path, strerror(errno))) &&
           write_head(j, plan, err) && kin_sync_folder(folder, err);
}

void kin_sweep_journal_close(kin_sweep_journal *j)
{
    if (j->file >= 0) close(j->file);
    kin_free(j->path);
    *j = (kin_sweep_journal){.file = -1};
}
