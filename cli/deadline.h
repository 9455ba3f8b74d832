/* A moment by which a command must be done. */
#ifndef KIN_CLI_DEADLINE_H
#define KIN_CLI_DEADLINE_H

#include "base/error.h"

/* Seconds of a clock that never goes back. */
double kin_clock(void);

/* "3600s", "60m", "1h", "1h30m", "90" (seconds) or "0.5h": seconds, above 0. */
bool kin_duration_read(const char *text, double *seconds, kin_error *err);

#endif
