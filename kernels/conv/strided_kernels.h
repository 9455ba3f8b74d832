/* Products whose rows of A lie evenly, compiled once per instruction set: the register tile without tables
 * of pointers, for short sums. */
#ifndef KIN_KERNELS_CONV_STRIDED_KERNELS_H
#define KIN_KERNELS_CONV_STRIDED_KERNELS_H

#include "kernels/norm.h"

/* C = act(A·B + bias + (C) + add). A's row r begins at a + r·a_ld, and is `segments` runs of k numbers
 * that lie `apart`; C's begins at c + place[r]. */
typedef struct kin_strided_product {
    int64_t rows, columns, k;
    int64_t segments, apart;
    const kin_real *a;
    int64_t a_ld;
    const kin_real *panels; /* B: [⌈columns/nr⌉][panel_k][nr] */
    int64_t panel_k;
    kin_real *c;
    const int64_t *place;
    /* NULL or a number for each column, whole panels of them; NULL or rows that are add_ld apart */
    const kin_real *bias, *add;
    int64_t add_ld;
    bool accumulate;
    kin_norm_act act;
} kin_strided_product;

typedef struct kin_strided_kernels {
    /* In the calling thread. */
    void (*product)(const kin_strided_product *p);
} kin_strided_kernels;

/* Of the chosen instruction set. */
const kin_strided_kernels *kin_strided_kernels_get(void);

#endif
