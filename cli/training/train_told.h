/* What `kin train` says of a training besides its progress: what the command line does not do, what the
 * data lack, and how it ended. */
#ifndef KIN_CLI_TRAINING_TRAIN_TOLD_H
#define KIN_CLI_TRAINING_TRAIN_TOLD_H

#include "cli/options/command.h"
#include "train/trainer.h"

/* Options that the others leave nothing to do. */
void kin_tell_idle_options(const kin_cli *cli, const kin_config *c);
/* What is set gently, since the network has weights. */
void kin_tell_gentle(const kin_cli *cli, const kin_config *c);
/* Of an opened trainer: what it is, and what the set has less of than was `asked`. */
void kin_tell_beginning(const kin_cli *cli, const kin_config *asked, kin_trainer *t, const kin_dataset *set);
/* Of a training on `set` that came to its end; `validated`: something was held out. */
void kin_tell_end(const kin_cli *cli, const kin_trainer *t, const kin_dataset *set, bool validated,
                  const char *run);

#endif
