/* Convolution (cross-correlation, as in every neural-network framework). With stride s, padding p, dilation
 * d:
 *
 *   y[n, oh, ow, o] = b[o] + Σ_{kh, kw, i} x[n, ih, iw, i] · w[kh, kw, i, o],   ih = oh·s − p + kh·d,
 *                                                                               iw = ow·s − p + kw·d;
 *
 * outside of the picture x is 0. Of g groups of channels, the outputs of one see the inputs of that one.
 *
 * Each product is of one number of x and one weight, and goes to one number of y: a triple (x, w, y). y is
 * linear in x and in w, so the gradients are sums over the same triples, of the two that stand beside:
 *
 *   y += x · w      ∂L/∂x += ∂L/∂y · w      ∂L/∂w += x · ∂L/∂y
 *   ∂L/∂b[o] = Σ_{n, oh, ow} ∂L/∂y[n, oh, ow, o]
 *
 * Held to this: kernels/conv (direct, depthwise, Winograd), autograd/conv.c. */
#include "reference/conv.h"

#include <stddef.h>
#include <string.h>

/* to_y, to_x or to_w: two of them are NULL, and the third needs no numbers of its own. */
typedef struct sums {
    const kin_real *x, *w, *dy;
    double *to_y, *to_x, *to_w;
} sums;

/* The weights of one place (kh, kw) of the kernel between one pixel of x and one of y, each given by where
 * its channels begin. */
static void meet(const kin_reference_conv *c, const sums *s, int64_t pixel_x, int64_t place, int64_t pixel_y)
{
    int64_t in = c->in_c / c->groups, out = c->out_c / c->groups;
    for (int64_t group = 0; group < c->groups; group++)
        for (int64_t i = 0; i < in; i++)
            for (int64_t o = 0; o < out; o++) {
                int64_t x = pixel_x + group * in + i;
                int64_t w = (place * in + i) * c->out_c + group * out + o;
                int64_t y = pixel_y + group * out + o;
                if (s->to_y) s->to_y[y] += (double)s->x[x] * (double)s->w[w];
                if (s->to_x) s->to_x[x] += (double)s->dy[y] * (double)s->w[w];
                if (s->to_w) s->to_w[w] += (double)s->x[x] * (double)s->dy[y];
            }
}

static void sum(const kin_reference_conv *c, const sums *s)
{
    for (int64_t n = 0; n < c->batch; n++)
        for (int64_t oh = 0; oh < c->out_h; oh++)
            for (int64_t ow = 0; ow < c->out_w; ow++)
                for (int64_t kh = 0; kh < c->kernel_h; kh++)
                    for (int64_t kw = 0; kw < c->kernel_w; kw++) {
                        int64_t ih = oh * c->stride_h - c->pad_top + kh * c->dilation_h;
                        int64_t iw = ow * c->stride_w - c->pad_left + kw * c->dilation_w;
                        if (ih < 0 || ih >= c->in_h || iw < 0 || iw >= c->in_w) continue;
                        meet(c, s, ((n * c->in_h + ih) * c->in_w + iw) * c->in_c, kh * c->kernel_w + kw,
                             ((n * c->out_h + oh) * c->out_w + ow) * c->out_c);
                    }
}

void kin_reference_conv_forward(const kin_reference_conv *c, const kin_real *x, const kin_real *w,
                                const kin_real *bias, double *y)
{
    int64_t pixels = c->batch * c->out_h * c->out_w;
    for (int64_t i = 0; i < pixels * c->out_c; i++) y[i] = bias ? (double)bias[i % c->out_c] : 0;
    sum(c, &(sums){.x = x, .w = w, .to_y = y});
}

void kin_reference_conv_backward_input(const kin_reference_conv *c, const kin_real *dy, const kin_real *w,
                                       double *dx)
{
    memset(dx, 0, (size_t)(c->batch * c->in_h * c->in_w * c->in_c) * sizeof *dx);
    sum(c, &(sums){.w = w, .dy = dy, .to_x = dx});
}

void kin_reference_conv_backward_weight(const kin_reference_conv *c, const kin_real *x, const kin_real *dy,
                                        double *dw)
{
    memset(dw, 0, (size_t)(c->kernel_h * c->kernel_w * (c->in_c / c->groups) * c->out_c) * sizeof *dw);
    sum(c, &(sums){.x = x, .dy = dy, .to_w = dw});
}

void kin_reference_conv_backward_bias(const kin_reference_conv *c, const kin_real *dy, double *db)
{
    int64_t pixels = c->batch * c->out_h * c->out_w;
    for (int64_t o = 0; o < c->out_c; o++) {
        db[o] = 0;
        for (int64_t p = 0; p < pixels; p++) db[o] += (double)dy[p * c->out_c + o];
    }
}
