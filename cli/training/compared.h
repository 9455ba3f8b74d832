/* Runs beside each other: what was set, what was logged, what came of it. */
#ifndef KIN_CLI_TRAINING_COMPARED_H
#define KIN_CLI_TRAINING_COMPARED_H

#include "base/arena.h"
#include "cli/training/run_log.h"
#include "train/config.h"

typedef struct kin_compared_run {
    const char *name; /* as typed, borrowed */
    kin_config config;
    kin_run_log log;
    int64_t pictures, held; /* trained on, and held out; -1: an older run, which does not tell */
    double loss;            /* the mean of the last hundredth of the steps */
    int64_t best;           /* the validation with the best mAP; -1: none was made */
} kin_compared_run;

/* A row of a table: a setting or a figure, and each run's value as text; NULL: none. */
typedef struct kin_compared_row {
    const char *name;
    const char **values; /* [runs] */
    bool differs;
} kin_compared_row;

typedef struct kin_compared {
    int n_runs;
    kin_compared_run *runs;
    kin_compared_row *settings, *figures;
    int n_settings, n_figures;
    kin_arena texts;
} kin_compared;

/* Reads RUN/last.safetensors (or model.safetensors) and RUN/log.jsonl of each. A folder of phases is
 * refused with the names of its phases. */
bool kin_compared_open(kin_compared *c, char *const *names, int count, kin_error *err);
void kin_compared_free(kin_compared *c);
/* Why the runs' validations cannot be compared, for people; NULL: nothing speaks against it. */
const char *kin_compared_remark(const kin_compared *c);

#endif
