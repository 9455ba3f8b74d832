/* How far kin_photos_duplicates and kin_leaks_find are: a line for each of their stages. */
#ifndef KIN_CLI_PHOTOS_PHOTOS_PROGRESS_H
#define KIN_CLI_PHOTOS_PHOTOS_PROGRESS_H

#include "cli/terminal/progress.h"

#include <stdbool.h>

/* Zeroed but for `quiet`, which is cli->quiet. */
typedef struct kin_photos_meter {
    kin_meter meter;
    const char *stage; /* borrowed; NULL: none has begun */
    bool quiet;
} kin_photos_meter;

/* kin_progress.report, with the meter as its user; false after Ctrl-C. Few pictures need no line. */
bool kin_photos_show(void *meter, const char *stage, int64_t done, int64_t total);
void kin_photos_meter_end(kin_photos_meter *meter);

#endif
