/* Generalised-mean pooling [Radenović et al. 2018]: y = (mean over the P pixels of v^p)^{1/p} for each
 * channel, v = max(x, ε), p trainable: 1 is the average, ∞ the maximum. With u = log v, the largest u* of
 * the pixels, and
 *
 *   t_i = e^{p(u_i − u*)},   m = Σ t_i / P,   y = e^{u*} m^{1/p},
 *
 * nothing over- or underflows for any p, since 1/P ≤ m ≤ 1. From v_i^p / y^p = t_i / m:
 *
 *   ∂y/∂x_i = y · t_i / (P m v_i)   where x_i ≥ ε, else 0
 *   ∂y/∂p   = (y/p) · (Σ t_i (u_i − u*) / (P m) − log m / p) */
#include "autograd/op_options.h"
#include "autograd/ops.h"
#include "autograd/tape.h"
#include "base/parallel.h"

#include <tgmath.h>

static const double epsilon = 1e-6;

/* Saved for each sample and channel: v* = e^{u*}, m, and Σ t_i (u_i − u*) / P. */
typedef struct line {
    double largest, mean, slope;
} line;

static int64_t pixels_of(const kin_call *c) { return kin_dim(c->in[0], 1) * kin_dim(c->in[0], 2); }
static kin_real clamped(kin_real x) { return x > (kin_real)epsilon || x != x ? x : (kin_real)epsilon; }

static bool gem_infer(kin_call *c, kin_shape *out)
{
    if (kin_ndim(c->in[0]) != 4) return kin_call_fail(c, "expected a map [n, h, w, c]");
    if (kin_count(c->in[1]) != 1) return kin_call_fail(c, "expected one exponent p");
    *out = KIN_SHAPE(kin_dim(c->in[0], 0), kin_channels(c->in[0]));
    return true;
}

static void forward_sample(void *arg, int64_t n, int worker)
{
    (void)worker;
    kin_call *c = arg;
    const kin_tensor *x = c->in[0];
    int64_t channels = kin_channels(x), pixels = pixels_of(c);
    kin_real p = c->in[1]->data[0], *y = kin_out(c) + n * channels;
    line *lines = (line *)c->saved + n * channels;
    for (int64_t k = 0; k < channels; k++) y[k] = (kin_real)epsilon;
    for (int64_t i = n * pixels; i < (n + 1) * pixels; i++)
        for (int64_t k = 0; k < channels; k++) {
            kin_real v = x->data[i * x->ld + k];
            y[k] = v > y[k] || v != v ? v : y[k];
        }
    for (int64_t k = 0; k < channels; k++) lines[k] = (line){.largest = (double)y[k]};
    for (int64_t i = n * pixels; i < (n + 1) * pixels; i++)
        for (int64_t k = 0; k < channels; k++) {
            kin_real below = log(clamped(x->data[i * x->ld + k]) / (kin_real)lines[k].largest),
                     t = exp(p * below);
            lines[k].mean += (double)t;
            lines[k].slope += (double)(t * below);
        }
    for (int64_t k = 0; k < channels; k++) {
        lines[k].mean /= (double)pixels;
        lines[k].slope /= (double)pixels;
        y[k] = (kin_real)(lines[k].largest * pow(lines[k].mean, 1 / (double)p));
    }
}

static void gem_forward(kin_call *c)
{
    if (!kin_save(c, (size_t)kin_count(c->out) * sizeof(line))) return;
    kin_parallel_for(kin_dim(c->in[0], 0), forward_sample, c);
}

typedef struct backward_loop {
    kin_call *call;
    kin_real *dx;
    bool accumulate;
} backward_loop;

static void backward_sample(void *arg, int64_t n, int worker)
{
    (void)worker;
    backward_loop *l = arg;
    const kin_tensor *x = l->call->in[0];
    int64_t channels = kin_channels(x), pixels = pixels_of(l->call);
    kin_real p = l->call->in[1]->data[0];
    const kin_real *g = kin_grad_out(l->call) + n * channels, *y = l->call->out->data + n * channels;
    const line *lines = (const line *)l->call->saved + n * channels;
    for (int64_t i = n * pixels; i < (n + 1) * pixels; i++)
        for (int64_t k = 0; k < channels; k++) {
            kin_real v = x->data[i * x->ld + k], *to = l->dx + i * channels + k, slope = 0;
            /* t, once more */
            if (v >= (kin_real)epsilon)
                slope = g[k] * y[k] * exp(p * log(v / (kin_real)lines[k].largest)) /
                        (v * (kin_real)(lines[k].mean * (double)pixels));
            *to = l->accumulate ? *to + slope : slope;
        }
}

static void gem_backward(kin_call *c)
{
    backward_loop l = {.call = c};
    l.dx = kin_grad_write(c, 0, &l.accumulate);
    if (l.dx) kin_parallel_for(kin_dim(c->in[0], 0), backward_sample, &l);
    kin_real *dp = kin_grad_add(c, 1);
    const line *lines = c->saved;
    double p = (double)c->in[1]->data[0], sum = 0;
    for (int64_t i = 0; dp && i < kin_count(c->out); i++)
        sum += (double)kin_grad_out(c)[i] * (double)c->out->data[i] / p *
               (lines[i].slope / lines[i].mean - log(lines[i].mean) / p);
    if (dp) dp[0] += (kin_real)sum;
}

const kin_op kin_op_gem = {"gem", .infer = gem_infer, .forward = gem_forward, .backward = gem_backward,
                           .saves = KIN_SAVES_INPUTS | KIN_SAVES_OUTPUT};
kin_tensor *kin_gem_pool(kin_tensor *x, kin_tensor *p) { return kin_apply(&kin_op_gem, NULL, 0, x, p); }
