/* A fitted whitening as a file: safetensors with "mean" (float64), "projection" and "variance" (float32),
 * so that NumPy and PyTorch can apply it too: y = projection @ (x − mean), divided by its norm. */
#ifndef KIN_CLI_RETRIEVE_WHITENING_FILE_H
#define KIN_CLI_RETRIEVE_WHITENING_FILE_H

#include "retrieval/describe/whiten.h"

/* `about` says how it was made; it is kept in the file's metadata. */
bool kin_whitening_save(const kin_whitening *w, const char *path, const char *about, kin_error *err);
/* Refuses files without these arrays, shapes that do not fit together, and NaN or infinity. */
bool kin_whitening_load(const char *path, kin_whitening *out, kin_error *err);

#endif
