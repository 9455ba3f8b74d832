/* The fit of settings, on functions whose best is known. */
#include "retrieval/judge/tune.h"
#include "tests/support/check.h"

#include <math.h>
#include <string.h>

typedef struct hill {
    double top[3];
    int calls, fail_at;
    bool outside;
    const kin_tunable *setting;
} hill;

/* One peak, with a ridge along a + b. */
static bool height(void *arg, const double *v, double *score, kin_error *err)
{
    hill *h = arg;
    if (++h->calls == h->fail_at) return kin_fail(err, KIN_ERR_NUMERIC, "as told");
    for (int i = 0; i < 3; i++)
        h->outside = h->outside || v[i] < h->setting[i].low || v[i] > h->setting[i].high + 1e-12 ||
                     (h->setting[i].whole && v[i] != floor(v[i]));
    double a = (v[0] - h->top[0]) / 20, b = (v[1] - h->top[1]) / 5, c = v[2] - h->top[2];
    *score = -(a * a + b * b + c * c + 0.5 * a * b);
    return true;
}

/* A fall from the first setting on: nothing is as good, and no score is above 0. */
typedef struct walk {
    double seen[200], first;
    int calls;
} walk;

static bool falls(void *arg, const double *v, double *score, kin_error *err)
{
    walk *w = arg;
    (void)err;
    if (w->calls < 200) w->seen[w->calls++] = *v;
    *score = -1 - fabs(*v - w->first);
    return true;
}

static void steps(void)
{
    check_begin("tune: the first of the grid is kept when it is the best, below 0 too");
    const kin_tunable one[] = {{.name = "x", .low = 0, .high = 100, .coarse = {10, 20, 40}, .count = 3}};
    walk w = {.first = 10};
    kin_tuned best;
    kin_error err = {0};
    CHECK(kin_tune(one, 1, 1, falls, &w, &best, &err) && best.value[0] == 10 && best.score == -1);
    check_end();

    check_begin(
        "tune: steps go a share of the way to the next coarse value, and to the limit beyond the last");
    static const struct {
        double top, below, above;
    } rows[] = {{10, 0, 20}, {20, 10, 40}, {40, 20, 100}};
    for (int i = 0; i < 3; i++) {
        w = (walk){.first = rows[i].top};
        CHECK(kin_tune(one, 1, 1, falls, &w, &best, &err));
        double least = 100, most = 0;
        for (int k = 3; k < w.calls; k++) least = fmin(least, w.seen[k]), most = fmax(most, w.seen[k]);
        CHECK_MSG(w.calls > 4 && least > rows[i].below && least < rows[i].top && most > rows[i].top &&
                      most < rows[i].above,
                  "%g: %g to %g", rows[i].top, least, most);
    }
    check_end();
}

int main(void)
{
    steps();
    const kin_tunable settings[] = {
        {.name = "k1", .whole = true, .low = 1, .high = 34, .coarse = {4, 8, 14, 20, 30, 50}, .count = 6},
        {.name = "k2", .whole = true, .low = 1, .high = 50, .coarse = {1, 3, 6, 10}, .count = 4},
        {.name = "lambda", .low = 0, .high = 1, .coarse = {0.1, 0.3, 0.5, 0.8}, .count = 4},
    };
    static const double tops[][3] = {{20, 6, 0.3}, {11, 4, 0.42}, {34, 1, 0}, {1, 19, 1}, {26, 8, 0.65}};
    kin_tuned best;
    kin_error err = {0};
    for (size_t t = 0; t < sizeof tops / sizeof *tops; t++) {
        check_begin("tune: finds the top at %g %g %g", tops[t][0], tops[t][1], tops[t][2]);
        hill h = {.setting = settings};
        memcpy(h.top, tops[t], sizeof h.top);
        CHECK_MSG(kin_tune(settings, 3, 4, height, &h, &best, &err), "%s", err.message);
        CHECK_CLOSE(best.value[0], tops[t][0], 1);
        CHECK_CLOSE(best.value[1], tops[t][1], 1);
        CHECK_CLOSE(best.value[2], tops[t][2], 0.06);
        CHECK(best.tried == h.calls && !h.outside);
        CHECK_MSG(h.calls < 250, "%d calls", h.calls);
        check_end();
    }
    check_begin("tune: an error ends it; a grid out of bounds is one");
    hill h = {.setting = settings, .fail_at = 30};
    CHECK(!kin_tune(settings, 3, 4, height, &h, &best, &err) && h.calls == 30);
    CHECK_TEXT(err.message, "as told");
    kin_error_clear(&err);
    const kin_tunable nothing[] = {
        {.name = "n", .low = 5, .high = 6, .coarse = {1, 10}, .count = 2}, settings[1], settings[2]};
    CHECK(!kin_tune(nothing, 3, 4, height, &h, &best, &err));
    CHECK_TEXT(err.message, "none of the grid's values");
    check_end();
    return check_result();
}
