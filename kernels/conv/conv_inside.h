/* What the files of the convolution share; for them alone. */
#ifndef KIN_KERNELS_CONV_CONV_INSIDE_H
#define KIN_KERNELS_CONV_CONV_INSIDE_H

#include "kernels/conv/conv.h"
#include "kernels/conv/even_lines.h"
#include "kernels/tile.h"

/* conv.c: kin_conv_forward_packed where it is the implicit product, whose kernel nobody is told of. */
void kin_conv_product(const kin_conv_shape *s, const kin_real *x, const kin_real *packed,
                      const kin_conv_begin *begin, const kin_conv_end *end, kin_real *y, void *workspace);

/* conv.c: channels of one pass of such a product with a 1×1 kernel. */
int64_t kin_conv_pass(int64_t channels);

/* conv.c: whether kin_conv_forward, and at stride 1 the gradient of the input, leave out the taps that
 * read padding: tiny maps of many pictures. */
bool kin_conv_tiny(const kin_conv_shape *s);

/* conv_few.c: convolutions of few channels. A row of the kernel is one run of kernel_w·in_c numbers in the
 * picture, if the picture has its padding around it; so a padded copy is convolved by a kernel of width 1
 * with kernel_w·in_c channels. */
bool kin_conv_has_few(const kin_conv_shape *s);
kin_conv_shape kin_conv_few(const kin_conv_shape *s); /* the shape with the wide pixels */
int64_t kin_conv_few_numbers(const kin_conv_shape *s);
void kin_conv_few_copy(const kin_conv_shape *s, const kin_real *x, kin_real *padded);
int64_t kin_conv_few_forward_numbers(const kin_conv_shape *s);
void kin_conv_few_forward(const kin_conv_shape *s, const kin_real *x, const kin_real *packed,
                          const kin_conv_end *end, kin_real *y, kin_real *workspace);

/* What output rows first .. first+rows of picture n read, brought near with its padding: the numbers they
 * take, the copying, and the product of the first row without its B and C; the next row's A lies `step`
 * further. */
int64_t kin_conv_few_near(const kin_conv_shape *s, int64_t rows);
void kin_conv_few_bring(const kin_conv_shape *s, const kin_real *x, int64_t n, int64_t first, int64_t rows,
                        kin_real *near);
kin_even_product kin_conv_few_product(const kin_conv_shape *s, const kin_real *near, int64_t *step);

/* conv_weight.c: numbers of workspace that kin_conv_backward_weight needs. */
int64_t kin_conv_weight_numbers(const kin_conv_shape *shape);

/* depthwise.c: groups = in_c = out_c. Each channel is its own convolution, so the channels are the lanes. */
static inline bool kin_is_depthwise(const kin_conv_shape *s)
{
    return s->groups > 1 && s->groups == s->in_c && s->in_c == s->out_c;
}
/* `begin` may be NULL; with it the workspace of kin_depthwise_weight_numbers is needed. */
void kin_depthwise_forward(const kin_conv_shape *s, const kin_real *x, const kin_real *w,
                           const kin_conv_begin *begin, const kin_conv_end *end, kin_real *y,
                           kin_real *workspace);
void kin_depthwise_backward_input(const kin_conv_shape *s, const kin_real *dy, const kin_real *w,
                                  kin_real *dx, bool accumulate, kin_real *workspace);
void kin_depthwise_backward_weight(const kin_conv_shape *s, const kin_real *x, const kin_conv_begin *begin,
                                   const kin_real *dy, kin_real *dw, bool accumulate, kin_real *workspace);
int64_t kin_depthwise_weight_numbers(const kin_conv_shape *s);

#endif
