#include "cli/photos/photos_progress.h"

#include "cli/terminal/interrupt.h"

#include <string.h>

enum { MANY = 500 };

bool kin_photos_show(void *meter, const char *stage, int64_t done, int64_t total)
{
    kin_photos_meter *m = meter;
    if (!m->stage || strcmp(m->stage, stage) != 0)
        kin_meter_start(&m->meter, stage, strcmp(stage, "comparing") == 0 ? "pairs" : "pictures", 0, total,
                        m->quiet || total < MANY);
    m->stage = stage;
    kin_meter_update(&m->meter, done, NULL);
    return !kin_interrupted();
}

void kin_photos_meter_end(kin_photos_meter *meter)
{
    if (meter->stage) kin_meter_end(&meter->meter);
}
