/* Trainings one behind the other: what a phase hands to the next, and how far one has come. A phase is a training of
 * its own in a folder of its own; what is handed on is a file of weights. */
#ifndef KIN_TRAIN_PHASE_H
#define KIN_TRAIN_PHASE_H

#include "train/config.h"

/* Patterns of names, maps that are too small, transforms: everything that can be known of a phase before its first
 * step. */
bool kin_phase_check(const kin_config *c, kin_error *err);

/* A phase behind the first begins with what the one before it learnt, which is in the file `model`; what it has beyond
 * that is new. Writes those tensors to the file `start`, and makes them the weights that `c` begins with. */
bool kin_phase_start(kin_config *c, const char *model, const char *start, kin_error *err);

typedef enum { KIN_PHASE_NOT_BEGUN, KIN_PHASE_BEGUN, KIN_PHASE_FINISHED } kin_phase_progress;
/* How far the phase in this folder is, and its settings once it has begun. */
bool kin_phase_look(const char *folder, const kin_catalogue *own, kin_phase_progress *how, kin_config *c,
                    kin_error *err);

/* What an earlier run left in a folder: its state goes first, so that a kill in between leaves nothing that could be
 * resumed. */
bool kin_phase_forget(const char *folder, kin_error *err);
/* The network in the folder of the last phase becomes the run's. */
bool kin_phase_publish(const char *folder, const char *run, kin_error *err);

#endif
