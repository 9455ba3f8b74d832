/* Gradients of all parameters of whole networks in training mode against PyTorch's in float64 (tests/golden/zoo.py). A line of
 * the golden file holds a tensor's norm and a few projections p·g on vectors of uniform numbers in [-1, 1): an error e shows
 * in them as a mean of (p·e)² near ‖e‖²/3, so whole tensors need not be kept.
 *
 * In double every tensor must agree. In float a network this deep is a rough function: wherever rounding moves a number over a
 * ReLU's kink the gradient jumps, so that PyTorch's own float32 is off by 1e-6 for one input and by 1e-2 for the next. The
 * networks' total errors are compared, each the median over three inputs. */
#include "autograd/ops.h"
#include "base/random.h"
#include "models/registry.h"
#include "tests/support/check.h"
#include "tests/support/hashed.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { IN_DOUBLE = sizeof(kin_real) == sizeof(double), PROJECTIONS = IN_DOUBLE ? 6 : 2, INPUTS = IN_DOUBLE ? 1 : 3, BATCH = IN_DOUBLE ? 2 : 4, SIZE = IN_DOUBLE ? 64 : 96 };

typedef struct line {
    char name[128];
    long long count;
    double norm, float_error, projections[PROJECTIONS];
} line;

typedef struct choice { const kin_model *model; kin_model_opt opt; } choice;
typedef struct totals { double ours, theirs; int tensors; } totals;

static kin_tensor *forward(kin_scope *s, kin_tensor *x, void *arg)
{
    const choice *c = arg;
    return kin_model_forward(c->model, s, x, &c->opt);
}

static bool next(FILE *file, line *l)
{
    int got = fscanf(file, " %127[^= ] %lld %lf %lf", l->name, &l->count, &l->norm, &l->float_error);
    for (int i = 0; got >= 4 && i < PROJECTIONS; i++) got += fscanf(file, "%lf", &l->projections[i]);
    return got == 4 + PROJECTIONS;
}

/* The estimate of ‖e‖. */
static double error_of(kin_module *m, const kin_entry *e, const line *l)
{
    const kin_real *grad = kin_module_grads(m) + kin_entry_offset(m, e);
    double squares = 0;
    for (int k = 0; k < PROJECTIONS; k++) {
        uint64_t key = kin_key_text(100 + (uint64_t)k, e->name);
        double sum = 0;
        for (int64_t i = 0; i < l->count; i++) sum += (double)grad[i] * hashed_number(key, hashed_index(e, i));
        squares += (sum - l->projections[k]) * (sum - l->projections[k]);
    }
    return sqrt(3 * squares / PROJECTIONS);
}

static void compare(kin_module *m, const line *l, totals *t)
{
    const kin_entry *e = kin_module_find(m, l->name);
    CHECK_MSG(e && kin_count(e->tensor) == l->count, "%s is missing, or of another size", l->name);
    if (!e || kin_count(e->tensor) != l->count) return;
    double ours = error_of(m, e, l) / l->norm, theirs = l->float_error / l->norm;
    if (IN_DOUBLE) CHECK_MSG(ours <= 1e-8, "%s is off by %.3g of its norm", l->name, ours);
    t->ours += ours * ours;
    t->theirs += theirs * theirs;
    t->tensors++;
}

/* Loss Σ logits·c. */
static void backward(kin_ctx *ctx, kin_module *m, const char *input, double value)
{
    kin_module_zero_grad(m);
    kin_tensor *y = kin_module_forward(m, hashed_input(ctx, input, KIN_SHAPE(BATCH, SIZE, SIZE, 3)), KIN_TRAIN);
    kin_tensor *loss = kin_sum(kin_mul(y, hashed_input(ctx, "loss", KIN_SHAPE(BATCH, 10))), 0);
    CHECK_CLOSE(kin_item(loss), value, (IN_DOUBLE ? 1e-9 : 1e-2) * (1 + fabs(value)));
    CHECK_MSG(kin_backward(loss), "%s", kin_ctx_error(ctx)->message);
    kin_end_step(ctx);
}

static double middle(double a, double b, double c) { return fmax(fmin(a, b), fmin(fmax(a, b), c)); }

/* All inputs of one network; the file stands behind "= NETWORK INPUT LOSS", which is read already. */
static bool network(FILE *file, char *name, char *input, double *value)
{
    char this[32];
    choice c = {.model = kin_model_find(name), .opt = {.classes = 10}};
    kin_ctx *ctx = kin_ctx_new();
    double ours[3] = {0}, theirs[3] = {0};
    int inputs = 0;
    bool more = true;
    snprintf(this, sizeof this, "%s", name);
    check_begin("%s: gradients of all parameters are PyTorch's in float64 (%s)", this, KIN_REAL_NAME);
    kin_module *m = c.model ? kin_module_new_zero(ctx, forward, &c, KIN_SHAPE(BATCH, SIZE, SIZE, 3)) : NULL;
    CHECK_MSG(m, "%s", kin_ctx_error(ctx)->message);
    if (m) hashed_fill(m);
    while (more && strcmp(name, this) == 0 && inputs < INPUTS) {
        totals t = {0};
        line l;
        if (m) backward(ctx, m, input, *value);
        while (next(file, &l))
            if (m) compare(m, &l, &t);
        CHECK_MSG(t.tensors > 60, "%d tensors were compared", t.tensors);
        ours[inputs] = sqrt(t.ours / t.tensors), theirs[inputs++] = sqrt(t.theirs / t.tensors);
        more = fscanf(file, " = %31s %31s %lf", name, input, value) == 3;
    }
    CHECK_MSG(inputs == INPUTS, "%d inputs, not %d", inputs, INPUTS);
    double o = middle(ours[0], ours[1], ours[2]), p = middle(theirs[0], theirs[1], theirs[2]);
    if (!IN_DOUBLE) CHECK_MSG(o <= 3 * p, "float32 is off by %.3g (%.3g %.3g %.3g), PyTorch's by %.3g", o, ours[0], ours[1], ours[2], p);
    kin_module_free(m);
    kin_ctx_free(ctx);
    check_end();
    return more;
}

int main(void)
{
    FILE *file = fopen(IN_DOUBLE ? "tests/golden/zoo_gradients.txt" : "tests/golden/zoo_gradients_float.txt", "r");
    char name[32], input[32];
    double value;
    int networks = 0;
    bool more = file && fscanf(file, " = %31s %31s %lf", name, input, &value) == 3;
    while (more) more = network(file, name, input, &value), networks++;
    if (file) fclose(file);
    check_begin("the gradients' golden file is whole (%s)", KIN_REAL_NAME);
    CHECK(networks == 3);
    check_end();
    return check_result();
}
