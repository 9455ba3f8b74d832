/* Products of vectors of 16-bit integers, two numbers an operation: half of the time of float32, at an
 * error that is known.
 *
 * A row x becomes x̂ = s·n with whole n_i, |n_i| ≤ 32767, and ‖n‖ ≤ 46,000: by Cauchy and Schwarz no sum
 * of products n·m, whole or in part, then leaves 32 bits. Since x·y − x̂·ŷ = (x − x̂)·y + x̂·(y − ŷ),
 *
 *     |x·y − x̂·ŷ| ≤ ‖x‖ ‖y‖ (ε_x + ε_y + ε_x ε_y)      with ε = ‖x − x̂‖ / ‖x‖, measured by packing;
 *                                                     about √(d/12) / ‖n‖.
 *
 * Both sides lie in panels of pairs, rows in [⌈n/mr⌉][⌈dim/2⌉][mr] and items in [⌈n/nr⌉][⌈dim/2⌉][nr]:
 * each is read from front to back. */
#ifndef KIN_KERNELS_COARSE_H
#define KIN_KERNELS_COARSE_H

#include <stdbool.h>
#include <stdint.h>

enum { KIN_COARSE_MR = 16, KIN_COARSE_DIM = 65536 /* with more, rounding could carry a sum past 32 bits */ };

/* Two neighbouring numbers of a row. */
typedef struct kin_coarse_pair {
    int16_t n[2];
} kin_coarse_pair;

typedef struct kin_coarse {
    int64_t mr, nr; /* mr ≤ KIN_COARSE_MR */
    /* c[r·stride + j] = scale[r] unit[j] · Σ over pairs of row r of one panel and column j of the other,
     * for r < rows ≤ mr and j < nr, added to what is there if `more`. All mr rows of the panel are read,
     * and scale[r] for r < rows. */
    void (*rows)(const kin_coarse_pair *row, const kin_coarse_pair *panel, int64_t pairs, const float *scale,
                 const float *unit, float *c, int64_t stride, int64_t rows, bool more);
    bool fast; /* the instruction set has a product of pairs */
} kin_coarse;

/* That of the chosen instruction set. */
const kin_coarse *kin_coarse_get(void);

static inline int64_t kin_coarse_pairs(int64_t dim) { return (dim + 1) / 2; }

/* x [dim], of Euclidean norm `norm`, as pairs at to[0], to[stride], ...; the last one is filled up with 0.
 * Gives s, and ε in `error`. */
float kin_coarse_round(const float *x, int64_t dim, double norm, kin_coarse_pair *to, int64_t stride,
                       float *error);

#endif
