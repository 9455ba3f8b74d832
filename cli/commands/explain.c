/* kin explain: a page of what a network looks at. */
#include "base/memory.h"
#include "cli/network/explained.h"
#include "cli/network/local_extract.h"
#include "cli/options/command.h"
#include "cli/options/named_network.h"
#include "cli/options/source.h"
#include "cli/pages/explain_page.h"
#include "cli/terminal/interrupt.h"

#include <string.h>

static const kin_option options[] = {
    {"model", KIN_OPTION_STRING, "RUN",
     "a run's folder or a checkpoint; or a network of kin models, with --weights", .required = true},
    {"out", KIN_OPTION_STRING, "PAGE", "the page to write, one HTML file", .required = true,
     .writes = KIN_WRITES_PAGE},
    {.name = "points",
     .help = "Show key points and the lines between two pictures, too, which else only networks with the "
             "head delf do: "
             "their score is then how strongly a place answers."},
    {"tap", KIN_OPTION_STRING, "NAME",
     "the map that key points are taken from, as kin show names it: an earlier one is finer",
     .fallback_shown = "the last one, or what the head delf takes"},
    {"side", KIN_OPTION_INT, "PIXELS", "the longer side that pictures are seen at for key points", "448",
     .low = 64, .high = 4096},
    {"reduce", KIN_OPTION_STRING, "FILE",
     "an auto-encoder of kin reduce: what it keeps of these pictures' descriptors, and what is most alike by "
     "its codes"},
    KIN_PICTURE_OPTIONS,
    KIN_CHOSEN_OPTIONS,
    {0},
};

typedef struct job {
    kin_cli *cli;
    kin_network network;
    kin_module *module;
    kin_image_limits limits;
    kin_explained explained;
    kin_local_file points;
    bool has_points;
} job;

static bool going_on(void *user, int64_t done, int64_t total)
{
    (void)user, (void)done, (void)total;
    return !kin_interrupted();
}

/* Of the pictures in the order they were given. */
static bool find_points(job *j, kin_error *err)
{
    enum { MOST = 600, NUMBERS = 64 };
    kin_dataset set = {0};
    kin_extracted told;
    char id[24];
    bool ok = true;
    for (int i = 0; ok && i < j->cli->positionals; i++) {
        snprintf(id, sizeof id, "%d", i); /* one picture may be given twice */
        ok = kin_dataset_add(&set, id, j->cli->positional[i], -1, -1, err);
    }
    kin_extract_opt opt = {.side = kin_option_int(j->cli, "side"),
                           .most = MOST,
                           .smallest = 0.5,
                           .largest = 1.4143,
                           .dim = NUMBERS,
                           .tap = kin_option_string(j->cli, "tap"),
                           .limits = j->limits,
                           .progress = going_on};
    ok = ok && kin_local_extract(j->module, &j->network, &set, &opt, &j->points, &told, err);
    kin_dataset_free(&set);
    return j->has_points = ok;
}

static bool write_page(job *j, kin_error *err)
{
    const char *reduce = kin_option_string(j->cli, "reduce");
    kin_explain_page page = {.path = kin_option_string(j->cli, "out"),
                             .model = kin_option_string(j->cli, "model"),
                             .explained = &j->explained,
                             .points = j->has_points ? &j->points : NULL,
                             .reduced_name = reduce,
                             .limits = j->limits};
    if (reduce && !(page.reduced = kin_autoencoder_load(reduce, err))) return false;
    bool ok = kin_explain_page_write(&page, err);
    if (page.reduced) kin_autoencoder_free(page.reduced);
    return ok;
}

static bool explain(job *j, kin_error *err)
{
    kin_ctx *ctx = kin_ctx_new();
    bool ok = (ctx || kin_fail_memory(err, "a context", 1)) && kin_picture_limits(j->cli, &j->limits, err) &&
              kin_named_network(j->cli, kin_option_string(j->cli, "model"), ctx, &j->network, &j->module,
                                err) &&
              kin_explain(j->module, &j->network, j->cli->positional, j->cli->positionals, &j->limits,
                          &j->explained, err);
    bool scored = ok && strcmp(j->network.head.head->name, "delf") == 0;
    if (ok && !scored && !kin_option_flag(j->cli, "points") &&
        (kin_option_given(j->cli, "tap") || kin_option_given(j->cli, "side")))
        ok = kin_fail(err, KIN_ERR_ARGUMENT, "--tap and --side are about key points; give --points too");
    if (ok && (scored || kin_option_flag(j->cli, "points"))) ok = find_points(j, err);
    ok = ok && write_page(j, err);
    kin_explained_free(&j->explained);
    kin_local_file_free(&j->points);
    kin_module_free(j->module);
    kin_ctx_free(ctx);
    return ok;
}

static int run(kin_cli *cli)
{
    kin_error err = {0};
    job *j = kin_alloc_zero(1, sizeof *j);
    if (!j) return kin_fail_memory(&err, "a network", sizeof *j), kin_cli_fail(cli, &err);
    j->cli = cli;
    kin_interrupt_catch();
    bool ok = explain(j, &err);
    kin_free(j);
    if (ok) kin_cli_note(cli, "%s shows %d pictures", kin_option_string(cli, "out"), cli->positionals);
    return ok ? 0 : kin_cli_fail(cli, &err);
}

const kin_command kin_command_explain = {
    .name = "explain",
    .summary = "shows what a network looks at, as a page",
    .usage = "kin explain IMAGE... --model RUN --out PAGE [--points] [--reduce FILE]\nkin explain IMAGE... "
             "--model NAME "
             "--weights FILE --out PAGE",
    .about = "Writes a page with captions for newcomers: which of the pictures the network finds alike; "
             "where in them it "
             "answers, and what its attention changes there; which places make two of them alike. Then what "
             "its head "
             "and attention have to show: the parts that BFE hides in training, and the order by either of "
             "its branches; "
             "the masks of ABE's learners side by side; the weights of channel attention; key points by "
             "DELF's score, "
             "and the lines between two pictures whose geometry agrees.\n\n"
             "Two to eight pictures say most, some of one thing and some of others.",
    .examples = "kin explain shop/*/1.png --model runs/bfe --out explained.html\n"
                "# a network that others trained, with key points of a finer map\n"
                "kin explain milk1.jpg milk2.jpg juice.jpg --model efficientnet_lite0 --weights "
                "efficientnet_lite0.safetensors --points --tap _blocks.10 --out explained.html",
    .arguments = {{"IMAGE", "pictures to explain"}},
    .arguments_min = 1,
    .arguments_max = KIN_EXPLAINED_PICTURES,
    .options = options,
    .run = run,
};
