/* What a run logged (RUN/log.jsonl), as columns to draw. */
#ifndef KIN_CLI_TRAINING_RUN_LOG_H
#define KIN_CLI_TRAINING_RUN_LOG_H

#include "base/error.h"

#include <stdint.h>

typedef struct kin_run_log {
    int64_t steps;              /* logged */
    double *step, *loss, *rate; /* [steps] from 0; what was not finite is NaN */
    int64_t validations;
    double *at, *map, *recall_1; /* [validations] behind which step, and what it gave */
    double *storage;             /* all of the above */
} kin_run_log;

/* Lines that are no JSON, of a killed run, and lines of other kinds are passed over. With
 * `validations_only` the steps, which are many, are left out. Fails where the file cannot be read or tells
 * of nothing. */
bool kin_run_log_read(const char *path, bool validations_only, kin_run_log *out, kin_error *err);
void kin_run_log_free(kin_run_log *log);

#endif
