#include "cli/pages/sweep_page.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "cli/pages/page.h"
#include "cli/sweep/space.h"
#include "cli/sweep/told.h"
#include "cli/terminal/progress.h"
#include "cli/training/run_log.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { CURVES = 10, PAIRED = 4, LETTERS = 26, TICKS = 12, FITS = 8 };

typedef struct swept {
    const kin_sweep_record *record;
    const char *folder;
    kin_page page;
    kin_arena texts;
    int64_t *order; /* the trials, best first */
    kin_sweep_importance importance[KIN_SWEEP_PARAMS];
    int by_importance[KIN_SWEEP_PARAMS];
    int64_t best;     /* kin_sweep_best */
    double low, high; /* of the figures */
} swept;

static const kin_sweep_param *param(const swept *s, int i) { return &s->record->space.params[i]; }
static const kin_sweep_trial *trial(const swept *s, int64_t i) { return &s->record->table.trials[i]; }

/* A text that lasts as long as the page is made. */
static const char *text(swept *s, const char *format, ...) KIN_PRINTF(2, 3);
static const char *text(swept *s, const char *format, ...)
{
    char room[600];
    va_list args;
    va_start(args, format);
    vsnprintf(room, sizeof room, format, args);
    va_end(args);
    const char *kept = kin_arena_strdup(&s->texts, room);
    if (!kept) kin_fail_memory(&s->page.err, "a page", sizeof room);
    return kept ? kept : "";
}

static void *array(swept *s, size_t count, size_t size)
{
    void *room = count < (size_t)1 << 30 ? kin_arena_alloc(&s->texts, (count + 1) * size) : NULL;
    if (!room) kin_fail_memory(&s->page.err, "a page", count * size);
    else memset(room, 0, (count + 1) * size);
    return room;
}

static const char *value_text(swept *s, int p, int64_t i)
{
    char room[32];
    return text(s, "%s", kin_sweep_shown(s->record, i, p, room));
}

static bool idle(const swept *s, int p, int64_t i)
{
    return kin_space_idle(&s->record->space, trial(s, i)->value, p);
}

/* ---- what was found ---- */

static void add_best(swept *s)
{
    int64_t best = s->best;
    const kin_sweep_result *r = best >= 0 ? kin_sweep_last(trial(s, best)) : NULL;
    kin_page_fact *facts = array(s, (size_t)s->record->space.n_params + 4, sizeof *facts);
    int n = 0;
    if (!r || !facts) {
        kin_page_section(&s->page, "What was found", "No trial has finished a rung yet.");
        return;
    }
    kin_page_section(&s->page, text(s, "The best so far: trial %lld", (long long)best),
                     "Its recipe is best.conf in the sweep's folder, for kin train --recipe.");
    facts[n++] = (kin_page_fact){"mAP of what is held out", text(s, "%.4f", r->figure)};
    facts[n++] = (kin_page_fact){"at step", text(s, "%lld of %lld", (long long)r->step,
                                                 (long long)s->record->plan.step[s->record->plan.rungs - 1])};
    if (r->figure != r->plain)
        facts[n++] = (kin_page_fact){"mAP by the search alone", text(s, "%.4f", r->plain)};
    for (int p = 0; p < s->record->space.n_params; p++)
        facts[n++] = (kin_page_fact){param(s, p)->name, value_text(s, p, best)};
    kin_page_facts(&s->page, facts, n);
}

static void add_seeds(swept *s)
{
    enum { COLUMNS = 6 };
    static const char *const columns[COLUMNS] = {"trial",     "when chosen",       "mean",
                                                 "deviation", "lowest to highest", "other seeds"};
    kin_sweep_seeds seeds[KIN_SWEEP_SHOWN];
    const char *cells[KIN_SWEEP_SHOWN * COLUMNS];
    int n = kin_sweep_seeds_of(&s->record->table, seeds, KIN_SWEEP_SHOWN);
    kin_text verdict = {0};
    kin_page_section(
        &s->page, "Better, or luckier?",
        "The best of many trials was lucky, too. So the first few are trained again with other seeds: their "
        "mean is the figure to quote. The one by which a trial was chosen is not part of it.");
    if (!n) {
        kin_page_text(
            &s->page,
            "None was trained again yet: nothing here can be said to be better than anything else.");
        return;
    }
    for (int i = 0; i < n; i++) {
        const kin_sweep_seeds *of = &seeds[i];
        const char **row = cells + i * COLUMNS;
        const kin_sweep_result *last = kin_sweep_last(trial(s, of->trial));
        row[0] = text(s, "%lld", (long long)of->trial);
        row[1] = last ? text(s, "%.4f", last->figure) : NULL;
        row[2] = of->count ? text(s, "%.4f", of->mean) : NULL;
        row[3] = of->count > 1 ? text(s, "%.4f", of->deviation) : NULL;
        row[4] = of->count ? text(s, "%.4f to %.4f", of->low, of->high) : NULL;
        row[5] = of->failed ? text(s, "%d, and %d failed", of->count, of->failed) : text(s, "%d", of->count);
    }
    kin_page_table_add(&s->page, &(kin_page_table){NULL, columns, COLUMNS, n, cells});
    kin_sweep_verdict_text(seeds, n, &verdict);
    if (verdict.failed) kin_fail_memory(&s->page.err, "a page", verdict.size);
    else if (verdict.data) kin_page_text(&s->page, text(s, "%s", verdict.data));
    kin_text_free(&verdict);
}

/* ---- axes ---- */

static kin_scatter_tick tick(swept *s, double at, double value)
{
    return (kin_scatter_tick){at, text(s, "%.6g", fabs(value) < 1e-12 ? 0 : value)};
}

static int ticks_of_range(swept *s, const kin_sweep_param *p, kin_scatter_tick *ticks)
{
    int n = 0;
    if (p->kind == KIN_SWEEP_LOG) {
        for (double power = pow(10, ceil(log10(p->low) - 1e-9)); power <= p->high * (1 + 1e-9) && n < TICKS;
             power *= 10)
            ticks[n++] = tick(s, kin_sweep_place(p, power), power);
        if (n > 1) return n;
        ticks[0] = tick(s, 0, p->low), ticks[1] = tick(s, 1, p->high);
        return 2;
    }
    double step = kin_tick_step(p->high - p->low, 4);
    if (p->whole && step < 1) step = 1;
    for (double k = ceil(p->low / step - 1e-6); k * step <= p->high + step * 1e-6 && n < TICKS; k++)
        ticks[n++] = tick(s, kin_sweep_place(p, k * step), k * step);
    return n;
}

static bool all_fit(const kin_sweep_param *p)
{
    for (int c = 0; c < p->n_choices; c++)
        if (strlen(p->choices[c]) > (p->n_choices < 4 ? FITS + 2 : FITS)) return false;
    return p->n_choices <= 5;
}

/* Long names become letters, which `note` explains. */
static kin_scatter_axis axis_of(swept *s, int which, const char **note)
{
    const kin_sweep_param *p = param(s, which);
    bool choice = p->kind == KIN_SWEEP_CHOICE, letters = choice && !all_fit(p);
    kin_scatter_tick *ticks = array(s, choice ? (size_t)p->n_choices : TICKS, sizeof *ticks);
    kin_scatter_axis axis = {.name = p->name, .ticks = ticks};
    if (!ticks) return axis;
    if (!choice) axis.n_ticks = ticks_of_range(s, p, ticks);
    for (int c = 0; c < p->n_choices && (!letters || c < LETTERS); c++) {
        ticks[axis.n_ticks++] = (kin_scatter_tick){kin_sweep_place(p, c),
                                                   letters ? text(s, "%c", 'a' + c) : p->choices[c]};
        if (!letters) continue;
        if (!c)
            *note = *note ? text(s, "%s; %s a: %s", *note, p->name, p->choices[c])
                          : text(s, "%s a: %s", p->name, p->choices[c]);
        else *note = text(s, "%s, %c: %s", *note, 'a' + c, p->choices[c]);
    }
    return axis;
}

/* Choices, and whole numbers, are drawn apart, or one would hide the other. */
static double place(swept *s, int p, int64_t i)
{
    const kin_sweep_param *of = param(s, p);
    double at = kin_sweep_place(of, trial(s, i)->value[p]),
           aside = kin_random_uniform(kin_key(3, (uint64_t)p, 0), (uint64_t)i) - 0.5;
    if (of->kind == KIN_SWEEP_CHOICE) at += 0.5 * aside / of->n_choices;
    else if (of->whole && of->high - of->low < 12) at += 0.25 * aside / (of->high - of->low);
    return fmin(fmax(at, 0.01), 0.99);
}

static double strength(const swept *s, int64_t i)
{
    const kin_sweep_result *r = kin_sweep_last(trial(s, i));
    return r && s->high > s->low ? (r->figure - s->low) / (s->high - s->low) : 1;
}

static kin_scatter_point point(swept *s, int64_t i, double x, double y)
{
    const kin_sweep_result *r = kin_sweep_last(trial(s, i));
    return (kin_scatter_point){x, y, strength(s, i), i == s->best,
                               text(s, "trial %lld: mAP %.4f at step %lld", (long long)i, r->figure,
                                    (long long)r->step)};
}

/* ---- what mattered ---- */

static void rank_parameters(swept *s)
{
    int n = s->record->space.n_params;
    for (int p = 0; p < n; p++) {
        int at = p;
        if (!kin_sweep_importance_told(s->record, p, &s->importance[p], &s->page.err)) return;
        for (; at > 0 && s->importance[s->by_importance[at - 1]].chance > s->importance[p].chance; at--)
            s->by_importance[at] = s->by_importance[at - 1];
        s->by_importance[at] = p;
    }
}

static void add_importance(swept *s)
{
    static const char *const names[2] = {"share of the spread", "chance of as much by luck"};
    int n = s->record->space.n_params, told = 0;
    kin_bar *bars = array(s, (size_t)n, sizeof *bars);
    kin_page_section(
        &s->page, "What mattered",
        "How much of the spread of the first rung's figures goes with one parameter alone (ε², the "
        "correlation ratio less what as many groups explain by chance), and how often as much is seen where "
        "the "
        "figures are dealt out anew: below 0.05, divided by the number of parameters, one is told from luck. "
        "What "
        "matters only together with "
        "another is not seen by it.");
    for (int p = 0; bars && p < n; p++) {
        const kin_sweep_importance *it = &s->importance[s->by_importance[p]];
        bars[p] = (kin_bar){param(s, s->by_importance[p])->name,
                            {it->share, isnan(it->share) ? NAN : it->chance}};
        told += !isnan(it->share) && it->chance < 0.05 / n;
    }
    if (!bars) return;
    kin_page_bars(&s->page, "parameter", names, bars, n);
    kin_page_text(&s->page, isnan(bars[0].values[0]) ? "There are too few trials to say."
                            : told
                                ? text(s, "%d of %d parameters are told from luck by these trials.", told, n)
                                : "No parameter is told from luck by these trials.");
}

/* Each parameter against the figure of the first rung, which all trials have. */
static void add_singles(swept *s)
{
    int n = s->record->space.n_params;
    kin_scatter *charts = array(s, (size_t)n, sizeof *charts);
    kin_scatter_tick ticks[TICKS];
    double low = INFINITY, high = -INFINITY;
    int n_ticks = 0;
    for (int64_t i = 0; i < s->record->table.count; i++) {
        if (!trial(s, i)->rungs) continue;
        low = fmin(low, trial(s, i)->result[0].figure), high = fmax(high, trial(s, i)->result[0].figure);
    }
    if (!charts || !(high > low)) return;
    double step = kin_tick_step(high - low, 4);
    low = floor(low / step) * step, high = ceil(high / step) * step;
    for (double k = 0; low + k * step <= high + step * 1e-6 && n_ticks < TICKS; k++)
        ticks[n_ticks++] = tick(s, k * step / (high - low), low + k * step);
    kin_page_heading(&s->page, text(s, "One by one, after %lld steps", (long long)s->record->plan.step[0]),
                     NULL);
    for (int c = 0; c < n; c++) {
        int p = s->by_importance[c];
        kin_scatter_point *points = array(s, (size_t)s->record->table.count, sizeof *points);
        charts[c] = (kin_scatter){.title = param(s, p)->name, .y = {"mAP", ticks, n_ticks}, .points = points};
        charts[c].x = axis_of(s, p, &charts[c].note);
        for (int64_t i = 0; points && i < s->record->table.count; i++)
            if (trial(s, i)->rungs && !idle(s, p, i))
                points[charts[c].count++] = point(s, i, place(s, p, i),
                                                  (trial(s, i)->result[0].figure - low) / (high - low));
    }
    kin_page_scatters(&s->page, charts, n, text(s, "mAP %.3f", s->low),
                      text(s, "%.3f at its last step; the ring is the best", s->high));
}

static void add_pairs(swept *s)
{
    int n = s->record->space.n_params < PAIRED ? s->record->space.n_params : PAIRED, count = 0;
    kin_scatter charts[PAIRED * (PAIRED - 1) / 2];
    if (n < 2 || !(s->high > s->low)) return;
    kin_page_section(
        &s->page, "Pairs",
        n < s->record->space.n_params
            ? "Of the four parameters at the top of the list. Each point is a trial, by its last figure."
            : "Each point is a trial, by its last figure.");
    for (int a = 0; a < n; a++)
        for (int b = a + 1; b < n; b++) {
            int x = s->by_importance[a], y = s->by_importance[b];
            kin_scatter_point *points = array(s, (size_t)s->record->table.count, sizeof *points);
            kin_scatter *c = &charts[count++];
            *c = (kin_scatter){.title = text(s, "%s and %s", param(s, x)->name, param(s, y)->name),
                               .points = points};
            c->x = axis_of(s, x, &c->note), c->y = axis_of(s, y, &c->note);
            for (int64_t i = 0; points && i < s->record->table.count; i++)
                if (trial(s, i)->rungs && !idle(s, x, i) && !idle(s, y, i))
                    points[c->count++] = point(s, i, place(s, x, i), place(s, y, i));
        }
    kin_page_scatters(&s->page, charts, count, text(s, "mAP %.3f", s->low),
                      text(s, "%.3f; the ring is the best", s->high));
}

/* ---- how they learned ---- */

/* A trial whose log is gone has no curve; what the machine could not read is no reason to leave one out. */
static bool read_log(swept *s, int64_t i, kin_run_log *log)
{
    kin_error why = {0};
    char *folder = kin_sweep_folder(s->folder, i, 0),
         *path = folder ? kin_path_join(folder, "log.jsonl") : NULL;
    bool ok = path ? kin_run_log_read(path, true, log, &why) : kin_fail_memory(&why, s->folder, 1);
    if (!ok && !kin_error_is_of_file(&why)) kin_fail(&s->page.err, why.code, "%s", why.message);
    kin_free(path), kin_free(folder);
    return ok;
}

static void add_curves(swept *s)
{
    kin_run_log logs[CURVES] = {0};
    kin_curve curves[CURVES];
    int n = 0;
    for (int64_t i = 0; i < s->record->table.count && n < CURVES; i++) {
        int64_t of = s->order[i];
        if (!trial(s, of)->rungs || !read_log(s, of, &logs[n])) continue;
        curves[n] = (kin_curve){text(s, "%lld", (long long)of), logs[n].at, logs[n].map, logs[n].validations,
                                false};
        n++;
    }
    if (n) {
        kin_page_section(
            &s->page, "How they learned",
            s->record->table.count > n
                ? text(s,
                       "The best %d of %lld trials, by the search alone, at each look. A curve that ends "
                       "early was not trained on.",
                       n, (long long)s->record->table.count)
                : "By the search alone, at each look. A curve that ends early was not trained on.");
        kin_curves chart = {.title = "Trials",
                            .x_label = "training step",
                            .y_label = "mAP on what was held out",
                            .curves = curves,
                            .n_curves = n};
        kin_page_curves(&s->page, &chart, 1);
    }
    for (int i = 0; i < n; i++) kin_run_log_free(&logs[i]);
}

/* ---- all of them ---- */

static void add_table(swept *s)
{
    enum { FIRST = 4 };
    int params = s->record->space.n_params, columns = FIRST + params + 1;
    int64_t count = s->record->table.count;
    const char **heads = array(s, (size_t)columns, sizeof *heads),
               **cells = array(s, (size_t)count * (size_t)columns, sizeof *cells);
    static const char *const first[FIRST] = {"trial", "step", "mAP", "seconds"};
    if (!heads || !cells || count > 1000000) return;
    for (int c = 0; c < FIRST; c++) heads[c] = first[c];
    for (int p = 0; p < params; p++) heads[FIRST + p] = param(s, p)->name;
    heads[columns - 1] = "failed";
    for (int64_t i = 0; i < count; i++) {
        const kin_sweep_trial *t = trial(s, s->order[i]);
        const kin_sweep_result *last = kin_sweep_last(t);
        const char **row = cells + i * columns;
        double seconds = 0;
        for (int r = 0; r < t->rungs; r++) seconds += t->result[r].seconds;
        row[0] = text(s, "%lld", (long long)s->order[i]);
        row[1] = last ? text(s, "%lld", (long long)last->step) : NULL;
        row[2] = last ? text(s, "%.4f", last->figure) : NULL;
        row[3] = last ? text(s, "%.1f", seconds) : NULL;
        for (int p = 0; p < params; p++) row[FIRST + p] = value_text(s, p, s->order[i]);
        row[columns - 1] = *t->failed ? t->failed : NULL;
    }
    kin_page_section(&s->page, "All trials", "The best first. What all share stands below.");
    kin_page_table_add(&s->page,
                       &(kin_page_table){"The trials as a table", heads, columns, (int)count, cells});
}

/* "lr = 0.1" a line, as a table that is folded away. */
static void add_fixed(swept *s)
{
    static const char *const columns[] = {"setting", "value"};
    const char *line = s->record->space.fixed;
    int lines = 0;
    for (const char *at = line; *at; at++) lines += *at == '\n';
    const char **cells = array(s, 2 * (size_t)lines, sizeof *cells);
    for (int i = 0; cells && i < lines; i++, line += strcspn(line, "\n") + 1) {
        const char *equals = strstr(line, " = ");
        size_t length = strcspn(line, "\n"),
               name = equals && equals < line + length ? (size_t)(equals - line) : length;
        cells[2 * i] = text(s, "%.*s", (int)name, line);
        cells[2 * i + 1] = name + 3 <= length ? text(s, "%.*s", (int)(length - name - 3), line + name + 3)
                                              : NULL;
    }
    if (cells && lines)
        kin_page_table_add(&s->page, &(kin_page_table){"What all trials share", columns, 2, lines, cells});
}

static void find_ends(swept *s)
{
    s->low = INFINITY, s->high = -INFINITY;
    for (int64_t i = 0; i < s->record->table.count; i++) {
        const kin_sweep_result *r = kin_sweep_last(trial(s, i));
        if (r) s->low = fmin(s->low, r->figure), s->high = fmax(s->high, r->figure);
    }
}

bool kin_sweep_page_write(const char *path, const char *folder, const kin_sweep_record *record,
                          kin_error *err)
{
    swept *s = kin_alloc_zero(1, sizeof *s);
    char clock[24], lead[300];
    int64_t finished = 0;
    if (!s) return kin_fail_memory(err, "a page", sizeof *s);
    s->record = record, s->folder = folder, s->best = kin_sweep_best(&record->table);
    for (int64_t i = 0; i < record->table.count; i++)
        finished += record->table.trials[i].rungs == record->plan.rungs;
    snprintf(lead, sizeof lead,
             "%lld trials of %d parameters, %lld of them to the end, in %s of computing; %lld pictures to "
             "train on, %lld "
             "of other classes to judge by.",
             (long long)record->table.count, record->space.n_params, (long long)finished,
             kin_meter_clock(kin_sweep_spent(&record->table), clock), (long long)record->space.pictures,
             (long long)record->space.held);
    kin_page_begin(&s->page, path, "A sweep", lead);
    s->order = array(s, (size_t)record->table.count, sizeof *s->order);
    if (s->order) {
        kin_sweep_order(&record->table, s->order);
        find_ends(s), rank_parameters(s);
        add_best(s), add_seeds(s), add_importance(s), add_singles(s), add_pairs(s), add_curves(s),
            add_table(s), add_fixed(s);
    }
    bool ok = kin_page_write(&s->page, err);
    kin_page_free(&s->page);
    kin_arena_free(&s->texts);
    kin_free(s);
    return ok;
}
