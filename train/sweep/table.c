#include "train/sweep/table.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool kin_sweep_plan_rungs(kin_sweep_plan *plan, int64_t steps, int rungs, int eta, kin_error *err)
{
    int64_t parts = 1;
    if (rungs < 1 || rungs > KIN_SWEEP_RUNGS || eta < 2)
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "a sweep has 1 to %d rungs, each at least twice the one before", KIN_SWEEP_RUNGS);
    for (int i = 1; i < rungs; i++) {
        if (parts > steps / eta)
            return kin_fail(
                err, KIN_ERR_ARGUMENT,
                "%lld steps are too few for %d rungs, each %d times the one before; take more steps, or "
                "fewer rungs",
                (long long)steps, rungs, eta);
        parts *= eta;
    }
    if (steps < 1) return kin_fail(err, KIN_ERR_ARGUMENT, "a trial needs at least one step");
    plan->rungs = rungs, plan->eta = eta;
    plan->step[0] = steps / parts;
    for (int i = 1; i < rungs; i++) plan->step[i] = plan->step[i - 1] * eta;
    plan->step[rungs - 1] = steps;
    return true;
}

void kin_sweep_table_free(kin_sweep_table *t)
{
    kin_free(t->trials), kin_free(t->again);
    *t = (kin_sweep_table){0};
}

kin_sweep_trial *kin_sweep_table_add(kin_sweep_table *t)
{
    if (!kin_grow((void **)&t->trials, (size_t)t->count, &t->room, sizeof *t->trials)) return NULL;
    t->trials[t->count] = (kin_sweep_trial){0};
    return &t->trials[t->count++];
}

kin_sweep_again *kin_sweep_table_add_again(kin_sweep_table *t, int64_t trial, int64_t seed)
{
    if (!kin_grow((void **)&t->again, (size_t)t->n_again, &t->again_room, sizeof *t->again)) return NULL;
    t->again[t->n_again] = (kin_sweep_again){.trial = trial, .seed = seed};
    return &t->again[t->n_again++];
}

/* ---- standing ---- */

const kin_sweep_result *kin_sweep_last(const kin_sweep_trial *trial)
{
    return trial->rungs ? &trial->result[trial->rungs - 1] : NULL;
}

/* One that failed later is no recipe. */
static double standing(const kin_sweep_trial *trial)
{
    const kin_sweep_result *last = kin_sweep_last(trial);
    return last && !*trial->failed ? last->figure : -INFINITY;
}

/* Down the heap, whose top is what comes last, until nothing below it comes later. */
static void sink(int64_t *heap, int64_t count, int64_t at, kin_sweep_before *before, const void *of)
{
    for (int64_t below; (below = 2 * at + 1) < count; at = below) {
        below += below + 1 < count && before(of, heap[below], heap[below + 1]);
        if (!before(of, heap[at], heap[below])) return;
        int64_t item = heap[at];
        heap[at] = heap[below], heap[below] = item;
    }
}

void kin_sweep_sort(int64_t *order, int64_t count, kin_sweep_before *before, const void *of)
{
    for (int64_t i = 0; i < count; i++) order[i] = i;
    for (int64_t i = count / 2; i-- > 0;) sink(order, count, i, before, of);
    for (int64_t n = count; n-- > 1;) {
        int64_t last = order[0];
        order[0] = order[n], order[n] = last;
        sink(order, n, 0, before, of);
    }
}

static bool stands_before(const void *of, int64_t a, int64_t b)
{
    const kin_sweep_table *t = of;
    double first = standing(&t->trials[a]), second = standing(&t->trials[b]);
    return first > second || (first == second && a < b);
}

void kin_sweep_order(const kin_sweep_table *t, int64_t *order)
{
    kin_sweep_sort(order, t->count, stands_before, t);
}

int64_t kin_sweep_best(const kin_sweep_table *t)
{
    int64_t best = -1;
    for (int64_t i = 0; i < t->count; i++)
        if (t->trials[i].rungs && !*t->trials[i].failed &&
            (best < 0 || standing(&t->trials[i]) > standing(&t->trials[best])))
            best = i;
    return best;
}

double kin_sweep_spent(const kin_sweep_table *t)
{
    double sum = t->unfinished;
    for (int64_t i = 0; i < t->count; i++)
        for (int r = 0; r < t->trials[i].rungs; r++) sum += t->trials[i].result[r].seconds;
    for (int64_t i = 0; i < t->n_again; i++) sum += t->again[i].result.seconds;
    return sum;
}

/* ---- what comes next ---- */

/* How many of a rung are better than this trial there; the earlier one of equals is. */
static int64_t ahead(const kin_sweep_table *t, int rung, int64_t trial)
{
    double own = t->trials[trial].result[rung].figure;
    int64_t better = 0;
    for (int64_t i = 0; i < t->count; i++) {
        if (t->trials[i].rungs <= rung || i == trial) continue;
        double other = t->trials[i].result[rung].figure;
        better += other > own || (other == own && i < trial);
    }
    return better;
}

/* The best of those that finished `rung` last, if it is among the best 1/eta there; -1: none. */
static int64_t promotable(const kin_sweep_table *t, const kin_sweep_plan *plan, int rung)
{
    int64_t finished = 0, found = -1;
    for (int64_t i = 0; i < t->count; i++) {
        const kin_sweep_trial *trial = &t->trials[i];
        finished += trial->rungs > rung;
        if (trial->rungs != rung + 1 || *trial->failed) continue;
        if (found < 0 || trial->result[rung].figure > t->trials[found].result[rung].figure) found = i;
    }
    return found >= 0 && ahead(t, rung, found) < finished / plan->eta ? found : -1;
}

static bool was_again(const kin_sweep_table *t, int64_t trial, int64_t seed)
{
    for (int64_t i = 0; i < t->n_again; i++)
        if (t->again[i].trial == trial && t->again[i].seed == seed) return true;
    return false;
}

/* The best of those behind `before` in the order of kin_sweep_order (-1: of all); -1: none. */
static int64_t next_best(const kin_sweep_table *t, int64_t before)
{
    int64_t best = -1;
    for (int64_t i = 0; i < t->count; i++) {
        double own = standing(&t->trials[i]);
        if (isinf(own) || i == before) continue;
        if (before >= 0) {
            double last = standing(&t->trials[before]);
            if (own > last || (own == last && i < before)) continue;
        }
        if (best < 0 || own > standing(&t->trials[best])) best = i;
    }
    return best;
}

/* The finalists are brought to the end; then each seed is had by all of them before the next, so that what there is
 * time for compares them. */
static kin_sweep_next finalists(const kin_sweep_table *t, const kin_sweep_plan *plan)
{
    if (plan->seeds < 1) return (kin_sweep_next){KIN_SWEEP_DONE, 0, 0, 0};
    int64_t at = -1;
    for (int n = 0; n < plan->finalists && (at = next_best(t, at)) >= 0; n++)
        if (t->trials[at].rungs < plan->rungs)
            return (kin_sweep_next){KIN_SWEEP_GO_ON, at, t->trials[at].rungs, 0};
    for (int64_t seed = 1; seed <= plan->seeds; seed++) {
        at = -1;
        for (int n = 0; n < plan->finalists && (at = next_best(t, at)) >= 0; n++)
            if (!was_again(t, at, seed)) return (kin_sweep_next){KIN_SWEEP_AGAIN, at, plan->rungs - 1, seed};
    }
    return (kin_sweep_next){KIN_SWEEP_DONE, 0, 0, 0};
}

kin_sweep_next kin_sweep_decide(const kin_sweep_table *t, const kin_sweep_plan *plan, kin_sweep_stage stage)
{
    if (stage != KIN_SWEEP_FINALISTS) {
        for (int64_t i = 0; i < t->count; i++)
            if (!t->trials[i].rungs && !*t->trials[i].failed) return (kin_sweep_next){KIN_SWEEP_NEW, i, 0, 0};
        for (int rung = plan->rungs - 2; rung >= 0 && stage == KIN_SWEEP_SEARCH; rung--) {
            int64_t found = promotable(t, plan, rung);
            if (found >= 0) return (kin_sweep_next){KIN_SWEEP_GO_ON, found, rung + 1, 0};
        }
        if (!plan->trials || t->count < plan->trials) return (kin_sweep_next){KIN_SWEEP_NEW, t->count, 0, 0};
    }
    return finalists(t, plan);
}
