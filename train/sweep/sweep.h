/* A search for settings: many trainings, most of them short, the promising ones long.
 *
 * A trial is a training of step[rungs - 1] steps that stops where a rung ends, with its checkpoint, and goes on from
 * there when it is promoted: no step is computed twice, and one that reached the end is, bit for bit, the training that
 * nobody stopped. Its figure is the best mAP on what is held out, which is looked at after every step[0] steps.
 *
 * Everything that counts stands in the folder's journal (journal.h). Nothing is printed, and no signal is caught. With
 * a limit on trials and none on time, the result is a function of the seed: killed anywhere and called again, a sweep
 * ends with the table of one that was not. */
#ifndef KIN_TRAIN_SWEEP_SWEEP_H
#define KIN_TRAIN_SWEEP_SWEEP_H

#include "train/sweep/chain.h"
#include "train/sweep/table.h"
#include "train/trainer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Callbacks, on the thread that trains; any may be NULL. */
typedef struct kin_sweep_watch {
    void *user;
    /* a rung begins, at step `from`; `needs`: the seconds that it will take, about; 0: not known */
    void (*on_begin)(void *user, const kin_sweep_next *next, int64_t from, int64_t to, double needs);
    void (*on_step)(void *user, const kin_train_step *step);
    void (*on_remark)(void *user, const char *line);
    void (*on_result)(void *user, const kin_sweep_next *next, const kin_sweep_result *result);
    void (*on_failed)(void *user, const kin_sweep_next *next, const char *why);
    /* there is no time for this, which needs so many seconds (0: not known) where `left` are */
    void (*on_left_out)(void *user, const kin_sweep_next *next, double needs, double left);
    /* a new best trial, also because one before it failed; it is in the journal already. False with the error
     * ends the sweep. */
    bool (*on_best)(void *user, const kin_sweep_table *table, int64_t trial, kin_error *err);
    bool (*should_stop)(void *user);
} kin_sweep_watch;

typedef struct kin_sweep_opt {
    const kin_sweep_param *params; /* borrowed, as all that follows */
    int n_params;
    /* A trial's settings from its values; the steps, and how often what is held out is looked at, are the sweep's.
     * KIN_ERR_ARGUMENT is a failure of this trial alone. */
    bool (*configure)(void *user, const double *value, kin_config *config, kin_sweep_chain *chain,
                      kin_error *err);
    void *user;
    const char *fixed; /* what all trials share; a journal that says otherwise is another sweep's */
    kin_sweep_plan plan;
    const kin_dataset *set, *validation; /* validation: a contiguous chunk, as kin_split_validation cuts it */
    const char *folder;                  /* DIR: journal.jsonl, trial-0000/... */
    kin_reading reading;
    /* Seconds; 0: no limit. `budget` is of computing, over all calls for this folder, `deadline` counts from this call.
     * A rung that would not be done in time is not begun, or stopped with its checkpoint. */
    double budget, deadline;
    kin_sweep_watch watch;
} kin_sweep_opt;

/* Runs until nothing is left to do, or no time. *out (may be NULL) receives the table, to be freed; also where it fails,
 * as far as it came. KIN_ERR_INTERRUPTED where should_stop said so; the same call goes on. */
bool kin_sweep(const kin_sweep_opt *opt, kin_sweep_table *out, kin_error *err);

/* DIR/trial-0003, or DIR/trial-0003-seed-2; allocated. NULL when out of memory. */
char *kin_sweep_folder(const char *folder, int64_t trial, int64_t seed);

#ifdef __cplusplus
}
#endif

#endif
