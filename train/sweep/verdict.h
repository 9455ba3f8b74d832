/* What a sweep's table says, and what it does not: which parameters mattered, and whether the first is better than the
 * second, or luckier. */
#ifndef KIN_TRAIN_SWEEP_VERDICT_H
#define KIN_TRAIN_SWEEP_VERDICT_H

#include "train/sweep/table.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How much of the spread of the first rung's figures goes with one parameter alone. The first rung is the one that
 * all trials have, drawn at random; further up are the chosen ones. The trials are cut into groups, one for each
 * choice, or four of about as many by the value, and with n trials in b groups of n_g and means m_g around the mean m
 *
 *     η² = Σ n_g (m_g − m)² / Σ (y − m)²           the correlation ratio
 *     ε² = 1 − (1 − η²) (n − 1) / (n − b)          less what b groups explain by chance (Kelley 1935)
 *
 * An effect that shows only together with another parameter is not seen by it. `chance` is how often η² is as large
 * where the figures are dealt out anew (999 times, always the same): below .05, divided by the number of parameters that
 * are looked at, one is told from noise. */
typedef struct kin_sweep_importance {
    double share;  /* ε², not below 0; NaN: too few trials to say */
    double chance; /* 0 .. 1 */
    int groups;
    int64_t trials;
} kin_sweep_importance;
/* `idle` (may be NULL) [t->count]: trials in which the parameter does nothing, and which are left out. */
bool kin_sweep_importance_of(const kin_sweep_param *p, int param, const kin_sweep_table *t, const bool *idle,
                             kin_sweep_importance *out, kin_error *err);

/* A trial's figures with other seeds. The one that it was chosen by is not among them: the best of many was lucky. */
typedef struct kin_sweep_seeds {
    int64_t trial;
    int count, failed;
    double mean, deviation, low, high; /* deviation: of a sample, over count − 1; NaN below two */
} kin_sweep_seeds;
/* Of the trials that were trained again, the best mean first; at most `most`. Returns how many. */
int kin_sweep_seeds_of(const kin_sweep_table *t, kin_sweep_seeds *out, int most);

/* Welch's interval of 95 % for the difference of two means (unequal variances; Welch 1947). */
typedef struct kin_sweep_difference {
    bool known; /* two seeds of each at least */
    double difference, margin;
    bool real; /* the interval does not hold 0 */
} kin_sweep_difference;
kin_sweep_difference kin_sweep_compare(const kin_sweep_seeds *a, const kin_sweep_seeds *b);

#ifdef __cplusplus
}
#endif

#endif
