#include "cli/sweep/told.h"

#include "base/json.h"
#include "base/memory.h"
#include "cli/sweep/space.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

bool kin_sweep_importance_told(const kin_sweep_record *r, int param, kin_sweep_importance *out,
                               kin_error *err)
{
    bool *idle = kin_alloc_array((size_t)r->table.count + 1, sizeof *idle);
    if (!idle) return kin_fail_memory(err, "the trials", (size_t)r->table.count);
    for (int64_t i = 0; i < r->table.count; i++)
        idle[i] = kin_space_idle(&r->space, r->table.trials[i].value, param);
    bool ok = kin_sweep_importance_of(&r->space.params[param], param, &r->table, idle, out, err);
    kin_free(idle);
    return ok;
}

const char *kin_sweep_shown(const kin_sweep_record *r, int64_t trial, int param, char room[32])
{
    const double *value = r->table.trials[trial].value;
    return kin_space_idle(&r->space, value, param)
               ? "-"
               : kin_space_value(&r->space.params[param], value[param], room);
}

/* ---- in the terminal ---- */

static int width_of(const char *text)
{
    int n = 0;
    for (; *text; text++) n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

static int column(const kin_sweep_record *r, int param)
{
    const kin_sweep_param *p = &r->space.params[param];
    char room[32];
    int widest = width_of(p->name);
    for (int64_t i = 0; i < r->table.count; i++) {
        int width = width_of(kin_sweep_shown(r, i, param, room));
        if (width > widest) widest = width;
    }
    return widest > 40 ? 40 : widest;
}

static void put(kin_text *out, const char *text, int width)
{
    kin_text_add(out, "  ");
    size_t begin = out->size;
    kin_text_add_visible(out, text);
    int length = out->failed ? width : width_of(out->data + begin);
    kin_text_format(out, "%*s", width > length ? width - length : 0, "");
}

static void put_trial(kin_text *out, const kin_sweep_record *r, int64_t i, const int *widths)
{
    const kin_sweep_trial *t = &r->table.trials[i];
    const kin_sweep_result *last = kin_sweep_last(t);
    char room[32];
    kin_text_format(out, "%5lld", (long long)i);
    if (last) kin_text_format(out, "  %6lld  %.4f", (long long)last->step, last->figure);
    else kin_text_format(out, "  %6s  %6s", "-", "-");
    for (int p = 0; p < r->space.n_params; p++)
        put(out, kin_sweep_shown(r, i, p, room), p + 1 < r->space.n_params ? widths[p] : 0);
    if (*t->failed) put(out, "failed", 0);
    kin_text_add(out, "\n");
}

static void put_seeds(kin_text *out, const kin_sweep_record *r)
{
    kin_sweep_seeds seeds[KIN_SWEEP_SHOWN];
    int n = kin_sweep_seeds_of(&r->table, seeds, KIN_SWEEP_SHOWN);
    if (!n) return;
    kin_text_add(out, "\nwith other seeds:\n");
    for (int i = 0; i < n; i++) {
        kin_text_format(out, "%5lld  mAP %.4f", (long long)seeds[i].trial, seeds[i].mean);
        if (seeds[i].count > 1)
            kin_text_format(out, ", deviation %.4f, %.4f to %.4f", seeds[i].deviation, seeds[i].low,
                            seeds[i].high);
        kin_text_format(out, " (%d seed%s", seeds[i].count, seeds[i].count == 1 ? "" : "s");
        if (seeds[i].failed) kin_text_format(out, ", %d failed", seeds[i].failed);
        kin_text_add(out, ")\n");
    }
    kin_sweep_verdict_text(seeds, n, out);
    kin_text_add(out, "\n");
}

void kin_sweep_verdict_text(const kin_sweep_seeds *seeds, int count, kin_text *out)
{
    if (count < 2) {
        kin_text_add(out, "One alone was trained again; there is nothing to compare it with.");
        return;
    }
    kin_sweep_difference d = kin_sweep_compare(&seeds[0], &seeds[1]);
    if (!d.known) kin_text_add(out, "Whether the first two differ cannot be told from so few seeds.");
    else if (d.real)
        kin_text_format(
            out, "Trial %lld is better than trial %lld by %.4f ± %.4f (95 %%): more than the seeds' spread.",
            (long long)seeds[0].trial, (long long)seeds[1].trial, d.difference, d.margin);
    else
        kin_text_format(out,
                        "Trials %lld and %lld are not told apart: %.4f ± %.4f (95 %%) lies inside the seeds' "
                        "spread; take "
                        "the cheaper one.",
                        (long long)seeds[0].trial, (long long)seeds[1].trial, d.difference, d.margin);
}

bool kin_sweep_table_text(const kin_sweep_record *r, int64_t most, kin_text *out, kin_error *err)
{
    int widths[KIN_SWEEP_PARAMS];
    int64_t *order = kin_alloc_array((size_t)r->table.count + 1, sizeof *order);
    if (!order) return kin_fail_memory(err, "the trials", (size_t)r->table.count * sizeof *order);
    kin_sweep_order(&r->table, order);
    kin_text_add(out, "trial    step     mAP");
    for (int p = 0; p < r->space.n_params; p++)
        put(out, r->space.params[p].name, p + 1 < r->space.n_params ? (widths[p] = column(r, p)) : 0);
    kin_text_add(out, "\n");
    for (int64_t i = 0; i < r->table.count && i < most; i++) put_trial(out, r, order[i], widths);
    if (r->table.count > most) kin_text_format(out, "and %lld more\n", (long long)(r->table.count - most));
    put_seeds(out, r);
    kin_free(order);
    return !out->failed || kin_fail_memory(err, "the trials", out->size);
}

/* ---- for programs ---- */

static void add_number(kin_text *out, const char *name, double value)
{
    kin_text_format(out, ", \"%s\": ", name);
    kin_json_add_number(out, value);
}

static void add_values(kin_text *out, const kin_sweep_record *r, const kin_sweep_trial *t)
{
    kin_text_add(out, ", \"values\": {");
    for (int p = 0; p < r->space.n_params; p++) {
        const kin_sweep_param *param = &r->space.params[p];
        if (p) kin_text_add(out, ", ");
        kin_json_add_string(out, param->name);
        kin_text_add(out, ": ");
        if (param->kind == KIN_SWEEP_CHOICE) kin_json_add_string(out, param->choices[(int)t->value[p]]);
        else kin_json_add_number(out, t->value[p]);
    }
    kin_text_add(out, "}");
}

static void add_trial(kin_text *out, const kin_sweep_record *r, int64_t i)
{
    const kin_sweep_trial *t = &r->table.trials[i];
    kin_text_format(out, "%s{\"trial\": %lld", i ? ", " : "", (long long)i);
    add_values(out, r, t);
    kin_text_add(out, ", \"rungs\": [");
    for (int k = 0; k < t->rungs; k++) {
        kin_text_format(out, "%s{\"step\": %lld", k ? ", " : "", (long long)t->result[k].step);
        add_number(out, "mAP", t->result[k].figure);
        add_number(out, "search mAP", t->result[k].plain);
        kin_text_format(out, ", \"best step\": %lld", (long long)t->result[k].best_step);
        add_number(out, "seconds", t->result[k].seconds);
        kin_text_add(out, "}");
    }
    kin_text_add(out, "]");
    if (*t->failed) {
        kin_text_add(out, ", \"failed\": ");
        kin_json_add_string(out, t->failed);
    }
    kin_text_add(out, "}");
}

static bool add_importance(kin_text *out, const kin_sweep_record *r, kin_error *err)
{
    kin_text_add(out, "], \"importance\": {");
    for (int p = 0; p < r->space.n_params; p++) {
        kin_sweep_importance it;
        if (!kin_sweep_importance_told(r, p, &it, err)) return false;
        if (p) kin_text_add(out, ", ");
        kin_json_add_string(out, r->space.params[p].name);
        kin_text_add(out, ": {\"share\": ");
        kin_json_add_number(out, it.share);
        add_number(out, "chance", it.chance);
        kin_text_add(out, "}");
    }
    kin_text_add(out, "}");
    return true;
}

static void add_seeds(kin_text *out, const kin_sweep_record *r)
{
    kin_sweep_seeds seeds[KIN_SWEEP_SHOWN];
    int n = kin_sweep_seeds_of(&r->table, seeds, KIN_SWEEP_SHOWN);
    kin_text_add(out, ", \"seeds\": [");
    for (int i = 0; i < n; i++) {
        kin_text_format(out, "%s{\"trial\": %lld, \"count\": %d", i ? ", " : "", (long long)seeds[i].trial,
                        seeds[i].count);
        add_number(out, "mean", seeds[i].mean);
        add_number(out, "deviation", seeds[i].deviation);
        kin_text_add(out, "}");
    }
    kin_text_add(out, "], \"differ\": ");
    kin_sweep_difference d = n > 1 ? kin_sweep_compare(&seeds[0], &seeds[1]) : (kin_sweep_difference){0};
    kin_text_add(out, !d.known ? "null" : d.real ? "true" : "false");
}

bool kin_sweep_json(const kin_sweep_record *r, kin_text *out, kin_error *err)
{
    int64_t best = kin_sweep_best(&r->table);
    kin_text_add(out, "{\"best\": ");
    if (best < 0) kin_text_add(out, "null");
    else kin_text_format(out, "%lld", (long long)best);
    add_number(out, "seconds", kin_sweep_spent(&r->table));
    kin_text_add(out, ", \"trials\": [");
    for (int64_t i = 0; i < r->table.count; i++) add_trial(out, r, i);
    if (!add_importance(out, r, err)) return false;
    add_seeds(out, r);
    kin_text_add(out, "}\n");
    return !out->failed || kin_fail_memory(err, "the trials", out->size);
}
