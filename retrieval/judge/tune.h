/* Settings fitted on validation items: a coarse grid, then ever smaller steps around its best. */
#ifndef KIN_RETRIEVAL_JUDGE_TUNE_H
#define KIN_RETRIEVAL_JUDGE_TUNE_H

#include "base/error.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { KIN_TUNE_SETTINGS = 4, KIN_TUNE_COARSE = 8 };

typedef struct kin_tunable {
    const char *name;
    bool whole;                     /* takes whole numbers only */
    double low, high;               /* both included; coarse values beyond them are left out */
    double coarse[KIN_TUNE_COARSE]; /* ascending */
    int count;
} kin_tunable;

/* How good `value[n]` is, larger is better; false on an error. */
typedef bool (*kin_objective)(void *arg, const double *value, double *score, kin_error *err);

typedef struct kin_tuned {
    double value[KIN_TUNE_SETTINGS];
    double score;
    int64_t tried; /* how many settings were */
} kin_tuned;

/* Tries every combination of coarse values, in their order; then, `rounds` times, steps from the best so
 * far along each setting, half of the way to the next coarse value at first and half of that in each
 * round, as long as that helps. Among equals the one tried first wins. What is tried depends on the
 * objective's values alone, and nothing is tried twice in a row. */
bool kin_tune(const kin_tunable *setting, int n, int rounds, kin_objective objective, void *arg,
              kin_tuned *out, kin_error *err);

#ifdef __cplusplus
}
#endif

#endif
