/* The register tile under every matrix product and convolution: MR rows × NR columns of C, kept in vector
 * registers while the sum over k runs. B always comes packed in panels of NR columns, [k][NR]. A comes in one
 * of two forms:
 *
 * - as pointers to rows whose k run is contiguous. NHWC pixels are such rows, so a convolution needs no
 *   packing of patches at all, only a table of pointers, one for each row and kernel position (the indirect
 *   convolution of Dukhan 2019);
 * - as a packed panel [k][MR], for operands that lie the other way. */
#ifndef KIN_KERNELS_TILE_H
#define KIN_KERNELS_TILE_H

#include "base/real.h"
#include "kernels/cut.h"
#include "kernels/norm.h"

#include <stdbool.h>
#include <stdint.h>

/* Where a tile goes: rows × columns of it are valid, row r begins at c[r]. C = act((C +) tile + bias +
 * add). */
typedef struct kin_tile_out {
    kin_real *c[KIN_MR_MAX];
    const kin_real *add[KIN_MR_MAX]; /* rows of what is added, when `adds` */
    int64_t rows, columns;
    const kin_real *bias; /* NULL or the columns' */
    bool accumulate, adds;
    kin_norm_act act;
} kin_tile_out;

/* A block of C: some rows, and columns from the first of a panel on. A's rows come through a table of
 * pointers or packed, as above. */
typedef struct kin_tile_block {
    int64_t rows, column, columns;
    kin_real *const *c;         /* each row's column 0 */
    const kin_real *const *add; /* the same of what is added, or NULL */
    const kin_real *bias;       /* NULL or that of column 0 */
    bool accumulate;
    kin_norm_act act;
    /* row pointers from row kin_tile_row(i) on begin at table + i·pitch; NULL: packed */
    const kin_real *const *table;
    const kin_real *packed; /* the panel from row i·mr on, at packed + i·pitch */
    int64_t pitch;
    bool near;            /* A was written just now, and is in the caches */
    bool panels_near;     /* so was B */
    const int64_t *b_row; /* of each segment; the packed form has one segment */
    int64_t segments, length;
    const kin_real *panels; /* B: [⌈n/nr⌉][panel_k][nr] */
    int64_t panel_k;
} kin_tile_block;

typedef struct kin_tiles {
    int64_t mr, nr;
    /* products that one pass of a convolution should add up at most: C keeps the partial
     * sums between passes */
    int64_t sum;
    /* Σ over segments s and k < length of row[s·mr + r][k] · b[b_row[s] + k][·]: each segment has its own
     * row pointers (all mr of them valid to read) and begins at its own row of the panel. */
    void (*rows)(const kin_real *const *row, const int64_t *b_row, int64_t segments, int64_t length,
                 const kin_real *b, const kin_tile_out *out);
    /* Computes a block in the calling thread, tile by tile; a packed panel gives Σ over k of a[k·mr + r] ·
     * b[b_row[0] + k][·]. */
    void (*run)(const kin_tile_block *block);
    /* to[k·mr + r] = from[k][first + r] for r < mr; zeros where from[k] is NULL. */
    void (*pack)(const kin_real *const *from, int64_t first, int64_t k, kin_real *to);
    /* to[k·nr + j] = from[k][first + j] for j < columns ≤ nr, then zeros. */
    void (*pack_columns)(const kin_real *const *from, int64_t first, int64_t columns, int64_t k,
                         kin_real *to);
} kin_tiles;

/* The tiles of the chosen instruction set. */
const kin_tiles *kin_tiles_get(void);
static inline kin_tile_size kin_tile_size_of(const kin_tiles *t)
{
    return (kin_tile_size){t->mr, t->nr, t->sum};
}

/* Packs n columns of B (k rows, any strides) into panels [⌈n/nr⌉][panel_k][nr], from row `at` of each
 * panel on, padded with zeros to whole panels. On all threads. */
void kin_pack_b(const kin_tiles *t, const kin_real *b, int64_t row_stride, int64_t column_stride, int64_t k,
                int64_t n, int64_t panel_k, int64_t at, kin_real *panels);

/* How many tiles of a row less make the tiles of `rows` rows nearly even, if such can: 49 rows are 4 tiles
 * of 6 and 5 of 5, not 8 of 6 and one that takes as long for a single row. */
static inline int64_t kin_tiles_less(int64_t rows, int64_t mr)
{
    int64_t tiles = (rows + mr - 1) / mr, lacking = tiles * mr - rows;
    return lacking <= tiles ? lacking : 0;
}

/* The first row of a tile then, the last ones being those of a row less. */
static inline int64_t kin_tile_row(int64_t tile, int64_t rows, int64_t mr)
{
    int64_t whole = (rows + mr - 1) / mr - kin_tiles_less(rows, mr);
    return tile * mr - (tile > whole ? tile - whole : 0);
}

#endif
