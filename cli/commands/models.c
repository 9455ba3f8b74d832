/* kin models: the zoo. */
#include "base/text.h"
#include "cli/help/help.h"
#include "cli/options/model_options.h"
#include "cli/options/own.h"
#include "cli/pages/graph.h"

#include <stdio.h>
#include <string.h>

static bool add_row(kin_text *out, const kin_model *m, int64_t classes, kin_error *err)
{
    kin_named_model chosen = {.model = m, .opt = {.classes = classes}};
    kin_ctx *ctx = kin_ctx_new();
    kin_summary s = {0};
    bool ok = ctx ? kin_summarize(ctx, kin_named_model_forward, &chosen,
                                  KIN_SHAPE(1, m->size, m->size, m->channels), &s)
                  : kin_fail_memory(err, "a context", 1);
    if (ctx && !ok) kin_fail(err, kin_ctx_error(ctx)->code, "%s: %s", m->name, kin_ctx_error(ctx)->message);
    if (ok)
        kin_text_format(out, "%-19s %12s %8.3f %6lld  %-10s  %s\n", m->name, kin_grouped(s.parameters),
                        s.macs * 1e-9, (long long)s.output.dim[1], kin_shape_shown(s.input), m->about);
    kin_summary_free(&s);
    kin_ctx_free(ctx);
    return ok;
}

static int run(kin_cli *cli)
{
    kin_error err = {0};
    kin_text out = {0};
    int64_t classes = kin_option_int(cli, "classes");
    bool ok = true;
    kin_text_format(&out, "%-19s %12s %8s %6s  %-10s\n", "name", "parameters", "GMACs",
                    classes ? "logits" : "dim", "input");
    const kin_model *each;
    for (int i = 0; ok && (each = kin_catalogue_each_model(kin_own(), i)); i++)
        ok = add_row(&out, each, classes, &err);
    if (ok) return kin_help_print(&out);
    kin_text_free(&out);
    return kin_cli_fail(cli, &err);
}

static const kin_option options[] = {
    {"classes", KIN_OPTION_INT, "N", "count the network's own classifier of N classes too",
     .fallback_shown = "none: the embedding is what leaves", .low = 1, .high = 10000000},
    {0},
};

const kin_command kin_command_models = {
    .name = "models",
    .summary = "list the networks",
    .usage = "kin models [--classes N]",
    .about = "Names are torchvision's where it has the network. Each line gives the trainable numbers, the "
             "cost of one picture in billions of multiply-adds of "
             "convolutions and linear layers (GMACs, as in torchvision's tables; operations are twice as "
             "many), how many numbers the embedding has, and the input "
             "that all this is for; other sizes are possible.",
    .examples = "kin models\n"
                "# as in torchvision's table\n"
                "kin models --classes 1000",
    .options = options,
    .run = run,
};
