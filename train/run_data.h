/* What a run was trained on, kept in its checkpoint: a resumed run goes on with the same data, or says how
 * they differ. */
#ifndef KIN_TRAIN_RUN_DATA_H
#define KIN_TRAIN_RUN_DATA_H

#include "data/sets/dataset.h"
#include "nn/files/checkpoint.h"

enum { KIN_RUN_DATA_NOTES = 4 };

/* Owned; kin_run_data_free. */
typedef struct kin_run_data {
    int64_t pictures, held; /* to train on, and held out */
    char *classes;          /* names, a line each; empty where the set has none */
    char digest[33];        /* of all labels and names of pictures in order, wherever the set lies */
} kin_run_data;

bool kin_run_data_of(kin_run_data *d, const kin_dataset *set, const kin_dataset *validation, kin_error *err);
void kin_run_data_free(kin_run_data *d);

/* Notes for a checkpoint, KIN_RUN_DATA_NOTES of them; texts live in `storage`. False when out of memory. */
bool kin_run_data_to_notes(const kin_run_data *d, kin_note *notes, kin_arena *storage);
/* Fails with the difference; what older checkpoints do not tell is not compared. */
bool kin_run_data_same(const kin_run_data *d, const kin_checkpoint *was, const char *path, kin_error *err);

#endif
