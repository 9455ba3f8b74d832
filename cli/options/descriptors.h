/* Descriptors as commands read them: what a person would want to know of a set is told. */
#ifndef KIN_CLI_OPTIONS_DESCRIPTORS_H
#define KIN_CLI_OPTIONS_DESCRIPTORS_H

#include "cli/options/command.h"
#include "retrieval/lists/items.h"

/* kin_embeddings_read, and a remark where the .csv that was written with the array is missing. */
bool kin_cli_read_embeddings(const kin_cli *cli, const char *name, kin_embeddings *out, kin_error *err);

/* The same for what computes in float32, with a remark where numbers are rounded to it. */
bool kin_cli_read_rounded(const kin_cli *cli, const char *name, kin_embeddings *out, kin_error *err);

/* That remark, where the set has such numbers. */
void kin_cli_tell_rounding(const kin_cli *cli, const kin_embeddings *set);

#endif
