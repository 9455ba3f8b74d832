#include "train/sweep/space.h"

#include "base/random.h"
#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

bool kin_sweep_param_check(const kin_sweep_param *p, kin_error *err)
{
    if (p->kind == KIN_SWEEP_CHOICE) {
        if (p->n_choices < 2)
            return kin_fail(err, KIN_ERR_ARGUMENT, "%s: a choice is between two or more", p->name);
        for (int i = 0; i < p->n_choices; i++)
            for (int j = 0; j < i; j++)
                if (strcmp(p->choices[i], p->choices[j]) == 0)
                    return kin_fail(err, KIN_ERR_ARGUMENT, "%s: '%.60s' stands twice in the choice", p->name,
                                    p->choices[i]);
        return true;
    }
    if (!isfinite(p->low) || !isfinite(p->high))
        return kin_fail(err, KIN_ERR_ARGUMENT, "%s: the ends of a range are numbers", p->name);
    if (p->kind == KIN_SWEEP_LOG && p->low <= 0)
        return kin_fail(
            err, KIN_ERR_ARGUMENT,
            "%s: log(%g, %g): a logarithmic range lies above 0; take uniform(%g, %g), or a lower end "
            "above 0",
            p->name, p->low, p->high, p->low, p->high);
    return p->low < p->high ||
           kin_fail(err, KIN_ERR_ARGUMENT, "%s: the range from %g to %g is empty; the lower end comes first",
                    p->name, p->low, p->high);
}

/* Three significant digits; never beyond the range's ends. */
static double rounded(const kin_sweep_param *p, double value)
{
    char text[40];
    double back = value;
    snprintf(text, sizeof text, "%.3g", value);
    if (!kin_parse_real(text, &back)) back = value;
    return fmin(fmax(back, p->low), p->high);
}

/* Of whole numbers, each has the share of the range that is nearest to it. */
static double whole_in(const kin_sweep_param *p, double u)
{
    double low = ceil(p->low), high = floor(p->high), value;
    if (p->kind == KIN_SWEEP_LOG) value = exp(log(low - 0.5) + u * (log(high + 0.5) - log(low - 0.5)));
    else value = low - 0.5 + u * (high - low + 1);
    return fmin(fmax(floor(value + 0.5), low), high);
}

double kin_sweep_draw(const kin_sweep_param *p, uint64_t seed, int64_t trial)
{
    uint64_t key = kin_key_text(kin_key(seed, 0x5357, 1), p->name);
    if (p->kind == KIN_SWEEP_CHOICE)
        return (double)kin_random_below(key, (uint64_t)trial, (uint64_t)p->n_choices);
    double u = kin_random_uniform(key, (uint64_t)trial);
    if (p->whole) return whole_in(p, u);
    if (p->kind == KIN_SWEEP_LOG) return rounded(p, exp(log(p->low) + u * (log(p->high) - log(p->low))));
    return rounded(p, p->low + u * (p->high - p->low));
}

double kin_sweep_place(const kin_sweep_param *p, double value)
{
    if (p->kind == KIN_SWEEP_CHOICE) return (value + 0.5) / p->n_choices;
    if (p->kind == KIN_SWEEP_LOG) return (log(value) - log(p->low)) / (log(p->high) - log(p->low));
    return (value - p->low) / (p->high - p->low);
}
