/* The training loop of `kin train` and `kin demo`. */
#ifndef KIN_CLI_TRAINER_H
#define KIN_CLI_TRAINER_H

#include "base/text.h"
#include "cli/encoder.h"
#include "cli/progress.h"
#include "data/sampler.h"

typedef struct kin_trainer {
    kin_network network;
    kin_ctx *ctx;
    kin_module *module;
    kin_optim *optim;
    const kin_pictures *pictures;   /* to train on; borrowed */
    const kin_pictures *validation; /* held out, or NULL; borrowed */
    kin_sampler sampler;
    const char *run;                /* folder for checkpoints, log and curve; NULL: none are written */
    int64_t *index;                 /* of the batch */
    int *labels;
    int64_t batch, step;
    double *losses;                 /* [config.steps]; of the steps done */
    double best;                    /* the best validation mAP so far; −1: none */
    int64_t best_step;
    kin_text log;                   /* RUN/log.jsonl */
    bool collapsed;                 /* collapse was seen (and said) */
} kin_trainer;

/* Makes network and optimiser. With `resume`, state and log of RUN/last.safetensors come back and training goes on with
 * the bits of an uninterrupted run. */
bool kin_trainer_open(kin_trainer *t, const kin_config *config, const kin_pictures *pictures, const kin_pictures *validation, const char *run, bool resume, kin_error *err);
/* Trains to the end; asks kin_interrupted() after each step and then saves and fails with KIN_ERR_INTERRUPTED. `say` receives
 * remarks (collapse, validation), one line each; may be NULL. */
bool kin_trainer_run(kin_trainer *t, kin_meter *meter, void (*say)(void *user, const char *line), void *user, kin_error *err);
void kin_trainer_close(kin_trainer *t);

#endif
