/* What a command writes never takes the place of what it reads: asked of every command before it runs. */
#ifndef KIN_CLI_OPTIONS_OUTPUTS_H
#define KIN_CLI_OPTIONS_OUTPUTS_H

#include "cli/options/command.h"

/* Looks at the options that say they write: refuses one that names a file which the command reads (unless
 * --force), two that name one file, and one whose folder is missing or closed to writing, which is better
 * known before long work than after it. */
bool kin_outputs_check(const kin_cli *cli, kin_error *err);

/* Refuses `output` where it is the same file as `input`, by whatever names, unless --force. */
bool kin_output_apart(const kin_cli *cli, const char *output, const char *input, kin_error *err);

#endif
