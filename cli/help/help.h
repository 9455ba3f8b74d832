/* What the tables say, as text for a terminal and as a man page. */
#ifndef KIN_CLI_HELP_HELP_H
#define KIN_CLI_HELP_HELP_H

#include "base/text.h"
#include "cli/options/command.h"

#include <stdio.h>

/* `kin --help`, `kin NAME --help` and the man page in roff, added to `out` (whose `failed` tells of no
 * memory). `all` are the program's commands in the order of the overview, ended by NULL (kin_cli.all). */
void kin_help_overview(kin_text *out, const kin_command *const *all);
void kin_help_command(kin_text *out, const kin_command *command);
void kin_help_man(kin_text *out, const kin_command *const *all);

/* The sentence that help and the man page share: the option's own, its choices, limits and default. */
void kin_help_option(kin_text *out, const kin_option *option);

/* Prints and frees; returns an exit code. */
int kin_help_print(kin_text *text);

/* The command of that name, or NULL with a line in err that suggests the nearest. */
const kin_command *kin_find_command(const kin_command *const *all, const char *name, kin_error *err);

#endif
