/* Training in one call: a data set in, a folder with a network out, in one phase or several.
 *
 *     kin_config c;
 *     kin_config_defaults(&c);
 *     c.steps = 600;
 *     kin_train(&(kin_train_opt){.version = KIN_TRAIN_VERSION,
 *                                .phases = &(kin_train_phase){.config = &c},
 *                                .n_phases = 1,
 *                                .set = &set,
 *                                .run = "runs/mine"},
 *               NULL, &err);
 *
 * Nothing is printed, and no signal is caught: watch has callbacks. The same options give the same bits for any number
 * of threads, and a run that was stopped and resumed those of one that was not. Errors: KIN_ERR_ARGUMENT for settings
 * that make no sense, KIN_ERR_DATA for pictures and files that do not suffice, KIN_ERR_INTERRUPTED where should_stop
 * said so (the run's folder has what `resume` needs), KIN_ERR_NUMERIC for a loss that is not a number, KIN_ERR_IO and
 * KIN_ERR_MEMORY for the machine's. */
#ifndef KIN_TRAIN_TRAIN_H
#define KIN_TRAIN_TRAIN_H

#include "train/trainer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Of kin_train_opt; a library that knows more fields knows them from this number on. */
enum { KIN_TRAIN_VERSION = 1 };

typedef struct kin_train_phase {
    const char *name;         /* letters, digits, - and _; NULL where there is one phase alone */
    const kin_config *config; /* borrowed */
} kin_train_phase;

typedef struct kin_train_opt {
    int version; /* KIN_TRAIN_VERSION */
    /* One after the other, each from the network of the one before. One phase without a name is trained in the run's
     * folder itself, others in RUN/phase-NAME; the last one's network is then RUN/model.safetensors. */
    const kin_train_phase *phases;
    int n_phases;
    const kin_dataset *set;        /* to train on, with classes; borrowed */
    const kin_dataset *validation; /* held out (kin_split_validation); borrowed; NULL: none */
    const char *run; /* folder, made where it does not exist; what another run left there is replaced */
    /* Go on with what is in the folder: phases that are finished stay, one that was interrupted goes on with its own
     * settings, but for the number of steps. */
    bool resume;
    kin_reading reading;
    kin_train_watch watch;
    const kin_catalogue *own; /* networks, heads and losses beyond kin's; borrowed; NULL: none */
} kin_train_opt;

/* *last (may be NULL) receives where the last phase ended; its losses are NULL. False on error. */
bool kin_train(const kin_train_opt *opt, kin_train_state *last, kin_error *err);

#ifdef __cplusplus
}
#endif

#endif
