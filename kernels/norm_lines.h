/* The serial loops of kernels/norm.c for some rows, compiled once per instruction set. */
#ifndef KIN_KERNELS_NORM_LINES_H
#define KIN_KERNELS_NORM_LINES_H

#include "kernels/norm.h"

typedef struct kin_norm_lines {
    /* sums[c] = Σ (x − pivot), sums[channels + c] = Σ (x − pivot)²; part is room for as many numbers. */
    void (*moments)(const kin_real *x, int64_t ld, int64_t rows, int64_t channels, const kin_real *pivot, kin_real *part,
                    double *sums);
    void (*apply)(const kin_real *x, int64_t ld, int64_t rows, int64_t channels, const kin_real *scale, const kin_real *shift, const kin_real *add, int64_t add_ld,
                  kin_norm_act act, kin_real *y);
    void (*backward_sums)(const kin_real *g, const kin_real *y, kin_norm_act act, const kin_real *x, int64_t ld, int64_t rows, int64_t channels, const kin_real *mean,
                          const kin_real *inv, kin_real *part, double *sums);
    void (*backward_apply)(const kin_real *g, const kin_real *y, kin_norm_act act, const kin_real *x, int64_t ld, int64_t rows, int64_t channels, const kin_real *a,
                           const kin_real *b, const kin_real *c, kin_real *dx, bool add_dx, kin_real *dadd, bool add_dadd);
} kin_norm_lines;

/* Of the chosen instruction set. */
const kin_norm_lines *kin_norm_lines_get(void);

#endif
