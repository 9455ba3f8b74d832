/* A short run of each stage on made-up descriptors: how fast this machine is. */
#ifndef KIN_CLI_RETRIEVE_CALIBRATE_H
#define KIN_CLI_RETRIEVE_CALIBRATE_H

#include "cli/retrieve/timings.h"

/* Fills t->job and t->seconds for a job like `wanted`, but smaller: the same dimensions, k1 and
 * neighbours, some thousands of items in clusters of twenty. Takes some seconds; embedding is not among
 * them. `folder` is where a file is written and removed again. */
bool kin_calibrate(const kin_job_size *wanted, const char *folder, kin_timings *t, kin_error *err);

#endif
