/* The inner loops of kernels/pool.c, compiled once per instruction set. */
#ifndef KIN_KERNELS_POOL_LINES_H
#define KIN_KERNELS_POOL_LINES_H

#include "base/real.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct kin_pool_lines {
    /* Where a pixel's channel exceeds the best so far (always when it begins; NaN exceeds all), it takes its place. */
    void (*maximum)(const kin_real *pixel, int64_t channels, bool begins, int32_t here, kin_real *best, int32_t *winner);
} kin_pool_lines;

#endif
