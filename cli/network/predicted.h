/* What a classifier calls each picture, in words: kin embed --names. */
#ifndef KIN_CLI_NETWORK_PREDICTED_H
#define KIN_CLI_NETWORK_PREDICTED_H

#include "cli/options/command.h"
#include "data/sets/dataset.h"
#include "retrieval/vectors.h"

/* The names of the classes that a run was trained on, a line each, in the order of its logits; NULL where it tells none.
 * To be freed with kin_free. */
char *kin_trained_names(const char *model);

/* Writes "id,predicted,probability,label" for each row of probabilities to `path` ("-": standard output), and remarks how many
 * are right of those whose label is among `names`. Row i is of items[which[i]]; which may be NULL. */
bool kin_predicted_write(const kin_cli *cli, const char *path, const char *names, const kin_dataset *set,
                         const int64_t *which, kin_vectors rows, kin_error *err);

#endif
