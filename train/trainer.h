/* One training: network, optimiser, batches, validation, checkpoints. It prints nothing and catches no signal: what
 * there is to tell goes to callbacks, and should_stop ends it at the next step. kin_train (train/train.h) is this with
 * several phases.
 *
 * The folder of a run holds model.safetensors (the network for use: the best one where there is a validation set, else
 * the last), last.safetensors (with the optimiser's state) and log.jsonl. */
#ifndef KIN_TRAIN_TRAINER_H
#define KIN_TRAIN_TRAINER_H

#include "retrieval/judge/metrics.h"
#include "train/encoder.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kin_trainer kin_trainer;

/* How pictures are read. */
typedef struct kin_reading {
    uint64_t cache; /* bytes of decoded pictures kept in memory; 0: none */
    kin_image_limits limits;
    /* of the first look at all pictures; may be NULL; false stops */
    bool (*progress)(void *user, int64_t done, int64_t total);
    void *user;
} kin_reading;

/* Where a training stands. */
typedef struct kin_train_state {
    int64_t step, steps;                    /* done, and in all */
    const double *losses;                   /* [step] */
    int64_t batch;                          /* pictures in a batch */
    int64_t pictures;                       /* of the set, those that can be read */
    int64_t classes_filled, classes_of_one; /* with such pictures, and with one alone */
    double best;                            /* the best validation mAP so far; -1: none ... */
    int64_t best_step;                      /* ... and after how many steps */
    int64_t idle;                           /* batches in which a loss that compares had nothing to compare */
    bool collapsed;                         /* all embeddings were one point for long */
} kin_train_state;

typedef struct kin_train_step {
    int64_t step, steps; /* done, this one included, and in all */
    double loss, smooth; /* of this step, and an average that moves */
    double lr;
    double entropy; /* of self channel attention, the lowest (kin_sca_lowest_entropy); -1: there is none */
    const int64_t *batch; /* [pictures] of the set, in this step's batch; valid during the call */
    int64_t pictures;
} kin_train_step;

typedef struct kin_train_validation {
    int64_t step;
    const kin_metrics *metrics;
    bool best;     /* so far */
    int64_t zeros; /* descriptors of zeros, which count for nothing */
} kin_train_validation;

/* The parts of a step in their order, each told when it ends, for who measures; PAUSE and RESUME are around what is no
 * part of a step. */
typedef enum {
    KIN_PART_BEGIN,
    KIN_PART_LOADER,
    KIN_PART_NETWORK,
    KIN_PART_OPTIMISER,
    KIN_PART_END,
    KIN_PART_PAUSE,
    KIN_PART_RESUME
} kin_train_part;

/* Callbacks, on the thread that trains; any may be NULL. */
typedef struct kin_train_watch {
    void *user;
    void (*on_step)(void *user, const kin_train_step *step);
    void (*on_validation)(void *user, const kin_train_validation *validation);
    /* what a person should know (a collapse, pictures that cannot be read): one line */
    void (*on_remark)(void *user, const char *line);
    void (*on_part)(void *user, kin_train_part part);
    /* the run's files are being written; false with the error ends the training */
    bool (*on_save)(void *user, const kin_trainer *t, kin_error *err);
    /* asked after each step and during validation; the run's files are written before it stops */
    bool (*should_stop)(void *user);
} kin_train_watch;

typedef struct kin_trainer_opt {
    const kin_config *config;      /* copied */
    const kin_dataset *set;        /* to train on; borrowed */
    const kin_dataset *validation; /* held out; borrowed; NULL: none */
    const char *run; /* folder, made where it does not exist; borrowed; NULL: nothing is written */
    bool resume;     /* go on with what is in the folder */
    kin_reading reading;
    kin_train_watch watch;
} kin_trainer_opt;

/* Makes network and optimiser, and looks at every picture once, so that broken ones are known (and left out) from the
 * start. With `resume`, state and log of RUN/last.safetensors come back and training goes on with the bits of an
 * uninterrupted run; else config->weights, where given, are loaded. NULL on error. */
kin_trainer *kin_trainer_open(const kin_trainer_opt *opt, kin_error *err);
/* NULL is none. */
void kin_trainer_close(kin_trainer *t);

/* Trains to the end. When should_stop says so it saves and fails with KIN_ERR_INTERRUPTED. */
bool kin_trainer_run(kin_trainer *t, kin_error *err);

/* Descriptors of any pictures by the network as it stands, with `ema` by the average: for on_step and on_validation, and
 * between trainings. It changes nothing of what follows. Stops with should_stop (KIN_ERR_INTERRUPTED). */
bool kin_trainer_encode(kin_trainer *t, const kin_dataset *set, kin_encoded *out, kin_error *err);

/* Valid until it is closed. */
const kin_train_state *kin_trainer_state(const kin_trainer *t);
const kin_network *kin_trainer_network(const kin_trainer *t);
kin_module *kin_trainer_module(kin_trainer *t);
/* Pictures that could not be used so far; *first (may be NULL) receives what the first of them said. */
int64_t kin_trainer_broken(const kin_trainer *t, kin_error *first);
/* Pictures that lost an alpha that was not opaque everywhere. */
int64_t kin_trainer_hidden(const kin_trainer *t);

#ifdef __cplusplus
}
#endif

#endif
