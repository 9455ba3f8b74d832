/* The parts of the decoder of WebP's lossless pictures, VP8L ["WebP Lossless Bitstream Specification"], for one
 * another; sections are the specification's.
 *   vp8l.c             header, transforms, images within the image [3, 4, 7]
 *   vp8l_bits.h        bits, the lowest first [3]
 *   vp8l_codes.c       prefix codes [6.2]
 *   vp8l_pixels.c      codes to pixels: literals, copies, recent colours [5, 6.2.3]
 *   vp8l_transforms.c  what is undone afterwards [4] */
#ifndef KIN_DATA_IMAGES_VP8L_H
#define KIN_DATA_IMAGES_VP8L_H

#include "data/images/image.h"
#include "data/images/vp8l_bits.h"

#include <stddef.h>
#include <stdint.h>

enum {
    KIN_VP8L_ROOT = 8,     /* codes up to this long are found by one look, longer ones by two */
    KIN_VP8L_LONGEST = 15, /* bits of a code */
    KIN_VP8L_LENGTHS = 24, /* symbols for lengths of copies, behind the literals */
    KIN_VP8L_CACHE_MOST = 11,
    KIN_VP8L_SYMBOLS = 256 + KIN_VP8L_LENGTHS + (1 << KIN_VP8L_CACHE_MOST) /* the most of an alphabet */
};

typedef struct kin_vp8l_entry {
    uint16_t value; /* a symbol; where bits > KIN_VP8L_ROOT the second table's place behind this one */
    uint8_t bits;
} kin_vp8l_entry;

/* Where a code's table lies in the store of all of them. */
typedef struct kin_vp8l_code {
    uint32_t at;
    uint8_t root; /* bits of its first look */
} kin_vp8l_code;

enum { KIN_VP8L_GREEN, KIN_VP8L_RED, KIN_VP8L_BLUE, KIN_VP8L_ALPHA, KIN_VP8L_DISTANCE, KIN_VP8L_CODES };
typedef struct kin_vp8l_group {
    kin_vp8l_code code[KIN_VP8L_CODES];
} kin_vp8l_group;

/* What the pixels of one image are coded with. */
typedef struct kin_vp8l_codes {
    kin_vp8l_entry *store;
    size_t used, capacity, most; /* entries */
    kin_vp8l_group *groups;
    size_t group_count;
    /* the group of each tile of 1 << tile_bits pixels a side; NULL: the first for all */
    uint32_t *tiles;
    int tile_bits;
    size_t tiles_wide;
    int cache_bits; /* of recent colours; 0: none */
} kin_vp8l_codes;

/* Reads a code of an alphabet. With `keep` false it is only checked. */
bool kin_vp8l_read_code(kin_vp8l_bits *b, kin_vp8l_codes *codes, int symbols, bool keep, kin_vp8l_code *out,
                        kin_error *err);

/* The next symbol: `b` holds 15 bits or more. */
static inline unsigned kin_vp8l_symbol(kin_vp8l_bits *b, const kin_vp8l_entry *store, kin_vp8l_code code)
{
    const kin_vp8l_entry *table = store + code.at, *e = &table[b->buffer & ((1u << code.root) - 1)];
    if (e->bits > KIN_VP8L_ROOT) {
        int more = e->bits - KIN_VP8L_ROOT;
        kin_vp8l_drop(b, KIN_VP8L_ROOT);
        e = &table[e->value + (b->buffer & ((1u << more) - 1))];
    }
    kin_vp8l_drop(b, e->bits);
    return e->value;
}

/* Pixels are alpha << 24 | red << 16 | green << 8 | blue. */
bool kin_vp8l_read_pixels(kin_vp8l_bits *b, const kin_vp8l_codes *codes, size_t width, size_t height,
                          uint32_t *out, kin_error *err);

enum { KIN_VP8L_PREDICT, KIN_VP8L_CROSS, KIN_VP8L_GREEN_OFF, KIN_VP8L_INDEX, KIN_VP8L_TRANSFORMS };
typedef struct kin_vp8l_transform {
    int kind;
    int bits;          /* of a tile's side; of the pixels that share one (KIN_VP8L_INDEX) */
    size_t width;      /* of the picture afterwards */
    uint32_t *data;    /* of each tile; the palette */
    size_t data_width; /* tiles in a row */
} kin_vp8l_transform;

/* Undoes it in place. Where pixels share one, those of `pixels` lie at the end of the room for all. */
void kin_vp8l_undo(const kin_vp8l_transform *t, uint32_t *pixels, size_t height);

/* The size that the header states, and whether alpha is said to be used. */
bool kin_vp8l_size(const uint8_t *bytes, size_t size, int *width, int *height, bool *alpha, kin_error *err);
/* The picture, of 3 channels or 4. */
bool kin_vp8l_decode(const uint8_t *bytes, size_t size, int channels, kin_image *out, kin_error *err);
/* An image without a header, of which only green counts: alpha beside a lossy picture. */
bool kin_vp8l_alpha(const uint8_t *bytes, size_t size, int width, int height, uint8_t *out, kin_error *err);

#endif
