/* Convolutions of few channels (few.c): a row of the kernel is one run of kernel_w·in_c numbers in the
 * picture, if the picture has its padding around it; so a padded copy is convolved by a kernel of width 1
 * with kernel_w·in_c channels. For the files of convolution alone. */
#ifndef KIN_KERNELS_CONV_FEW_H
#define KIN_KERNELS_CONV_FEW_H

#include "kernels/conv/shape.h"
#include "kernels/conv/strided_kernels.h"

bool kin_conv_has_few(const kin_conv_shape *s);
kin_conv_shape kin_conv_few(const kin_conv_shape *s); /* the shape with the wide pixels */

/* The whole batch copied with its padding, and the numbers that it takes. */
int64_t kin_conv_few_numbers(const kin_conv_shape *s);
void kin_conv_few_copy(const kin_conv_shape *s, const kin_real *x, kin_real *padded);

/* y = act(conv(x) + bias + add), some rows at a time, and the numbers of workspace. */
int64_t kin_conv_few_forward_numbers(const kin_conv_shape *s, int64_t threads);
void kin_conv_few_forward(const kin_conv_shape *s, const kin_real *x, const kin_real *packed,
                          const kin_conv_end *end, kin_real *y, kin_real *workspace);

/* What output rows first .. first+rows of picture n read, brought near with its padding: the numbers they
 * take, the copying, and the product of the first row without its B and C; the next row's A lies `step`
 * further. */
int64_t kin_conv_few_near(const kin_conv_shape *s, int64_t rows);
void kin_conv_few_bring(const kin_conv_shape *s, const kin_real *x, int64_t n, int64_t first, int64_t rows,
                        kin_real *near);
kin_strided_product kin_conv_few_product(const kin_conv_shape *s, const kin_real *near, int64_t *step);

#endif
