/* Weights of any origin: opened, fitted to a network, loaded, and told about. */
#ifndef KIN_TRAIN_WEIGHTS_H
#define KIN_TRAIN_WEIGHTS_H

#include "nn/files/import.h"

#ifdef __cplusplus
extern "C" {
#endif

/* kin_import with data/'s inflate. `key` and `prefix` may be NULL or "". */
bool kin_weights_open(const char *path, const char *key, const char *prefix, kin_checkpoint **out,
                      kin_import_info *info, kin_error *err);

typedef struct kin_weights {
    const char *path, *key, *prefix;
    const char *heads;   /* patterns of what need not be in the file, being new or of the file's task alone */
    const char *missing; /* patterns that the user allows to be missing or superfluous */
    bool untrained;      /* the user wants first values where nothing fits */
    bool sum_channels;   /* RGB kernels for a network of grey pictures */
} kin_weights;

enum { KIN_WEIGHTS_TOLD = 900 };

/* Opens, finds the prefix, loads. `told` receives a line of what was taken, to be shown to the user: "N of
 * M tensors from FILE ...". Fails when none of the network's tensors but the heads' come from the file,
 * or, where `missing` lets all be missing, less than half of them, unless `untrained`. */
bool kin_weights_load(const kin_weights *w, kin_module *m, char told[KIN_WEIGHTS_TOLD], kin_error *err);

/* The second half of it, for callers who have opened the file. */
bool kin_weights_fit(const kin_weights *w, kin_checkpoint *c, kin_import_info *info, kin_module *m,
                     char told[KIN_WEIGHTS_TOLD], kin_error *err);

#ifdef __cplusplus
}
#endif

#endif
