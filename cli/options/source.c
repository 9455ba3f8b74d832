#include "cli/options/source.h"

#include "cli/options/own.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/progress.h"
#include "train/config.h"

#include <string.h>

bool kin_picture_limits(const kin_cli *cli, kin_image_limits *out, kin_error *err)
{
    *out = (kin_image_limits){.max_pixels = (uint64_t)kin_option_int(cli, "max-pixels")};
    return kin_background_parse(kin_option_string(cli, "background"), &out->background, err);
}

kin_dataset_opt kin_source_choice(const kin_cli *cli)
{
    return (kin_dataset_opt){.classes = kin_option_string(cli, "classes"),
                             .labels = kin_option_string(cli, "labels")};
}

void kin_source_hidden(const kin_cli *cli, int64_t hidden, int64_t count)
{
    if (hidden)
        kin_cli_note(cli,
                     "%lld of %lld pictures are transparent in places, and the colours hidden there count; "
                     "--background COLOUR lays them over one",
                     (long long)hidden, (long long)count);
}

static bool show(void *user, int64_t done, int64_t total)
{
    (void)total;
    kin_meter_update(user, done, NULL);
    return !kin_interrupted();
}

bool kin_source_open_set(const kin_cli *cli, const char *path, const kin_dataset_opt *opt, kin_dataset *set,
                         kin_error *err)
{
    kin_dataset_opt with = opt ? *opt : (kin_dataset_opt){0};
    with.own = kin_own()->sets;
    if (!kin_dataset_open(path, &with, set, err)) return false;
    if (set->remark) kin_cli_note(cli, "%s: %s", path, set->remark);
    return true;
}

bool kin_source_need_classes(const kin_dataset *set, const char *path, const char *what, kin_error *err)
{
    int64_t classless = 0;
    for (int64_t i = 0; i < set->count; i++) classless += set->items[i].label < 0;
    if (set->classes > 1 || (set->classes == 1 && classless)) return true;
    if (set->classes == 1)
        return kin_fail(
            err, KIN_ERR_DATA,
            "%s: all pictures are of one class, %s; %s needs two at least, or --labels that tells them "
            "apart",
            path, set->class_names[0], what);
    return kin_fail(
        err, KIN_ERR_DATA,
        "%s: has no classes%s%s, and %s needs them; --labels folder takes each folder for one, and a "
        "pattern of names or a list can be given too",
        path, set->unlabelled ? ": " : "", set->unlabelled ? set->unlabelled : "", what);
}

bool kin_source_read(kin_source *s, const kin_cli *cli, int size, int channels, kin_filter filter,
                     bool strict, kin_error *err)
{
    kin_meter meter;
    kin_meter_start(&meter, "reading", "pictures", 0, s->set.count, cli->quiet || s->set.count < 500);
    kin_pictures_opt opt = {.size = size,
                            .channels = channels,
                            .filter = filter,
                            .strict = strict,
                            .progress = show,
                            .user = &meter};
    if (!kin_picture_limits(cli, &opt.limits, err) || !kin_pictures_load(&s->set, &opt, &s->pictures, err)) {
        kin_source_close(s);
        return false;
    }
    kin_meter_end(&meter);
    if (s->pictures.broken)
        kin_cli_note(cli,
                     "%lld of %lld pictures could not be read and were left out (--strict refuses them); the "
                     "first: %s",
                     (long long)s->pictures.broken, (long long)s->set.count,
                     s->pictures.first_broken.message);
    kin_source_hidden(cli, s->pictures.hidden, s->pictures.count);
    return true;
}

void kin_source_close(kin_source *s)
{
    kin_pictures_free(&s->pictures);
    kin_dataset_free(&s->set);
}
