/* Batch normalisation [Ioffe and Szegedy 2015], with the residual sum and the activation that usually
 * follow.
 *
 *   x̂ = (x − μ)·s,  s = 1/√(σ² + ε),   z = γ·x̂ + β + add,   y = act(z)
 *
 * With g = ∂L/∂z (∂L/∂y where the activation's slope is 1, else 0) and n rows, per channel:
 *
 *   ∂L/∂β = Σ g,   ∂L/∂γ = Σ g·x̂,   ∂L/∂add = g
 *
 * In training μ and σ² are the batch's own, so x moves them too:
 *
 *   ∂L/∂x = γ·s·(g − Σg/n − x̂·Σ(g·x̂)/n)
 *
 * which is a·g + b·x + c with a = γs, b = −γs²·Σ(g·x̂)/n, c = −γs·Σg/n − b·μ: one pass for the two sums,
 * one to apply. With given statistics only the first term remains. */
#include "autograd/deferred.h"
#include "autograd/grow.h"
#include "autograd/op_options.h"
#include "autograd/tape.h"
#include "kernels/norm.h"

#include <math.h>

enum { X, GAMMA, BETA, MEAN_OR_ADD, VAR };

typedef kin_norm_call norm_opt;

static const kin_tensor *residual(const kin_call *c)
{
    return ((const norm_opt *)c->opt)->add ? c->in[c->n_in - 1] : NULL;
}

static bool norm_infer(kin_call *c, kin_shape *out)
{
    const norm_opt *o = c->opt;
    *out = kin_shape_of(c->in[X]);
    int64_t channels = kin_channels(c->in[X]);
    for (int i = GAMMA; i < c->n_in - (o->add ? 1 : 0); i++)
        if (kin_count(c->in[i]) != channels)
            return kin_call_fail(c, "expected %lld numbers in each of scale, shift and statistics",
                                 (long long)channels);
    if (o->add && !kin_shape_equal(kin_shape_of(residual(c)), *out))
        return kin_call_fail(c, "the residual must have the input's shape");
    return true;
}

/* What backward needs of each channel. */
typedef struct channel_values {
    kin_real *mean, *inv, *scale, *shift;
} channel_values;

static channel_values split(kin_real *memory, int64_t channels)
{
    return (channel_values){memory, memory + channels, memory + 2 * channels, memory + 3 * channels};
}

/* What the norm makes of a map is made where it is read, unless a residual is added. */
static bool norm_defers(const kin_call *c)
{
    return kin_ndim(c->in[X]) == 4 && !residual(c) && kin_may_defer(c);
}

static void norm_forward(kin_call *c)
{
    const norm_opt *o = c->opt;
    const kin_tensor *x = c->in[X], *add = residual(c);
    int64_t rows = kin_rows(x), channels = kin_channels(x);
    kin_real *memory = kin_save(c, (size_t)channels * 5 * sizeof *memory);
    void *workspace = kin_scratch(c, kin_norm_workspace(rows, channels));
    if (!memory || !workspace) return;
    channel_values v = split(memory, channels);
    kin_real *var = memory + 4 * channels;
    const kin_moments *known = o->given ? NULL : kin_moments_of(x, workspace);
    if (!o->given && !known) kin_norm_statistics(x->data, x->ld, rows, channels, v.mean, var, workspace);
    for (int64_t i = 0; i < channels; i++) {
        if (o->given) v.mean[i] = c->in[MEAN_OR_ADD]->data[i], var[i] = c->in[VAR]->data[i];
        if (known) v.mean[i] = known->mean[i], var[i] = known->var[i];
        v.inv[i] = (kin_real)(1 / sqrt((double)var[i] + o->epsilon));
        v.scale[i] = c->in[GAMMA]->data[i] * v.inv[i];
        v.shift[i] = c->in[BETA]->data[i] - v.mean[i] * v.scale[i];
        if (o->mean_out) o->mean_out[i] = v.mean[i];
        if (o->var_out) o->var_out[i] = var[i];
    }
    if (norm_defers(c)) kin_defer(c, x, (kin_conv_begin){v.scale, v.shift, (kin_norm_act)o->act});
    else
        kin_norm_apply(x->data, x->ld, rows, channels, v.scale, v.shift, add ? add->data : NULL,
                       add ? add->ld : 0, (kin_norm_act)o->act, kin_out(c));
}

/* a, b, c of the derivation, from the two sums. */
static void coefficients(const kin_call *call, const double *sum_g, const double *sum_gx, kin_real *a,
                         kin_real *b, kin_real *c)
{
    const norm_opt *o = call->opt;
    int64_t channels = kin_channels(call->out);
    channel_values v = split(call->saved, channels);
    double rows = (double)kin_rows(call->out);
    for (int64_t i = 0; i < channels; i++) {
        a[i] = v.scale[i];
        double slope = o->given ? 0 : -(double)v.scale[i] * (double)v.inv[i] * sum_gx[i] / rows;
        b[i] = (kin_real)slope;
        c[i] = (kin_real)(o->given ? 0 : -(double)v.scale[i] * sum_g[i] / rows - slope * (double)v.mean[i]);
    }
}

/* The statistics' own gradients, when they are variables: z = γ(x − μ)s + β. */
static void given_gradients(kin_call *c, const double *sum_g, const double *sum_gx)
{
    const norm_opt *o = c->opt;
    channel_values v = split(c->saved, kin_channels(c->out));
    kin_real *dmean = o->given ? kin_grad_add(c, MEAN_OR_ADD) : NULL,
             *dvar = o->given ? kin_grad_add(c, VAR) : NULL;
    for (int64_t i = 0; dmean && i < kin_channels(c->out); i++)
        dmean[i] -= (kin_real)((double)v.scale[i] * sum_g[i]);
    for (int64_t i = 0; dvar && i < kin_channels(c->out); i++)
        dvar[i] -= (kin_real)(0.5 * (double)c->in[GAMMA]->data[i] * (double)v.inv[i] * (double)v.inv[i] *
                              sum_gx[i]);
}

static void norm_backward(kin_call *c)
{
    const norm_opt *o = c->opt;
    const kin_tensor *x = c->in[X], *y = c->out;
    int64_t rows = kin_rows(x), channels = kin_channels(x);
    channel_values v = split(c->saved, channels);
    size_t sums_bytes = (size_t)channels * 2 * sizeof(double),
           lines_bytes = (size_t)channels * 3 * sizeof(kin_real);
    unsigned char *scratch = kin_scratch(c, (sums_bytes + lines_bytes + 63) / 64 * 64 +
                                                kin_norm_workspace(rows, channels));
    if (!scratch) return;
    double *sum_g = (double *)(void *)scratch, *sum_gx = sum_g + channels;
    kin_real *a = (kin_real *)(void *)(scratch + sums_bytes), *b = a + channels, *shift = b + channels;
    kin_norm_flow flow = {.g = kin_grad_out(c),
                          .y = o->add ? y->data : NULL,
                          .x = x->data,
                          .ld = x->ld,
                          .scale = v.scale,
                          .shift = v.shift,
                          .act = (kin_norm_act)o->act};
    kin_norm_backward_sums(&flow, rows, channels, v.mean, v.inv, sum_g, sum_gx,
                           scratch + (sums_bytes + lines_bytes + 63) / 64 * 64);
    kin_real *dgamma = kin_grad_add(c, GAMMA), *dbeta = kin_grad_add(c, BETA);
    for (int64_t i = 0; dgamma && i < channels; i++) dgamma[i] += (kin_real)sum_gx[i];
    for (int64_t i = 0; dbeta && i < channels; i++) dbeta[i] += (kin_real)sum_g[i];
    given_gradients(c, sum_g, sum_gx);
    coefficients(c, sum_g, sum_gx, a, b, shift);
    kin_norm_to to = {0};
    if (o->add) to.dadd = kin_grad_write(c, c->n_in - 1, &to.add_dadd);
    to.dx = kin_grad_take_over_rows(c, X, &to.add_dx, &to.dx_ld);
    if (to.dx || to.dadd) kin_norm_backward_apply(&flow, rows, channels, &(kin_norm_line){a, b, shift}, &to);
}

const kin_op kin_op_batch_norm = {"batch_norm",
                                  .infer = norm_infer,
                                  .forward = norm_forward,
                                  .backward = norm_backward,
                                  .defers = norm_defers,
                                  .saves = KIN_SAVES_INPUTS | KIN_SAVES_OUTPUT};

kin_tensor *kin_batch_norm_train(kin_tensor *x, kin_tensor *gamma, kin_tensor *beta,
                                 const kin_batch_norm_opt *opt, kin_real *mean_out, kin_real *var_out)
{
    norm_opt o = {.epsilon = opt->epsilon,
                  .act = opt->act,
                  .add = opt->add != NULL,
                  .mean_out = mean_out,
                  .var_out = var_out};
    return kin_apply_n(&kin_op_batch_norm, &o, sizeof o, (kin_tensor *[]){x, gamma, beta, opt->add},
                       o.add ? 4 : 3);
}

kin_tensor *kin_batch_norm_eval(kin_tensor *x, kin_tensor *gamma, kin_tensor *beta, kin_tensor *mean,
                                kin_tensor *var, const kin_batch_norm_opt *opt)
{
    norm_opt o = {.epsilon = opt->epsilon, .act = opt->act, .given = true, .add = opt->add != NULL};
    return kin_apply_n(&kin_op_batch_norm, &o, sizeof o,
                       (kin_tensor *[]){x, gamma, beta, mean, var, opt->add}, o.add ? 6 : 5);
}

/* ---- rows of unit length: y = x/‖x‖,  dx = (g − y·⟨g, y⟩)/‖x‖ ---- */

static const double least_norm = 1e-12;

static void l2_forward(kin_call *c)
{
    const kin_tensor *x = c->in[0];
    int64_t rows = kin_rows(x), n = kin_channels(x);
    kin_real *norm = kin_save(c, (size_t)rows * sizeof *norm);
    for (int64_t r = 0; norm && r < rows; r++) {
        const kin_real *row = x->data + r * x->ld;
        double sum = 0;
        for (int64_t i = 0; i < n; i++) sum += (double)row[i] * (double)row[i];
        norm[r] = (kin_real)fmax(sqrt(sum), least_norm);
        for (int64_t i = 0; i < n; i++) kin_out(c)[r * n + i] = row[i] / norm[r];
    }
}

static void l2_backward(kin_call *c)
{
    const kin_real *norm = c->saved;
    kin_real *dx = kin_grad_add(c, 0);
    int64_t rows = dx ? kin_rows(c->out) : 0, n = kin_channels(c->out);
    for (int64_t r = 0; r < rows; r++) {
        const kin_real *g = kin_grad_out(c) + r * n, *y = c->out->data + r * n;
        double dot = 0;
        for (int64_t i = 0; i < n; i++) dot += (double)g[i] * (double)y[i];
        if ((double)norm[r] <= least_norm) dot = 0; /* the maximum cuts: the norm is a constant there */
        for (int64_t i = 0; i < n; i++) dx[r * n + i] += (g[i] - y[i] * (kin_real)dot) / norm[r];
    }
}

const kin_op kin_op_l2_normalize = {"l2_normalize", .infer = kin_same_shape, .forward = l2_forward,
                                    .backward = l2_backward, .saves = KIN_SAVES_OUTPUT};
kin_tensor *kin_l2_normalize(kin_tensor *x) { return kin_apply(&kin_op_l2_normalize, NULL, 0, x); }
