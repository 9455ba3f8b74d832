/* The folder of a run: who writes it, and the two files that belong together, the state to resume from
 * (last.safetensors) and the network for use (model.safetensors).
 *
 * Two files cannot be renamed at once. So the network is first written as model.next.safetensors, whole;
 * then the state, which names the step of its network, takes its place: from here on the new pair counts;
 * then the network does. A kill between any two of these leaves what kin_run_mend puts right. */
#ifndef KIN_TRAIN_RUN_FOLDER_H
#define KIN_TRAIN_RUN_FOLDER_H

#include "base/error.h"

#include <stdint.h>

#define KIN_RUN_STATE "last.safetensors"
#define KIN_RUN_MODEL "model.safetensors"
#define KIN_RUN_NEXT "model.next.safetensors"
#define KIN_RUN_LOG "log.jsonl"
#define KIN_RUN_TEACHER "teacher.safetensors" /* of a distillation: train/teacher.h */

/* Makes the folder where it is missing, and owns it until *lock is released or the process ends: two
 * trainings cannot write one run (KIN_ERR_BUSY). Where the file system knows no locks, it is not owned. */
bool kin_run_own(const char *run, int *lock, kin_error *err);
void kin_run_release(int *lock);

/* A new run takes the place of another: its state goes before the new log comes, so that no resume can
 * continue the one with the other. */
bool kin_run_begin(const char *run, kin_error *err);

/* KIN_RUN_NEXT becomes KIN_RUN_MODEL. */
bool kin_run_put_model(const char *run, kin_error *err);

/* Finishes or forgets what a kill left; *there says whether KIN_RUN_MODEL is now the network of `step`,
 * which the state names. */
bool kin_run_mend(const char *run, int64_t step, bool *there, kin_error *err);

/* The file of the network for use, allocated: KIN_RUN_MODEL, or the next one where a kill came before the
 * first was ever in place. NULL when out of memory. */
char *kin_run_model(const char *run);

#endif
