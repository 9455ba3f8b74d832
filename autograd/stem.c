/* A network's first convolution, without bias and with batch norm, activation and maxima of 2×2 behind it,
 * as one op for training on the batch's own statistics (kernels/conv/stem.h). No gradient flows to the
 * picture. With windows p of K numbers, their mean m and covariance C,
 *
 *   z = Σ_t w_t·p_t,   μ = Σ_t w_t·m_t,   σ² = Σ_tu w_t·w_u·C_tu,   s = 1/√(σ² + ε),
 *   y = act(max γ·s·(z − μ) + β)
 *
 * and with g, the gradient of the maxima where the activation is open, which arrives at the winners, P_t =
 * Σ g·p_t and G = Σ g:
 *
 *   ∂L/∂β = G,   ∂L/∂γ = H = Σ g·x̂ = s·Σ_t w_t·(P_t − m_t·G)
 *   ∂L/∂w_t = Σ p_t·∂L/∂z = γ·s·(P_t − m_t·G − H·s·Σ_u C_tu·w_u)
 *
 * the last from ∂L/∂z = γ·s·(g − G/n − x̂·H/n), autograd/norm.c's, summed over all n pixels, of which each
 * has its p_t. */
#include "autograd/conv_shape.h"
#include "autograd/stem.h"
#include "autograd/tape.h"
#include "kernels/conv/stem.h"

#include <math.h>

enum { X, WEIGHT, GAMMA, BETA };

typedef struct stem_opt {
    kin_conv2d_opt conv;
    double epsilon;
    kin_act act;
    kin_real *mean_out, *var_out;
} stem_opt;

static kin_conv_shape shape_of(const kin_call *c)
{
    const stem_opt *o = c->opt;
    return kin_conv2d_shape(c->in[X], c->in[WEIGHT]->shape, &o->conv);
}

static bool stem_infer(kin_call *c, kin_shape *out)
{
    const stem_opt *o = c->opt;
    kin_shape all;
    if (!kin_conv2d_fits(c, &o->conv, c->in[WEIGHT]->shape, &all)) return false;
    for (int i = GAMMA; i <= BETA; i++)
        if (kin_count(c->in[i]) != all.dim[3])
            return kin_call_fail(c, "expected %lld numbers in each of scale and shift",
                                 (long long)all.dim[3]);
    *out = KIN_SHAPE(all.dim[0], all.dim[1] / 2, all.dim[2] / 2, all.dim[3]);
    return true;
}

/* What backward needs: m and C, for each channel s and γ·s, and the winners. */
typedef struct saved {
    double *mean, *covariance, *inv, *scale;
    kin_stem_winners *winners;
    int64_t taps, channels;
} saved;

static size_t saved_bytes(const kin_conv_shape *s, int64_t taps)
{
    return (size_t)(taps * (taps + 1) + 2 * s->out_c) * sizeof(double) +
           (size_t)kin_stem_winner_count(s) * sizeof(kin_stem_winners);
}

static saved split(const kin_call *c)
{
    const int64_t *w = c->in[WEIGHT]->shape.dim;
    saved v = {.mean = c->saved, .taps = w[0] * w[1] * w[2], .channels = w[3]};
    v.covariance = v.mean + v.taps, v.inv = v.covariance + v.taps * v.taps, v.scale = v.inv + v.channels;
    v.winners = (kin_stem_winners *)(void *)(v.scale + v.channels);
    return v;
}

/* Σ_u C_tu·w_u of a channel. */
static double spread(const saved *v, const kin_real *w, int64_t t)
{
    double sum = 0;
    for (int64_t u = 0; u < v->taps; u++) sum += v->covariance[t * v->taps + u] * (double)w[u * v->channels];
    return sum;
}

static void stem_forward(kin_call *c)
{
    const stem_opt *o = c->opt;
    kin_conv_shape shape = shape_of(c);
    const kin_real *w = c->in[WEIGHT]->data;
    int64_t numbers = kin_count(c->in[WEIGHT]), channels = kin_channels(c->out);
    size_t lines = (size_t)(numbers + channels + 15) / 16 * 16 * sizeof(kin_real);
    kin_real *scaled = kin_scratch(c, lines + kin_stem_workspace(&shape)), *shift = scaled + numbers;
    if (!scaled || !kin_save(c, saved_bytes(&shape, numbers / channels))) return;
    void *workspace = (unsigned char *)scaled + lines;
    saved v = split(c);
    kin_stem_moments(&shape, c->in[X]->data, v.mean, v.covariance, workspace);
    for (int64_t i = 0; i < channels; i++) {
        double mean = 0, var = 0;
        for (int64_t t = 0; t < v.taps; t++)
            mean += v.mean[t] * (double)w[t * channels + i],
                var += (double)w[t * channels + i] * spread(&v, w + i, t);
        if (var < 0) var = 0;
        v.inv[i] = 1 / sqrt(var + o->epsilon);
        v.scale[i] = (double)c->in[GAMMA]->data[i] * v.inv[i];
        shift[i] = (kin_real)((double)c->in[BETA]->data[i] - mean * v.scale[i]);
        for (int64_t t = 0; t < v.taps; t++)
            scaled[t * channels + i] = (kin_real)((double)w[t * channels + i] * v.scale[i]);
        if (o->mean_out) o->mean_out[i] = (kin_real)mean;
        if (o->var_out) o->var_out[i] = (kin_real)var;
    }
    kin_stem_forward(&shape, c->in[X]->data, scaled, shift, (kin_norm_act)o->act, kin_out(c), v.winners,
                     workspace);
}

static void stem_backward(kin_call *c)
{
    kin_conv_shape shape = shape_of(c);
    const kin_real *w = c->in[WEIGHT]->data;
    saved v = split(c);
    size_t bytes = ((size_t)((v.taps + 1) * v.channels) * sizeof(double) + 63) / 64 * 64;
    unsigned char *scratch = kin_scratch(c, bytes + kin_stem_workspace(&shape));
    if (!scratch) return;
    double *products = (double *)(void *)scratch, *sum = products + v.taps * v.channels;
    kin_stem_backward(&shape, c->in[X]->data, kin_grad_out(c), v.winners, products, scratch + bytes);
    kin_real *dw = kin_grad_add(c, WEIGHT), *dgamma = kin_grad_add(c, GAMMA), *dbeta = kin_grad_add(c, BETA);
    for (int64_t i = 0; i < v.channels; i++) {
        double h = 0;
        for (int64_t t = 0; t < v.taps; t++)
            h += v.inv[i] * (double)w[t * v.channels + i] *
                 (products[t * v.channels + i] - v.mean[t] * sum[i]);
        if (dbeta) dbeta[i] += (kin_real)sum[i];
        if (dgamma) dgamma[i] += (kin_real)h;
        for (int64_t t = 0; dw && t < v.taps; t++)
            dw[t * v.channels + i] += (kin_real)(v.scale[i] *
                                                 (products[t * v.channels + i] - v.mean[t] * sum[i] -
                                                  h * v.inv[i] * spread(&v, w + i, t)));
    }
}

static double stem_flops(const kin_call *c)
{
    kin_conv_shape s = shape_of(c);
    return 2.0 * (double)(s.batch * s.out_h * s.out_w) * (double)kin_count(c->in[WEIGHT]);
}

static const kin_op stem = {"stem",
                            .infer = stem_infer,
                            .forward = stem_forward,
                            .backward = stem_backward,
                            .flops = stem_flops,
                            .saves = KIN_SAVES_INPUTS};

int64_t kin_stem_pixels(const kin_tensor *x, kin_shape weight, const kin_conv2d_opt *conv)
{
    if (kin_ndim(x) != 4 || x->wants_grad) return 0;
    kin_conv_shape s = kin_conv2d_shape(x, weight, conv);
    return kin_stem_possible(&s) ? s.batch * s.out_h * s.out_w : 0;
}

kin_tensor *kin_stem_train(kin_tensor *x, kin_tensor *w, kin_tensor *gamma, kin_tensor *beta,
                           const kin_conv2d_opt *conv, double epsilon, kin_act act, kin_real *mean_out,
                           kin_real *var_out)
{
    stem_opt o = {.conv = *conv, .epsilon = epsilon, .act = act, .mean_out = mean_out, .var_out = var_out};
    return kin_apply(&stem, &o, sizeof o, x, w, gamma, beta);
}
