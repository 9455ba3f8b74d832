/* A stem as one op (autograd/stem.c) against convolution, batch norm, activation and maxima one after the
 * other: values, statistics and gradients, for random shapes, on every instruction set; the same bits for
 * any number of threads; and in a network. */
#include "autograd/ops.h"
#include "autograd/stem.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "nn/layers.h"
#include "tests/support/check.h"
#include "tests/support/hashed.h"
#include "tests/support/numbers.h"

#include <math.h>
#include <string.h>

enum { WEIGHT, GAMMA, BETA, MEAN, VAR, OUT, PARTS };

typedef struct problem {
    kin_shape x, w;
    kin_conv2d_opt conv;
    kin_act act;
    kin_real *numbers[4]; /* x, w, γ, β */
    unsigned long long seed;
} problem;

/* Three gradients, statistics and output, of which each has a length. */
typedef struct outcome {
    kin_real *part[PARTS];
    int64_t count[PARTS];
} outcome;

static void keep(outcome *o, int part, const kin_real *from, int64_t count)
{
    o->count[part] = count;
    o->part[part] = kin_alloc_zero((size_t)count, sizeof *from);
    if (from) memcpy(o->part[part], from, (size_t)count * sizeof *from);
}

static outcome run(const problem *p, bool plain, int threads)
{
    outcome o = {0};
    int64_t out = p->w.dim[3];
    kin_real *mean = kin_alloc_zero((size_t)out * 2, sizeof *mean), *var = mean + out;
    kin_ctx *ctx = kin_ctx_new();
    kin_set_threads(threads);
    kin_tensor *x = kin_input(ctx, p->x, p->numbers[0]), *w = kin_variable(ctx, p->w, p->numbers[1]);
    kin_tensor *gamma = kin_variable(ctx, KIN_SHAPE(out), p->numbers[2]),
               *beta = kin_variable(ctx, KIN_SHAPE(out), p->numbers[3]);
    kin_tensor *all = plain ? kin_batch_norm_train(kin_conv2d(x, w, NULL, &p->conv), gamma, beta,
                                                   &(kin_batch_norm_opt){1e-3, p->act}, mean, var)
                            : NULL;
    kin_tensor *y = plain ? kin_max_pool2d(all, &(kin_pool2d_opt){.kernel = 2})
                          : kin_stem_train(x, w, gamma, beta, &p->conv, 1e-3, p->act, mean, var);
    CHECK_MSG(kin_backward(kin_sum(kin_mul(y, hashed_input(ctx, "gradient", kin_shape_of(y))), 0)),
              "seed %llu: %s", p->seed, kin_ctx_error(ctx)->message);
    keep(&o, WEIGHT, kin_grad(w), kin_count(w));
    keep(&o, GAMMA, kin_grad(gamma), out);
    keep(&o, BETA, kin_grad(beta), out);
    keep(&o, MEAN, mean, out);
    keep(&o, VAR, var, out);
    keep(&o, OUT, kin_data(y), kin_count(y));
    kin_ctx_free(ctx);
    kin_free(mean);
    kin_set_threads(0);
    return o;
}

static void outcome_free(outcome *o)
{
    for (int i = 0; i < PARTS; i++) kin_free(o->part[i]);
}

/* ‖a − b‖ against ‖b‖, or against a number of size 0.1 each: where rounding has another of two pixels win,
 * one gradient of many is another. */
static double apart(const kin_real *a, const kin_real *b, int64_t count)
{
    double off = 0, size = 0;
    for (int64_t i = 0; i < count; i++)
        off += pow((double)a[i] - (double)b[i], 2), size += pow((double)b[i], 2);
    return sqrt(off / fmax(size, 0.01 * (double)count));
}

static void check_one(const problem *p)
{
    static const int threads[] = {1, 2, 3, 7};
    static const char *const names[PARTS] = {"gradient of the weights",
                                             "gradient of the scale",
                                             "gradient of the shift",
                                             "mean",
                                             "variance",
                                             "output"};
    double tolerance = sizeof(kin_real) == 8 ? 1e-10 : 2e-4;
    outcome want = run(p, true, 2), first = run(p, false, 1);
    for (int i = 0; i < PARTS; i++)
        CHECK_MSG(first.count[i] == want.count[i] &&
                      apart(first.part[i], want.part[i], want.count[i]) < tolerance,
                  "seed %llu: %s differs by %.2g", p->seed, names[i],
                  apart(first.part[i], want.part[i], want.count[i]));
    for (int t = 1; t < 4; t++) {
        outcome o = run(p, false, threads[t]);
        for (int i = 0; i < PARTS; i++)
            CHECK_MSG(numbers_same(o.part[i], first.part[i], 1, o.count[i], o.count[i]),
                      "seed %llu: other bits of the %s with %d threads", p->seed, names[i], threads[t]);
        outcome_free(&o);
    }
    outcome_free(&want), outcome_free(&first);
}

static problem random_problem(kin_stream *r, unsigned long long seed)
{
    problem p = {.seed = seed, .act = (kin_act)numbers_pick(r, 0, 2)};
    int64_t in = numbers_pick(r, 1, 3), high = numbers_pick(r, 1, in == 3 ? 3 : 4),
            wide = numbers_pick(r, 2, in == 3 ? 3 : 4), out = numbers_pick(r, 1, 70);
    p.conv.stride = numbers_pick(r, 1, 2);
    p.conv.pads = (kin_conv2d_pads){numbers_pick(r, 0, 2), numbers_pick(r, 0, 2), numbers_pick(r, 0, 2),
                                    numbers_pick(r, 0, 2)};
    p.x = KIN_SHAPE(numbers_pick(r, 1, 40), high + 3 + numbers_pick(r, 0, 12),
                    wide + 3 + numbers_pick(r, 0, 12), in);
    p.w = KIN_SHAPE(high, wide, in, out);
    p.numbers[0] = numbers_random(r, 1, kin_shape_count(p.x), kin_shape_count(p.x));
    p.numbers[1] = numbers_random(r, 1, kin_shape_count(p.w), kin_shape_count(p.w));
    for (int i = 2; i < 4; i++) p.numbers[i] = numbers_random(r, 1, out, out);
    return p;
}

static void random_shapes(const char *isa)
{
    numbers_seeds seeds = numbers_seeds_of(6);
    check_begin("stem: one op and its parts one after the other, %s (%s, %s)", numbers_seeds_shown(seeds),
                isa, KIN_REAL_NAME);
    for (uint64_t seed = seeds.first; seed < seeds.behind; seed++) {
        kin_stream r = kin_stream_new(kin_key(seed, 44, 0));
        problem p = random_problem(&r, seed);
        kin_tensor *x = NULL;
        kin_ctx *ctx = kin_ctx_new();
        x = kin_input(ctx, p.x, NULL);
        if (kin_stem_pixels(x, p.w, &p.conv)) check_one(&p);
        else
            CHECK_MSG(p.w.dim[2] > 4 || p.w.dim[0] * p.w.dim[1] * p.w.dim[2] > 32,
                      "seed %llu: a stem that is none", p.seed);
        kin_ctx_free(ctx);
        for (int i = 0; i < 4; i++) kin_free(p.numbers[i]);
    }
    check_end();
}

/* ---- in a network ---- */

static const kin_shape pictures = {4, {5, 11, 9, 1}};

static kin_tensor *network(kin_scope *s, kin_tensor *x, void *arg)
{
    (void)arg;
    return kin_flatten(
        kin_conv_bn_max_pool(kin_sub(s, "first"), "conv", "bn", x,
                             &(kin_conv_bn_opt){.out = 6, .kernel = 3, .pad = 1, .act = KIN_RELU}));
}

enum { FORMS = 4 };
/* the last: the picture takes a gradient, so that it is no stem */
typedef enum form { ONE, RETAINED, RECOMPUTED, WITH_GRADIENT } form;

/* Parameters, buffers and gradients after two steps. */
static kin_real *trained(form f, int64_t *count)
{
    kin_ctx *ctx = kin_ctx_new();
    kin_module *m = kin_module_new(ctx, network, NULL, pictures, 3);
    if (f == RETAINED) CHECK(kin_module_retain(m, "first.conv"));
    kin_module_recompute(m, f == RECOMPUTED);
    for (int step = 0; step < 2; step++) {
        kin_module_zero_grad(m);
        kin_tensor *x = hashed_input(ctx, "x", pictures);
        if (f == WITH_GRADIENT) x = kin_variable(ctx, pictures, kin_data(x));
        kin_tensor *y = kin_module_forward(m, x, KIN_TRAIN);
        CHECK_MSG(kin_backward(kin_mean(kin_square(y), 0)), "%s", kin_ctx_error(ctx)->message);
        kin_tensor *raw = kin_module_tapped(m, "first.conv");
        CHECK(f == RETAINED ? kin_dim(raw, 1) == 11 : f != ONE || !raw);
        kin_end_step(ctx);
        int64_t slab = kin_module_slab_count(m);
        for (int64_t i = 0; i < slab; i++) kin_module_values(m)[i] -= (kin_real)0.05 * kin_module_grads(m)[i];
        kin_module_touched(m);
    }
    int64_t slab = kin_module_slab_count(m), at = slab;
    *count = slab;
    for (int i = 0; i < kin_module_entries(m); i++) *count += kin_count(kin_module_entry(m, i)->tensor);
    kin_real *all = kin_alloc_zero((size_t)*count, sizeof *all);
    memcpy(all, kin_module_grads(m), (size_t)slab * sizeof *all);
    for (int i = 0; i < kin_module_entries(m); at += kin_count(kin_module_entry(m, i++)->tensor))
        kin_read(kin_module_entry(m, i)->tensor, all + at);
    kin_module_free(m);
    kin_ctx_free(ctx);
    return all;
}

static void in_networks(void)
{
    check_begin("stem: a network trains the same as one op and as its parts: retained, recomputed, with a "
                "gradient of the picture (%s)",
                KIN_REAL_NAME);
    int64_t count, again;
    kin_real *one = trained(ONE, &count);
    for (int f = 1; f < FORMS; f++) {
        kin_real *other = trained((form)f, &again);
        CHECK_MSG(count == again && apart(one, other, count) < (sizeof(kin_real) == 8 ? 1e-10 : 2e-4),
                  "form %d differs by %.2g", f, apart(one, other, count));
        kin_free(other);
    }
    kin_free(one);
    check_end();
}

int main(void)
{
    numbers_each_isa("stem", random_shapes);
    in_networks();
    return check_result();
}
