/* Options out of a file: what one command fitted, another takes by --params. A JSON object whose keys are
 * names of options; "about", an object, is for people. */
#ifndef KIN_CLI_OPTIONS_PARAMS_H
#define KIN_CLI_OPTIONS_PARAMS_H

#include "base/arena.h"
#include "base/text.h"
#include "cli/options/command.h"

/* Gives the file's values to the options that were not given, checked as if they were typed. Nothing
 * happens without --params. The texts live in `storage`. Refuses keys that are no option of the command,
 * and a file for another --method than the one given. */
bool kin_params_apply(kin_cli *cli, kin_arena *storage, kin_error *err);

#endif
