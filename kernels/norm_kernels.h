/* The serial loops of kernels/norm.c for some rows, compiled once per instruction set. */
#ifndef KIN_KERNELS_NORM_KERNELS_H
#define KIN_KERNELS_NORM_KERNELS_H

#include "kernels/norm.h"

typedef struct kin_norm_kernels {
    /* sums[c] = Σ (x − pivot), sums[channels + c] = Σ (x − pivot)². */
    void (*moments)(const kin_real *x, int64_t ld, int64_t rows, int64_t channels, const kin_real *pivot,
                    double *sums);
    void (*apply)(const kin_real *x, int64_t ld, int64_t rows, int64_t channels, const kin_real *scale,
                  const kin_real *shift, const kin_real *add, int64_t add_ld, kin_norm_act act, kin_real *y,
                  int64_t y_ld);
    /* sums[c] = Σ g, sums[channels + c] = Σ g·x̂. */
    void (*backward_sums)(const kin_norm_flow *f, int64_t rows, int64_t channels, const kin_real *mean,
                          const kin_real *inv, double *sums);
    void (*backward_apply)(const kin_norm_flow *f, int64_t rows, int64_t channels, const kin_norm_line *line,
                           const kin_norm_to *to);
} kin_norm_kernels;

/* Of the chosen instruction set. */
const kin_norm_kernels *kin_norm_kernels_get(void);

#endif
