/* What a sweep searches: parameters as numbers. What they mean is the caller's, who turns a trial's numbers into the
 * settings of a training. */
#ifndef KIN_TRAIN_SWEEP_SPACE_H
#define KIN_TRAIN_SWEEP_SPACE_H

#include "base/error.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { KIN_SWEEP_PARAMS = 32 };

typedef enum { KIN_SWEEP_UNIFORM = 0, KIN_SWEEP_LOG, KIN_SWEEP_CHOICE } kin_sweep_kind;

typedef struct kin_sweep_param {
    const char *name; /* in the journal and in reports; borrowed */
    kin_sweep_kind kind;
    bool whole;       /* of a range: whole numbers alone, both ends included */
    double low, high; /* of a range; low > 0 for a logarithmic one */
    const char *const
        *choices; /* of a choice: what reports call them; the parameter's number is their index */
    int n_choices;
} kin_sweep_param;

/* low < high, a logarithm's ends above 0, at least two choices that differ; the name is told. */
bool kin_sweep_param_check(const kin_sweep_param *p, kin_error *err);

/* The parameter's value in a trial: a pure function of (seed, trial, name), so that a sweep that goes on draws what one
 * that was not stopped would have drawn, and a parameter that is added changes no other. Three digits, which a person
 * can type again. */
double kin_sweep_draw(const kin_sweep_param *p, uint64_t seed, int64_t trial);

/* Where a value stands in its range, 0 .. 1, for charts: logarithmic where the range is. */
double kin_sweep_place(const kin_sweep_param *p, double value);

#ifdef __cplusplus
}
#endif

#endif
