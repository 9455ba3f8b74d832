/* kin show: a network's layers. */
#include "base/file.h"
#include "cli/help/help.h"
#include "cli/options/model_options.h"
#include "cli/pages/graph.h"

#include <stdio.h>

static bool summarize(const kin_cli *cli, kin_summary *s, kin_error *err)
{
    const kin_model *m = kin_model_named(cli->positional[0], err);
    kin_named_model chosen = {.model = m};
    kin_shape input;
    if (!m || !kin_model_options_read(cli, m, &chosen.opt, &chosen.head, err)) return false;
    chosen.opt.classes = kin_option_int(cli, "classes");
    input = KIN_SHAPE(1, m->size, m->size, m->channels);
    if (kin_option_given(cli, "input") && !kin_input_read(kin_option_string(cli, "input"), m, &input, err))
        return false;
    kin_ctx *ctx = kin_ctx_new();
    if (!ctx) return kin_fail_memory(err, "a context", 1);
    kin_summary all = {0};
    int depth = (int)kin_option_int(cli, "depth");
    bool ok = kin_summarize(ctx, kin_named_model_forward, &chosen, input, &all);
    if (!ok) kin_fail(err, kin_ctx_error(ctx)->code, "%s: %s", m->name, kin_ctx_error(ctx)->message);
    bool drawn = kin_option_given(cli, "svg") || kin_option_flag(cli, "dot");
    ok = ok && (!drawn || !depth || kin_graph_see_through(&all, err));
    if (ok && depth) {
        ok = kin_summary_fold(&all, depth, s, err);
        kin_summary_free(&all);
    } else {
        *s = all;
    }
    if (!ok) kin_summary_free(&all);
    kin_ctx_free(ctx);
    return ok;
}

static bool save(const char *path, const kin_text *text, kin_error *err)
{
    if (text->failed || !text->data) return kin_fail_memory(err, path, text->size);
    return kin_write_file(path, text->data, text->size, err);
}

static int run(kin_cli *cli)
{
    kin_error err = {0};
    kin_summary s;
    kin_text out = {0}, drawing = {0};
    const char *svg = kin_option_string(cli, "svg"), *name = cli->positional[0];
    bool ok = summarize(cli, &s, &err);
    if (!ok) return kin_cli_fail(cli, &err);
    if (svg) kin_graph_svg(&drawing, &s, name);
    if (svg) ok = save(svg, &drawing, &err);
    if (kin_option_flag(cli, "dot")) kin_graph_dot(&out, &s, name);
    else if (!svg) kin_graph_table(&out, &s);
    kin_summary_free(&s);
    kin_text_free(&drawing);
    if (!ok) {
        kin_text_free(&out);
        return kin_cli_fail(cli, &err);
    }
    return out.data || out.failed ? kin_help_print(&out) : 0;
}

static const kin_option options[] = {
    {"input", KIN_OPTION_STRING, "CxHxW", "the picture: channels, height, width, or the side alone",
     .fallback_shown = "the network's"},
    {"classes", KIN_OPTION_INT, "N", "with the network's own classifier of N classes",
     .fallback_shown = "none", .low = 1, .high = 10000000},
    KIN_MODEL_OPTIONS,
    {"depth", KIN_OPTION_INT, "N",
     "make one of the layers whose names agree in the first N parts; 0: show all", "0", .low = 0, .high = 16},
    {"dot", KIN_OPTION_FLAG, NULL, "write the graph for Graphviz instead of the table"},
    {"svg", KIN_OPTION_STRING, "FILE", "draw the graph into this file instead", .writes = KIN_WRITES_FILE},
    {0},
};

const kin_command kin_command_show = {
    .name = "show",
    .summary = "show a network's layers, what they cost and how they hang together",
    .usage = "kin show MODEL [--input CxHxW] [--depth N] [--dot | --svg FILE] [options of the network]",
    .about = "One line a layer: its name (which kin forward --tap takes), what it computes, the shape of its "
             "output (channels first), its trainable numbers, "
             "multiply-adds of convolutions and linear layers, and the bytes of its output for one picture, "
             "which training keeps. Nothing is computed: shapes are inferred.",
    .examples = "kin show resnet50\n"
                "# small pictures: is the last map large enough?\n"
                "kin show resnet18 --input 3x64x64 --stem cifar --last-stride 1 --depth 2\n"
                "kin show densenet121 --depth 3 --svg densenet121.svg",
    .arguments = {{"MODEL", "a name that kin models lists"}},
    .arguments_min = 1,
    .arguments_max = 1,
    .options = options,
    .run = run,
};
