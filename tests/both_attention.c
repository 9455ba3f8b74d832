/* Attention, pools and heads: against PyTorch's modules (tests/golden/attention.py wrote attention.txt),
 * and what their papers promise. */
#include "autograd/gradcheck.h"
#include "autograd/ops.h"
#include "base/memory.h"
#include "nn/attention.h"
#include "nn/head.h"
#include "tests/support/check.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const bool is_double = sizeof(kin_real) == sizeof(double);

/* ---- the golden cases ---- */

typedef struct golden {
    const char *name;
    int64_t channels;
    kin_net net;
} golden;

#define NET(NAME, EXPRESSION) \
    static kin_tensor *NAME(kin_scope *s, kin_tensor *x, void *arg) \
    { \
        (void)arg; \
        return (EXPRESSION); \
    }
NET(se, kin_se(s, x, &(kin_se_opt){.reduction = 16}))
NET(se_mobile, kin_se(s, x, &(kin_se_opt){.squeeze = 5, .silu = true, .hard = true}))
NET(eca, kin_eca(s, x, NULL))
NET(cbam, kin_cbam(s, x, NULL))
NET(sca, kin_sca(s, x, NULL))
NET(sca_reduce, kin_sca(s, x, &(kin_sca_opt){.reduce = 4, .scale = 0.25}))
NET(pools, kin_pool(s, x, "gap+gmp+gem"))
static kin_tensor *head(kin_scope *s, kin_tensor *x, void *arg)
{
    (void)arg;
    kin_tensor *before = NULL;
    kin_tensor *y = kin_embedding_head(
        s, x, &(kin_head_opt){.pool = "gem", .embedding = 5, .bnneck = true, .l2 = true, .metric = &before});
    return kin_join_branches((kin_branch[]){{.x = y}, {.x = before}, {.x = before, .l2 = true, .weight = 2}},
                             3);
}

static const golden cases[] = {{"se", 32, se},      {"se-mobile", 12, se_mobile},
                               {"eca", 128, eca},   {"cbam", 32, cbam},
                               {"sca", 7, sca},     {"sca-reduce", 9, sca_reduce},
                               {"pools", 6, pools}, {"head", 6, head}};
enum { CASES = sizeof cases / sizeof *cases, MAX_NUMBERS = 3 * 4 * 5 * 128 };

static const golden *find(const char *name)
{
    for (int i = 0; i < CASES; i++)
        if (strcmp(cases[i].name, name) == 0) return &cases[i];
    return NULL;
}

/* Where number i of the file's order (OIHW for convolutions) lies in memory. */
static int64_t place_of(const kin_entry *e, int64_t i)
{
    if (e->layout != KIN_LAYOUT_HWIO) return i;
    kin_shape s = kin_shape_of(e->tensor); /* h, w, in, out */
    int64_t pixels = s.dim[0] * s.dim[1], pixel = i % pixels, in = i / pixels % s.dim[2],
            out = i / pixels / s.dim[2];
    return (pixel * s.dim[2] + in) * s.dim[3] + out;
}

static bool ends(const char *text, const char *end)
{
    return strlen(text) >= strlen(end) && strcmp(text + strlen(text) - strlen(end), end) == 0;
}

static void fill(kin_module *m)
{
    for (int k = 0; k < kin_module_entries(m); k++) {
        kin_entry *e = kin_module_entry(m, k);
        double base = ends(e->name, "bn.weight") || ends(e->name, "bnneck.weight") ? 1
                      : strcmp(e->name, "p") == 0 || ends(e->name, ".p")           ? 3
                                                                                   : 0;
        kin_real *data = e->buffer ? NULL : kin_entry_data(e);
        for (int64_t i = 0; data && i < kin_count(e->tensor); i++)
            data[place_of(e, i)] = (kin_real)(base + 0.3 * sin(0.9 * (double)i + (double)strlen(e->name)));
    }
}

static kin_tensor *input(kin_ctx *ctx, int64_t channels)
{
    static kin_real numbers[MAX_NUMBERS];
    for (int64_t i = 0; i < 60 * channels; i++) numbers[i] = (kin_real)sin(0.9 * (double)i);
    return kin_variable(ctx, KIN_SHAPE(3, 4, 5, channels), numbers);
}

static kin_tensor *value_of(kin_module *m, kin_tensor *x, kin_mode mode)
{
    kin_tensor *y = kin_module_forward(m, x, mode),
               *weights = y ? kin_input(kin_ctx_of(y), kin_shape_of(y), NULL) : NULL;
    for (int64_t i = 0; weights && i < kin_count(y); i++)
        ((kin_real *)kin_data(weights))[i] = (kin_real)sin(0.7 * (double)i + 0.2);
    return weights ? kin_sum(kin_mul(y, weights), 0) : NULL;
}

static void near(const char *what, double got, double want)
{
    double tolerance = (is_double ? 1e-10 : 5e-6) * (10 + fabs(want));
    CHECK_MSG(fabs(got - want) <= tolerance, "%s: %.10g, PyTorch says %.10g", what, got, want);
}

/* Σ cos(0.3 i)·number i, in the file's order. */
static double summed(const kin_entry *e, const kin_real *numbers, int64_t count)
{
    double sum = 0;
    for (int64_t i = 0; numbers && i < count; i++)
        sum += cos(0.3 * (double)i) * (double)numbers[e ? place_of(e, i) : i];
    return sum;
}

typedef struct running {
    kin_ctx *ctx;
    kin_module *module;
    const golden *golden;
    int entries;
} running;

static void begin_case(running *r, const char *name, double value, double dx)
{
    check_begin("%s: PyTorch's values, gradients, names and running statistics (%s)", name, KIN_REAL_NAME);
    r->golden = find(name);
    r->entries = 0;
    CHECK(r->golden);
    if (!r->golden) return;
    r->module = kin_module_new(r->ctx, r->golden->net, NULL, KIN_SHAPE(3, 4, 5, r->golden->channels), 1);
    CHECK_MSG(r->module, "%s", kin_ctx_error(r->ctx)->message);
    if (!r->module) return;
    fill(r->module);
    kin_tensor *x = input(r->ctx, r->golden->channels), *total = value_of(r->module, x, KIN_TRAIN);
    CHECK_MSG(kin_backward(total), "%s", kin_ctx_error(r->ctx)->message);
    near("value", kin_item(total), value);
    near("the input's gradient", summed(NULL, kin_grad(x), kin_count(x)), dx);
    kin_end_step(r->ctx);
}

static void compare_entry(running *r, const char *name, double want, bool buffer)
{
    kin_entry *e = r->module ? kin_module_find(r->module, name) : NULL;
    CHECK_MSG(e && e->buffer == buffer, "there is no %s", name);
    if (!e) return;
    near(name, summed(e, buffer ? kin_data(e->tensor) : kin_grad(e->tensor), kin_count(e->tensor)), want);
    r->entries++;
}

static void end_case(running *r, double value)
{
    if (r->module) {
        near("value in evaluation",
             kin_item(value_of(r->module, input(r->ctx, r->golden->channels), KIN_EVAL)), value);
        /* The neck's bias is a buffer here and a frozen parameter there, with no gradient to compare. */
        CHECK(r->entries + (kin_module_find(r->module, "bnneck.bias") != NULL) ==
              kin_module_entries(r->module));
    }
    kin_module_free(r->module);
    r->module = NULL;
    kin_end_step(r->ctx);
    kin_error_clear(kin_ctx_error(r->ctx));
    check_end();
}

static void against_pytorch(void)
{
    FILE *file = fopen("tests/golden/attention.txt", "r");
    running r = {.ctx = kin_ctx_new()};
    char kind[16], name[80];
    double value, dx;
    int found = 0;
    while (file && fscanf(file, "%15s %79s %lf", kind, name, &value) == 3) {
        if (strcmp(kind, "case") == 0 && fscanf(file, "%lf", &dx) == 1)
            begin_case(&r, name, value, dx), found++;
        else if (strcmp(kind, "eval") == 0) end_case(&r, value);
        else compare_entry(&r, name, value, strcmp(kind, "buffer") == 0);
    }
    if (file) fclose(file);
    kin_ctx_free(r.ctx);
    check_begin("attention: every golden case has its lines (%s)", KIN_REAL_NAME);
    CHECK(found == CASES);
    check_end();
}

/* ---- gradients of the whole, by differences ---- */

typedef struct checked {
    kin_module *module;
} checked;

/* What kin_sca computes, with γ as an input, so that its gradient is seen too. */
static kin_tensor *self_attention(kin_tensor **in, void *arg)
{
    (void)arg;
    kin_tensor *x = kin_reshape(in[0], KIN_SHAPE(2, 6, 5));
    kin_tensor *a = kin_softmax_scaled(kin_matmul(x, x, &(kin_matmul_opt){.transpose_a = true}), -1);
    return kin_add_weighted(x, kin_matmul(x, a, &(kin_matmul_opt){.transpose_b = true}), in[1]);
}

static kin_tensor *through_module(kin_tensor **in, void *arg)
{
    return kin_module_forward(((checked *)arg)->module, in[0], KIN_TRAIN);
}

static void gradients(void)
{
    static const struct {
        const char *name;
        kin_net net;
        int64_t channels;
    } nets[] = {{"se", se, 18},
                {"eca", eca, 8},
                {"cbam", cbam, 18},
                {"sca", sca, 5},
                {"sca reduced", sca_reduce, 6},
                {"pools", pools, 4}};
    for (int i = 0; is_double && i < (int)(sizeof nets / sizeof *nets); i++) {
        check_begin("%s: gradient check of the input", nets[i].name);
        kin_ctx *ctx = kin_ctx_new();
        checked c = {
            .module = kin_module_new(ctx, nets[i].net, NULL, KIN_SHAPE(2, 2, 3, nets[i].channels), 1)};
        fill(c.module);
        CHECK_MSG(kin_gradcheck(ctx, through_module, &c, (kin_shape[]){KIN_SHAPE(2, 2, 3, nets[i].channels)},
                                1, &(kin_gradcheck_opt){.low = .1, .high = 2}, NULL),
                  "%s", kin_ctx_error(ctx)->message);
        kin_module_free(c.module);
        kin_ctx_free(ctx);
        check_end();
    }
    if (!is_double) return;
    check_begin("sca: gradient check with gamma as an input, not 0");
    kin_ctx *ctx = kin_ctx_new();
    CHECK_MSG(kin_gradcheck(ctx, self_attention, NULL, (kin_shape[]){KIN_SHAPE(2, 2, 3, 5), KIN_SHAPE(1)}, 2,
                            &(kin_gradcheck_opt){.low = .2, .high = 1}, NULL),
              "%s", kin_ctx_error(ctx)->message);
    kin_ctx_free(ctx);
    check_end();
}

/* ---- self channel attention at the start ---- */

static kin_tensor *tapped_sca(kin_scope *s, kin_tensor *x, void *arg) { return kin_sca(s, x, arg); }

static void at_gamma_zero(void)
{
    check_begin("sca: at gamma 0 the map is unchanged, A receives no gradient and gamma does (%s)",
                KIN_REAL_NAME);
    kin_ctx *ctx = kin_ctx_new();
    kin_tensor *a = NULL;
    double entropy = -1;
    kin_sca_opt opt = {.weights = &a, .entropy = &entropy};
    kin_module *m = kin_module_new(ctx, tapped_sca, &opt, KIN_SHAPE(3, 4, 5, 7), 1);
    kin_tensor *x = input(ctx, 7), *y = kin_module_forward(m, x, KIN_TRAIN);
    CHECK(y && memcmp(kin_data(y), kin_data(x), (size_t)kin_count(x) * sizeof(kin_real)) == 0);
    CHECK(a && a == kin_module_tapped(m, "weights") && kin_module_tapped(m, "input") == x &&
          kin_module_tapped(m, "") == y);
    CHECK(kin_dim(a, 0) == 3 && kin_dim(a, 1) == 7 && kin_dim(a, 2) == 7);
    kin_keep_grad(a);
    kin_tensor *loss = kin_sum(kin_mul(y, kin_square(y)), 0);
    CHECK(kin_backward(loss));
    double largest = 0;
    for (int64_t i = 0; kin_grad(a) && i < kin_count(a); i++)
        largest = fmax(largest, fabs((double)kin_grad(a)[i]));
    CHECK(largest == 0 && fabs((double)kin_module_grads(m)[0]) > 1e-3);
    CHECK_MSG(entropy > 0 && entropy < 1, "entropy %g", entropy);
    kin_module_free(m);
    kin_ctx_free(ctx);
    check_end();
}

static void saturation(void)
{
    check_begin(
        "sca: rows of A sum to 1 and attend to the unlike, also where E is huge; the entropy tells (%s)",
        KIN_REAL_NAME);
    kin_ctx *ctx = kin_ctx_new();
    kin_tensor *a = NULL;
    double entropy = -1, last = -1;
    static const double scales[] = {1, 1e-2, 1e-4, 1e-6};
    for (int i = 0; i < 4; i++) {
        kin_sca_opt opt = {.weights = &a, .entropy = &entropy, .scale = scales[i]};
        kin_module *m = kin_module_new(ctx, tapped_sca, &opt, KIN_SHAPE(3, 4, 5, 7), 1);
        kin_tensor *x = kin_scale(input(ctx, 7), 100, 0);
        CHECK(kin_module_forward(m, x, KIN_EVAL));
        for (int64_t r = 0; r < 21; r++) {
            double sum = 0;
            for (int64_t k = 0; k < 7; k++) sum += (double)kin_data(a)[r * 7 + k];
            CHECK_CLOSE(sum, 1, 1e-6);
            /* A channel is most like itself: others get more. */
            CHECK((double)kin_data(a)[r * 7 + r % 7] < 1.0 / 7);
        }
        CHECK_MSG(entropy > last, "entropy %g after %g", entropy, last);
        last = entropy;
        kin_module_free(m);
        kin_end_step(ctx);
    }
    CHECK_MSG(last > 0.99, "entropy %g", last);
    kin_ctx_free(ctx);
    check_end();
}

/* ---- pools, the neck ---- */

static void gem_limits(void)
{
    check_begin("gem: p = 1 is the average, a large p the maximum, negative numbers count as 1e-6 (%s)",
                KIN_REAL_NAME);
    kin_ctx *ctx = kin_ctx_new();
    kin_real numbers[] = {1, 900, 2, 300, 6, 600, -5, 1e-3};
    kin_tensor *x = kin_input(ctx, KIN_SHAPE(1, 2, 2, 2), numbers);
    kin_tensor *one = kin_gem_pool(x, kin_input(ctx, KIN_SHAPE(1), (kin_real[]){1})),
               *large = kin_gem_pool(x, kin_input(ctx, KIN_SHAPE(1), (kin_real[]){500}));
    CHECK_CLOSE(kin_data(one)[0], 9.0 / 4, 1e-5);
    CHECK_CLOSE(kin_data(one)[1], 1800.001 / 4, 1e-3);
    CHECK_CLOSE(kin_data(large)[0], 6, .02);
    CHECK_CLOSE(kin_data(large)[1], 900, 3);
    kin_real low[] = {-1, -2, -3, -4};
    CHECK_CLOSE((double)kin_data(kin_gem_pool(kin_input(ctx, KIN_SHAPE(1, 2, 2, 1), low),
                                              kin_input(ctx, KIN_SHAPE(1), (kin_real[]){3})))[0] *
                    1e6,
                1, 1e-5);
    kin_ctx_free(ctx);
    check_end();
}

static kin_tensor *neck(kin_scope *s, kin_tensor *x, void *arg)
{
    kin_tensor **metric = arg;
    return kin_embedding_head(s, x,
                              &(kin_head_opt){.embedding = 4, .bnneck = true, .l2 = true, .metric = metric});
}

static void necks(void)
{
    check_begin("head: the metric loss's gradient does not pass the neck, the classifier's does (%s)",
                KIN_REAL_NAME);
    kin_ctx *ctx = kin_ctx_new();
    kin_tensor *metric = NULL;
    kin_module *m = kin_module_new(ctx, neck, &metric, KIN_SHAPE(3, 4, 5, 7), 1);
    CHECK(m && kin_module_find(m, "bnneck.bias")->buffer && !kin_module_find(m, "pool.p") &&
          kin_module_parameters(m) == 7 * 4 + 4 + 4);
    const kin_real *gain = kin_module_grads(m) + kin_entry_offset(m, kin_module_find(m, "bnneck.weight")),
                   *weight = kin_module_grads(m) +
                             kin_entry_offset(m, kin_module_find(m, "embedding.weight"));
    for (int behind = 0; behind < 2; behind++) {
        kin_module_zero_grad(m);
        kin_tensor *y = kin_module_forward(m, input(ctx, 7), KIN_TRAIN);
        CHECK(kin_backward(
            kin_sum(kin_mul(kin_slice(behind ? y : metric, 0, 1), kin_slice(behind ? y : metric, 1, 1)), 0)));
        CHECK((gain[0] != 0) == behind && weight[0] != 0);
        double norm = 0;
        for (int k = 0; k < 4; k++) norm += pow((double)kin_data(y)[k], 2);
        CHECK_CLOSE(norm, 1, 1e-5);
        kin_end_step(ctx);
    }
    for (int k = 0; k < 4; k++) CHECK(kin_data(kin_module_find(m, "bnneck.bias")->tensor)[k] == 0);
    kin_module_free(m);
    kin_ctx_free(ctx);
    check_end();
}

/* ---- refusals, failed allocations, costs ---- */

static kin_tensor *named(kin_scope *s, kin_tensor *x, void *arg)
{
    return kin_attention(kin_sub(s, "layer"), x, arg);
}
static kin_tensor *pooled(kin_scope *s, kin_tensor *x, void *arg)
{
    return kin_pool(kin_sub(s, "pool"), x, arg);
}
static kin_tensor *even(kin_scope *s, kin_tensor *x, void *arg) { return kin_eca(s, x, arg); }

static void refuse(kin_net net, const void *arg, kin_shape shape, const char *why)
{
    kin_ctx *ctx = kin_ctx_new();
    CHECK(!kin_module_new(ctx, net, (void *)arg, shape, 1));
    CHECK_TEXT(kin_ctx_error(ctx)->message, why);
    kin_ctx_free(ctx);
}

static void refusals(void)
{
    check_begin("attention and pools refuse what they do not know, by name (%s)", KIN_REAL_NAME);
    kin_shape map = KIN_SHAPE(2, 3, 3, 8);
    refuse(named, "nonlocal", map, "there is no attention 'nonlocal'");
    refuse(named, "cbam", KIN_SHAPE(2, 8),
           "convolutional block attention in 'layer' expected a map [n, h, w, c], not [2, 8]");
    refuse(even, &(kin_eca_opt){.kernel = 4}, map, "needs an odd kernel, not 4");
    refuse(pooled, "gap+", map, "there is no such pool: 'gap+'");
    refuse(pooled, "mean", map, "there is no such pool: 'mean'");
    refuse(pooled, "gem+gem", map, "pool.p was asked for twice");
    refuse(pooled, "gap+gap+gap+gap+gap+gap+gap+gap+gap", map, "too many pools");
    check_end();
}

static void allocations(void)
{
    check_begin("attention: every failed allocation is an error and leaks nothing (%s)", KIN_REAL_NAME);
    long alive = kin_alloc_live();
    for (int i = 0; i < CASES; i++)
        for (long n = 1; n < 1000; n++) {
            kin_ctx *ctx = kin_ctx_new();
            kin_alloc_fail_at(n);
            kin_module *m = kin_module_new(ctx, cases[i].net, NULL, KIN_SHAPE(3, 4, 5, cases[i].channels), 1);
            bool ok = m && kin_backward(value_of(m, input(ctx, cases[i].channels), KIN_TRAIN)),
                 reached = kin_alloc_pending() == 0;
            kin_alloc_fail_at(0);
            CHECK(ok || (reached && kin_ctx_error(ctx)->code == KIN_ERR_MEMORY));
            kin_module_free(m);
            kin_ctx_free(ctx);
            CHECK(kin_alloc_live() == alive);
            if (!reached) break;
        }
    check_end();
}

static void costs(void)
{
    check_begin("attention: parameters and multiply-adds of a map, by a dry run (%s)", KIN_REAL_NAME);
    static const struct {
        const char *kind;
        int64_t parameters;
        double macs;
    } expected[] = {
        {"se", 2 * 512 * 32 + 512 + 32, 2 * 512 * 32},
        {"eca", 5, 512 * 5},
        {"cbam", 2 * 512 * 32 + 512 + 32 + 98 + 2, 2 * 2 * 512 * 32 + 64 * 98},
        {"sca", 1, 2.0 * 512 * 512 * 64},
    };
    kin_error err = {0};
    kin_attention_cost cost;
    for (int i = 0; i < 4; i++) {
        CHECK_MSG(kin_attention_costs(expected[i].kind, 8, 8, 512, &cost, &err), "%s", err.message);
        CHECK_MSG(cost.parameters == expected[i].parameters && cost.macs == expected[i].macs,
                  "%s: %lld parameters, %.0f multiply-adds", expected[i].kind, (long long)cost.parameters,
                  cost.macs);
    }
    CHECK(!kin_attention_costs("none", 8, 8, 512, &cost, &err));
    CHECK_TEXT(err.message, "there is no attention 'none'");
    CHECK(kin_eca_kernel(16) == 3 && kin_eca_kernel(64) == 3 && kin_eca_kernel(128) == 5 &&
          kin_eca_kernel(256) == 5 && kin_eca_kernel(512) == 5 && kin_eca_kernel(2048) == 7 &&
          kin_eca_kernel(1) == 1);
    check_end();
}

int main(void)
{
    against_pytorch();
    gradients();
    at_gamma_zero();
    saturation();
    gem_limits();
    necks();
    refusals();
    allocations();
    costs();
    return check_result();
}
