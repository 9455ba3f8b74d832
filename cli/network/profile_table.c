#include "cli/network/profile.h"

#include "base/file.h"
#include "base/parallel.h"
#include "cli/pages/graph.h"
#include "kernels/isa.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPS_MAX = 64, LAYERS_SHOWN = 30 };

static double time_of(const kin_profile_row *r)
{
    return r->seconds[KIN_PROFILE_FORWARD] + r->seconds[KIN_PROFILE_BACKWARD];
}
static double flops_of(const kin_profile_row *r)
{
    return r->flops[KIN_PROFILE_FORWARD] + r->flops[KIN_PROFILE_BACKWARD];
}
static double bytes_of(const kin_profile_row *r)
{
    return r->bytes[KIN_PROFILE_FORWARD] + r->bytes[KIN_PROFILE_BACKWARD];
}

/* Slowest first; of equals, which there are none but for a coarse clock, by name. */
static int by_time(const void *a, const void *b)
{
    const kin_profile_row *x = a, *y = b;
    if (time_of(x) != time_of(y)) return time_of(x) > time_of(y) ? -1 : 1;
    int order = strcmp(x->layer, y->layer);
    return order ? order : strcmp(x->op, y->op);
}

static void add_to(kin_profile_row *sum, const kin_profile_row *r)
{
    sum->calls += r->calls, sum->least += r->least;
    for (int w = 0; w < KIN_PROFILE_WAYS; w++)
        sum->seconds[w] += r->seconds[w], sum->flops[w] += r->flops[w], sum->bytes[w] += r->bytes[w];
}

typedef struct columns {
    double steps, total; /* total: seconds of all steps */
    bool backward;
    int layer_width;
} columns;

static void numbers(kin_text *out, const columns *c, const kin_profile_row *r)
{
    char rate[24] = "";
    double seconds = time_of(r), ms = 1e3 / c->steps;
    if (flops_of(r) > 0 && seconds > 0) snprintf(rate, sizeof rate, "%.1f", flops_of(r) / seconds * 1e-9);
    kin_text_format(out, "%9.3f", r->seconds[KIN_PROFILE_FORWARD] * ms);
    if (c->backward) kin_text_format(out, " %9.3f", r->seconds[KIN_PROFILE_BACKWARD] * ms);
    kin_text_format(out, " %6.1f %% %8s %6.0f %%\n", 100 * seconds / c->total, rate,
                    seconds > 0 ? 100 * r->least / seconds : 0);
}

static void heading(kin_text *out, const columns *c, const char *first)
{
    kin_text_format(out, "\n%-*s %-16s %11s %9s", c->layer_width, first, "op", "output", "forward");
    if (c->backward) kin_text_format(out, " %9s", "backward");
    kin_text_format(out, " %8s %8s %8s\n", "share", "GFLOP/s", "of limit");
}

static void line(kin_text *out, const columns *c, const char *layer, const char *op, const char *shape,
                 const kin_profile_row *r)
{
    kin_text_format(out, "%-*s %-16s %11s ", c->layer_width, layer, op, shape);
    numbers(out, c, r);
}

/* The rows of the same op made one, slowest first. */
static int by_op(const kin_profile *p, kin_profile_row *ops)
{
    int count = 0;
    for (size_t i = 0; i < p->n_rows; i++) {
        int k = 0;
        while (k < count && strcmp(ops[k].op, p->rows[i].op) != 0) k++;
        if (k == OPS_MAX) continue;
        if (k == count) ops[count++] = (kin_profile_row){.layer = "", .op = p->rows[i].op};
        add_to(&ops[k], &p->rows[i]);
    }
    qsort(ops, (size_t)count, sizeof *ops, by_time);
    return count;
}

static void summary(kin_text *out, const kin_profile *p, const kin_profile_row *all, double total)
{
    double ms = 1e3 / (double)p->steps, network = p->laps[KIN_LAP_NETWORK];
    kin_text_format(out, "%lld step%s of %.2f ms: %.2f forward", (long long)p->steps,
                    p->steps == 1 ? "" : "s", total * ms, all->seconds[KIN_PROFILE_FORWARD] * ms);
    if (all->seconds[KIN_PROFILE_BACKWARD] > 0)
        kin_text_format(out, ", %.2f backward", all->seconds[KIN_PROFILE_BACKWARD] * ms);
    if (p->laps[KIN_LAP_OPTIMISER] > 0)
        kin_text_format(out, ", %.2f optimiser", p->laps[KIN_LAP_OPTIMISER] * ms);
    if (p->laps[KIN_LAP_LOADER] > 0)
        kin_text_format(out, ", %.2f waiting for pictures", p->laps[KIN_LAP_LOADER] * ms);
    kin_text_format(out, ", %.2f between the ops\n", (network - time_of(all)) * ms);
    kin_text_format(out, "limits here, %s, %d thread%s: %.1f GFLOP/s, %.1f GB/s\n", kin_isa_name(),
                    kin_threads(), kin_threads() == 1 ? "" : "s", p->limits.flops * 1e-9,
                    p->limits.bytes * 1e-9);
}

static double total_of(const kin_profile *p)
{
    return p->laps[KIN_LAP_LOADER] + p->laps[KIN_LAP_NETWORK] + p->laps[KIN_LAP_OPTIMISER];
}

static const char *first_column(const kin_profile_row *r) { return *r->layer ? r->layer : "-"; }

void kin_profile_table(kin_profile *p, kin_text *out, int most)
{
    kin_profile_row all = {0}, rest = {0}, ops[OPS_MAX];
    columns c = {(double)p->steps, total_of(p), .layer_width = 5};
    if (!p->steps) return;
    qsort(p->rows, p->n_rows, sizeof *p->rows, by_time);
    int shown = p->n_rows < (size_t)most ? (int)p->n_rows : most;
    for (size_t i = 0; i < p->n_rows; i++) {
        add_to(&all, &p->rows[i]);
        if ((int)i >= shown) add_to(&rest, &p->rows[i]);
        else if ((int)strlen(p->rows[i].layer) > c.layer_width) c.layer_width = (int)strlen(p->rows[i].layer);
    }
    c.backward = all.seconds[KIN_PROFILE_BACKWARD] > 0;
    summary(out, p, &all, c.total);
    heading(out, &c, "");
    for (int i = 0, count = by_op(p, ops); i < count; i++) line(out, &c, "", ops[i].op, "", &ops[i]);
    heading(out, &c, "layer");
    for (int i = 0; i < shown; i++)
        line(out, &c, first_column(&p->rows[i]), p->rows[i].op, kin_shape_shown(p->rows[i].shape),
             &p->rows[i]);
    if (rest.calls) line(out, &c, "others", "", "", &rest);
    line(out, &c, "all", "", "", &all);
    if (p->failed) kin_text_add(out, "memory ran out: some calls are missing\n");
}

static void field(kin_text *out, const char *text)
{
    bool plain = !strpbrk(text, ",\"\n\r");
    if (!plain) kin_text_add(out, "\"");
    for (; *text; text++) {
        if (*text == '"') kin_text_add(out, "\"");
        kin_text_add_bytes(out, text, 1);
    }
    kin_text_add(out, plain ? "," : "\",");
}

void kin_profile_csv(kin_profile *p, kin_text *out)
{
    double total = total_of(p), steps = (double)p->steps;
    kin_text_add(out, "layer,op,output,calls,forward_ms,backward_ms,share,gflop,gflops,mb,of_limit\n");
    qsort(p->rows, p->n_rows, sizeof *p->rows, by_time);
    for (size_t i = 0; i < p->n_rows; i++) {
        const kin_profile_row *r = &p->rows[i];
        double seconds = time_of(r) > 0 ? time_of(r) : 1e-12;
        field(out, r->layer);
        field(out, r->op);
        field(out, kin_shape_shown(r->shape));
        kin_text_format(out, "%.6g,%.6g,%.6g,%.4g,%.6g,%.4g,%.6g,%.4g\n", (double)r->calls / steps,
                        r->seconds[KIN_PROFILE_FORWARD] * 1e3 / steps,
                        r->seconds[KIN_PROFILE_BACKWARD] * 1e3 / steps, seconds / total,
                        flops_of(r) * 1e-9 / steps, flops_of(r) * 1e-9 / seconds, bytes_of(r) * 1e-6 / steps,
                        r->least / seconds);
    }
}

bool kin_profile_report(kin_profile *p, const char *csv, kin_error *err)
{
    kin_text table = {0}, all = {0};
    kin_profile_table(p, &table, LAYERS_SHOWN);
    kin_profile_csv(p, &all);
    bool ok = !(table.failed || all.failed) || kin_fail_memory(err, "the profile", table.size + all.size);
    if (ok && table.data) fputs(table.data, stdout);
    ok = ok && (!csv || kin_write_file(csv, all.data, all.size, err));
    kin_text_free(&table), kin_text_free(&all);
    return ok;
}
