/* What a run of kin retrieve took, as a file: JSON with the job's size, its stages' seconds and the most
 * memory held, from which kin plan predicts other sizes. */
#ifndef KIN_CLI_RETRIEVE_TIMINGS_H
#define KIN_CLI_RETRIEVE_TIMINGS_H

#include "base/error.h"
#include "retrieval/cost.h"

typedef struct kin_timings {
    kin_job_size job;
    double seconds[KIN_COSTS]; /* -1: not run */
    double memory;             /* bytes; 0: not known */
} kin_timings;

bool kin_timings_write(const char *path, const kin_timings *t, kin_error *err);
bool kin_timings_read(const char *path, kin_timings *t, kin_error *err);

/* The most memory this process has held so far, in bytes; 0 where the system does not tell. */
double kin_memory_peak(void);

#endif
