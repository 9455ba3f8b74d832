/* kin augment: what a recipe makes of pictures, to look at. */
#include "base/memory.h"
#include "cli/help/help.h"
#include "cli/options/command.h"
#include "cli/options/own.h"
#include "cli/options/source.h"
#include "cli/pages/contact_sheet.h"
#include "cli/terminal/interrupt.h"
#include "data/transforms/recipe.h"

#include <string.h>

static bool copy_of(const kin_image *image, kin_image *out, kin_error *err)
{
    if (!kin_image_new(out, image->width, image->height, image->channels, err)) return false;
    memcpy(out->data, image->data, (size_t)image->width * (size_t)image->height * (size_t)image->channels);
    return true;
}

typedef struct look {
    const kin_recipe *recipe;
    uint64_t seed;
    int count;
    kin_image_limits limits;
    kin_sheet sheet;
} look;

/* Draw `epoch` of the picture in `row`, or the picture itself (-1). */
static bool put_draw(look *l, int row, int epoch, const kin_image *original, kin_error *err)
{
    kin_image image;
    if (kin_interrupted()) return kin_fail(err, KIN_ERR_INTERRUPTED, "interrupted");
    if (!copy_of(original, &image, err)) return false;
    bool ok = epoch < 0 ||
              kin_recipe_apply(l->recipe, kin_recipe_key(l->seed, (uint64_t)epoch, (uint64_t)row), &image,
                               err);
    ok = ok && kin_sheet_put(&l->sheet, epoch + 1, row, &image, err);
    kin_image_free(&image);
    return ok;
}

static bool put_row(look *l, int row, const char *path, kin_error *err)
{
    kin_image original;
    if (!kin_image_read(path, &l->limits, &original, err)) return false;
    bool ok = kin_image_convert(&original, original.channels <= 2 ? 1 : 3, err);
    for (int k = -1; ok && k < l->count; k++) ok = put_draw(l, row, k, &original, err);
    if (!ok) kin_error_prefix(err, "%s", path);
    kin_image_free(&original);
    return ok;
}

static int list(void)
{
    kin_text text = {0};
    kin_recipe_list(&text);
    const kin_transform_info *const *own = kin_own()->transforms;
    for (int i = 0; own && own[i]; i++) kin_transform_list(own[i], &text);
    return kin_help_print(&text);
}

static void tell(const kin_cli *cli, const kin_recipe *recipe)
{
    kin_text text = {0};
    int width = 0, height = 0;
    kin_recipe_print(recipe, &text);
    bool known = kin_recipe_output_size(recipe, &width, &height);
    if (known) kin_cli_note(cli, "%s: %d x %d pixels", text.data ? text.data : "nothing", width, height);
    else kin_cli_note(cli, "%s", text.data ? text.data : "nothing is done");
    kin_text_free(&text);
}

static int run(kin_cli *cli)
{
    kin_error err = {0};
    kin_recipe recipe;
    const char *text = kin_option_string(cli, "recipe"), *out = kin_option_string(cli, "out");
    if (kin_option_flag(cli, "list")) return list();
    if (cli->positionals == 0) return kin_cli_usage(cli, "IMAGE is missing");
    if (!out) return kin_cli_usage(cli, "--out FILE is missing");
    if (!kin_recipe_parse_own(text, kin_own()->transforms, &recipe, &err) || !kin_image_can_write(out, &err))
        return kin_cli_fail(cli, &err);
    kin_interrupt_catch();
    look l = {.recipe = &recipe,
              .seed = (uint64_t)kin_option_int(cli, "seed"),
              .count = (int)kin_option_int(cli, "count")};
    bool ok = kin_picture_limits(cli, &l.limits, &err) &&
              kin_sheet_new(&l.sheet, l.count + 1, cli->positionals, (int)kin_option_int(cli, "size"), &err);
    for (int i = 0; ok && i < cli->positionals; i++) ok = put_row(&l, i, cli->positional[i], &err);
    ok = ok && kin_image_write(out, NULL, &l.sheet.image, NULL, &err);
    kin_sheet_free(&l.sheet);
    if (!ok) return kin_cli_fail(cli, &err);
    tell(cli, &recipe);
    return 0;
}

static const kin_option options[] = {
    {.name = "recipe",
     .kind = KIN_OPTION_STRING,
     .value = "RECIPE",
     .help = "The transforms in their order, or a preset's name.",
     .fallback = "train"},
    {.name = "out",
     .kind = KIN_OPTION_STRING,
     .writes = KIN_WRITES_FILE,
     .value = "FILE",
     .help = "The sheet to write, of the kind that its ending says: png, jpg, ppm."},
    {.name = "count",
     .kind = KIN_OPTION_INT,
     .value = "N",
     .help = "Draws of each picture.",
     .fallback = "8",
     .low = 1,
     .high = 64},
    {.name = "seed",
     .kind = KIN_OPTION_INT,
     .value = "K",
     .help = "Another number, other draws; the same number, the same bytes.",
     .fallback = "1",
     .low = 0,
     .high = 9e15},
    {.name = "size",
     .kind = KIN_OPTION_INT,
     .value = "S",
     .help = "The side of a cell in pixels; pictures are fitted into it.",
     .fallback = "160",
     .low = 16,
     .high = 1024},
    KIN_PICTURE_OPTIONS,
    {.name = "list", .help = "Print all transforms and presets with their parameters, and stop."},
    {0},
};

const kin_command kin_command_augment = {
    .name = "augment",
    .summary = "shows what a recipe of random transforms makes of pictures",
    .usage = "kin augment IMAGE... --out FILE [--recipe RECIPE] [--count N] [--seed K] [--size S]\nkin "
             "augment --list",
    .about =
        "Writes a sheet with a row for each picture: first the picture itself, then draws of the recipe.\n\n"
        "A recipe is a list of transforms, `rrc(224,scale=.08-1) flip jitter(.4,.4,.4,.1) erase(.25)`, with "
        "parameters by place or by name. Names and defaults are "
        "torchvision's, whose class names are understood too. Draw k of picture i depends on the seed, k and "
        "i alone.",
    .examples = "kin augment cat.png dog.png --recipe imagenet-train --out sheet.png\n"
                "# turned by up to 20 degrees, half of them blurred\n"
                "kin augment cat.png --recipe \"rotate(20,bilinear) blur(9,p=.5)\" --out sheet.png\n"
                "kin augment --list",
    .arguments = {{"IMAGE", "Pictures to look at, a row each."}},
    .arguments_max = 1000,
    .options = options,
    .run = run,
};
