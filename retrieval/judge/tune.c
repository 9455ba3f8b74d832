#include "retrieval/judge/tune.h"

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
    /* beyond the last coarse value: as far as the limit */
    return nearest > 0 && nearest < room ? nearest : room;
}

/* How far setting i moves in a round: the share of the way from the best so far to the next coarse value. */
static double width(const kin_tunable *t, double from, int direction, double share)
{
    double way = share * gap(t, from, direction);
    return !t->whole ? way : way > 0 && way < 1 ? 1 : floor(way + 0.5);
}

/* One step from the best so far, to the limit at most. */
static bool step(search *s, int i, double way, bool *better)
{
    const kin_tunable *t = &s->setting[i];
    double value[KIN_TUNE_SETTINGS];
    memcpy(value, s->best->value, sizeof value);
    value[i] = fmin(t->high, fmax(t->low, value[i] + way));
    *better = false;
    return value[i] == s->best->value[i] || try(s, value, better);
}

bool kin_tune(const kin_tunable *setting, int n, int rounds, kin_objective objective, void *arg,
              kin_tuned *out, kin_error *err)
{
    *out = (kin_tuned){.score = -INFINITY};
    if (n < 1 || n > KIN_TUNE_SETTINGS)
        return kin_fail(err, KIN_ERR_ARGUMENT, "%d settings to fit; 1 to %d were expected", n,
                        KIN_TUNE_SETTINGS);
    search s = {setting, n, objective, arg, out, err};
    if (!grid(&s)) return false;
    if (!out->tried) return kin_fail(err, KIN_ERR_ARGUMENT, "none of the grid's values is within the limits");
    double share = 0.5;
    for (int round = 0; round < rounds; round++, share /= 2) {
        double way[2 * KIN_TUNE_SETTINGS];
        for (int move = 0; move < 2 * n; move++)
            way[move] = (move % 2 ? 1 : -1) *
                        width(&setting[move / 2], out->value[move / 2], move % 2 ? 1 : -1, share);
        for (bool moved = true; moved;) {
            moved = false;
            for (int move = 0; move < 2 * n; move++) {
                bool better;
                if (!step(&s, move / 2, way[move], &better)) return false;
                moved = moved || better;
            }
        }
    }
    return true;
}
