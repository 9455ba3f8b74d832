#include "cli/options/command.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/progress.h"
#include "data/shop/synth.h"

static bool progress(void *arg, int64_t done, int64_t total)
{
    (void)total;
    kin_meter_update(arg, done, NULL);
    return !kin_interrupted();
}

static int run(kin_cli *cli)
{
    kin_error err = {0};
    kin_meter line;
    kin_synth_opt opt = {
        .seed = (uint64_t)kin_option_int(cli, "seed"),
        .products = (int)kin_option_int(cli, "products"),
        .views = (int)kin_option_int(cli, "views"),
        .size = (int)kin_option_int(cli, "size"),
        .clutter = (int)kin_option_int(cli, "clutter"),
        .occluders = (int)kin_option_int(cli, "occluders"),
        .progress = progress,
        .progress_arg = &line,
    };
    kin_interrupt_catch();
    kin_meter_start(&line, "drawing", "pictures", 0, (int64_t)opt.products * opt.views, cli->quiet);
    if (!kin_synth_write(cli->positional[0], &opt, &err)) return kin_cli_fail(cli, &err);
    kin_meter_end(&line);
    return 0;
}

static const kin_option options[] = {
    {.name = "products",
     .kind = KIN_OPTION_INT,
     .value = "N",
     .help = "How many products.",
     .fallback = "200",
     .low = 1,
     .high = KIN_SYNTH_COUNT_MAX},
    {.name = "views",
     .kind = KIN_OPTION_INT,
     .value = "V",
     .help = "How many pictures of each.",
     .fallback = "10",
     .low = 1,
     .high = KIN_SYNTH_COUNT_MAX},
    {.name = "size",
     .kind = KIN_OPTION_INT,
     .value = "S",
     .help = "The side of a picture in pixels.",
     .fallback = "64",
     .low = KIN_SYNTH_SIZE_MIN,
     .high = KIN_SYNTH_SIZE_MAX},
    {.name = "clutter",
     .kind = KIN_OPTION_INT,
     .value = "N",
     .help = "So many more things lie behind each product.",
     .fallback = "0",
     .low = 0,
     .high = KIN_SYNTH_MORE_MAX},
    {.name = "occluders",
     .kind = KIN_OPTION_INT,
     .value = "N",
     .help = "So many more things reach in before it.",
     .fallback = "0",
     .low = 0,
     .high = KIN_SYNTH_MORE_MAX},
    {.name = "seed",
     .kind = KIN_OPTION_INT,
     .value = "K",
     .help = "Another number, another shop; the same number, the same bytes.",
     .fallback = "1",
     .low = 0,
     .high = 9e15},
    {0},
};

const kin_command kin_command_synth = {
    .name = "synth",
    .summary = "draws a shop of products to learn from",
    .usage = "kin synth DIR [--products N] [--views V] [--size S] [--seed K]",
    .about = "Draws products, each with a silhouette, a texture, colours and a print, in views that differ "
             "in pose, scale, light, background, occlusion and noise. "
             "Silhouettes and palettes are shared among products, so that no single cue tells one from the "
             "others.\n\n"
             "DIR must be new or empty. It gets one folder a product: DIR/product-0001/view-01.png. "
             "The same numbers draw the same bytes, with any number of threads; a product and its views stay "
             "the same when more are drawn.",
    .examples = "kin synth shop\n"
                "# large ones, to look at\n"
                "kin synth pictures --products 12 --views 4 --size 256",
    .arguments = {{"DIR", "The folder to make."}},
    .arguments_min = 1,
    .arguments_max = 1,
    .options = options,
    .run = run,
};
