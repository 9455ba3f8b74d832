/* Trainings by a recipe: all of its phases in turn, each in a folder of its own, RUN/phase-NAME, and each
 * from the network that the one before it ended with. RUN/recipe.conf keeps the recipe that ran, and
 * RUN/model.safetensors is the last phase's network. A recipe without phases is one training, in RUN
 * itself. */
#ifndef KIN_CLI_TRAINING_PHASES_H
#define KIN_CLI_TRAINING_PHASES_H

#include "cli/options/conf.h"
#include "train/config.h"

/* What is done when a training begins, once its data and its network are there: `user` knows. */
typedef struct kin_beginning {
    bool (*begin)(void *user, kin_error *err);
    void *user;
} kin_beginning;

/* One training, as kin train knows it. */
typedef struct kin_train_calls {
    /* the options' values, checked beside each other */
    bool (*configure)(kin_config *c, const kin_cli *cli, kin_error *err);
    /* of an interrupted run, and what may be said anew */
    bool (*resumed)(kin_config *c, const char *run, kin_error *err);
    bool (*changed)(kin_config *c, const kin_cli *cli, const char *run, kin_error *err);
    bool (*train)(kin_cli *cli, const kin_config *c, const char *run, bool resume,
                  const kin_beginning *beginning, kin_error *err);
} kin_train_calls;

/* By the recipe --recipe of the command line, which wins over it. */
bool kin_phases_train(const kin_cli *typed, const kin_train_calls *calls, kin_error *err);

/* Whether the run is one of phases, which is resumed by the next: phases that are finished stay, the one
 * that was interrupted goes on, the rest follows. */
bool kin_phases_has(const char *run);
/* Whether such a run kept anything that could be gone on with: its first phase a state. `command` is kin train. */
bool kin_phases_begun(const char *run, const kin_command *command);
bool kin_phases_resume(const kin_cli *typed, const kin_train_calls *calls, kin_error *err);

#endif
