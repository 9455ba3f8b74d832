/* A training's settings from options. */
#ifndef KIN_CLI_OPTIONS_CONFIG_OPTIONS_H
#define KIN_CLI_OPTIONS_CONFIG_OPTIONS_H

#include "base/text.h"
#include "cli/options/command.h"
#include "train/config.h"

/* What --weights change of the defaults, where an option does not say otherwise: rates and losses for values that
 * begin anywhere take apart what was learned before (docs/weights.md has the figures). */
#define KIN_GENTLE_LOSS "softmax"
#define KIN_GENTLE_LR_TEXT "0.0001"

/* --size, "224" or "256x128", each side within the limits; left as it is where it is not given. */
bool kin_size_read(const kin_cli *cli, int64_t low, int64_t high, int64_t *height, int64_t *across,
                   kin_error *err);

/* Fills in the options given (all defaults included), and the model's own defaults for size and channels. */
bool kin_config_from_options(kin_config *c, const kin_cli *cli, kin_error *err);

/* The same of kin train's options, checked beside each other too (cli/commands/train.c). */
bool kin_train_configure(kin_config *c, const kin_cli *cli, kin_error *err);

/* Adds to `out` what --weights changed of the defaults: "--lr 0.0001, --freeze-bn". Not in a recipe, which says what it
 * wants. */
void kin_config_tell_gentle(const kin_config *c, const kin_cli *cli, kin_text *out);

/* Adds the options given that say otherwise than the run does, "--lr 0.01 (the run has 0.001)", separated by
 * commas; --steps may. */
bool kin_config_contradictions(const kin_config *run, const kin_cli *cli, kin_text *out, kin_error *err);

#endif
