/* Weights of any origin, opened and told about. */
#ifndef KIN_CLI_WEIGHTS_H
#define KIN_CLI_WEIGHTS_H

#include "nn/files/import.h"

/* kin_import with data/'s inflate. `key` and `prefix` may be NULL. */
bool kin_weights_open(const char *path, const char *key, const char *prefix, kin_checkpoint **out,
                      kin_import_info *info, kin_error *err);

#endif
