/* From argv to checked values. */
#ifndef KIN_CLI_OPTIONS_OPTIONS_H
#define KIN_CLI_OPTIONS_OPTIONS_H

#include "base/text.h"
#include "cli/options/command.h"

/* The options every command takes: --threads, --quiet, --help. Ends with {0}. */
extern const kin_option kin_global_options[];

/* Reads the arguments that follow the command's name. `--name value` and `--name=value`; `--` ends the
 * options; `-` alone is positional; the last of a repeated option counts. The positionals are gathered at
 * the front of argv, which cli borrows. Fails with KIN_ERR_ARGUMENT on an unknown option (the nearest is
 * named), a value that is missing, malformed or out of range, a required option that is not given, too few
 * or too many positionals. With --help, cli->help is set and nothing is required. */
bool kin_cli_parse(kin_cli *cli, const kin_command *command, int argc, char **argv, kin_error *err);

/* Gives the command's option a value unless it has one already: checked as if it were typed, and borrowed; a
 * flag's is yes or no. Fails on a name that is not in the command's table. */
bool kin_cli_offer(kin_cli *cli, const char *name, const char *value, kin_error *err);

#endif
