/* kin attend: where a network looks. */
#include "base/memory.h"
#include "cli/options/command.h"
#include "cli/options/named_network.h"
#include "cli/options/source.h"
#include "cli/pages/captioned_sheet.h"
#include "cli/pages/contact_sheet.h"
#include "cli/pages/heatmap.h"
#include "cli/terminal/interrupt.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const kin_option options[] = {
    {"model", KIN_OPTION_STRING, "RUN",
     "a run's folder or a checkpoint; or a network of kin models, with --weights", .required = true},
    {"out", KIN_OPTION_STRING, "SHEET",
     "the sheet to write, of the kind that its ending says: png, jpg, ppm; an svg has captions, the values "
     "and the "
     "scale of colours, too",
     .required = true, .writes = KIN_WRITES_FILE},
    {"tap", KIN_OPTION_STRING, "NAME[,NAME...]",
     "the map to show, by the names of kin show: how strongly each place answers; of several, a column each",
     .fallback_shown = "what the network's attention at the end changes, else its last map"},
    {"before", KIN_OPTION_STRING, "NAME", "show what changed between this tap and --tap"},
    {"cell", KIN_OPTION_INT, "PIXELS", "the side of a picture on the sheet", "224", .low = 32, .high = 1024},
    KIN_PICTURE_OPTIONS,
    KIN_CHOSEN_OPTIONS,
    {0},
};

enum { TAPS = 8, NAME = 160, LONGEST = TAPS * NAME };

/* One of them is written: pictures alone, or with captions. */
typedef struct sheet {
    bool captioned;
    kin_sheet plain;
    kin_captioned_sheet drawn;
} sheet;

typedef struct job {
    kin_cli *cli;
    kin_module *module;
    kin_network network;
    char names[LONGEST];            /* of --tap, cut at the commas */
    const char *tap[TAPS], *before; /* before: NULL where the map itself is shown */
    int taps;
    sheet sheet;
} job;

/* An attention at the network's end is what a person wants to see; CBAM has a map of its own, the others
 * change the features. */
static void choose_tap(job *j)
{
    const kin_attend_opt *attention = &j->network.opt.attention;
    bool at_end = attention->kind && strcmp(attention->place, "end") == 0;
    j->taps = 1;
    j->tap[0] = !at_end                              ? "features"
                : attention->kind == KIN_ATTEND_CBAM ? "attention.SpatialGate"
                                                     : "attention";
    if (at_end && attention->kind != KIN_ATTEND_CBAM) j->before = "attention.input";
}

/* --tap a,b,c */
static bool choose_taps(job *j, kin_error *err)
{
    const char *given = kin_option_string(j->cli, "tap");
    j->before = kin_option_string(j->cli, "before");
    if (!given) return choose_tap(j), true;
    if (strlen(given) >= sizeof j->names)
        return kin_fail(err, KIN_ERR_ARGUMENT, "--tap: names of at most %d letters together were expected",
                        LONGEST - 1);
    memcpy(j->names, given, strlen(given) + 1);
    for (char *p = j->names; p;) {
        char *comma = strchr(p, ',');
        if (comma) *comma++ = 0;
        if (!*p || j->taps == TAPS)
            return kin_fail(err, KIN_ERR_ARGUMENT,
                            "--tap %s: one to %d names with commas between were expected", given, TAPS);
        j->tap[j->taps++] = p;
        p = comma;
    }
    return j->taps == 1 || !j->before ||
           kin_fail(err, KIN_ERR_ARGUMENT, "--before goes with one --tap, and %d are given", j->taps);
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

/* Lets the network look at it. */
static bool look(job *j, const kin_image *picture, kin_error *err)
{
    const kin_config *c = &j->network.config;
    kin_ctx *ctx = kin_module_ctx(j->module);
    kin_scaling scaling;
    kin_batch_opt batch = kin_config_batch(c, 0);
    kin_scaling_make(&scaling, &batch);
    kin_tensor *x = kin_input(ctx, KIN_SHAPE(1, c->size, kin_config_across(c), c->channels), NULL);
    if (x) kin_scaling_picture(&scaling, picture, 0, 0, (float *)kin_data(x));
    return kin_module_forward(j->module, x, KIN_EVAL) || kin_take_error(ctx, err);
}

static bool put(job *j, int column, int row, const kin_image *picture, const char *first, const char *second,
                kin_error *err)
{
    return j->sheet.captioned
               ? kin_captioned_sheet_put(&j->sheet.drawn, column, row, picture, first, second, err)
               : kin_sheet_put(&j->sheet.plain, column, row, picture, err);
}

/* The picture with a map over it, and between which values the map lies. */
static bool put_map(job *j, int column, int row, const kin_image *picture, kin_error *err)
{
    const kin_tensor *map = tapped(j, j->tap[column - 1], err),
                     *before = map && j->before ? tapped(j, j->before, err) : NULL;
    if (!map || (j->before && !before)) return false;
    int h = (int)kin_dim(map, 1), w = (int)kin_dim(map, 2);
    kin_image shown = {0};
    char values[64];
    float *lengths = kin_alloc_array((size_t)h * (size_t)w, sizeof *lengths), low = INFINITY,
          high = -INFINITY;
    bool ok = lengths || kin_fail_memory(err, "a map", (size_t)h * (size_t)w * sizeof *lengths);
    ok = ok && kin_heatmap_lengths(map, before, 0, lengths, err) &&
         kin_heatmap_overlay(picture, lengths, h, w, NULL, &shown, err);
    for (int i = 0; ok && i < h * w; i++) low = fminf(low, lengths[i]), high = fmaxf(high, lengths[i]);
    snprintf(values, sizeof values, "%.3g to %.3g", (double)low, (double)high);
    ok = ok && put(j, column, row, &shown, values, NULL, err);
    kin_image_free(&shown);
    kin_free(lengths);
    return ok;
}

/* "a/b/c.png": "c.png", and "b" */
static bool put_seen(job *j, int row, const kin_image *picture, const char *path, kin_error *err)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *begin = slash;
    while (begin && begin > path && begin[-1] != '/') begin--;
    kin_text folder = {0};
    if (begin) kin_text_add_bytes(&folder, begin, (size_t)(slash - begin));
    bool ok = put(j, 0, row, picture, name, folder.size ? folder.data : NULL, err);
    kin_text_free(&folder);
    return ok;
}

static bool put_row(job *j, int row, const char *path, kin_error *err)
{
    const kin_config *c = &j->network.config;
    kin_image picture;
    kin_image_limits limits;
    if (!kin_picture_limits(j->cli, &limits, err)) return false;
    limits = kin_config_limits(c, limits);
    if (!kin_image_read(path, &limits, &picture, err)) return false;
    bool ok = kin_picture_prepare_to(&picture, (int)c->resize, (int)c->size, (int)kin_config_across(c),
                                     (int)c->channels, kin_config_filter(c), err) &&
              look(j, &picture, err) && put_seen(j, row, &picture, path, err);
    for (int t = 0; ok && t < j->taps; t++) ok = put_map(j, t + 1, row, &picture, err);
    kin_image_free(&picture);
    kin_end_step(kin_module_ctx(j->module));
    return ok;
}

static bool new_sheet(job *j, kin_error *err)
{
    int rows = j->cli->positionals, cell = (int)kin_option_int(j->cli, "cell");
    const char *heads[TAPS + 1] = {"as the network sees it"};
    if (!j->sheet.captioned) return kin_sheet_new(&j->sheet.plain, j->taps + 1, rows, cell, err);
    for (int t = 0; t < j->taps; t++) heads[t + 1] = j->tap[t];
    return kin_captioned_sheet_new(&j->sheet.drawn, "Where a network looks", j->taps + 1, rows, cell, heads,
                                   err);
}

static bool write_sheet(job *j, kin_error *err)
{
    const char *path = kin_option_string(j->cli, "out");
    return j->sheet.captioned ? kin_captioned_sheet_write(&j->sheet.drawn, "least",
                                                          "most, of each map; its values below it", path, err)
                              : kin_image_write(path, NULL, &j->sheet.plain.image, NULL, err);
}

static bool make_sheet(job *j, kin_error *err)
{
    kin_record(kin_module_ctx(j->module), false);
    bool ok = choose_taps(j, err);
    for (int t = 0; ok && t < j->taps; t++)
        ok = kin_module_retain(j->module, j->tap[t]) ||
             kin_fail_memory(err, "a tap's name", strlen(j->tap[t]));
    if (ok && j->before && !kin_module_retain(j->module, j->before))
        ok = kin_fail_memory(err, "a tap's name", strlen(j->before));
    ok = ok && new_sheet(j, err);
    for (int i = 0; ok && i < j->cli->positionals; i++)
        ok = put_row(j, i, j->cli->positional[i], err) &&
             (!kin_interrupted() || kin_fail(err, KIN_ERR_INTERRUPTED, "interrupted; nothing was written"));
    ok = ok && write_sheet(j, err);
    kin_sheet_free(&j->sheet.plain), kin_captioned_sheet_free(&j->sheet.drawn);
    return ok;
}

static bool is_svg(const char *path)
{
    size_t length = strlen(path);
    return length > 4 && strcmp(path + length - 4, ".svg") == 0;
}

static int run(kin_cli *cli)
{
    kin_error err = {0};
    bool captioned = is_svg(kin_option_string(cli, "out"));
    if (!captioned && !kin_image_can_write(kin_option_string(cli, "out"), &err))
        return kin_cli_fail(cli, &err);
    job *j = kin_alloc_zero(1, sizeof *j);
    if (!j) return kin_fail_memory(&err, "a network", sizeof *j), kin_cli_fail(cli, &err);
    j->cli = cli, j->sheet.captioned = captioned;
    kin_ctx *ctx = kin_ctx_new();
    kin_interrupt_catch();
    bool ok = (ctx || kin_fail_memory(&err, "a context", 1)) &&
              kin_named_network(cli, kin_option_string(cli, "model"), ctx, &j->network, &j->module, &err) &&
              make_sheet(j, &err);
    if (ok)
        kin_cli_note(cli, "%s%s, over %d pictures: %s",
                     j->before ? "what changes from " : "how strongly each place answers in ",
                     j->before     ? j->before
                     : j->taps > 1 ? kin_option_string(cli, "tap")
                                   : j->tap[0],
                     cli->positionals, kin_option_string(cli, "out"));
    kin_module_free(j->module);
    kin_ctx_free(ctx);
    kin_free(j);
    return ok ? 0 : kin_cli_fail(cli, &err);
}

const kin_command kin_command_attend = {
    .name = "attend",
    .summary = "shows where a network looks, over the pictures",
    .usage = "kin attend IMAGE... --model RUN --out SHEET [--tap NAME[,NAME...] [--before NAME]]\nkin attend "
             "IMAGE... "
             "--model NAME --weights FILE --out SHEET",
    .about = "Writes a sheet with a row for each picture: as the network sees it, and with a map laid over "
             "it, from dark violet (least) to light yellow (most). A network "
             "with attention at its end shows what that attention changes, or its map of places (CBAM); "
             "another one how strongly its last map answers. --tap shows any other map, or several beside "
             "each other. A sheet that is an SVG tells in words what is what: the "
             "files, the maps, between which values each lies, and the scale of colours.",
    .examples =
        "kin attend cat.jpg dog.jpg --model efficientnet_lite0 --weights "
        "efficientnet_lite0.safetensors --out sheet.png\n"
        "# a network trained with --attention sca@end\n"
        "kin attend shop/*/1.png --model runs/sca --out sheet.png\n"
        "kin attend cat.jpg --model runs/resnet --tap layer3 --out sheet.png\n"
        "# the masks of an ensemble's two learners, with captions\n"
        "kin attend shop/*/1.png --model runs/abe --tap attention.mask.0,attention.mask.1 --out masks.svg",
    .arguments = {{"IMAGE", "pictures to look at, a row each"}},
    .arguments_min = 1,
    .arguments_max = 1000,
    .options = options,
    .run = run,
};
