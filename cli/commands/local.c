#include "base/memory.h"
#include "cli/network/local_extract.h"
#include "cli/options/command.h"
#include "cli/options/named_network.h"
#include "cli/options/source.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/progress.h"

#include <stdio.h>

static bool show(void *user, int64_t done, int64_t total)
{
    kin_meter *meter = user;
    meter->total = total; /* the pictures that the projection is fitted on are looked at twice */
    kin_meter_update(meter, done, NULL);
    return !kin_interrupted();
}

static kin_extract_opt options_of(const kin_cli *cli, const kin_local_file *like, kin_meter *meter)
{
    return (kin_extract_opt){.side = kin_option_int(cli, "side"),
                             .most = kin_option_int(cli, "most"),
                             .smallest = kin_option_real(cli, "smallest"),
                             .largest = kin_option_real(cli, "largest"),
                             .least = kin_option_real(cli, "score"),
                             .radius = kin_option_real(cli, "apart"),
                             .dim = kin_option_int(cli, "dim"),
                             .tap = kin_option_string(cli, "tap"),
                             .like = like->projection.in ? &like->projection : NULL,
                             .progress = show,
                             .user = meter};
}

static bool extract(const kin_cli *cli, kin_module *module, const kin_network *network,
                    const kin_dataset *set, const kin_local_file *like, kin_error *err)
{
    kin_local_file out = {0};
    kin_extracted told;
    kin_meter meter;
    kin_meter_start(&meter, "local features", "pictures", 0, set->count, cli->quiet);
    kin_extract_opt opt = options_of(cli, like, &meter);
    snprintf(out.model, sizeof out.model, "%s", kin_option_string(cli, "model"));
    bool ok = kin_picture_limits(cli, &opt.limits, err) &&
              kin_local_extract(module, network, set, &opt, &out, &told, err);
    if (ok) kin_meter_end(&meter);
    if (ok && told.broken)
        kin_cli_note(cli, "%lld of %lld pictures could not be read and have no features; the first: %s",
                     (long long)told.broken, (long long)set->count, told.first_broken.message);
    ok = ok && kin_local_file_save(&out, kin_option_string(cli, "out"), err);
    if (ok)
        kin_cli_note(cli, "%lld features of %lld numbers from %lld pictures: %s",
                     (long long)out.set.first[out.set.images], (long long)out.set.dim,
                     (long long)out.set.images, kin_option_string(cli, "out"));
    kin_local_file_free(&out);
    return ok;
}

static int run(kin_cli *cli)
{
    kin_error err = {0};
    kin_module *module = NULL;
    kin_network *network = NULL;
    kin_dataset set = {0};
    kin_local_file like = {0};
    kin_dataset_opt choice = {.classes = kin_option_string(cli, "classes")};
    const char *other = kin_option_string(cli, "like");
    if (other && kin_option_given(cli, "dim"))
        return kin_cli_usage(cli,
                             "--like takes the other file's projection, its --dim with it; leave --dim out");
    if (kin_option_real(cli, "smallest") > kin_option_real(cli, "largest"))
        return kin_cli_usage(cli, "--smallest %g is above --largest %g, and no scale is left",
                             kin_option_real(cli, "smallest"), kin_option_real(cli, "largest"));
    kin_interrupt_catch();
    kin_ctx *ctx = kin_ctx_new();
    bool ok = ((ctx && (network = kin_alloc_zero(1, sizeof *network))) ||
               kin_fail_memory(&err, "a network", sizeof *network)) &&
              kin_source_open_set(cli, cli->positional[0], &choice, &set, &err) &&
              (!other || kin_local_file_load(other, &like, &err)) &&
              kin_named_network(cli, kin_option_string(cli, "model"), ctx, network, &module, &err) &&
              extract(cli, module, network, &set, &like, &err);
    kin_module_free(module);
    kin_ctx_free(ctx);
    kin_free(network);
    kin_dataset_free(&set);
    kin_local_file_free(&like);
    return ok ? 0 : kin_cli_fail(cli, &err);
}

static const kin_option options[] = {
    {.name = "model",
     .kind = KIN_OPTION_STRING,
     .value = "RUN",
     .required = true,
     .help =
         "A run of kin train, best with --head delf, or a network of kin models with --weights; without that "
         "head a feature's score is its length."},
    KIN_CHOSEN_OPTIONS,
    {.name = "out",
     .kind = KIN_OPTION_STRING,
     .value = "FILE",
     .required = true,
     .writes = KIN_WRITES_FILE,
     .help = "Where the features go, as safetensors."},
    {.name = "tap",
     .kind = KIN_OPTION_STRING,
     .value = "NAME",
     .fallback_shown = "the last map, or what the head delf takes",
     .help = "The map whose pixels are the features, as kin show names it: an earlier one is finer."},
    {.name = "like",
     .kind = KIN_OPTION_STRING,
     .value = "FILE",
     .help = "Take the projection from another file of local features, so that both can be compared."},
    {.name = "classes",
     .kind = KIN_OPTION_STRING,
     .value = "RANGE",
     .help = "Only these classes: 0-59, 60-, 1,4."},
    {.name = "side",
     .kind = KIN_OPTION_INT,
     .value = "PIXELS",
     .low = 64,
     .high = 4096,
     .fallback = "448",
     .help = "The longer side of a picture at scale 1."},
    {.name = "smallest",
     .kind = KIN_OPTION_REAL,
     .value = "SCALE",
     .low = 0.05,
     .high = 8,
     .fallback = "0.5",
     .help = "The first scale; the others follow by a factor of the root of 2."},
    {.name = "largest",
     .kind = KIN_OPTION_REAL,
     .value = "SCALE",
     .low = 0.05,
     .high = 8,
     .fallback = "1.4143",
     .help = "The last scale."},
    {.name = "most",
     .kind = KIN_OPTION_INT,
     .value = "N",
     .low = 1,
     .high = 100000,
     .fallback = "1000",
     .help = "Features of a picture at most, the best by score."},
    {.name = "score",
     .kind = KIN_OPTION_REAL,
     .value = "S",
     .low = 0,
     .high = -1,
     .fallback = "0",
     .help = "The least score of a feature."},
    {.name = "apart",
     .kind = KIN_OPTION_REAL,
     .value = "PIXELS",
     .low = 0,
     .high = 1000,
     .fallback = "0",
     .help = "Of features of about one scale that lie nearer than this, the best is kept."},
    {.name = "dim",
     .kind = KIN_OPTION_INT,
     .value = "D",
     .low = 1,
     .high = 4096,
     .fallback = "40",
     .help = "Numbers of a descriptor, by principal components."},
    KIN_PICTURE_OPTIONS,
    {0},
};

const kin_command kin_command_local = {
    .name = "local",
    .summary = "local features with their places, for kin verify",
    .usage = "kin local DATA --model RUN --out FILE\n"
             "kin local DATA --model NAME --weights FILE --out FILE [--like FILE]",
    .about = "A descriptor says what a picture is of; local features say where each part of it is. The "
             "network sees the "
             "picture at several scales, each pixel of its map is a feature with a place and a score, and "
             "the best are "
             "kept, projected to a few numbers. `kin verify` then asks of each picture of a list whether it "
             "is the query "
             "seen from elsewhere.\n\n"
             "The scores are learned by `kin train --head delf` (with --freeze for the trunk), as DELF's are "
             "[Noh et al. 2017].",
    .examples = "kin local photos --model runs/delf --out photos.local\n"
                "kin search --gallery photos.npy --top 100 --out ranks.csv\n"
                "kin verify ranks.csv --gallery photos.local --out verified.csv",
    .arguments = {{"DATA", "Pictures: anything that `kin data` recognises."}},
    .arguments_min = 1,
    .arguments_max = 1,
    .options = options,
    .run = run,
};
