/* The inner loops of kernels/pool.c, compiled once per instruction set. */
#ifndef KIN_KERNELS_POOL_KERNELS_H
#define KIN_KERNELS_POOL_KERNELS_H

#include "base/real.h"
#include "kernels/conv/shape.h"

#include <stdbool.h>
#include <stdint.h>

/* The pixels of a window that lie inside the picture. */
typedef struct kin_pool_window {
    const kin_real *first;
    int64_t rows, columns, row_step, column_step; /* steps in numbers */
    /* place of the first in the window: row · kernel + column */
    int64_t place, kernel;
} kin_pool_window;

typedef struct kin_pool_kernels {
    /* The largest number of each channel, and its place. */
    void (*maximum)(const kin_pool_window *w, int64_t channels, kin_real *best, int32_t *winner);
    /* mean = Σ act(x·scale + shift) · share. */
    void (*norm_mean)(const kin_pool_window *w, int64_t channels, const kin_conv_begin *begin, kin_real share,
                      kin_real *mean);
    /* dx += g where `place` won. */
    void (*spread)(const kin_real *g, const int32_t *winner, int32_t place, int64_t channels, kin_real *dx);
} kin_pool_kernels;

#endif
