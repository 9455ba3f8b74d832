/* The inner loops of kernels/conv/stem.c, compiled once per instruction set. */
#ifndef KIN_KERNELS_CONV_STEM_KERNELS_H
#define KIN_KERNELS_CONV_STEM_KERNELS_H

#include "kernels/conv/stem.h"

/* Windows in a picture with its padding around it: `lines` runs of `run` numbers, `line` apart. */
typedef struct kin_stem_windows {
    const kin_real *first; /* the first window of a row of output pixels */
    /* across, down: from a window to the next of its row and of the next row */
    int64_t lines, run, line, across, down;
} kin_stem_windows;

typedef struct kin_stem_kernels {
    /* sums[(K + 1)][pitch] += the products of each two of a window's numbers, and of each with 1, of
     * `count` windows beside each other; above the diagonal alone. pitch: K + 1 rounded up to 8. */
    void (*moments)(const kin_stem_windows *w, int64_t count, double *sums, int64_t pitch);
    /* `count` maxima of a row for the columns of a panel, [K][nr] as a register tile's, two vectors, whose
     * winners are one; from one to the next y moves by ld, the winners by `apart`. */
    void (*forward)(const kin_stem_windows *w, int64_t count, const kin_real *panel, const kin_real *shift,
                    kin_norm_act act, int64_t columns, kin_real *y, int64_t ld, kin_stem_winners *winners,
                    int64_t apart);
    /* products [K + 1][nr] += those of `count` maxima. */
    void (*backward)(const kin_stem_windows *w, int64_t count, const kin_real *g, int64_t ld,
                     const kin_stem_winners *winners, int64_t apart, int64_t columns, kin_real *products);
} kin_stem_kernels;

#endif
