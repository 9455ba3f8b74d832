/* The training loop of `kin train` and `kin demo`. */
#ifndef KIN_CLI_TRAINER_H
#define KIN_CLI_TRAINER_H

#include "base/text.h"
#include "train/encoder.h"
#include "cli/profile.h"
#include "cli/progress.h"
#include "train/run_data.h"
#include "data/transforms/recipe.h"
#include "data/sampler.h"

typedef struct kin_trainer {
    kin_network network;
    kin_ctx *ctx;
    kin_module *module;
    kin_optim *optim;
    const kin_dataset *set;        /* to train on; borrowed */
    const kin_dataset *validation; /* held out, or NULL; borrowed */
    kin_recipe recipe;             /* of config.augment */
    kin_loader *loader;
    kin_sampler sampler;     /* of the pictures that can be read ... */
    int64_t *sound, n_sound; /* ... and their places in the set */
    const char *run;         /* folder for checkpoints, log and curve; NULL: none are written */
    int *labels;             /* of the batch */
    int64_t batch, step;
    double *losses; /* [config.steps]; of the steps done */
    /* of self channel attention in the last step (kin_sca_lowest_entropy); −1: there is none */
    double entropy;
    int64_t zeros; /* descriptors of zeros at the last validation, which were left out */
    double best;   /* the best validation mAP so far; −1: none */
    int64_t best_step;
    int64_t held_broken;  /* held-out pictures that cannot be read, and were left out (and said) */
    kin_text log;         /* RUN/log.jsonl */
    bool collapsed;       /* collapse was seen (and said) */
    kin_run_data data;    /* what it is trained on */
    int64_t steps_before; /* of the whole training until this resume changed them; 0: it did not */
    bool told_idle;
    int64_t idle;         /* batches in which no two pictures were of one class, for a loss that compares */
    int lock;             /* on the run's folder; −1: none */
    bool fresh;           /* nothing was saved yet of a run that begins */
    bool unjudged;        /* the validation that is due at `step` was interrupted */
    bool best_lost;       /* the network that the state names as the best is not in the folder */
    kin_profile *profile; /* where the time of the steps goes, or NULL; borrowed, of t->ctx */
} kin_trainer;

/* Receives a remark, one line. */
typedef void kin_remark(void *user, const char *line);

/* How pictures are read. */
typedef struct kin_reading {
    uint64_t cache; /* bytes of decoded pictures kept in memory; 0: none */
    kin_image_limits limits;
    /* of the first look at all pictures; may be NULL */
    bool (*progress)(void *user, int64_t done, int64_t total);
    void *user;
} kin_reading;

/* Makes network and optimiser, and looks at every picture once, so that broken ones are known (and left
 * out) from the start: of t->set->count pictures t->n_sound can be read. With `resume`, state and log of
 * RUN/last.safetensors come back and training goes on with the bits of an uninterrupted run; else
 * config.weights, where given, are loaded. `reading` may be NULL for sets in memory. */
bool kin_trainer_open(kin_trainer *t, const kin_config *config, const kin_dataset *set,
                      const kin_dataset *validation, const char *run, bool resume, const kin_reading *reading,
                      kin_error *err);
/* Trains to the end; asks kin_interrupted() after each step and then saves and fails with
 * KIN_ERR_INTERRUPTED. `say` receives remarks (collapse, validation), one line each; may be NULL. */
bool kin_trainer_run(kin_trainer *t, kin_meter *meter, kin_remark *say, void *user, kin_error *err);
void kin_trainer_close(kin_trainer *t);

#endif
