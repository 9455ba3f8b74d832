/* Convolution as an implicit matrix product (product.c), and the gradient of its weights (product_weight.c). For
 * the files of convolution alone; each function stands below the numbers of workspace that it needs. */
#ifndef KIN_KERNELS_CONV_PRODUCT_H
#define KIN_KERNELS_CONV_PRODUCT_H

#include "kernels/conv/cut.h"
#include "kernels/conv/shape.h"

/* Weights in panels of nr columns, the set's own. */
int64_t kin_conv_product_packed(const kin_conv_shape *s, int64_t nr);
void kin_conv_product_pack(const kin_conv_shape *s, const kin_real *w, const kin_real *scale,
                           kin_real *packed);

/* In this and the next, `pixels` takes each pixel of a tiny map by itself. */
int64_t kin_conv_product_numbers(const kin_conv_shape *s, const kin_conv_machine *machine);
void kin_conv_product(const kin_conv_shape *s, const kin_real *x, const kin_real *packed,
                      const kin_conv_begin *begin, const kin_conv_end *end, bool pixels, kin_real *y,
                      kin_real *workspace);

int64_t kin_conv_product_input_numbers(const kin_conv_shape *s, const kin_conv_machine *machine);
void kin_conv_product_input(const kin_conv_shape *s, const kin_real *dy, const kin_real *w, bool pixels,
                            kin_real *dx, bool accumulate, kin_real *workspace);

int64_t kin_conv_product_weight_numbers(const kin_conv_shape *s, const kin_conv_machine *machine);
void kin_conv_product_weight(const kin_conv_shape *s, const kin_real *x, const kin_conv_begin *begin,
                             const kin_real *dy, kin_real *dw, bool accumulate, kin_real *workspace);

#endif
