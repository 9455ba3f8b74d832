/* A training's settings from options. */
#ifndef KIN_CLI_CONFIG_OPTIONS_H
#define KIN_CLI_CONFIG_OPTIONS_H

#include "base/text.h"
#include "cli/command.h"
#include "train/config.h"

/* Fills in the options given (all defaults included), and the model's own defaults for size and channels. */
bool kin_config_from_options(kin_config *c, const kin_cli *cli, kin_error *err);

/* Adds the options given that say otherwise than the run does, "--lr 0.01 (the run has 0.001)", separated by
 * commas; --steps may. */
bool kin_config_contradictions(const kin_config *run, const kin_cli *cli, kin_text *out, kin_error *err);

#endif
