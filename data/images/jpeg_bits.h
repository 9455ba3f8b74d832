/* The bits of a JPEG scan, after the zeros that are stuffed behind every FF have been taken out. Behind
 * the data lie KIN_JPEG_PAD zeros, so that a block can be read without looking at the end: only between
 * blocks is it looked at. */
#ifndef KIN_DATA_IMAGES_JPEG_BITS_H
#define KIN_DATA_IMAGES_JPEG_BITS_H

#include "data/images/jpeg.h"

typedef struct kin_jpeg_bits {
    const uint8_t *at, *end;
    /* the next bits from the top; below `count` of them the bits are those of the byte at `at` */
    uint64_t buffer;
    int count;
} kin_jpeg_bits;

/* Whether bits past the end have been taken. */
static inline bool kin_jpeg_bits_short(const kin_jpeg_bits *b) { return (b->at - b->end) * 8 > b->count; }

/* Before a block, which takes at most 64 · 32 bits: stays in the padding, and short. */
static inline void kin_jpeg_bits_hold(kin_jpeg_bits *b)
{
    if (b->at > b->end + 8) b->at = b->end + 8;
}

/* Makes it at least 56 bits. */
static inline void kin_jpeg_bits_fill(kin_jpeg_bits *b)
{
    uint64_t next = 0;
    for (int i = 0; i < 8; i++) next = next << 8 | b->at[i];
    b->buffer |= next >> b->count;
    b->at += (63 - b->count) >> 3;
    b->count |= 56;
}

static inline void kin_jpeg_bits_need(kin_jpeg_bits *b, int n)
{
    if (b->count < n) kin_jpeg_bits_fill(b);
}

/* For 1..32 bits that are there. */
static inline int kin_jpeg_bits_peek(const kin_jpeg_bits *b, int n) { return (int)(b->buffer >> (64 - n)); }

static inline void kin_jpeg_bits_drop(kin_jpeg_bits *b, int n)
{
    b->buffer <<= n;
    b->count -= n;
}

static inline int kin_jpeg_bits_take(kin_jpeg_bits *b, int n)
{
    int value = kin_jpeg_bits_peek(b, n);
    kin_jpeg_bits_drop(b, n);
    return value;
}

/* The number of n bits (1..16) as differences and coefficients are written. */
static inline int kin_jpeg_bits_extended(kin_jpeg_bits *b, int n)
{
    int value = kin_jpeg_bits_take(b, n);
    return value < 1 << (n - 1) ? value - (1 << n) + 1 : value;
}

/* The value of the next code; at least 17 bits are there. `bad` is set where the bits are no code: the
 * value is then 0. */
static inline int kin_jpeg_bits_code(kin_jpeg_bits *b, const kin_jpeg_code *code, bool *bad)
{
    int entry = code->look[kin_jpeg_bits_peek(b, KIN_JPEG_LOOK)];
    if (entry) {
        kin_jpeg_bits_drop(b, entry >> 8);
        return entry & 255;
    }
    int length = KIN_JPEG_LOOK + 1, bits = 0;
    while (length <= 16 && (bits = kin_jpeg_bits_peek(b, length)) > code->last[length]) length++;
    if (length > 16) {
        kin_jpeg_bits_drop(b, 17); /* as libjpeg, so that both go on alike */
        *bad = true;
        return 0;
    }
    kin_jpeg_bits_drop(b, length);
    return code->values[(bits + code->offset[length]) & 255];
}

#endif
