/* A training as a command shows it: a progress line, remarks, the curve in the run's folder, Ctrl-C, the profile. */
#ifndef KIN_CLI_TRAINING_WATCH_H
#define KIN_CLI_TRAINING_WATCH_H

#include "cli/network/profile.h"
#include "cli/terminal/progress.h"
#include "train/trainer.h"

typedef struct kin_show {
    kin_meter *meter;
    kin_profile *profile;  /* NULL: none */
    const char *run;       /* where the curve is written */
    struct kin_live *live; /* RUN/watch.html (cli/training/live.h); NULL: none */
} kin_show;

/* Callbacks for a trainer; `show` is borrowed. */
kin_train_watch kin_show_watch(kin_show *show);
/* kin_trainer_run; with a run's folder Ctrl-C lets the step be finished, and says so. */
bool kin_show_training(kin_show *show, kin_trainer *t, kin_error *err);

#endif
