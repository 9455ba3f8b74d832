/* An op of one's own, in one's own file, with its gradient check.
 *
 * Mish [Misra 2019] is element-wise: two expressions are a whole op. Hinge-squared distance to a target is
 * written out, as the library's ops are: shape inference, forward, backward. */
#include <kin/kin.h>

#include <stdio.h>

/* y = x·tanh(softplus(x)); with t = tanh(softplus(x)) the slope is t + x·σ(x)·(1 − t²). */
KIN_UNARY_OP(mish, x *tanh(log1p(exp(x))),
             tanh(log1p(exp(x))) + x * (1 - tanh(log1p(exp(x))) * tanh(log1p(exp(x)))) / (1 + exp(-x)));

static kin_tensor *mish(kin_tensor *x) { return kin_apply(&mish_op, NULL, 0, x); }

/* y = Σ (x − target)² over everything, with a number as its option. */
static bool spread_infer(kin_call *c, kin_shape *out)
{
    *out = KIN_SHAPE(1);
    return kin_count(c->in[0]) > 0 || kin_call_fail(c, "expected at least one number");
}

static void spread_forward(kin_call *c)
{
    const kin_real *x = kin_data(c->in[0]);
    double target = *(const double *)c->opt, sum = 0;
    for (int64_t i = 0; i < kin_count(c->in[0]); i++)
        sum += ((double)x[i] - target) * ((double)x[i] - target);
    kin_out(c)[0] = (kin_real)sum;
}

static void spread_backward(kin_call *c)
{
    const kin_real *x = kin_data(c->in[0]);
    kin_real *dx = kin_grad_add(c, 0), g = kin_grad_out(c)[0];
    for (int64_t i = 0; dx && i < kin_count(c->in[0]); i++)
        dx[i] += 2 * g * (x[i] - (kin_real) * (const double *)c->opt);
}

static const kin_op spread_op = {"spread", .infer = spread_infer, .forward = spread_forward,
                                 .backward = spread_backward, .saves = KIN_SAVES_INPUTS};
static kin_tensor *spread(kin_tensor *x, double target)
{
    return kin_apply(&spread_op, &target, sizeof target, x);
}

static kin_tensor *both(kin_tensor **in, void *arg)
{
    (void)arg;
    return spread(mish(in[0]), 0.25);
}

int main(void)
{
    kin_ctx *ctx = kin_ctx_new();
    double worst = 0;
    bool ok = kin_gradcheck(ctx, both, NULL, &KIN_SHAPE(4, 3), 1, NULL, &worst);
    printf("gradient check: %s, off by %.1e of its size\n", ok ? "passed" : kin_ctx_error(ctx)->message,
           worst);
    kin_ctx_free(ctx);
    return ok ? 0 : 1;
}
