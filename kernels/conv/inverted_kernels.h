/* The serial loops of kernels/conv/inverted.c, compiled once per instruction set. The wide map lies in panels
 * of `nr` channels, the columns of a register tile: a pixel of a panel is nr numbers, and pixels of a row
 * are neighbours. */
#ifndef KIN_KERNELS_CONV_INVERTED_KERNELS_H
#define KIN_KERNELS_CONV_INVERTED_KERNELS_H

#include "kernels/norm.h"

/* A row of a panel's depthwise convolution, without edges: the rows have their padding at both sides. */
typedef struct kin_inverted_filter {
    const kin_real *panel;        /* a ring of rows */
    int64_t slots, row;           /* how many, and the numbers of one */
    int64_t slot, rows, kernel_w; /* the first row that is read, how many are, and how many pixels of each */
    int64_t stride;
    const kin_real *w, *bias; /* [rows][kernel_w][nr]; NULL or [nr] */
    kin_norm_act act;
    int64_t pixels;
    kin_real *to; /* a pixel's nr numbers, to_ld apart */
    int64_t to_ld;
} kin_inverted_filter;

typedef struct kin_inverted_kernels {
    void (*filter)(const kin_inverted_filter *f);
    /* `columns` numbers of each of some pixels, which are ld apart, to a panel's row. */
    void (*take)(const kin_real *x, int64_t ld, int64_t columns, int64_t pixels, kin_real *to);
} kin_inverted_kernels;

#endif
