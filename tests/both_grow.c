/* A dense block whose maps grow in one memory, and a transition whose means are taken ahead of its
 * convolution, against the same made of plain ops; the same bits for any number of threads, and
 * recomputed. */
#include "autograd/ops.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "nn/layers.h"
#include "tests/support/check.h"
#include "tests/support/hashed.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { FIRST = 13, GROWTH = 7, LAYERS = 5, SIDE = 10, STEPS = 2 };

static kin_tensor *layer(kin_scope *s, kin_tensor *x)
{
    kin_tensor *y = kin_conv_bn(
        s, "conv1", "norm2", x,
        &(kin_conv_bn_opt){
            .before = "norm1", .before_act = KIN_RELU, .out = 2 * GROWTH, .kernel = 1, .act = KIN_RELU});
    return kin_tap(s,
                   kin_conv(kin_sub(s, "conv2"), y, &(kin_conv_opt){.out = GROWTH, .kernel = 3, .pad = 1}));
}

static kin_tensor *grown(kin_scope *s, kin_tensor *x)
{
    x = kin_concat_reserve(x, FIRST + LAYERS * GROWTH);
    for (int i = 0; i < LAYERS; i++) {
        kin_scope *block = kin_block_begin(kin_sub_index(s, "", i));
        x = kin_concat_append(x, kin_block_end(block, layer(block, x)));
    }
    return x;
}

static kin_tensor *copied(kin_scope *s, kin_tensor *x)
{
    kin_tensor *maps[LAYERS + 1] = {x};
    for (int i = 0; i < LAYERS; i++)
        maps[i + 1] = layer(kin_sub_index(s, "", i), i ? kin_concat(maps, i + 1) : x);
    return kin_concat(maps, LAYERS + 1);
}

typedef struct form {
    bool plain;
} form;

static kin_tensor *transition(kin_scope *s, kin_tensor *x, bool plain)
{
    kin_conv_bn_opt opt = {.before = "norm", .before_act = KIN_RELU, .out = 9, .kernel = 1};
    if (plain) return kin_avg_pool2d(kin_conv_bn(s, "conv", NULL, x, &opt), &(kin_pool2d_opt){.kernel = 2});
    return kin_conv_avg_pool(s, "conv", "pool", x, &opt, 2);
}

static kin_tensor *network(kin_scope *s, kin_tensor *x, void *arg)
{
    const form *f = arg;
    x = f->plain ? copied(s, x) : grown(s, x);
    return kin_flatten(transition(kin_sub(s, "transition"), kin_tap(kin_sub(s, "block"), x), f->plain));
}

typedef struct outcome {
    double losses[STEPS];
    kin_real *values, *grads, *output;
    int64_t count, outputs;
} outcome;

static const kin_shape pictures = {4, {3, SIDE, SIDE, FIRST}};

/* Some steps of plain descent, then an evaluation. */
static outcome run(bool plain, bool recompute, int threads)
{
    form f = {plain};
    outcome o = {0};
    kin_ctx *ctx = kin_ctx_new();
    kin_module *m = kin_module_new(ctx, network, &f, pictures, 5);
    kin_module_recompute(m, recompute);
    kin_set_threads(threads);
    o.count = kin_module_slab_count(m);
    for (int step = 0; step < STEPS; step++) {
        kin_module_zero_grad(m);
        kin_tensor *x = kin_variable(ctx, pictures, kin_data(hashed_input(ctx, "x", pictures)));
        kin_tensor *loss = kin_mean(kin_square(kin_module_forward(m, x, KIN_TRAIN)), 0);
        CHECK_MSG(kin_backward(loss), "%s", kin_ctx_error(ctx)->message);
        CHECK(kin_grad(x) != NULL);
        o.losses[step] = kin_item(loss);
        if (step + 1 == STEPS) {
            o.grads = kin_alloc_array((size_t)o.count, sizeof *o.grads);
            memcpy(o.grads, kin_module_grads(m), (size_t)o.count * sizeof *o.grads);
        }
        for (int64_t i = 0; i < o.count; i++)
            kin_module_values(m)[i] -= (kin_real)0.05 * kin_module_grads(m)[i];
        kin_module_touched(m);
        kin_end_step(ctx);
    }
    kin_record(ctx, false);
    kin_tensor *y = kin_module_forward(m, hashed_input(ctx, "x", pictures), KIN_EVAL);
    o.outputs = kin_count(y);
    o.output = kin_alloc_array((size_t)o.outputs + 1, sizeof *o.output);
    CHECK_MSG(kin_read(y, o.output), "%s", kin_ctx_error(ctx)->message);
    kin_set_threads(0);
    kin_module_free(m);
    kin_ctx_free(ctx);
    return o;
}

static void outcome_free(outcome *o) { kin_free(o->grads), kin_free(o->output); }

static double furthest(const kin_real *a, const kin_real *b, int64_t count)
{
    double most = 0, size = 0;
    for (int64_t i = 0; i < count; i++)
        most = fmax(most, fabs((double)a[i] - (double)b[i])), size = fmax(size, fabs((double)b[i]));
    return most / size;
}

static void same_numbers(void)
{
    check_begin(
        "a block that grows in place and means ahead of the convolution: the numbers of plain ops (%s)",
        KIN_REAL_NAME);
    outcome a = run(false, false, 2), b = run(true, false, 2);
    double tolerance = sizeof(kin_real) == 8 ? 1e-11 : 2e-4;
    for (int i = 0; i < STEPS; i++) CHECK_CLOSE(a.losses[i], b.losses[i], tolerance * b.losses[i]);
    CHECK(a.count == b.count && a.outputs == b.outputs);
    CHECK_MSG(furthest(a.grads, b.grads, a.count) < tolerance, "gradients differ by %.2g",
              furthest(a.grads, b.grads, a.count));
    CHECK_MSG(furthest(a.output, b.output, a.outputs) < tolerance, "evaluation differs by %.2g",
              furthest(a.output, b.output, a.outputs));
    outcome_free(&a), outcome_free(&b);
    check_end();
}

static void same_bits(void)
{
    check_begin("the same bits with 1, 2, 3 and 7 threads, and recomputed (%s)", KIN_REAL_NAME);
    outcome a = run(false, false, 1);
    for (int i = 1; i < 5; i++) {
        outcome b = run(false, i == 4, i == 1 ? 2 : i == 2 ? 3 : 7);
        CHECK(memcmp(a.grads, b.grads, (size_t)a.count * sizeof *a.grads) == 0 &&
              memcmp(a.losses, b.losses, sizeof a.losses) == 0);
        CHECK(memcmp(a.output, b.output, (size_t)a.outputs * sizeof *a.output) == 0);
        outcome_free(&b);
    }
    outcome_free(&a);
    check_end();
}

/* What is retained between the parts is what the definition says, pooled by nobody. */
static void retained(void)
{
    check_begin(
        "the taps of a growing block, and of the convolution ahead of its means where it is asked for (%s)",
        KIN_REAL_NAME);
    form f = {false};
    kin_ctx *ctx = kin_ctx_new();
    kin_module *m = kin_module_new(ctx, network, &f, pictures, 5);
    kin_record(ctx, false);
    CHECK(kin_module_retain(m, "transition.conv") && kin_module_retain(m, "block") &&
          kin_module_retain(m, "1"));
    CHECK(kin_module_forward(m, hashed_input(ctx, "x", pictures), KIN_EVAL) != NULL);
    const kin_tensor *conv = kin_module_tapped(m, "transition.conv"), *block = kin_module_tapped(m, "block"),
                     *second = kin_module_tapped(m, "1");
    CHECK(kin_dim(conv, 1) == SIDE && kin_dim(block, 1) == SIDE && kin_data(conv) && kin_data(block) &&
          kin_data(second));
    for (int64_t r = 0; r < kin_rows(block) && kin_ok(ctx); r++)
        for (int64_t k = 0; k < GROWTH; k++)
            CHECK(kin_data(block)[r * kin_ld(block) + FIRST + GROWTH + k] ==
                  kin_data(second)[r * kin_ld(second) + k]);
    kin_module_free(m);
    kin_ctx_free(ctx);
    check_end();
}

int main(void)
{
    same_numbers();
    same_bits();
    retained();
    return check_result();
}
