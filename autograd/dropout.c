/* Dropout [Srivastava et al. 2014], inverted: numbers are zeroed with probability p and the others scaled by
 * 1/(1 − p), so that evaluation needs nothing. Which ones is a function of the key and the position. */
#include "autograd/ops.h"
#include "autograd/tape.h"
#include "base/random.h"

typedef struct dropout_opt {
    double p;
    uint64_t key;
} dropout_opt;

static bool dropout_infer(kin_call *c, kin_shape *out)
{
    const dropout_opt *o = c->opt;
    if (!(o->p >= 0 && o->p < 1))
        return kin_call_fail(c, "the probability must lie in 0 .. 1 (1 excluded), not %g", o->p);
    return kin_same_shape(c, out);
}

static kin_real factor(const dropout_opt *o, int64_t i)
{
    return kin_random_uniform(o->key, (uint64_t)i) < o->p ? 0 : (kin_real)(1 / (1 - o->p));
}

static void dropout_forward(kin_call *c)
{
    const kin_tensor *x = c->in[0];
    int64_t rows = kin_rows(x), channels = kin_channels(x);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t k = 0; k < channels; k++)
            kin_out(c)[r * channels + k] = x->data[r * x->ld + k] * factor(c->opt, r * channels + k);
}

static void dropout_backward(kin_call *c)
{
    kin_real *dx = kin_grad_add(c, 0);
    for (int64_t i = 0; dx && i < kin_count(c->out); i++) dx[i] += kin_grad_out(c)[i] * factor(c->opt, i);
}

static const kin_op dropout = {"dropout", .infer = dropout_infer, .forward = dropout_forward,
                               .backward = dropout_backward, .saves = KIN_SAVES_NOTHING};

kin_tensor *kin_dropout_keyed(kin_tensor *x, double p, uint64_t key)
{
    dropout_opt o = {p, key};
    return kin_apply(&dropout, &o, sizeof o, x);
}
