/* kin compare: runs beside each other. */
#include "base/json.h"
#include "base/memory.h"
#include "cli/options/command.h"
#include "cli/pages/compare_page.h"
#include "cli/pages/svg.h"

#include <math.h>
#include <string.h>

/* ---- in the terminal ---- */

static int wider(int width, const char *text)
{
    int n = 0;
    for (; text && *text; text++) n += ((unsigned char)*text & 0xc0) != 0x80;
    return n > width ? n : width;
}

static void put(kin_text *out, const char *text, int width)
{
    kin_text_add(out, "  ");
    size_t begin = out->size;
    kin_text_add_visible(out, text ? text : "-");
    int length = out->failed ? width : wider(0, out->data + begin);
    kin_text_format(out, "%*s", width > length ? width - length : 0, "");
}

static void put_rows(kin_text *out, const kin_compared *c, const kin_compared_row *rows, int n,
                     bool differing, int first, int width)
{
    for (int i = 0; i < n; i++) {
        if (differing && !rows[i].differs) continue;
        kin_text_format(out, "%-*s", first, rows[i].name);
        for (int r = 0; r < c->n_runs; r++) put(out, rows[i].values[r], r + 1 < c->n_runs ? width : 0);
        kin_text_add(out, "\n");
    }
}

/* The whole of it, or that there is no memory for it: a table with empty cells would be another one. */
static bool print_table(const kin_compared *c, bool all, kin_error *err)
{
    kin_text out = {0};
    int first = 0, width = 0;
    for (int i = 0; i < c->n_settings; i++) {
        if (!all && !c->settings[i].differs) continue;
        first = wider(first, c->settings[i].name);
        for (int r = 0; r < c->n_runs; r++) width = wider(width, c->settings[i].values[r]);
    }
    for (int i = 0; i < c->n_figures; i++) {
        first = wider(first, c->figures[i].name);
        for (int r = 0; r < c->n_runs; r++) width = wider(width, c->figures[i].values[r]);
    }
    for (int r = 0; r < c->n_runs; r++) width = wider(width, c->runs[r].name);
    kin_text_format(&out, "%-*s", first, "");
    for (int r = 0; r < c->n_runs; r++) put(&out, c->runs[r].name, r + 1 < c->n_runs ? width : 0);
    kin_text_add(&out, "\n");
    put_rows(&out, c, c->settings, c->n_settings, !all, first, width);
    kin_text_add(&out, "\n");
    put_rows(&out, c, c->figures, c->n_figures, false, first, width);
    bool ok = !out.failed || kin_fail_memory(err, "the runs", out.capacity);
    if (ok) fputs(out.data, stdout);
    kin_text_free(&out);
    return ok;
}

/* ---- for programs ---- */

static void add_settings(kin_text *out, const kin_compared *c, int run)
{
    for (int i = 0; i < c->n_settings; i++) {
        const char *value = c->settings[i].values[run];
        kin_text_add(out, i ? ", " : "");
        kin_json_add_string(out, c->settings[i].name);
        kin_text_add(out, ": ");
        kin_json_add_string(out, value ? value : "");
    }
}

static void add_number(kin_text *out, const char *name, double value)
{
    kin_text_format(out, ", \"%s\": ", name);
    kin_json_add_number(out, value);
}

static bool print_json(const kin_compared *c, kin_error *err)
{
    kin_text out = {0};
    bool some = false;
    kin_text_add(&out, "{\"differ\": [");
    for (int i = 0; i < c->n_settings; i++) {
        if (!c->settings[i].differs) continue;
        kin_text_add(&out, some ? ", " : "");
        kin_json_add_string(&out, c->settings[i].name);
        some = true;
    }
    kin_text_add(&out, "], \"runs\": [");
    for (int r = 0; r < c->n_runs; r++) {
        const kin_compared_run *run = &c->runs[r];
        const kin_run_log *log = &run->log;
        kin_text_add(&out, r ? ", {\"run\": " : "{\"run\": ");
        kin_json_add_string(&out, run->name);
        kin_text_format(&out, ", \"steps\": %lld", (long long)log->steps);
        add_number(&out, "loss", run->loss);
        add_number(&out, "best mAP", run->best < 0 ? NAN : log->map[run->best]);
        add_number(&out, "R@1", run->best < 0 ? NAN : log->recall_1[run->best]);
        add_number(&out, "best step", run->best < 0 ? NAN : log->at[run->best]);
        add_number(&out, "last mAP", run->best < 0 ? NAN : log->map[log->validations - 1]);
        kin_text_add(&out, ", \"settings\": {");
        add_settings(&out, c, r);
        kin_text_add(&out, "}}");
    }
    kin_text_add(&out, "]}\n");
    bool ok = !out.failed || kin_fail_memory(err, "the runs", out.capacity);
    if (ok) fputs(out.data, stdout);
    kin_text_free(&out);
    return ok;
}

/* ---- the command ---- */

static int run(kin_cli *cli)
{
    const char *html = kin_option_string(cli, "html"), *path = html ? html : kin_option_string(cli, "out");
    if (html && kin_option_given(cli, "out"))
        return kin_cli_usage(cli, "--out is the former name of --html; give one of them");
    if (kin_option_flag(cli, "json") && kin_option_flag(cli, "all"))
        return kin_cli_usage(cli, "--json tells all settings anyway; leave --all out");
    if (path && cli->positionals > KIN_SVG_CURVES)
        return kin_cli_usage(cli, "a chart tells at most %d runs apart; compare fewer, or leave --html out",
                             KIN_SVG_CURVES);
    kin_compared c;
    kin_error err = {0};
    if (!kin_compared_open(&c, cli->positional, cli->positionals, &err)) return kin_cli_fail(cli, &err);
    bool ok = true;
    if (kin_option_flag(cli, "json")) ok = print_json(&c, &err);
    else ok = print_table(&c, kin_option_flag(cli, "all"), &err);
    if (kin_compared_remark(&c)) kin_cli_note(cli, "%s", kin_compared_remark(&c));
    ok = ok && (!path || kin_compare_page_write(path, &c, &err));
    if (ok && path) kin_cli_note(cli, "%s shows %d runs", path, c.n_runs);
    kin_compared_free(&c);
    return ok ? 0 : kin_cli_fail(cli, &err);
}

static const kin_option options[] = {
    {.name = "out",
     .kind = KIN_OPTION_STRING,
     .writes = KIN_WRITES_PAGE,
     .value = "PAGE",
     .hidden = true,
     .help = "As --html, which it was called."},
    {.name = "html",
     .kind = KIN_OPTION_STRING,
     .writes = KIN_WRITES_PAGE,
     .value = "PAGE",
     .help = "Also write a page: the figures, the curves of loss, validation and rate laid over each other, "
             "the settings."},
    {.name = "all", .help = "Show all settings, not only those that differ."},
    {.name = "json", .help = "Print one line of JSON instead of the table."},
    {0},
};

const kin_command kin_command_compare = {
    .name = "compare",
    .summary = "puts training runs beside each other",
    .usage = "kin compare RUN... [--html PAGE] [--all | --json]",
    .about = "Prints the settings in which the runs differ, and what came of each: the loss at the end (the "
             "mean of the "
             "last hundredth of its steps), and where classes were held out the best mAP of a validation, "
             "with R@1 there, "
             "and the last one. A run that still trains is shown as far as it is. The phases of a recipe are "
             "runs of their "
             "own, RUN/phase-NAME.",
    .examples = "kin compare runs/a runs/b\n"
                "# with curves, as a page\n"
                "kin compare runs/* --html runs.html",
    .arguments = {{"RUN", "the folders of runs of kin train"}},
    .arguments_min = 1,
    .arguments_max = 1000,
    .options = options,
    .run = run,
};
