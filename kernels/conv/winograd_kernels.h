/* The serial loops of kernels/conv/winograd.c, compiled once per instruction set. n = m + 2 throughout; the
 * pairs are for m = 2 and m = 4. */
#ifndef KIN_KERNELS_CONV_WINOGRAD_KERNELS_H
#define KIN_KERNELS_CONV_WINOGRAD_KERNELS_H

#include "kernels/conv/shape.h"

/* The points ±p and ±q of m = 4; p·q = 1, p² = 1/2, q² = 2. */
#define KIN_WINOGRAD_P ((kin_real)0.70710678118654752440)
#define KIN_WINOGRAD_Q ((kin_real)1.41421356237309504880)

/* One tile of the output, some columns of it. */
typedef struct kin_winograd_out {
    const kin_real *sums;                 /* [n²][width] */
    int64_t width, columns, rows, across; /* rows × across pixels of the tile are inside the picture */
    kin_real *y;
    int64_t y_row, y_ld; /* distances from row to row and from pixel to pixel */
    const kin_real *bias, *add;
    int64_t add_row, add_ld;
    const kin_real *next_y, *next_add; /* the next tile's, which are asked for */
    kin_norm_act act;
} kin_winograd_out;

typedef struct kin_winograd_kernels {
    int64_t mr, nr; /* tiles and columns of the register tile */
    /* One row of a panel: G g Gᵀ for nr columns, weights g[9][tap], to u[n²][position]. */
    void (*weights[2])(const kin_real *g, int64_t tap, kin_real *u, int64_t position);
    /* Bᵀ d B for all channels of the n² pixels, to v[n²][position]; channels are filled up with zeros to
     * whole vectors. `next` are those of the next tile, which are asked for. */
    void (*input[2])(const kin_real *const *pixel, const kin_real *const *next, int64_t channels, kin_real *v,
                     int64_t position);
    /* sums[t·apart + ·] = Σ over k < depth of v[t·pitch + k] · u[k·nr + ·] for t < tiles and the columns
     * of one panel; unless it begins, that is added. `next`, the weights of the next call, are asked for;
     * NULL: none. */
    void (*multiply)(const kin_real *v, int64_t pitch, int64_t tiles, const kin_real *u, const kin_real *next,
                     int64_t depth, int64_t columns, bool begins, kin_real *sums, int64_t apart);
    /* Aᵀ sums A, and what the output goes through. */
    void (*output[2])(const kin_winograd_out *out);
} kin_winograd_kernels;

#endif
