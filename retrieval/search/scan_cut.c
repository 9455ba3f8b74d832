#include "retrieval/search/scan_cut.h"

#include "kernels/cut.h"

enum {
    TASKS = 16,              /* with fewer blocks of rows than this the items are split as well */
    HEIGHT = 14,             /* rows of whole register tiles that blocks are made of, about */
    LEAST = 8,               /* rows of a block, however large their buffers are */
    BUFFER_BYTES = 64 << 20, /* buffers of one block at most, where k is large */
};

/* Rows of a block: as many as are met together best, or as the buffers allow. */
static int64_t block_rows(const kin_scan_size *s)
{
    int64_t each = 8 * s->words + (int64_t)(sizeof(uint64_t) + sizeof(double)) * s->kept;
    int64_t afford = kin_most(BUFFER_BYTES / kin_most(each, 1), LEAST);
    int64_t height = kin_whole_tiles(HEIGHT, s->mr);
    int64_t even = kin_round_up(kin_blocks(s->rows, TASKS), height);
    int64_t good = kin_most(kin_min(even, KIN_SCAN_BLOCK), 2 * height);
    return s->symmetric ? KIN_SCAN_ROWS : kin_min(afford, good);
}

/* Tiles of products that a chunk is wide; few rows do without packing. */
static int64_t chunk_tiles(const kin_scan_size *s)
{
    int64_t tiles = kin_most(kin_blocks(s->items, KIN_SCAN_COLUMNS), 1);
    return s->rows > KIN_SCAN_FEW ? kin_min(tiles, kin_blocks(KIN_SCAN_CHUNK_BYTES, s->panel_bytes)) : tiles;
}

kin_scan_cut kin_scan_cut_of(const kin_scan_size *s)
{
    kin_scan_cut c = {.block_rows = kin_most(kin_min(block_rows(s), s->rows), 1)};
    int64_t tiles = chunk_tiles(s);
    c.blocks = kin_blocks(s->rows, c.block_rows);
    c.chunk = tiles * KIN_SCAN_COLUMNS;
    int64_t wanted = kin_blocks(TASKS, kin_most(kin_min(c.blocks, TASKS), 1));
    int64_t splits = s->symmetric ? 1 : kin_min(wanted, tiles);
    c.columns_per_split = kin_blocks(tiles, splits) * KIN_SCAN_COLUMNS;
    c.splits = kin_blocks(c.chunk, c.columns_per_split);
    return c;
}
