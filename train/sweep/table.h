/* What a sweep knows: the trials, how far each came and what it gave; and from that alone, what comes next. */
#ifndef KIN_TRAIN_SWEEP_TABLE_H
#define KIN_TRAIN_SWEEP_TABLE_H

#include "train/sweep/space.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { KIN_SWEEP_RUNGS = 8 };

/* Successive halving as ASHA does it (Li et al., "A system for massively parallel hyperparameter tuning", MLSys 2020):
 * every trial trains to step[0]; of those that finished a rung the best 1/eta go on to the next, as soon as that share
 * is at least one, without waiting for a whole rung. One rung is random search. */
typedef struct kin_sweep_plan {
    int rungs, eta;
    int64_t step[KIN_SWEEP_RUNGS]; /* where each rung ends; the last is the whole training */
    int64_t trials;                /* at most; 0: as many as there is time for */
    int finalists;                 /* in the end the best so many are trained again ... */
    int seeds;                     /* ... with so many other seeds */
    int64_t keep;                  /* checkpoints of so many trials, the best ones; 0: of all */
    uint64_t seed;                 /* of what is drawn */
} kin_sweep_plan;

/* step[] of a training of `steps` steps: each rung eta times the one before, counted from the last. */
bool kin_sweep_plan_rungs(kin_sweep_plan *plan, int64_t steps, int rungs, int eta, kin_error *err);

/* What a rung gave. */
typedef struct kin_sweep_result {
    int64_t step;
    double figure; /* what is searched for: mAP of what is held out, behind the chain where there is one */
    double plain;  /* mAP by the plain search, the best so far of its looks ... */
    int64_t best_step;       /* ... and after which step */
    double seconds, opening; /* it took, the opening included; of these before the first step */
    int64_t computed;        /* steps of those seconds */
} kin_sweep_result;

typedef struct kin_sweep_trial {
    double value[KIN_SWEEP_PARAMS];
    int rungs; /* that are finished */
    kin_sweep_result result[KIN_SWEEP_RUNGS];
    char failed[240]; /* why it did; "": it did not */
} kin_sweep_trial;

/* A trial that was trained again, whole, with another seed. */
typedef struct kin_sweep_again {
    int64_t trial, seed;
    kin_sweep_result result;
    char failed[240];
} kin_sweep_again;

typedef struct kin_sweep_table {
    kin_sweep_trial *trials;
    int64_t count;
    kin_sweep_again *again;
    int64_t n_again;
    double unfinished; /* seconds of trainings that were stopped inside a rung, or failed */
    size_t room, again_room;
} kin_sweep_table;

void kin_sweep_table_free(kin_sweep_table *t);
/* NULL when out of memory. */
kin_sweep_trial *kin_sweep_table_add(kin_sweep_table *t);
kin_sweep_again *kin_sweep_table_add_again(kin_sweep_table *t, int64_t trial, int64_t seed);

/* The last result of a trial; NULL: none. */
const kin_sweep_result *kin_sweep_last(const kin_sweep_trial *trial);
/* order[0..count-1] becomes 0..count-1 sorted by `before`, a total order; nothing is allocated. */
typedef bool kin_sweep_before(const void *of, int64_t a, int64_t b);
void kin_sweep_sort(int64_t *order, int64_t count, kin_sweep_before *before, const void *of);

/* The trials by their last figure, best first; those without one come last, equals by number. order [t->count]. */
void kin_sweep_order(const kin_sweep_table *t, int64_t *order);
/* -1: no trial has a result. */
int64_t kin_sweep_best(const kin_sweep_table *t);
/* Seconds of all that is in the table. */
double kin_sweep_spent(const kin_sweep_table *t);

typedef enum {
    KIN_SWEEP_DONE = 0,
    KIN_SWEEP_NEW,   /* a trial that is not in the table yet, or was not finished in its first rung */
    KIN_SWEEP_GO_ON, /* a trial's next rung */
    KIN_SWEEP_AGAIN, /* a finalist, whole, with another seed */
} kin_sweep_what;

typedef struct kin_sweep_next {
    kin_sweep_what what;
    int64_t trial;
    int rung;     /* the one that it will finish */
    int64_t seed; /* KIN_SWEEP_AGAIN: the how manieth other seed, from 1; else 0 */
} kin_sweep_next;

/* How far the search may still go. */
typedef enum {
    KIN_SWEEP_SEARCH = 0,
    KIN_SWEEP_NO_PROMOTION, /* new trials alone: there is no time for a longer rung */
    KIN_SWEEP_FINALISTS,    /* no search any more */
} kin_sweep_stage;

/* A pure function of the table, so that a sweep that was killed goes on as it would have gone. */
kin_sweep_next kin_sweep_decide(const kin_sweep_table *t, const kin_sweep_plan *plan, kin_sweep_stage stage);

#ifdef __cplusplus
}
#endif

#endif
