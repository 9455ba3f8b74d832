#include "cli/source.h"

#include "cli/interrupt.h"
#include "cli/progress.h"

static bool show(void *user, int64_t done, int64_t total)
{
    (void)total;
    kin_meter_update(user, done, NULL);
    return !kin_interrupted();
}

void kin_source_remark(const kin_cli *cli, const char *path, const kin_dataset *set)
{
    if (set->remark) kin_cli_note(cli, "%s: %s", path, set->remark);
}

bool kin_source_open(kin_source *s, const kin_cli *cli, const char *path, const char *classes, int size,
                     int channels, kin_filter filter, bool strict, kin_error *err)
{
    *s = (kin_source){0};
    if (!kin_dataset_open(path, &(kin_dataset_opt){.classes = classes && *classes ? classes : NULL}, &s->set,
                          err))
        return false;
    kin_source_remark(cli, path, &s->set);
    return kin_source_read(s, cli, size, channels, filter, strict, err);
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
    if (!kin_pictures_load(&s->set, &opt, &s->pictures, err)) {
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
    return true;
}

void kin_source_close(kin_source *s)
{
    kin_pictures_free(&s->pictures);
    kin_dataset_free(&s->set);
}
