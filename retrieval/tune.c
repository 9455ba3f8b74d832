#include "retrieval/tune.h"

#include <math.h>
#include <string.h>

typedef struct search {
    const kin_tunable *setting;
    int n;
    kin_objective objective;
    void *arg;
    kin_tuned *best;
    kin_error *err;
} search;

static bool try(search *s, const double *value, bool *better)
{
    double score;
    *better = false;
    if (!s->objective(s->arg, value, &score, s->err)) return false;
    *better = s->best->tried++ == 0 || score > s->best->score;
    if (!*better) return true;
    s->best->score = score;
    memcpy(s->best->value, value, (size_t)s->n * sizeof *value);
    return true;
}

/* Every combination; the last setting's values change fastest. */
static bool grid(search *s)
{
    int64_t combinations = 1;
    for (int i = 0; i < s->n; i++) combinations *= s->setting[i].count;
    for (int64_t c = 0; c < combinations; c++) {
        double value[KIN_TUNE_SETTINGS] = {0};
        int64_t rest = c;
        bool inside = true, unused;
        for (int i = s->n - 1; i >= 0; i--) {
            const kin_tunable *t = &s->setting[i];
            value[i] = t->coarse[rest % t->count];
            rest /= t->count;
            inside = inside && value[i] >= t->low && value[i] <= t->high;
        }
        if (inside && !try(s, value, &unused)) return false;
    }
    return true;
}

/* From `value` to the coarse value next above or below it: how far; 0 at the ends. */
static double gap(const kin_tunable *t, double value, int direction)
{
    double nearest = 0;
    for (int c = 0; c < t->count; c++) {
        double to = (t->coarse[c] - value) * direction;
        if (to > 0 && (nearest == 0 || to < nearest)) nearest = to;
    }
    double room = direction > 0 ? t->high - value : value - t->low;
    return nearest > 0 && nearest < room ? nearest : room; /* beyond the last coarse value: as far as the limit */
}

/* One step of setting i from the best so far. */
static bool step(search *s, int i, int direction, double share, bool *better)
{
    const kin_tunable *t = &s->setting[i];
    double value[KIN_TUNE_SETTINGS], from = s->best->value[i], width = share * gap(t, from, direction);
    *better = false;
    if (t->whole) width = width > 0 && width < 1 ? 1 : floor(width + 0.5);
    memcpy(value, s->best->value, sizeof value);
    value[i] = from + direction * width;
    if (width <= 0 || value[i] > t->high + 1e-12 || value[i] < t->low - 1e-12) return true;
    value[i] = fmin(t->high, fmax(t->low, value[i])); /* but for rounding */
    return try(s, value, better);
}

bool kin_tune(const kin_tunable *setting, int n, int rounds, kin_objective objective, void *arg, kin_tuned *out, kin_error *err)
{
    *out = (kin_tuned){.score = -INFINITY};
    if (n < 1 || n > KIN_TUNE_SETTINGS) return kin_fail(err, KIN_ERR_ARGUMENT, "%d settings to fit; 1 to %d were expected", n, KIN_TUNE_SETTINGS);
    search s = {setting, n, objective, arg, out, err};
    if (!grid(&s)) return false;
    if (!out->tried) return kin_fail(err, KIN_ERR_ARGUMENT, "none of the grid's values is within the limits");
    double share = 0.5;
    for (int round = 0; round < rounds; round++, share /= 2)
        for (bool moved = true; moved;) {
            moved = false;
            for (int move = 0; move < 2 * n; move++) {
                bool better;
                if (!step(&s, move / 2, move % 2 ? 1 : -1, share, &better)) return false;
                moved = moved || better;
            }
        }
    return true;
}
