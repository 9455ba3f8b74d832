/* Optimisers against their papers' formulas written out in double, number by number; clipping, moving
 * averages, schedules, and what must not happen: changes after a bad gradient, allocations, a dependence
 * on the number of threads. */
#include "base/memory.h"
#include "base/parallel.h"
#include "nn/layers.h"
#include "nn/optim.h"
#include "tests/support/check.h"

#include <math.h>
#include <string.h>

enum { IN = 7, OUT = 5 };

static kin_tensor *linear(kin_scope *s, kin_tensor *x, void *arg)
{
    return kin_linear(kin_sub(s, "fc"), x, &(kin_linear_opt){.out = arg ? *(int *)arg : OUT});
}

static void fill_gradients(kin_module *m, int step)
{
    for (int i = 0; i < kin_module_entries(m); i++) {
        kin_entry *e = kin_module_entry(m, i);
        kin_real *g = kin_module_grads(m) + kin_entry_offset(m, e);
        for (int64_t k = 0; k < kin_count(e->tensor); k++)
            g[k] = (kin_real)sin(1.7 * (double)k + 0.9 * step + i);
    }
}

/* One number's way through the steps. Nesterov as PyTorch writes it [Sutskever et al. 2013, with the
 * look-ahead in the gradient]. */
static double reference(const kin_optim_opt *o, double w, int entry, int64_t k, int steps, bool decays)
{
    double a = 0, b = 0, decay = decays ? o->weight_decay : 0;
    for (int t = 1; t <= steps; t++) {
        double g = sin(1.7 * (double)k + 0.9 * (t - 1) + entry);
        if (o->kind == KIN_ADAMW) w -= o->lr * decay * w;
        else g += decay * w;
        if (o->kind == KIN_SGD) {
            a = o->momentum * a + g;
            w -= o->lr * (o->nesterov ? g + o->momentum * a : a);
            continue;
        }
        a = 0.9 * a + 0.1 * g;
        b = 0.999 * b + 0.001 * g * g;
        w -= o->lr * (a / (1 - pow(0.9, t))) / (sqrt(b / (1 - pow(0.999, t))) + 1e-8);
    }
    return w;
}

static void formula(const char *name, const kin_optim_opt *opt)
{
    enum { STEPS = 6 };
    check_begin("optimisers: %s is the formula, with decay %s norm and bias", name,
                opt->decay_all ? "also on" : "apart from");
    kin_ctx *ctx = kin_ctx_new();
    kin_module *m = kin_module_new(ctx, linear, NULL, KIN_SHAPE(1, IN), 3);
    kin_optim *o = kin_optim_new(m, opt);
    double first[IN * OUT + 64] = {0};
    for (int64_t i = 0; i < kin_module_slab_count(m); i++) first[i] = (double)kin_module_values(m)[i];
    for (int step = 0; step < STEPS; step++) {
        fill_gradients(m, step);
        CHECK_MSG(kin_optim_step(o, opt->lr), "%s", kin_ctx_error(ctx)->message);
    }
    for (int i = 0; i < kin_module_entries(m); i++) {
        kin_entry *e = kin_module_entry(m, i);
        int64_t offset = kin_entry_offset(m, e);
        for (int64_t k = 0; k < kin_count(e->tensor); k++)
            CHECK_CLOSE(kin_data(e->tensor)[k],
                        reference(opt, first[offset + k], i, k, STEPS, opt->decay_all || !e->no_decay), 2e-6);
    }
    CHECK(kin_optim_steps(o) == STEPS);
    kin_optim_free(o);
    kin_module_free(m);
    kin_ctx_free(ctx);
    check_end();
}

static void clipping_and_average(void)
{
    check_begin("optimisers: clipping by the global norm; the moving average and its exchange");
    kin_ctx *ctx = kin_ctx_new();
    kin_module *m = kin_module_new(ctx, linear, NULL, KIN_SHAPE(1, IN), 3);
    kin_optim *o = kin_optim_new(m, &(kin_optim_opt){.kind = KIN_SGD, .clip_norm = 0.5, .ema = 0.75});
    int64_t count = kin_module_slab_count(m);
    double before[IN * OUT + 64], average[IN * OUT + 64], norm = 0, moved = 0;
    for (int64_t i = 0; i < count; i++) before[i] = average[i] = (double)kin_module_values(m)[i];
    fill_gradients(m, 0);
    for (int64_t i = 0; i < count; i++) norm += pow((double)kin_module_grads(m)[i], 2);
    CHECK(kin_optim_step(o, 1));
    CHECK_CLOSE(kin_optim_grad_norm(o), sqrt(norm), 1e-6);
    for (int64_t i = 0; i < count; i++) moved += pow((double)kin_module_values(m)[i] - before[i], 2);
    CHECK_CLOSE(sqrt(moved), 0.5, 1e-5);
    for (int step = 1; step < 4; step++) {
        for (int64_t i = 0; i < count; i++)
            average[i] += 0.25 * ((double)kin_module_values(m)[i] - average[i]);
        if (step < 3) CHECK(kin_optim_step(o, 0.1));
    }
    kin_real kept[IN * OUT + 64];
    memcpy(kept, kin_module_values(m), (size_t)count * sizeof *kept);
    kin_optim_swap_ema(o);
    for (int64_t i = 0; i < count; i++) CHECK_CLOSE(kin_module_values(m)[i], average[i], 1e-6);
    kin_optim_swap_ema(o);
    CHECK(memcmp(kept, kin_module_values(m), (size_t)count * sizeof *kept) == 0);
    kin_optim_free(o);
    kin_module_free(m);
    kin_ctx_free(ctx);
    check_end();
}

static void bad_gradients(void)
{
    static const double bad[] = {NAN, INFINITY};
    check_begin("optimisers: a gradient that is not finite is named and changes nothing");
    for (int i = 0; i < 2; i++) {
        kin_ctx *ctx = kin_ctx_new();
        kin_module *m = kin_module_new(ctx, linear, NULL, KIN_SHAPE(1, IN), 3);
        kin_optim *o = kin_optim_new(m, &(kin_optim_opt){.kind = KIN_ADAM, .clip_norm = 1});
        kin_real kept[IN * OUT + 64];
        memcpy(kept, kin_module_values(m), (size_t)kin_module_slab_count(m) * sizeof *kept);
        fill_gradients(m, 0);
        kin_module_grads(m)[kin_entry_offset(m, kin_module_find(m, "fc.bias")) + 2] = (kin_real)bad[i];
        CHECK(!kin_optim_step(o, 0.1) && kin_ctx_error(ctx)->code == KIN_ERR_NUMERIC);
        CHECK_TEXT(kin_ctx_error(ctx)->message, "fc.bias");
        CHECK(kin_optim_steps(o) == 0 &&
              memcmp(kept, kin_module_values(m), (size_t)kin_module_slab_count(m) * sizeof *kept) == 0);
        kin_optim_free(o);
        kin_module_free(m);
        kin_ctx_free(ctx);
    }
    check_end();
}

/* 200 · 300 numbers are several blocks. */
static void same_bits(void)
{
    enum { WIDE_IN = 200, WIDE_OUT = 300 };
    static kin_real first[WIDE_IN * WIDE_OUT + 1024];
    int out = WIDE_OUT;
    check_begin("optimisers: the same bits for 1, 2 and 3 threads, and no allocation in a step");
    for (int threads = 1; threads <= 3; threads++) {
        kin_set_threads(threads);
        kin_ctx *ctx = kin_ctx_new();
        kin_module *m = kin_module_new(ctx, linear, &out, KIN_SHAPE(1, WIDE_IN), 3);
        kin_optim *o = kin_optim_new(
            m, &(kin_optim_opt){.kind = KIN_ADAMW, .weight_decay = 0.1, .clip_norm = 1, .ema = 0.9});
        fill_gradients(m, 0);
        CHECK(kin_optim_step(o, 1e-2));
        long allocations = kin_alloc_count();
        for (int step = 0; step < 3; step++) CHECK(kin_optim_step(o, 1e-2));
        CHECK(kin_alloc_count() == allocations);
        size_t bytes = (size_t)kin_module_slab_count(m) * sizeof *first;
        if (threads == 1) memcpy(first, kin_module_values(m), bytes);
        else
            CHECK_MSG(memcmp(first, kin_module_values(m), bytes) == 0, "%d threads give other bits", threads);
        kin_optim_free(o);
        kin_module_free(m);
        kin_ctx_free(ctx);
    }
    kin_set_threads(0);
    check_end();
}

static void failures(void)
{
    check_begin("optimisers: without memory, or without a module, there is an error and no leak");
    kin_ctx *ctx = kin_ctx_new();
    kin_module *m = kin_module_new(ctx, linear, NULL, KIN_SHAPE(1, IN), 3);
    long alive = kin_alloc_live();
    for (long n = 1; n < 100; n++) {
        kin_error_clear(kin_ctx_error(ctx));
        kin_alloc_fail_at(n);
        kin_optim *o = kin_optim_new(m, &(kin_optim_opt){.kind = KIN_ADAM, .ema = 0.9});
        bool done = kin_alloc_pending() != 0;
        kin_alloc_fail_at(0);
        CHECK((o != NULL) == done && kin_ok(ctx) == done);
        kin_optim_free(o);
        CHECK(kin_alloc_live() == alive);
        if (done) break;
    }
    CHECK(kin_optim_new(NULL, &(kin_optim_opt){.kind = KIN_ADAM}) == NULL);
    CHECK(!kin_optim_step(NULL, 0.1));
    kin_module_free(m);
    kin_ctx_free(ctx);
    check_end();
}

static void schedules(void)
{
    check_begin("schedules: constant, steps, cosine, warm-up");
    kin_schedule constant = {KIN_SCHEDULE_CONSTANT, .lr = 0.1},
                 steps = {KIN_SCHEDULE_STEP, .lr = 1, .every = 30, .gamma = 0.1};
    kin_schedule cosine = {KIN_SCHEDULE_COSINE, .lr = 1, .final_lr = 0.2, .steps = 100},
                 warm = {KIN_SCHEDULE_COSINE, .lr = 1, .steps = 110, .warmup = 10};
    CHECK_CLOSE(kin_schedule_lr(&constant, 1000), 0.1, 0);
    CHECK_CLOSE(kin_schedule_lr(&steps, 29), 1, 1e-15);
    CHECK_CLOSE(kin_schedule_lr(&steps, 60), 0.01, 1e-15);
    CHECK_CLOSE(kin_schedule_lr(&cosine, 0), 1, 1e-15);
    CHECK_CLOSE(kin_schedule_lr(&cosine, 25), 0.2 + 0.4 * (1 + sqrt(0.5)), 1e-12);
    CHECK_CLOSE(kin_schedule_lr(&cosine, 100), 0.2, 1e-15);
    CHECK_CLOSE(kin_schedule_lr(&cosine, 5000), 0.2, 1e-15);
    CHECK_CLOSE(kin_schedule_lr(&warm, 0), 1.0 / 11, 1e-15);
    CHECK_CLOSE(kin_schedule_lr(&warm, 9), 10.0 / 11, 1e-15);
    CHECK_CLOSE(kin_schedule_lr(&warm, 10), 1, 1e-15);
    CHECK_CLOSE(kin_schedule_lr(&warm, 60), 0.5, 1e-12);
    check_end();
}

int main(void)
{
    formula("SGD", &(kin_optim_opt){.kind = KIN_SGD, .lr = 0.05, .weight_decay = 0.2});
    formula("SGD with momentum",
            &(kin_optim_opt){
                .kind = KIN_SGD, .lr = 0.05, .momentum = 0.9, .weight_decay = 0.2, .decay_all = true});
    formula("SGD with Nesterov's momentum",
            &(kin_optim_opt){
                .kind = KIN_SGD, .lr = 0.05, .momentum = 0.9, .nesterov = true, .weight_decay = 0.2});
    formula("Adam", &(kin_optim_opt){.kind = KIN_ADAM, .lr = 0.01, .weight_decay = 0.2});
    formula("AdamW", &(kin_optim_opt){.kind = KIN_ADAMW, .lr = 0.01, .weight_decay = 0.2});
    formula("AdamW", &(kin_optim_opt){.kind = KIN_ADAMW, .lr = 0.01, .weight_decay = 0.2, .decay_all = true});
    clipping_and_average();
    bad_gradients();
    same_bits();
    failures();
    schedules();
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
