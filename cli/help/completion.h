/* What shells complete: commands, options, and the values of those that have a list, from the options' tables. */
#ifndef KIN_CLI_HELP_COMPLETION_H
#define KIN_CLI_HELP_COMPLETION_H

#include "base/text.h"
#include "cli/options/command.h"

extern const char *const kin_completion_shells[]; /* bash, zsh, fish; ends with NULL */

/* Appends the shell's script for `all` commands, which end with NULL; `shell` is one of them. */
void kin_completion(kin_text *out, const char *shell, const kin_command *const *all);

#endif
