/* Two-dimensional convolution (cross-correlation, as in every neural-network framework) on NHWC pixels.
 *
 *   y[n, oh, ow, o] = Σ_{kh, kw, i} x[n, oh·stride_h − pad_top + kh·dilation_h, …, i] · w[kh, kw, i, o]
 *
 * computed as an implicit matrix product: rows are output pixels, columns output channels, and the sum
 * runs over (kh, kw, i); rows are read through pointers, so no im2col matrix exists in memory. Where it is
 * quicker, 3×3 kernels at every pixel are taken by Winograd's method instead (kernels/conv/winograd.h). By which
 * kernel a shape is computed, and with how much memory beside, is decided in kernels/conv/choose.h.
 * Weights are HWIO: [kernel_h, kernel_w, in_c / groups, out_c], the columns of group g being out_c/groups
 * consecutive ones. Padding at bottom and right follows from out_h, out_w. Nothing here allocates; results
 * are bit-identical for any number of threads.
 *
 * The plain form: reference/conv.c. */
#ifndef KIN_KERNELS_CONV_CONV_H
#define KIN_KERNELS_CONV_CONV_H

#include "kernels/conv/shape.h"

/* Bytes of workspace that kin_conv_forward and the two gradients need for this shape with as many threads
 * as are set now, the largest of them (SIZE_MAX when it overflows). `begin` may be had where kin_conv_begins,
 * with packed weights where kin_conv_can_begin. */
size_t kin_conv_workspace(const kin_conv_shape *shape);

/* y = conv(begin(x), w) + bias; begin and bias [out_c] may be NULL. */
void kin_conv_forward(const kin_conv_shape *shape, const kin_real *x, const kin_conv_begin *begin,
                      const kin_real *w, const kin_real *bias, kin_real *y, void *workspace);

/* ---- the same for weights that are used many times: packed once, with all that follows in one pass ---- */

/* The form that weights are packed in: 0 as they are, else as Winograd's tiles of so many pixels need them
 * (kernels/conv/winograd.h). Packed weights belong to the instruction set in use; they and their form
 * depend on kernel, stride, dilation, channels and groups alone. */
int kin_conv_form(const kin_conv_shape *shape);
/* Numbers of packed weights. */
int64_t kin_conv_packed_count(const kin_conv_shape *shape);
/* Packs w; scale [out_c] multiplies each output channel's weights, NULL for none. */
void kin_conv_pack(const kin_conv_shape *shape, const kin_real *w, const kin_real *scale, kin_real *packed);
/* Bytes of workspace for kin_conv_forward_packed, with as many threads as are set now. */
size_t kin_conv_packed_workspace(const kin_conv_shape *shape);
/* `begin` and `end` may be NULL. */
void kin_conv_forward_packed(const kin_conv_shape *shape, const kin_real *x, const kin_real *packed,
                             const kin_conv_begin *begin, const kin_conv_end *end, kin_real *y,
                             void *workspace);

/* ---- gradients ---- */
/* dx (+)= the gradient of the input: dx[n, ih, iw, i] = Σ dy[n, oh, ow, o] · w[kh, kw, i, o] over all (oh,
 * kh), (ow, kw) with oh·stride_h − pad_top + kh·dilation_h = ih. dx has the pixel distance in_ld. */
void kin_conv_backward_input(const kin_conv_shape *shape, const kin_real *dy, const kin_real *w, kin_real *dx,
                             bool accumulate, void *workspace);

/* dw (+)= the gradient of the weights: dw[kh, kw, i, o] = Σ_{n, oh, ow} begin(x)[…] · dy[n, oh, ow, o],
 * begin may be NULL; the sum over pixels is split into blocks by shape, whose parts are added in block
 * order. */
void kin_conv_backward_weight(const kin_conv_shape *shape, const kin_real *x, const kin_conv_begin *begin,
                              const kin_real *dy, kin_real *dw, bool accumulate, void *workspace);

#endif
