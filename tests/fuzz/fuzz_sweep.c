/* A journal of a sweep, whatever it holds: what was read keeps its promises, and can be ordered and judged. */
#include "tests/fuzz/long.h"
#include "train/sweep/journal.h"
#include "train/sweep/verdict.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_hold(const kin_sweep_record *r)
{
    const kin_sweep_space *s = &r->space;
    for (int64_t i = 0; i < r->table.count; i++) {
        const kin_sweep_trial *t = &r->table.trials[i];
        if (t->rungs > r->plan.rungs) abort();
        for (int p = 0; p < s->n_params; p++)
            if (s->params[p].kind == KIN_SWEEP_CHOICE &&
                !(t->value[p] >= 0 && t->value[p] < s->params[p].n_choices))
                abort();
    }
    for (int64_t i = 0; i < r->table.n_again; i++)
        if (r->table.again[i].trial >= r->table.count) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kin_sweep_record r;
    kin_error err = {0};
    kin_bytes b = kin_lengthened(data, size, 1 << 18);
    bool ok = kin_sweep_parse("journal", (const char *)b.data, b.size, &r, &err);
    if (ok == kin_failed(&err)) abort();
    if (ok) {
        kin_sweep_plan plan = r.plan;
        must_hold(&r);
        plan.seeds = 2, plan.finalists = 2;
        for (int stage = 0; stage < 3; stage++) kin_sweep_decide(&r.table, &plan, (kin_sweep_stage)stage);
        kin_sweep_seeds seeds[2];
        kin_sweep_importance it;
        if (kin_sweep_seeds_of(&r.table, seeds, 2) == 2) kin_sweep_compare(&seeds[0], &seeds[1]);
        for (int p = 0; p < r.space.n_params && r.table.count < 50; p++)
            kin_sweep_importance_of(&r.space.params[p], p, &r.table, NULL, &it, NULL);
        kin_sweep_record_free(&r);
    }
    kin_bytes_free(&b);
    return 0;
}
