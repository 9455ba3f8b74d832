/* A stem in training: a convolution of few numbers, batch norm, activation and the maxima of 2×2 pixels.
 * The convolution of a grey picture has 9 products for each output; to write that down and to read it
 * again takes longer than to compute it anew. So its output z never is in memory, and what is needed of it
 * follows from the windows p that the kernel sees, K numbers each: with z = Σ_t w_t·p_t
 *
 *   mean z = Σ_t w_t·m_t,   variance z = Σ_tu w_t·w_u·C_tu
 *   Σ g·z = Σ_t w_t·P_t,    P_t = Σ g·p_t
 *
 * with m, C the mean and covariance of the windows over all pixels, and P over the winners, where alone the
 * gradient g of the maxima arrives.
 *
 * Weights are [K][out], as in HWIO. Nothing here allocates; results are bit-identical for any number of
 * threads. */
#ifndef KIN_KERNELS_CONV_STEM_H
#define KIN_KERNELS_CONV_STEM_H

#include "kernels/conv/shape.h"

enum { KIN_STEM_TAPS = 32 }; /* K at most: the covariance takes K² products a pixel */

/* Whether this convolution is one: few channels, few taps, one group, and at least 2×2 outputs. */
bool kin_stem_possible(const kin_conv_shape *s);
/* Bytes of workspace for the functions below, with as many threads as are set now. */
size_t kin_stem_workspace(const kin_conv_shape *s);

/* mean [K] and covariance [K][K] (÷ pixels) of the windows of all output pixels. */
void kin_stem_moments(const kin_conv_shape *s, const kin_real *x, double *mean, double *covariance,
                      void *workspace);

/* y[n, ⌊h/2⌋, ⌊w/2⌋, out] = act(max of 2×2 (conv(x, w) + shift)), packed. winners: which of the four it
 * was (the first of equals; NaN over all), or none where the activation's slope is 0; two places to a
 * number, as kin_stem_backward of the same instruction set reads them. */
#ifdef KIN_DOUBLE
typedef int64_t kin_stem_winners;
#else
typedef int32_t kin_stem_winners;
#endif
int64_t kin_stem_winner_count(const kin_conv_shape *s);
void kin_stem_forward(const kin_conv_shape *s, const kin_real *x, const kin_real *w, const kin_real *shift,
                      kin_norm_act act, kin_real *y, kin_stem_winners *winners, void *workspace);

/* products [K + 1][out]: P, and Σ g in the last row; g is packed as y is. */
void kin_stem_backward(const kin_conv_shape *s, const kin_real *x, const kin_real *g,
                       const kin_stem_winners *winners, double *products, void *workspace);

#endif
