/* Checkpoints as safetensors with PyTorch's names and layouts, written aside and renamed. */
#ifndef KIN_NN_FILES_CHECKPOINT_H
#define KIN_NN_FILES_CHECKPOINT_H

#include "base/text.h"
#include "nn/files/arrays.h"
#include "nn/module.h"
#include "nn/optim.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What else is kept in a checkpoint: strings under __metadata__. */
typedef struct kin_note {
    const char *key, *value;
} kin_note;

/* Writes all parameters and buffers (float32). With `optim` its state is added under "optimizer.": the run
 * can then be continued with the same bits. */
bool kin_checkpoint_save(const char *path, kin_module *m, kin_optim *optim, const kin_note *notes,
                         int n_notes, kin_error *err);

/* A checkpoint in memory: header checked, every offset inside the file, no overlaps, sizes as dtype and
 * shape say. */
typedef struct kin_checkpoint kin_checkpoint;
bool kin_checkpoint_open(const char *path, kin_checkpoint **out, kin_error *err);
/* copies what it needs */
bool kin_checkpoint_parse(const uint8_t *bytes, size_t size, kin_checkpoint **out, kin_error *err);
void kin_checkpoint_free(kin_checkpoint *c);
const char *kin_checkpoint_note(const kin_checkpoint *c, const char *key); /* NULL when absent */
/* The first `most` of all notes but the form's own ("format"), in the file's order; they live as long as the checkpoint.
 * Returns how many there are. */
size_t kin_checkpoint_notes(const kin_checkpoint *c, kin_note *notes, size_t most);
int kin_checkpoint_count(const kin_checkpoint *c);
const char *kin_checkpoint_name(const kin_checkpoint *c, int i);
/* They live as long as the checkpoint. NULL outside 0 .. count-1, and when there is none of this name. */
const kin_array *kin_checkpoint_array(const kin_checkpoint *c, int i);
const kin_array *kin_checkpoint_find(const kin_checkpoint *c, const char *name);

/* Writes the arrays as safetensors, in their order: real numbers as float32, integers as they are. */
bool kin_arrays_write(const kin_array *arrays, size_t count, const char *path, const kin_note *notes,
                      int n_notes, kin_error *err);
bool kin_checkpoint_write(const kin_checkpoint *c, const char *path, const kin_note *notes, int n_notes,
                          kin_error *err);

/* Copies the values into the module. Names that are missing, unexpected or of another shape are listed in
 * the error (the first twenty of each kind; kin_checkpoint_differences has all), and nothing is changed.
 * "num_batches_tracked" and "optimizer." entries are passed over. `allow_missing` (may be NULL) is a list
 * of globs such as "fc.*,embedding.*" for parameters that may keep their first values; unexpected names
 * that it matches are passed over too. float32, float64, float16 and bfloat16 are read; NaN and infinity
 * (also what float32 cannot hold) are refused. */
bool kin_checkpoint_load(const kin_checkpoint *c, kin_module *m, const char *allow_missing, kin_error *err);
/* Whether the array holds real numbers in the shape of the entry's. */
bool kin_checkpoint_fits(const kin_array *a, const kin_entry *e);
/* Takes out of the checkpoint what matches the patterns and is of another shape in the module: another task's
 * classifier under the same name. */
void kin_checkpoint_leave(kin_checkpoint *c, kin_module *m, const char *patterns);
/* How many names are missing, unexpected or of another shape, as kin_checkpoint_load would find them; all
 * of them are added to `list`, one a line. */
int kin_checkpoint_differences(const kin_checkpoint *c, kin_module *m, const char *allow_missing,
                               kin_text *list);
/* Restores the optimiser's state and step count. */
bool kin_checkpoint_load_optim(const kin_checkpoint *c, kin_optim *o, kin_error *err);

#ifdef __cplusplus
}
#endif

#endif
