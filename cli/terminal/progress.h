/* One line on standard error that tells how far a long job is: label, done of total, rate, time left. On a
 * terminal it is redrawn in place with a bar, as wide as the terminal is and no wider, at most ten times a second;
 * elsewhere a plain line comes every ten seconds. */
#ifndef KIN_CLI_TERMINAL_PROGRESS_H
#define KIN_CLI_TERMINAL_PROGRESS_H

#include "base/error.h"

#include <stdint.h>

typedef struct kin_meter {
    const char *label, *unit; /* "training", "steps" */
    int64_t first, total;     /* total 0: not known */
    bool silent, terminal, coloured;
    double started, shown; /* seconds of the monotonic clock */
    int widest;            /* text so far, in columns: the bar keeps its length while numbers change theirs */
    int64_t done;
} kin_meter;

/* Begins at `first` (a resumed run does not start at 0; the rate counts from here). Label and unit are
 * borrowed. `quiet` is cli->quiet. */
void kin_meter_start(kin_meter *progress, const char *label, const char *unit, int64_t first, int64_t total,
                     bool quiet);

/* `done` items are behind us; `extra` (may be NULL) is shown at the end, "loss 0.123". Cheap to call at every
 * step: it returns at once when it is too early to draw. */
void kin_meter_update(kin_meter *progress, int64_t done, const char *extra);

/* True when the next update would draw: for callers whose extra text costs something to make. */
bool kin_meter_due(const kin_meter *progress);

/* A line that stays, above the progress line: the result of an epoch. Nothing when quiet. */
void kin_meter_say(kin_meter *progress, const char *format, ...) KIN_PRINTF(2, 3);

/* Ends with a line that stays: what was done, in how long. */
void kin_meter_end(kin_meter *progress);

/* Ends a line that is being redrawn, so that other text may follow; harmless when there is none. */
void kin_meter_break(void);

/* "1:05", "2:03:09"; "?" for a negative time. Returns `text`, which holds at least 24 bytes. */
const char *kin_meter_clock(double seconds, char *text);

#endif
