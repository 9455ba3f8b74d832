/* Pooling on NHWC pixels, vectorised along channels, parallel over rows of output pixels. */
#ifndef KIN_KERNELS_POOL_H
#define KIN_KERNELS_POOL_H

#include "base/real.h"
#include "kernels/conv/shape.h"
#include "kernels/norm.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct kin_pool_shape {
    int64_t batch, in_h, in_w, channels, in_ld, out_h, out_w, kernel, stride, pad;
    bool exclude_pad; /* averages: divide by the pixels inside the picture only */
} kin_pool_shape;

/* y [.., channels] packed; winner receives for each output the position kh·kernel + kw of its maximum (the
 * first of equals; NaN wins). `begin`, what each number of x goes through first, may be NULL; without it
 * no workspace is needed. */
void kin_max_pool_forward(const kin_pool_shape *s, const kin_real *x, const kin_conv_begin *begin,
                          kin_real *y, int32_t *winner, void *workspace);
size_t kin_max_pool_workspace(const kin_pool_shape *s);
/* dx (packed) becomes, or is added, dy at the winners. */
void kin_max_pool_backward(const kin_pool_shape *s, const kin_real *dy, const int32_t *winner, kin_real *dx,
                           bool accumulate);
void kin_avg_pool_forward(const kin_pool_shape *s, const kin_real *x, kin_real *y);
/* The averages of begin(x), for pictures without padding: s->pad is 0. */
void kin_norm_avg_pool(const kin_pool_shape *s, const kin_real *x, const kin_conv_begin *begin, kin_real *y);
void kin_avg_pool_backward(const kin_pool_shape *s, const kin_real *dy, kin_real *dx, bool accumulate);

#endif
