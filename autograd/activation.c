/* Element-wise functions. Each line is a whole op: its value, and its slope dy/dx. */
#include "autograd/op_options.h"
#include "autograd/ops.h"
#include "autograd/tape.h"
#include "autograd/unary.h"
#include "base/parallel.h"

enum { ROWS_TARGET = 1 << 14 }; /* numbers a block of a parallel loop */

typedef struct unary_loop {
    kin_call *call;
    kin_unary_value value;
    kin_unary_slope slope;
    kin_real *grad;
    int64_t rows_per_block;
    kin_real p;
    bool accumulate;
} unary_loop;

static kin_real option_of(const kin_call *c) { return c->opt ? (kin_real) * (const double *)c->opt : 0; }

static int64_t rows_per_block(int64_t channels)
{
    return channels >= ROWS_TARGET ? 1 : ROWS_TARGET / channels;
}

static void forward_block(void *arg, int64_t block, int worker)
{
    (void)worker;
    unary_loop *loop = arg;
    kin_tensor *x = loop->call->in[0], *y = loop->call->out;
    int64_t channels = kin_channels(x), first = block * loop->rows_per_block,
            last = first + loop->rows_per_block, rows = kin_rows(x);
    if (last > rows) last = rows;
    if (x->ld == channels)
        loop->value(x->data + first * channels, y->data + first * channels, (last - first) * channels,
                    loop->p);
    else
        for (int64_t r = first; r < last; r++)
            loop->value(x->data + r * x->ld, y->data + r * channels, channels, loop->p);
}

void kin_unary_forward(kin_call *c, kin_unary_value value)
{
    unary_loop loop = {
        .call = c, .value = value, .rows_per_block = rows_per_block(kin_channels(c->out)), .p = option_of(c)};
    kin_parallel_for(kin_blocks(kin_rows(c->out), loop.rows_per_block), forward_block, &loop);
}

static void backward_block(void *arg, int64_t block, int worker)
{
    (void)worker;
    unary_loop *loop = arg;
    kin_tensor *x = loop->call->in[0], *y = loop->call->out;
    int64_t channels = kin_channels(x), first = block * loop->rows_per_block,
            last = first + loop->rows_per_block, rows = kin_rows(x);
    if (last > rows) last = rows;
    int64_t step = x->ld == channels ? last - first : 1;
    for (int64_t r = first; r < last; r += step) {
        int64_t at = r * channels;
        loop->slope(x->data + r * x->ld, y->data + at, y->grad + at, loop->grad + at, step * channels,
                    loop->accumulate, loop->p);
    }
}

void kin_unary_backward(kin_call *c, kin_unary_slope slope)
{
    unary_loop loop = {
        .call = c, .slope = slope, .rows_per_block = rows_per_block(kin_channels(c->out)), .p = option_of(c)};
    loop.grad = kin_grad_write(c, 0, &loop.accumulate);
    if (loop.grad) kin_parallel_for(kin_blocks(kin_rows(c->out), loop.rows_per_block), backward_block, &loop);
}

/* KIN_UNARY_OP, but for a descriptor that others can name. */
#define BUILT_IN(NAME, VALUE, SLOPE) \
    KIN_UNARY_LOOPS(NAME, VALUE, SLOPE) const kin_op kin_op_##NAME = KIN_UNARY_DESCRIPTOR(NAME)

/* At the kinks the slope is PyTorch's: relu'(0) = 0. NaN passes through relu, so that it is seen. */
BUILT_IN(relu, x > 0 ? x : x != x ? x : 0, x > 0 ? (kin_real)1 : 0);
BUILT_IN(relu6, x > 0 ? (x < 6 ? x : 6) : x != x ? x : 0, x > 0 && x < 6 ? (kin_real)1 : 0);
BUILT_IN(leaky_relu, x > 0 ? x : (kin_real)0.01 * x, x > 0 ? (kin_real)1 : (kin_real)0.01);
BUILT_IN(sigmoid, 1 / (1 + exp(-x)), y *(1 - y));
BUILT_IN(tanh, tanh(x), 1 - y * y);
/* log(1 + eˣ) = max(x, 0) + log1p(e^−|x|) neither overflows nor loses small values. */
BUILT_IN(softplus, (x > 0 ? x : 0) + log1p(exp(-fabs(x))), 1 / (1 + exp(-x)));
BUILT_IN(silu, x / (1 + exp(-x)), (1 + x - y) / (1 + exp(-x)));
/* x·Φ(x), Φ the normal distribution; slope Φ(x) + x·φ(x). */
BUILT_IN(gelu, x *(kin_real)0.5 * (1 + erf(x * (kin_real)0.70710678118654752)),
         (kin_real)0.5 * (1 + erf(x * (kin_real)0.70710678118654752)) +
             x * (kin_real)0.39894228040143268 * exp(-x * x / 2));
BUILT_IN(exp, exp(x), y);
BUILT_IN(log, log(x), 1 / x);
BUILT_IN(sqrt, sqrt(x), (kin_real)0.5 / y);
BUILT_IN(square, x *x, 2 * x);
BUILT_IN(abs, fabs(x), x > 0 ? (kin_real)1 : x < 0 ? (kin_real)-1 : 0);
BUILT_IN(pow, pow(x, p), p *pow(x, p - 1));

kin_tensor *kin_relu(kin_tensor *x) { return kin_apply(&kin_op_relu, NULL, 0, x); }
kin_tensor *kin_relu6(kin_tensor *x) { return kin_apply(&kin_op_relu6, NULL, 0, x); }
kin_tensor *kin_leaky_relu(kin_tensor *x) { return kin_apply(&kin_op_leaky_relu, NULL, 0, x); }
kin_tensor *kin_sigmoid(kin_tensor *x) { return kin_apply(&kin_op_sigmoid, NULL, 0, x); }
kin_tensor *kin_tanh(kin_tensor *x) { return kin_apply(&kin_op_tanh, NULL, 0, x); }
kin_tensor *kin_softplus(kin_tensor *x) { return kin_apply(&kin_op_softplus, NULL, 0, x); }
kin_tensor *kin_silu(kin_tensor *x) { return kin_apply(&kin_op_silu, NULL, 0, x); }
kin_tensor *kin_gelu(kin_tensor *x) { return kin_apply(&kin_op_gelu, NULL, 0, x); }
kin_tensor *kin_exp(kin_tensor *x) { return kin_apply(&kin_op_exp, NULL, 0, x); }
kin_tensor *kin_log(kin_tensor *x) { return kin_apply(&kin_op_log, NULL, 0, x); }
kin_tensor *kin_sqrt(kin_tensor *x) { return kin_apply(&kin_op_sqrt, NULL, 0, x); }
kin_tensor *kin_square(kin_tensor *x) { return kin_apply(&kin_op_square, NULL, 0, x); }
kin_tensor *kin_abs(kin_tensor *x) { return kin_apply(&kin_op_abs, NULL, 0, x); }
kin_tensor *kin_pow(kin_tensor *x, double exponent)
{
    return kin_apply(&kin_op_pow, &exponent, sizeof exponent, x);
}
