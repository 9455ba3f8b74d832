/* The gradient check itself: it takes right gradients, finds wrong ones, and says where. */
#include "autograd/gradcheck.h"
#include "autograd/ops.h"
#include "autograd/unary.h"
#include "base/memory.h"
#include "tests/support/check.h"

#include <math.h>

static const bool is_double = sizeof(kin_real) == sizeof(double);

/* x², with its slope, one that is too steep, one that is a hundredth off, one that is wrong beyond 1, none */
KIN_UNARY_OP(right, x *x, 2 * x);
KIN_UNARY_OP(steep, x *x, 3 * x);
KIN_UNARY_OP(nearly, x *x, 2.02 * x);
KIN_UNARY_OP(beyond, x *x, x > 1 ? 2 * x + 1 : 2 * x);
KIN_UNARY_OP(flat, x *x, 0 * x);

static kin_tensor *one(kin_tensor **in, void *op) { return kin_apply(op, NULL, 0, in[0]); }
/* Of two inputs the second goes through the op. */
static kin_tensor *product(kin_tensor **in, void *op)
{
    return kin_mul(kin_square(in[0]), kin_apply(op, NULL, 0, in[1]));
}
static kin_tensor *failing(kin_tensor **in, void *op)
{
    (void)op;
    return kin_reshape(in[0], KIN_SHAPE(7));
}

static kin_ctx *ctx;
static const kin_shape shapes[] = {{2, {3, 4}}, {2, {3, 4}}};

/* Whether the check takes it; *worst is what it says of it. */
static bool taken(kin_gradcheck_fn fn, const kin_op *op, int inputs, kin_gradcheck_opt opt, double *worst)
{
    kin_error_clear(kin_ctx_error(ctx));
    return kin_gradcheck(ctx, fn, (void *)(uintptr_t)op, shapes, inputs, &opt, worst);
}

static void slopes(void)
{
    double worst = -1;
    const kin_gradcheck_opt plain = {0}, loose = {.tolerance = .05}, large = {.low = 1.1, .high = 2};
    check_begin("gradient check: right slopes are taken, wrong ones found (%s)", KIN_REAL_NAME);
    CHECK(taken(one, &right_op, 1, plain, &worst) && worst >= 0 && worst < (is_double ? 1e-8 : 1e-2));
    CHECK(taken(product, &right_op, 2, plain, &worst));
    CHECK(!taken(one, &steep_op, 1, plain, &worst));
    CHECK_CLOSE(worst, 1. / 3, .02); /* of the larger of both sizes */
    CHECK(kin_ctx_error(ctx)->code == KIN_ERR_NUMERIC);
    CHECK_TEXT(kin_ctx_error(ctx)->message, "gradient check: input 0 is off by 0.33");
    CHECK(!taken(product, &steep_op, 2, plain, &worst));
    CHECK_TEXT(kin_ctx_error(ctx)->message, "gradient check: input 1 is off by 0.33");
    CHECK(!taken(one, &flat_op, 1, plain, &worst));
    CHECK_CLOSE(worst, 1, .02);
    CHECK_TEXT(kin_ctx_error(ctx)->message, "backward says 0, differences say");
    if (is_double) {
        CHECK(!taken(one, &nearly_op, 1, plain, &worst));
        CHECK_CLOSE(worst, .02 / 2.02, 1e-5);
    }
    CHECK(taken(one, &nearly_op, 1, loose, &worst));
    CHECK(taken(one, &beyond_op, 1, plain, &worst) && !taken(one, &beyond_op, 1, large, &worst));
    check_end();
}

/* ---- where it looks ---- */

static double least, most, nearest;

static kin_tensor *looking(kin_tensor **in, void *arg)
{
    (void)arg;
    const kin_real *x = kin_data(in[0]);
    for (int64_t i = 0; x && i < kin_count(in[0]); i++) {
        least = fmin(least, (double)x[i]), most = fmax(most, (double)x[i]);
        nearest = fmin(nearest, fabs((double)x[i]));
    }
    return kin_square(in[0]);
}

static void look(kin_gradcheck_opt opt)
{
    least = nearest = INFINITY, most = -INFINITY;
    CHECK_MSG(taken(looking, NULL, 1, opt, NULL), "%s", kin_ctx_error(ctx)->message);
}

static void places(void)
{
    check_begin("gradient check: inputs lie between the limits, apart from kinks, by the seed (%s)",
                KIN_REAL_NAME);
    const double step = .01;
    look((kin_gradcheck_opt){.step = step, .tolerance = .05});
    double first = most;
    CHECK(least >= -1 - 1.01 * step && least < -.2 && most <= 1 + 1.01 * step && most > .2);
    look((kin_gradcheck_opt){.step = step, .tolerance = .05, .seed = 1});
    CHECK(most != first);
    look((kin_gradcheck_opt){.step = step, .tolerance = .05, .low = 2, .high = 3});
    CHECK(least >= 2 - 1.01 * step && most <= 3 + 1.01 * step && most - least > .2);
    look((kin_gradcheck_opt){.step = step, .tolerance = .05, .high = .5, .kink = .6});
    CHECK(nearest >= .6 - 1.01 * step && least >= .6 - 1.01 * step && most <= 1.1 + 1.01 * step);
    look((kin_gradcheck_opt){.step = step, .tolerance = .05, .low = -.5, .high = .5, .kink = .6});
    CHECK(nearest >= .6 - 1.01 * step && least < -.6 && most > .6);
    check_end();
}

static void failures(void)
{
    check_begin("gradient check: no inputs, too many, and a function that fails (%s)", KIN_REAL_NAME);
    const kin_gradcheck_opt plain = {0};
    CHECK(!taken(one, &right_op, 0, plain, NULL));
    CHECK_TEXT(kin_ctx_error(ctx)->message, "1 to 16 inputs, not 0");
    CHECK(!taken(one, &right_op, 17, plain, NULL));
    CHECK_TEXT(kin_ctx_error(ctx)->message, "1 to 16 inputs, not 17");
    CHECK(!taken(failing, NULL, 1, plain, NULL));
    CHECK_TEXT(kin_ctx_error(ctx)->message, "reshape");
    kin_error_clear(kin_ctx_error(ctx));
    for (long at = 1; at < 200; at++) {
        kin_ctx *own = kin_ctx_new();
        kin_alloc_fail_at(at);
        bool ok = kin_gradcheck(own, one, (void *)(uintptr_t)&right_op, shapes, 1, &plain, NULL),
             failed = kin_alloc_pending() == 0;
        kin_alloc_fail_at(0);
        /* the gradients' slab is done without where there is no room for it */
        CHECK_MSG(ok == kin_ok(own) && (ok || failed), "allocation %ld", at);
        kin_ctx_free(own);
        if (!failed) break;
    }
    check_end();
}

int main(void)
{
    ctx = kin_ctx_new();
    slopes();
    places();
    failures();
    kin_ctx_free(ctx);
    check_begin("gradient check: nothing is kept (%s)", KIN_REAL_NAME);
    CHECK(kin_alloc_live() == 0);
    check_end();
    return check_result();
}
