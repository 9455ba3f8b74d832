/* What the files of the trainer share: opening and the loop (trainer.c), callbacks (trainer_watch.c),
 * batches (batches.c), files (saved.c), validation (validation.c). */
#ifndef KIN_TRAIN_TRAINER_PARTS_H
#define KIN_TRAIN_TRAINER_PARTS_H

#include "base/text.h"
#include "data/sampler.h"
#include "data/transforms/recipe.h"
#include "train/run_data.h"
#include "train/teacher.h"
#include "train/trainer.h"

struct kin_trainer {
    kin_train_state now; /* as it is told */
    kin_network network;
    kin_train_watch watch;
    kin_ctx *ctx;
    kin_module *module;
    kin_optim *optim;
    const kin_dataset *set, *validation;
    kin_recipe recipe; /* of config.augment */
    kin_loader *loader;
    kin_sampler sampler;  /* of the pictures that can be read ... */
    int64_t *sound;       /* [now.pictures]: ... and their places in the set */
    kin_teacher *teacher; /* NULL: none */
    const char *run;
    int *labels;          /* of the batch ... */
    const int64_t *batch; /* ... and its pictures, of the loader; until the next one */
    int64_t batch_count;
    bool pk;       /* batches are P classes with K pictures each */
    bool compares; /* a loss compares the pictures of a batch with one another */
    double *losses;
    double entropy;       /* of self channel attention in the last step; -1: there is none */
    int64_t held_broken;  /* held-out pictures that cannot be read, and were left out (and said) */
    kin_text log;         /* RUN/log.jsonl */
    kin_run_data data;    /* what it is trained on */
    int64_t steps_before; /* of the whole training until this resume changed them; 0: it did not */
    bool told_idle;
    bool stopping;
    int lock;     /* on the run's folder; -1: none */
    bool fresh;   /* nothing was saved yet of a run that begins */
    double start; /* validation mAP before the first step, of a network that had weights; -1: not looked at */
    bool told_below; /* that a later one is below it */
    bool unjudged;   /* the validation that is due at this step was interrupted */
    bool best_lost;  /* the network that the state names as the best is not in the folder */
};

/* ---- callbacks ---- */

void kin_trainer_say(const kin_trainer *t, const char *line);
void kin_trainer_part(const kin_trainer *t, kin_train_part part);
bool kin_trainer_stops(kin_trainer *t); /* once asked to stop, it does */

/* ---- batches ---- */

/* A set smaller than the batches that nobody asked for gets smaller ones. */
void kin_trainer_fit_batches(kin_trainer *t);
/* The loader, the pictures that can be read, and whether they suffice. */
bool kin_trainer_open_batches(kin_trainer *t, const kin_reading *reading, kin_error *err);
/* Where the loss learns from a teacher: it, and how its descriptor becomes one of the student's dimension. */
bool kin_trainer_open_teacher(kin_trainer *t, const kin_reading *reading, bool resume, kin_error *err);
/* Whether a loss that compares pictures has nothing to compare in this batch. */
bool kin_trainer_idles(const kin_trainer *t, int64_t count);

/* ---- files ---- */

bool kin_trainer_restore(kin_trainer *t, kin_error *err);
/* Everything that a resumed run needs. */
bool kin_trainer_save(kin_trainer *t, kin_error *err);
void kin_trainer_log_step(kin_trainer *t, double loss, double lr);
void kin_trainer_log_steps(kin_trainer *t);
void kin_trainer_log_validation(kin_trainer *t, const kin_metrics *m);

/* ---- validation ---- */

bool kin_trainer_validate(kin_trainer *t, kin_error *err);

#endif
