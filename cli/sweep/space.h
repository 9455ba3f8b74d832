/* SPACE, a file in the recipes' grammar whose values may be ranges, as the search that train/sweep/ makes:
 *
 *     lr = log(1e-4, 1e-2)                          # as likely between 1e-4 and 1e-3 as above
 *     smoothing = uniform(0, .2)
 *     head = choice(plain, bfe(global=64,part=128)) # of texts, whatever they hold
 *     steps = 270                                   # what stands as it is holds for all trials
 *     [chain]
 *     k1 = uniform(4, 20)                           # whole, because the option is
 *
 * The options are kin train's by its own table, and in [chain] those of what follows the network. */
#ifndef KIN_CLI_SWEEP_SPACE_H
#define KIN_CLI_SWEEP_SPACE_H

#include "cli/options/conf.h"
#include "train/sweep/journal.h"
#include "train/sweep/sweep.h"

typedef struct kin_space {
    kin_conf conf;
    kin_sweep_param params[KIN_SWEEP_PARAMS];
    int setting[KIN_SWEEP_PARAMS]; /* which of conf's a parameter is */
    int n_params;
    kin_cli train, chain; /* what is fixed, as if it were typed */
    bool has_chain;
    const char *data; /* as it was named */
    kin_text fixed;   /* the same as text, for the journal */
    kin_config tried; /* room: a configuration is too large for a stack */
    kin_arena storage;
} kin_space;

/* Fails with file and line on what kin train would refuse, on ranges that are empty, and on choices that no trial could
 * have. `space` must stay where it is. */
bool kin_space_open(kin_space *space, const char *path, const char *data, kin_error *err);
void kin_space_free(kin_space *space);
/* Whether the held-out pictures allow the chain, before the first trial is trained. */
bool kin_space_fits(const kin_space *space, const kin_dataset *held, kin_error *err);

/* A kin_sweep_opt's configure; `user` is the space. */
bool kin_space_configure(void *user, const double *value, kin_config *config, kin_sweep_chain *chain,
                         kin_error *err);

/* A value as it would be typed. */
const char *kin_space_value(const kin_sweep_param *p, double value, char room[32]);

/* Whether a parameter does nothing in a trial: a margin without a loss that has one, k2 without k1, alpha without means. */
bool kin_space_idle(const kin_sweep_space *space, const double *value, int param);

/* The recipe of a trial: what kin train --recipe takes, `head` as comments above it. */
bool kin_space_recipe(kin_space *space, const kin_sweep_plan *plan, const double *value, const char *head,
                      kin_text *out, kin_error *err);
/* What kin retrieve --params takes, of the same trial's chain. */
bool kin_space_params(kin_space *space, const double *value, const char *about, kin_text *out,
                      kin_error *err);

#endif
