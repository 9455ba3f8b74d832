/* How the scan's pairs of rows and items are cut into tiles, blocks and chunks (see kernels/cut.h): a pure
 * function of sizes and the tile's rows. */
#ifndef KIN_RETRIEVAL_SEARCH_SCAN_CUT_H
#define KIN_RETRIEVAL_SEARCH_SCAN_CUT_H

#include <stdbool.h>
#include <stdint.h>

enum {
    /* A tile of products and its rows in 16 bits stay in the second-level cache together. */
    KIN_SCAN_ROWS = 192,    /* a multiple of 6, and nearly one of 14: the tiles' heights */
    KIN_SCAN_COLUMNS = 192, /* a multiple of the panels' widths, 8 to 32 */
    /* dimensions, in float32, or pairs of them, that a tile's products are summed over at a time: of a
     * panel these stay in the first-level cache */
    KIN_SCAN_STEP = 256,
    /* rows that are selected for, and measured, together: for all of them an item comes from memory once */
    KIN_SCAN_BLOCK = 384,
    KIN_SCAN_FEW = 4,                 /* rows for which packing the items would cost more than the product */
    KIN_SCAN_CHUNK_BYTES = 512 << 20, /* the part of the items that is packed at a time */
};

typedef struct kin_scan_size {
    int64_t rows, items;
    int64_t words, kept; /* of a row's selections, and the candidates that are kept of it */
    bool symmetric;      /* each pair is met once */
    int64_t panel_bytes; /* of KIN_SCAN_COLUMNS items, packed */
    int64_t mr;          /* rows of a register tile */
} kin_scan_size;

typedef struct kin_scan_cut {
    int64_t block_rows, blocks;
    int64_t chunk;                     /* items packed at a time, in whole tiles of products */
    int64_t columns_per_split, splits; /* of a chunk */
} kin_scan_cut;

kin_scan_cut kin_scan_cut_of(const kin_scan_size *s);

#endif
