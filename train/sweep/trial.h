/* One training of a sweep, from where it is to where a rung ends. */
#ifndef KIN_TRAIN_SWEEP_TRIAL_H
#define KIN_TRAIN_SWEEP_TRIAL_H

#include "train/sweep/sweep.h"

typedef enum {
    KIN_TRIAL_DONE,   /* the result counts */
    KIN_TRIAL_FAILED, /* by its own settings: a reason for this trial, none for the sweep */
    KIN_TRIAL_LATE,   /* stopped for the time, with its checkpoint */
    KIN_TRIAL_BROKEN, /* an error, or the caller's stop: with its checkpoint, where it could be written */
} kin_trial_end;

typedef struct kin_trial {
    const kin_sweep_opt *opt;
    kin_config *config;
    const kin_sweep_chain *chain;
    const char *folder;
    int64_t until;        /* the step at which the rung ends */
    double latest;        /* by this moment of kin_sweep_clock it must be done; INFINITY: whenever */
    double rate, opening; /* seconds that a step, and opening, take by what is known; 0: not known */
    double needs;         /* seconds from its beginning, by its own first part; 0: not known */
} kin_trial;

/* `result` receives seconds and steps, how far it came, whatever the end; err what a failure, or an error, says. */
kin_trial_end kin_trial_run(kin_trial *trial, kin_sweep_result *result, kin_error *err);

double kin_sweep_clock(void);

#endif
