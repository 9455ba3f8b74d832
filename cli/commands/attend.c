/* kin attend: where a network looks. */
#include "base/memory.h"
#include "cli/chosen.h"
#include "cli/command.h"
#include "cli/source.h"
#include "cli/pages/contact_sheet.h"
#include "cli/pages/heatmap.h"
#include "cli/interrupt.h"

#include <stdio.h>
#include <string.h>

static const kin_option options[] = {
    {"model", KIN_OPTION_STRING, "RUN",
     "a run's folder or a checkpoint; or a network of kin models, with --weights", .required = true},
    {"out", KIN_OPTION_STRING, "SHEET", "the sheet to write, of the kind that its ending says: png, jpg, ppm",
     .required = true, .writes = KIN_WRITES_FILE},
    {"tap", KIN_OPTION_STRING, "NAME",
     "the map to show, by the names of kin show: how strongly each place answers",
     .fallback_shown = "what the network's attention at the end changes, else its last map"},
    {"before", KIN_OPTION_STRING, "NAME", "show what changed between this tap and --tap"},
    {"cell", KIN_OPTION_INT, "PIXELS", "the side of a picture on the sheet", "224", .low = 32, .high = 1024},
    KIN_PICTURE_OPTIONS,
    KIN_CHOSEN_OPTIONS,
    {0},
};

typedef struct job {
    kin_cli *cli;
    kin_module *module;
    kin_network network;
    const char *tap, *before; /* before: NULL where the map itself is shown */
    kin_sheet sheet;
} job;

/* An attention at the network's end is what a person wants to see; CBAM has a map of its own, the others
 * change the features. */
static void choose_taps(job *j)
{
    const kin_attend_opt *attention = &j->network.opt.attention;
    bool at_end = attention->kind && strcmp(attention->place, "end") == 0;
    j->tap = kin_option_string(j->cli, "tap");
    j->before = kin_option_string(j->cli, "before");
    if (j->tap) return;
    j->tap = !at_end                              ? "features"
             : attention->kind == KIN_ATTEND_CBAM ? "attention.SpatialGate"
                                                  : "attention";
    if (at_end && attention->kind != KIN_ATTEND_CBAM) j->before = "attention.input";
}

static const kin_tensor *tapped(job *j, const char *name, kin_error *err)
{
    const kin_tensor *t = kin_module_tapped(j->module, name);
    if (!t) kin_fail(err, KIN_ERR_ARGUMENT, "the network has no tap \"%s\"; kin show lists the names", name);
    else if (kin_ndim(t) != 4)
        kin_fail(err, KIN_ERR_ARGUMENT, "\"%s\" is no map: it has %d axes, not 4", name, kin_ndim(t)),
            t = NULL;
    return t;
}

/* The picture that the network sees, with the map over it. */
static bool overlay(job *j, const kin_image *picture, kin_image *out, kin_error *err)
{
    const kin_config *c = &j->network.config;
    kin_ctx *ctx = kin_module_ctx(j->module);
    kin_scaling scaling;
    kin_batch_opt batch = kin_config_batch(c, 0);
    kin_scaling_make(&scaling, &batch);
    kin_tensor *x = kin_input(ctx, KIN_SHAPE(1, c->size, kin_config_across(c), c->channels), NULL);
    if (x)
        kin_scaling_picture(&scaling, picture->data, (int)c->size, (int)kin_config_across(c),
                            (int)c->channels, 0, 0, (float *)kin_data(x));
    if (!kin_module_forward(j->module, x, KIN_EVAL)) return kin_take_error(ctx, err);
    const kin_tensor *map = tapped(j, j->tap, err),
                     *before = map && j->before ? tapped(j, j->before, err) : NULL;
    if (!map || (j->before && !before)) return false;
    int h = (int)kin_dim(map, 1), w = (int)kin_dim(map, 2);
    float *lengths = kin_alloc_array((size_t)h * (size_t)w, sizeof *lengths);
    bool ok = lengths || kin_fail_memory(err, "a map", (size_t)h * (size_t)w * sizeof *lengths);
    ok = ok && kin_heatmap_lengths(map, before, 0, lengths, err) &&
         kin_heatmap_overlay(picture, lengths, h, w, NULL, out, err);
    kin_free(lengths);
    return ok;
}

static bool put_row(job *j, int row, const char *path, kin_error *err)
{
    const kin_config *c = &j->network.config;
    kin_image picture, shown;
    kin_image_limits limits;
    if (!kin_picture_limits(j->cli, &limits, err)) return false;
    limits = kin_config_limits(c, limits);
    if (!kin_image_read(path, &limits, &picture, err)) return false;
    bool ok = kin_picture_prepare_to(&picture, (int)c->resize, (int)c->size, (int)kin_config_across(c),
                                     (int)c->channels, kin_config_filter(c), err) &&
              overlay(j, &picture, &shown, err);
    if (ok) {
        ok = kin_sheet_put(&j->sheet, 0, row, &picture, err) && kin_sheet_put(&j->sheet, 1, row, &shown, err);
        kin_image_free(&shown);
    }
    kin_image_free(&picture);
    kin_end_step(kin_module_ctx(j->module));
    return ok;
}

static bool make_sheet(job *j, kin_error *err)
{
    int n = j->cli->positionals;
    choose_taps(j);
    kin_record(kin_module_ctx(j->module), false);
    if (!kin_module_retain(j->module, j->tap) || (j->before && !kin_module_retain(j->module, j->before)))
        return kin_fail_memory(err, "a tap's name", strlen(j->tap));
    if (!kin_sheet_new(&j->sheet, 2, n, (int)kin_option_int(j->cli, "cell"), err)) return false;
    bool ok = true;
    for (int i = 0; ok && i < n; i++)
        ok = put_row(j, i, j->cli->positional[i], err) &&
             (!kin_interrupted() || kin_fail(err, KIN_ERR_INTERRUPTED, "interrupted; nothing was written"));
    ok = ok && kin_image_write(kin_option_string(j->cli, "out"), NULL, &j->sheet.image, NULL, err);
    kin_sheet_free(&j->sheet);
    return ok;
}

static int run(kin_cli *cli)
{
    kin_error err = {0};
    if (!kin_image_can_write(kin_option_string(cli, "out"), &err)) return kin_cli_fail(cli, &err);
    job *j = kin_alloc_zero(1, sizeof *j);
    if (!j) return kin_fail_memory(&err, "a network", sizeof *j), kin_cli_fail(cli, &err);
    j->cli = cli;
    kin_ctx *ctx = kin_ctx_new();
    kin_interrupt_catch();
    bool ok = (ctx || kin_fail_memory(&err, "a context", 1)) &&
              kin_chosen_network(cli, kin_option_string(cli, "model"), ctx, &j->network, &j->module, &err) &&
              make_sheet(j, &err);
    if (ok)
        kin_cli_note(cli, "%s%s, over %d pictures: %s",
                     j->before ? "what changes from " : "how strongly each place answers in ",
                     j->before ? j->before : j->tap, cli->positionals, kin_option_string(cli, "out"));
    kin_module_free(j->module);
    kin_ctx_free(ctx);
    kin_free(j);
    return ok ? 0 : kin_cli_fail(cli, &err);
}

const kin_command kin_command_attend = {
    .name = "attend",
    .summary = "shows where a network looks, over the pictures",
    .usage = "kin attend IMAGE... --model RUN --out SHEET [--tap NAME [--before NAME]]\nkin attend IMAGE... "
             "--model NAME --weights FILE --out SHEET",
    .about = "Writes a sheet with a row for each picture: as the network sees it, and with a map laid over "
             "it, from dark violet (least) to light yellow (most). A network "
             "with attention at its end shows what that attention changes, or its map of places (CBAM); "
             "another one how strongly its last map answers. --tap shows any other map.",
    .examples = "kin attend cat.jpg dog.jpg --model efficientnet_lite0 --weights "
                "efficientnet_lite0.safetensors --out sheet.png\n"
                "# a network trained with --attention sca@end\n"
                "kin attend shop/*/1.png --model runs/sca --out sheet.png\n"
                "kin attend cat.jpg --model runs/resnet --tap layer3 --out sheet.png",
    .arguments = {{"IMAGE", "pictures to look at, a row each"}},
    .arguments_min = 1,
    .arguments_max = 1000,
    .options = options,
    .run = run,
};
