/* Ops over very many channels, or rows, each in a context of its own: what they need beside their results is as
 * large as it must be, and the numbers at both ends are right. */
#include "autograd/ops.h"
#include "base/memory.h"
#include "tests/support/check.h"

#include <math.h>

enum { WIDE = 60001 };

static kin_ctx *ctx;
static kin_real *some; /* 4·WIDE numbers */

static double at(int64_t i) { return (double)some[i]; }
static kin_tensor *x_of(kin_shape shape) { return kin_variable(ctx, shape, some); }

static void begin(const char *op)
{
    check_begin("%s of %d channels or rows (%s)", op, WIDE, KIN_REAL_NAME);
    ctx = kin_ctx_new();
}

static void end(void)
{
    kin_ctx_free(ctx);
    check_end();
}

static void back(kin_tensor *y) { CHECK_MSG(kin_backward(kin_sum(y, 0)), "%s", kin_ctx_error(ctx)->message); }

/* Each of `count` numbers of t's gradient, or of its values, is what the formula of i says. */
#define EACH(numbers, count, formula) \
    do { \
        const kin_real *got = (numbers); \
        CHECK(got); \
        for (int64_t i = 0; got && i < (count); i++) \
            if (!(fabs((double)got[i] - (formula)) < 1e-4)) { \
                CHECK_MSG(false, "%s: number %lld is %g, not %g", #numbers, (long long)i, (double)got[i], \
                          (double)(formula)); \
                break; \
            } \
    } while (0)

static void bias(void)
{
    begin("convolution's bias");
    kin_tensor *x = kin_variable(ctx, KIN_SHAPE(1, 1, 2, 1), (kin_real[]){1, 2}),
               *w = x_of(KIN_SHAPE(1, 1, 1, WIDE)), *b = x_of(KIN_SHAPE(WIDE)),
               *y = kin_conv2d(x, w, b, NULL);
    EACH(kin_data(y), 2 * WIDE, at(i % WIDE) * (1 + (double)(i / WIDE)) + at(i % WIDE));
    back(y);
    EACH(kin_grad(b), WIDE, 2);
    EACH(kin_grad(w), WIDE, 3);
    end();
}

static void repeated(void)
{
    begin("a factor shared by all rows");
    kin_tensor *a = x_of(KIN_SHAPE(3, WIDE)), *b = x_of(KIN_SHAPE(WIDE));
    back(kin_mul(a, b));
    EACH(kin_grad(b), WIDE, at(i) + at(WIDE + i) + at(2 * WIDE + i));
    EACH(kin_grad(a), 3 * WIDE, at(i % WIDE));
    end();
}

static void sums(void)
{
    begin("a sum over rows");
    kin_tensor *a = x_of(KIN_SHAPE(3, WIDE));
    EACH(kin_data(kin_sum(a, 1)), WIDE, at(i) + at(WIDE + i) + at(2 * WIDE + i));
    EACH(kin_data(kin_mean(x_of(KIN_SHAPE(WIDE, 3)), 2)), WIDE,
         (at(3 * i) + at(3 * i + 1) + at(3 * i + 2)) / 3);
    end();
}

static void gate(void)
{
    begin("a gate");
    kin_tensor *x = x_of(KIN_SHAPE(1, 1, 3, WIDE)), *a = x_of(KIN_SHAPE(1, WIDE));
    back(kin_gate(x, a));
    EACH(kin_grad(a), WIDE, at(i) + at(WIDE + i) + at(2 * WIDE + i));
    EACH(kin_grad(x), 3 * WIDE, at(i % WIDE));
    end();
}

static void weighted(void)
{
    begin("a weighted sum");
    kin_tensor *x = x_of(KIN_SHAPE(4 * WIDE, 1)), *b = x_of(KIN_SHAPE(4 * WIDE, 1)),
               *w = kin_variable(ctx, KIN_SHAPE(1), (kin_real[]){2});
    double sum = 0;
    for (int64_t i = 0; i < 4 * WIDE; i++) sum += at(i);
    kin_tensor *y = kin_add_weighted(x, b, w);
    EACH(kin_data(y), 4 * WIDE, 3 * at(i));
    back(y);
    CHECK(kin_grad(w));
    if (kin_grad(w)) CHECK_CLOSE((double)kin_grad(w)[0], sum, 1e-4 * (1 + fabs(sum)));
    end();
}

/* Two rows: they become −1 and 1, in one order or the other. */
static void norm(void)
{
    begin("batch norm");
    kin_real *mean = kin_alloc_array(WIDE, 2 * sizeof *mean);
    kin_tensor *x = x_of(KIN_SHAPE(2, WIDE)), *gamma = x_of(KIN_SHAPE(WIDE)), *beta = x_of(KIN_SHAPE(WIDE)),
               *weights = kin_input(ctx, KIN_SHAPE(2, WIDE), some + WIDE),
               *y = kin_batch_norm_train(x, gamma, beta, &(kin_batch_norm_opt){1e-12}, mean, mean + WIDE);
#define SIGN(i) (at(i) > at(WIDE + (i)) ? 1 : -1)
    EACH(mean, WIDE, (at(i) + at(WIDE + i)) / 2);
    EACH(mean + WIDE, WIDE, (at(i) - at(WIDE + i)) * (at(i) - at(WIDE + i)) / 4);
    EACH(kin_data(y), WIDE, at(i) + at(i) * SIGN(i));
    back(kin_mul(y, weights));
    EACH(kin_grad(beta), WIDE, at(WIDE + i) + at(2 * WIDE + i));
    EACH(kin_grad(gamma), WIDE, SIGN(i) * (at(WIDE + i) - at(2 * WIDE + i)));
    kin_free(mean);
    end();
}

static void pooled(void)
{
    begin("norm, activation and averages in one");
    kin_tensor *x = kin_input(ctx, KIN_SHAPE(1, 2, 2, WIDE), some),
               *v = kin_input(ctx, KIN_SHAPE(WIDE), some + 7), *one = kin_scale(v, 0, 1),
               *y = kin_batch_norm_eval_avg_pool(x, v, v, v, one, &(kin_batch_norm_opt){0, KIN_RELU}, 2);
#define PIXEL(p, i) fmax((at((p)*WIDE + (i)) - at(7 + (i))) * at(7 + (i)) + at(7 + (i)), 0)
    EACH(kin_data(y), WIDE, (PIXEL(0, i) + PIXEL(1, i) + PIXEL(2, i) + PIXEL(3, i)) / 4);
    end();
}

int main(void)
{
    some = kin_alloc_array(4 * WIDE, sizeof *some);
    for (int64_t i = 0; some && i < 4 * WIDE; i++) /* rows far enough apart for float's variances */
        some[i] = (kin_real)(sin(.7 * (double)i) + (i / WIDE % 2 ? 3 : 0));
    bias();
    repeated();
    sums();
    gate();
    weighted();
    norm();
    pooled();
    kin_free(some);
    check_begin("wide ops: nothing is kept (%s)", KIN_REAL_NAME);
    CHECK(kin_alloc_live() == 0);
    check_end();
    return check_result();
}
