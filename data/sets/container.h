/* Files that hold many pictures (kin_is_container of data/sets/dataset.h tells them by their names). */
#ifndef KIN_DATA_SETS_CONTAINER_H
#define KIN_DATA_SETS_CONTAINER_H

#include "data/sets/dataset.h"

/* "a CIFAR file" or "an IDX file". */
const char *kin_container_kind(const char *path);
/* Adds its pictures to `out`, which is empty; on failure kin_dataset_free is left to the caller. */
bool kin_container_open(const char *path, kin_dataset *out, kin_error *err);

#endif
