/* A moment by which a command must be done. */
#ifndef KIN_CLI_TERMINAL_DEADLINE_H
#define KIN_CLI_TERMINAL_DEADLINE_H

#include "base/error.h"

/* Seconds of a clock that never goes back. */
double kin_clock(void);

/* "3600s", "60m", "1h", "1h30m", "90" (seconds) or "0.5h": seconds, above 0. */
bool kin_duration_read(const char *text, double *seconds, kin_error *err);

/* How fast work goes, by its pace since the first word of it: what stood before that (packing, a sample)
 * comes once, and would be taken for the pace of all. Zeros: nothing was said yet. */
typedef struct kin_pace {
    double took, share; /* when the first word came, and of how much */
} kin_pace;

/* Seconds that the whole takes, of which `share` was done after `took` seconds; 0 while too little is done
 * to tell. */
double kin_pace_foretell(kin_pace *pace, double took, double share);

#endif
