/* Modules and scopes: names, first values, sharing, running statistics, what a dry run forbids. */
#include "autograd/gradcheck.h"
#include "base/memory.h"
#include "nn/layers.h"
#include "tests/support/check.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static kin_tensor *mlp(kin_scope *s, kin_tensor *x, void *arg)
{
    (void)arg;
    x = kin_relu(kin_linear(kin_sub(s, "0"), x, &(kin_linear_opt){.out = 50}));
    return kin_linear(kin_sub(s, "2"), x, &(kin_linear_opt){.out = 3, .no_bias = true});
}

static kin_tensor *convnet(kin_scope *s, kin_tensor *x, void *arg)
{
    (void)arg;
    kin_scope *layer = kin_sub_index(s, "layer", 0);
    kin_tensor *y = kin_conv_bn(layer, "conv1", "bn1", x,
                                &(kin_conv_bn_opt){.out = 6, .kernel = 3, .pad = 1, .act = KIN_RELU});
    y = kin_conv_bn(layer, "conv2", "bn2", y,
                    &(kin_conv_bn_opt){
                        .out = 6, .kernel = 3, .pad = 1, .add = y, .act = KIN_RELU, .kaiming_fan_out = true});
    return kin_linear(kin_sub(s, "fc"),
                      kin_global_avg_pool(kin_max_pool2d(y, &(kin_pool2d_opt){.kernel = 2})),
                      &(kin_linear_opt){.out = 4});
}

/* A TripletNet: three branches, one set of parameters. */
static kin_tensor *triplet(kin_scope *s, kin_tensor *x, void *arg)
{
    bool shared = *(bool *)arg;
    kin_tensor *branch[3];
    for (int i = 0; i < 3; i++)
        branch[i] = kin_linear(shared ? kin_sub_shared(s, "branch") : kin_sub(s, "branch"),
                               kin_slice(x, i * 4, 4), &(kin_linear_opt){.out = 2});
    return kin_concat(branch, 3);
}

static kin_tensor *reads_in_dry_run(kin_scope *s, kin_tensor *x, void *arg)
{
    (void)s, (void)arg;
    return kin_item(x) > 0 ? kin_relu(x) : x;
}

static kin_tensor *asks_for_more(kin_scope *s, kin_tensor *x, void *arg)
{
    return kin_linear(kin_sub(s, *(bool *)arg ? "late" : "early"), x, &(kin_linear_opt){.out = 2});
}

static kin_tensor *drops(kin_scope *s, kin_tensor *x, void *arg)
{
    (void)arg;
    return kin_dropout(s, "drop", x, 0.5);
}

static void names(void)
{
    check_begin("modules: parameters have PyTorch's names, shapes and first values (%s)", KIN_REAL_NAME);
    kin_ctx *ctx = kin_ctx_new();
    kin_module *m = kin_module_new(ctx, mlp, NULL, KIN_SHAPE(1, 400), 1);
    static const char *const expected[] = {"0.weight", "0.bias", "2.weight"};
    CHECK(m && kin_module_entries(m) == 3 && kin_module_parameters(m) == 400 * 50 + 50 + 150);
    for (int i = 0; m && i < 3; i++) CHECK(strcmp(kin_module_entry(m, i)->name, expected[i]) == 0);
    const kin_entry *w = kin_module_find(m, "0.weight");
    double squares = 0, most = 0;
    for (int64_t i = 0; i < 20000; i++) {
        double v = (double)kin_data(w->tensor)[i];
        squares += v * v;
        most = fmax(most, fabs(v));
    }
    CHECK_CLOSE(most, 0.05, 5e-4); /* U(±1/√400) */
    CHECK_CLOSE(sqrt(squares / 20000), 0.05 / sqrt(3), 5e-4);
    CHECK(kin_module_find(m, "0.bias")->no_decay && !w->no_decay);
    kin_module *same = kin_module_new(ctx, mlp, NULL, KIN_SHAPE(1, 400), 1),
               *other = kin_module_new(ctx, mlp, NULL, KIN_SHAPE(1, 400), 2);
    CHECK(memcmp(kin_module_values(m), kin_module_values(same),
                 (size_t)kin_module_slab_count(m) * sizeof(kin_real)) == 0);
    CHECK(memcmp(kin_module_values(m), kin_module_values(other),
                 (size_t)kin_module_slab_count(m) * sizeof(kin_real)) != 0);
    kin_module_free(m), kin_module_free(same), kin_module_free(other);
    kin_ctx_free(ctx);
    check_end();
}

static void running_statistics(void)
{
    check_begin(
        "modules: running statistics move in training, not in the dry run, and serve in evaluation (%s)",
        KIN_REAL_NAME);
    kin_ctx *ctx = kin_ctx_new();
    kin_module *m = kin_module_new(ctx, convnet, NULL, KIN_SHAPE(2, 6, 6, 3), 1);
    CHECK_MSG(m, "%s", kin_ctx_error(ctx)->message);
    kin_entry *mean = kin_module_find(m, "layer.0.bn1.running_mean"),
              *var = kin_module_find(m, "layer.0.bn1.running_var");
    CHECK(mean && mean->buffer && kin_data(mean->tensor)[0] == 0 && kin_data(var->tensor)[0] == 1);
    kin_real x[2 * 6 * 6 * 3];
    for (int i = 0; i < 216; i++) x[i] = (kin_real)sin(i);
    kin_module_forward(m, kin_input(ctx, KIN_SHAPE(2, 6, 6, 3), x), KIN_EVAL);
    CHECK(kin_data(mean->tensor)[0] == 0);
    kin_end_step(ctx);
    for (int i = 0; i < 200; i++) {
        kin_module_forward(m, kin_input(ctx, KIN_SHAPE(2, 6, 6, 3), x), KIN_TRAIN);
        kin_end_step(ctx);
    }
    CHECK_MSG(kin_ok(ctx), "%s", kin_ctx_error(ctx)->message);
    /* After many equal batches both modes agree, but for the unbiased variance n/(n − 1) = 72/71. */
    kin_real train[8], eval[8];
    kin_read(kin_module_forward(m, kin_input(ctx, KIN_SHAPE(2, 6, 6, 3), x), KIN_TRAIN), train);
    kin_read(kin_module_forward(m, kin_input(ctx, KIN_SHAPE(2, 6, 6, 3), x), KIN_EVAL), eval);
    for (int i = 0; i < 8; i++) CHECK_CLOSE(train[i], eval[i], 0.02);
    kin_module_free(m);
    kin_ctx_free(ctx);
    check_end();
}

static void sharing(void)
{
    check_begin("modules: a path entered twice is an error unless shared; shared gradients add up (%s)",
                KIN_REAL_NAME);
    kin_ctx *ctx = kin_ctx_new();
    bool shared = false;
    CHECK(!kin_module_new(ctx, triplet, &shared, KIN_SHAPE(5, 12), 1));
    CHECK_TEXT(kin_ctx_error(ctx)->message, "branch.weight was asked for twice");
    kin_error_clear(kin_ctx_error(ctx));
    shared = true;
    kin_module *m = kin_module_new(ctx, triplet, &shared, KIN_SHAPE(5, 12), 1);
    CHECK(m && kin_module_parameters(m) == 10);
    kin_real x[60];
    for (int i = 0; i < 60; i++) x[i] = 1;
    kin_module_zero_grad(m);
    CHECK(kin_backward(kin_sum(kin_module_forward(m, kin_input(ctx, KIN_SHAPE(5, 12), x), KIN_TRAIN), 0)));
    CHECK(kin_module_grads(m)[0] == 15); /* 5 rows of ones, three branches */
    kin_module_free(m);
    kin_ctx_free(ctx);
    check_end();
}

static void refusals(void)
{
    check_begin("modules: reading in a dry run, late parameters and other shapes are named errors (%s)",
                KIN_REAL_NAME);
    kin_ctx *ctx = kin_ctx_new();
    CHECK(!kin_module_new(ctx, reads_in_dry_run, NULL, KIN_SHAPE(2, 3), 1));
    CHECK_TEXT(kin_ctx_error(ctx)->message, "dry run");
    kin_error_clear(kin_ctx_error(ctx));
    bool late = false;
    kin_module *m = kin_module_new(ctx, asks_for_more, &late, KIN_SHAPE(2, 3), 1);
    CHECK(!kin_module_forward(m, kin_input(ctx, KIN_SHAPE(2, 4), NULL), KIN_TRAIN));
    CHECK_TEXT(kin_ctx_error(ctx)->message, "early.weight has the shape [2, 3], but [2, 4] was asked for");
    kin_error_clear(kin_ctx_error(ctx));
    kin_end_step(ctx);
    late = true;
    CHECK(!kin_module_forward(m, kin_input(ctx, KIN_SHAPE(2, 3), NULL), KIN_TRAIN));
    CHECK_TEXT(kin_ctx_error(ctx)->message, "there is no parameter late.weight");
    kin_module_free(m);
    kin_ctx_free(ctx);
    check_end();
}

static void dropout(void)
{
    check_begin("modules: dropout is keyed by seed, step and path, and is nothing in evaluation (%s)",
                KIN_REAL_NAME);
    kin_ctx *ctx = kin_ctx_new();
    kin_module *m = kin_module_new(ctx, drops, NULL, KIN_SHAPE(1, 100), 1);
    kin_real ones[100], out[4][100];
    for (int i = 0; i < 100; i++) ones[i] = 1;
    static const int steps[] = {1, 2, 1, 1};
    for (int i = 0; i < 4; i++) {
        kin_set_random(ctx, 3, (uint64_t)steps[i]);
        kin_read(kin_module_forward(m, kin_input(ctx, KIN_SHAPE(1, 100), ones),
                                    i == 3 ? KIN_EVAL : KIN_TRAIN),
                 out[i]);
    }
    CHECK(memcmp(out[0], out[2], sizeof ones) == 0 && memcmp(out[0], out[1], sizeof ones) != 0 &&
          memcmp(out[3], ones, sizeof ones) == 0);
    kin_module_free(m);
    kin_ctx_free(ctx);
    check_end();
}

/* After the first steps a training loop takes nothing more from the system. */
static void steady(void)
{
    check_begin("modules: a steady state allocates nothing (%s)", KIN_REAL_NAME);
    kin_ctx *ctx = kin_ctx_new();
    kin_module *m = kin_module_new(ctx, convnet, NULL, KIN_SHAPE(4, 12, 12, 3), 1);
    long before = 0;
    for (int step = 0; step < 6; step++) {
        kin_module_zero_grad(m);
        kin_tensor *y = kin_module_forward(m, kin_input(ctx, KIN_SHAPE(4, 12, 12, 3), NULL), KIN_TRAIN);
        CHECK(kin_backward(kin_cross_entropy(y, (int[]){0, 1, 2, 3}, 0)));
        kin_end_step(ctx);
        if (step == 1) before = kin_alloc_count();
    }
    CHECK(kin_alloc_count() == before);
    kin_module_free(m);
    kin_ctx_free(ctx);
    check_end();
}

static void allocations(void)
{
    check_begin("modules: every failed allocation is an error and leaks nothing (%s)", KIN_REAL_NAME);
    long alive = kin_alloc_live();
    for (long n = 1; n < 1000; n++) {
        kin_ctx *ctx = kin_ctx_new();
        kin_alloc_fail_at(n);
        kin_module *m = kin_module_new(ctx, convnet, NULL, KIN_SHAPE(2, 6, 6, 3), 1);
        bool reached = kin_alloc_pending() == 0;
        kin_alloc_fail_at(0);
        CHECK(!reached || (!m && kin_ctx_error(ctx)->code == KIN_ERR_MEMORY));
        kin_module_free(m);
        kin_ctx_free(ctx);
        CHECK(kin_alloc_live() == alive);
        if (!reached) break;
    }
    check_end();
}

int main(void)
{
    names();
    running_statistics();
    sharing();
    refusals();
    dropout();
    steady();
    allocations();
    return check_result();
}
