/* What the files of Winograd's convolution share; for them alone. */
#ifndef KIN_KERNELS_CONV_WINOGRAD_INSIDE_H
#define KIN_KERNELS_CONV_WINOGRAD_INSIDE_H

#include "kernels/conv/winograd_kernels.h"

enum { KIN_WINOGRAD_N2 = 36 }; /* the most pixels under a tile */

const kin_winograd_kernels *kin_winograd_kernels_get(void);

/* The side × side pixels from (y, x) on of a picture; those outside are `zeros`. */
static inline void kin_winograd_pixels(const kin_real *picture, int64_t h, int64_t w, int64_t ld, int64_t y,
                                       int64_t x, int side, const kin_real *zeros, const kin_real **pixel)
{
    for (int64_t i = y; i < y + side; i++)
        for (int64_t j = x; j < x + side; j++)
            *pixel++ = i < 0 || j < 0 || i >= h || j >= w ? zeros : picture + (i * w + j) * ld;
}

#endif
