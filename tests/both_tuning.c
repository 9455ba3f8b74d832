/* Fine-tuning: what is frozen does not change by a bit, and rates and decay are those of PyTorch's
 * parameter groups. */
#include "autograd/ops.h"
#include "base/memory.h"
#include "base/text.h"
#include "nn/layers.h"
#include "nn/optim.h"
#include "nn/tuning.h"
#include "tests/support/check.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const bool is_double = sizeof(kin_real) == sizeof(double);

static kin_tensor *network(kin_scope *s, kin_tensor *x, void *arg)
{
    (void)arg;
    x = kin_linear(kin_sub(s, "0"), x, &(kin_linear_opt){.out = 6});
    x = kin_batch_norm(kin_sub(s, "1"), x, &(kin_norm_opt){.act = KIN_RELU});
    return kin_linear(kin_sub(s, "3"), x, &(kin_linear_opt){.out = 3});
}

static void wave(kin_real *data, int64_t count, double base, double scale, double shift)
{
    for (int64_t i = 0; i < count; i++) data[i] = (kin_real)(base + scale * sin(0.9 * (double)i + shift));
}

static void fill(kin_module *m)
{
    for (int i = 0; i < kin_module_entries(m); i++) {
        kin_entry *e = kin_module_entry(m, i);
        bool mean = strcmp(e->name, "1.running_mean") == 0;
        if (e->buffer) wave(kin_entry_data(e), kin_count(e->tensor), !mean, mean ? 0.2 : 0.5, mean ? 1 : 2);
        else
            wave(kin_entry_data(e), kin_count(e->tensor), strcmp(e->name, "1.weight") == 0, 0.5,
                 (double)strlen(e->name));
    }
}

static double step(kin_module *m, kin_optim *o, double lr)
{
    kin_ctx *ctx = kin_module_ctx(m);
    kin_real x[40], target[24];
    wave(x, 40, 0, 1, 0.3);
    wave(target, 24, 0, 1, 0.7);
    kin_tensor *y = kin_module_forward(m, kin_input(ctx, KIN_SHAPE(8, 5), x), KIN_TRAIN);
    kin_tensor *loss = kin_sum(kin_square(kin_sub_tensor(y, kin_input(ctx, KIN_SHAPE(8, 3), target))), 0);
    double value = kin_item(loss);
    kin_module_zero_grad(m);
    CHECK_MSG(kin_backward(loss) && kin_optim_step(o, lr), "%s", kin_ctx_error(ctx)->message);
    kin_end_step(ctx);
    return value;
}

static void against_pytorch(void)
{
    static const struct {
        const char *name;
        kin_optim_opt opt;
    } optimisers[] = {
        {"sgd", {.kind = KIN_SGD, .lr = 0.05, .momentum = 0.9, .weight_decay = 0.1, .decay_all = true}},
        {"adam", {.kind = KIN_ADAM, .lr = 0.02, .weight_decay = 0.1, .decay_all = true}},
        {"adamw", {.kind = KIN_ADAMW, .lr = 0.02, .weight_decay = 0.1, .decay_all = true}},
    };
    FILE *file = fopen("tests/golden/tuning.txt", "r");
    double tolerance = is_double ? 1e-10 : 2e-5;
    for (int k = 0; k < 3; k++) {
        check_begin("tuning: factors, decay and frozen norms as PyTorch's groups have them, %s (%s)",
                    optimisers[k].name, KIN_REAL_NAME);
        char name[16];
        double want;
        CHECK(file && fscanf(file, "%15s", name) == 1 && strcmp(name, optimisers[k].name) == 0);
        kin_ctx *ctx = kin_ctx_new();
        kin_error err = {0};
        kin_module *m = kin_module_new(ctx, network, NULL, KIN_SHAPE(8, 5), 1);
        fill(m);
        CHECK_MSG(kin_module_tune(m,
                                  &(kin_tuning){.freeze = "0.bias",
                                                .freeze_bn = "1",
                                                .lr_scale = "0.*=7,0.w*=0.1",
                                                .no_decay = "3.weight"},
                                  &err),
                  "%s", err.message);
        kin_optim *o = kin_optim_new(m, &optimisers[k].opt);
        for (int i = 0; file && i < 6; i++) {
            double loss = step(m, o, optimisers[k].opt.lr);
            CHECK(fscanf(file, "%lf", &want) == 1);
            CHECK_CLOSE(loss, want, tolerance * want);
        }
        for (int i = 0; file && i < kin_module_entries(m); i++) {
            kin_entry *e = kin_module_entry(m, i);
            double sum = 0;
            if (e->buffer) continue;
            for (int64_t j = 0; j < kin_count(e->tensor); j++)
                sum += cos(0.3 * (double)j) * (double)kin_data(e->tensor)[j];
            CHECK(fscanf(file, "%lf", &want) == 1);
            CHECK_MSG(fabs(sum - want) <= tolerance * (1 + fabs(want)), "%s: %.10g, PyTorch says %.10g",
                      e->name, sum, want);
        }
        kin_optim_free(o);
        kin_module_free(m);
        kin_ctx_free(ctx);
        check_end();
    }
    if (file) fclose(file);
}

static void frozen(void)
{
    check_begin("tuning: what is frozen does not change by a bit, all else does, with any optimiser (%s)",
                KIN_REAL_NAME);
    static const char *const lists[] = {"0.*,1.*", "*.bias", "1.running_*,3.*"};
    for (int i = 0; i < 9; i++) {
        kin_ctx *ctx = kin_ctx_new();
        kin_error err = {0};
        kin_module *m = kin_module_new(ctx, network, NULL, KIN_SHAPE(8, 5), 1);
        CHECK_MSG(kin_module_tune(m, &(kin_tuning){.freeze = lists[i % 3]}, &err), "%s", err.message);
        kin_optim *o = kin_optim_new(m, &(kin_optim_opt){.kind = (kin_optim_kind)(i / 3),
                                                         .momentum = 0.9,
                                                         .weight_decay = 0.1,
                                                         .decay_all = true,
                                                         .ema = 0.9,
                                                         .clip_norm = 1});
        kin_real before[16][64];
        for (int k = 0; k < kin_module_entries(m); k++) kin_read(kin_module_entry(m, k)->tensor, before[k]);
        for (int k = 0; k < 3; k++) step(m, o, 0.1);
        for (int swapped = 0; swapped < 2; swapped++) {
            for (int k = 0; k < kin_module_entries(m); k++) {
                kin_entry *e = kin_module_entry(m, k);
                bool same = memcmp(before[k], kin_data(e->tensor),
                                   (size_t)kin_count(e->tensor) * sizeof(kin_real)) == 0;
                CHECK_MSG(same == e->frozen, "%s, --freeze %s: %s", e->name, lists[i % 3],
                          same ? "did not move" : "moved");
            }
            kin_optim_swap_ema(o);
        }
        kin_optim_free(o);
        kin_module_free(m);
        kin_ctx_free(ctx);
    }
    check_end();
}

static void shortened(void)
{
    check_begin(
        "tuning: below the first trained parameter no gradient is computed, and marks can be lifted (%s)",
        KIN_REAL_NAME);
    kin_ctx *ctx = kin_ctx_new();
    kin_error err = {0};
    kin_module *m = kin_module_new(ctx, network, NULL, KIN_SHAPE(8, 5), 1);
    kin_real x[40];
    wave(x, 40, 0, 1, 0);
    for (int frozen_below = 0; frozen_below < 2; frozen_below++) {
        CHECK(kin_module_tune(m, &(kin_tuning){.freeze = frozen_below ? "0.*,1.*" : NULL}, &err));
        kin_module_zero_grad(m);
        CHECK(kin_backward(
            kin_sum(kin_square(kin_module_forward(m, kin_input(ctx, KIN_SHAPE(8, 5), x), KIN_TRAIN)), 0)));
        double below = 0, above = 0;
        for (int64_t i = 0; i < kin_module_slab_count(m); i++)
            *(i < kin_entry_offset(m, kin_module_find(m, "3.weight")) ? &below : &above) += fabs(
                (double)kin_module_grads(m)[i]);
        CHECK((below != 0) == !frozen_below && above != 0);
        kin_end_step(ctx);
    }
    kin_module_free(m);
    kin_ctx_free(ctx);
    check_end();
}

static void refuse(kin_module *m, kin_tuning t, const char *why)
{
    kin_error err = {0};
    CHECK(!kin_module_tune(m, &t, &err));
    CHECK_TEXT(err.message, why);
}

static void refusals(void)
{
    check_begin("tuning: patterns that match nothing and factors that are none are refused (%s)",
                KIN_REAL_NAME);
    kin_ctx *ctx = kin_ctx_new();
    kin_module *m = kin_module_new(ctx, network, NULL, KIN_SHAPE(8, 5), 1);
    refuse(m, (kin_tuning){.freeze = "0.*,layer9.*"}, "the pattern 'layer9.*' matches no parameter");
    refuse(m, (kin_tuning){.freeze_bn = "0"}, "the pattern '0' matches no batch norm");
    refuse(m, (kin_tuning){.freeze = "*"}, "every parameter is frozen");
    refuse(m, (kin_tuning){.freeze = "0.*,"}, "an empty pattern");
    refuse(m, (kin_tuning){.lr_scale = "0.*"}, "'0.*' is not PATTERN=FACTOR");
    refuse(m, (kin_tuning){.lr_scale = "0.*=-1"}, "not PATTERN=FACTOR");
    refuse(m, (kin_tuning){.lr_scale = "=2"}, "not PATTERN=FACTOR");
    refuse(m, (kin_tuning){.lr_scale = "0.*=nan"}, "not PATTERN=FACTOR");
    char longest[300];
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    refuse(m, (kin_tuning){.no_decay = longest}, "is longer than");
    kin_module_free(m);
    kin_ctx_free(ctx);
    check_end();
}

static void globs(void)
{
    check_begin("globs: '*' is any run of characters, everything else is itself");
    static const struct {
        const char *pattern, *name;
        bool fits;
    } cases[] = {
        {"", "", true},
        {"*", "", true},
        {"", "a", false},
        {"a", "", false},
        {"a*", "a", true},
        {"a*c", "abbc", true},
        {"a*c", "abcb", false},
        {"*a*a*", "baba", true},
        {"*a*a*", "bab", false},
        {"layer1.*", "layer1.0.bn1.weight", true},
        {"layer1.*", "layer10.0", false},
        {"*.weight", "a.weight.weight", true},
        {"**b", "ab", true},
        {"a*b*c*d", "a-b-b-c-c-d", true},
        {"ab", "abc", false},
        {"*aaaa*aaaa*aaaa*aaaa*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
         false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_MSG(kin_glob(cases[i].pattern, cases[i].name) == cases[i].fits, "%s on %s", cases[i].pattern,
                  cases[i].name);
    check_end();
}

/* A part's own warm-up: at step k of n its rate is k/n of the others', as a schedule of factors would have
 * it. */
static void warmed_up(void)
{
    check_begin("tuning: a part's rate rises over its own warm-up, step by step (%s)", KIN_REAL_NAME);
    kin_ctx *ctx = kin_ctx_new();
    kin_error err = {0};
    kin_real warm[64], scaled[64], full[64], plain[64];
    for (int which = 0; which < 4; which++) {
        /* One step with a warm-up of 4 is one step at a quarter; of 1, a whole one. */
        static const kin_tuning ways[] = {
            {.lr_warmup = "0.*=4"}, {.lr_scale = "0.*=0.25"}, {.lr_warmup = "0.*=1"}, {NULL}};
        kin_module *m = kin_module_new(ctx, network, NULL, KIN_SHAPE(8, 5), 1);
        CHECK_MSG(kin_module_tune(m, &ways[which], &err), "%s", err.message);
        kin_optim *o = kin_optim_new(m, &(kin_optim_opt){.kind = KIN_ADAM});
        step(m, o, 0.125);
        kin_read(kin_module_find(m, "0.weight")->tensor, (kin_real *[]){warm, scaled, full, plain}[which]);
        kin_optim_free(o);
        kin_module_free(m);
    }
    CHECK(memcmp(warm, scaled, 30 * sizeof *warm) == 0 && memcmp(full, plain, 30 * sizeof *full) == 0 &&
          memcmp(warm, full, 30 * sizeof *full) != 0);
    kin_ctx_free(ctx);
    check_end();
}

int main(void)
{
    against_pytorch();
    frozen();
    warmed_up();
    shortened();
    refusals();
    globs();
    return check_result();
}
