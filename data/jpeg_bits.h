/* The bits of a JPEG scan. A byte FF in the data is followed by a stuffed 00; FF and anything else is a marker, where the data
 * end. Past the end zeros are read, and counted. */
#ifndef KIN_DATA_JPEG_BITS_H
#define KIN_DATA_JPEG_BITS_H

#include "data/jpeg.h"

typedef struct kin_jpeg_bits {
    const uint8_t *at, *end;
    uint64_t buffer; /* the next bits from the top; below `count` of them the bits are those of the next byte, or zero */
    int count;
    int padding;     /* bits of `count` and of those already taken that were made up */
    int marker;      /* the one that ended the data; 0: none yet */
} kin_jpeg_bits;

static inline kin_jpeg_bits kin_jpeg_bits_start(const uint8_t *at, const uint8_t *end) { return (kin_jpeg_bits){.at = at, .end = end}; }

/* Whether made-up bits have been taken. */
static inline bool kin_jpeg_bits_short(const kin_jpeg_bits *b) { return b->count < b->padding; }

/* One byte at a time: near FF, a marker or the end. */
static void kin_jpeg_bits_fill_slowly(kin_jpeg_bits *b)
{
    b->buffer = b->count ? b->buffer >> (64 - b->count) << (64 - b->count) : 0;
    while (b->count <= 56) {
        uint64_t byte = 0;
        if (b->marker || b->at >= b->end) b->padding += 8;
        else if (*b->at != 0xff) byte = *b->at++;
        else {
            const uint8_t *after = b->at + 1;
            while (after < b->end && *after == 0xff) after++;
            if (after >= b->end) b->at = b->end, b->padding += 8;
            else if (*after == 0) byte = 0xff, b->at = after + 1;
            else {
                b->marker = *after; /* b->at stays before it */
                b->padding += 8;
            }
        }
        b->buffer |= byte << (56 - b->count);
        b->count += 8;
    }
    /* Counters of a scan that ran dry need not grow for ever. */
    if (b->padding > 1 << 20) b->padding = 1 << 20;
}

/* At least 56 bits. */
static inline void kin_jpeg_bits_fill(kin_jpeg_bits *b)
{
    if (!b->marker && b->end - b->at >= 8) {
        uint64_t next = 0;
        for (int i = 0; i < 8; i++) next = next << 8 | b->at[i];
        uint64_t inverse = ~next; /* a byte FF is a zero byte here */
        if (!((inverse - 0x0101010101010101u) & ~inverse & 0x8080808080808080u)) {
            b->buffer |= next >> b->count;
            b->at += (63 - b->count) >> 3;
            b->count |= 56;
            return;
        }
    }
    kin_jpeg_bits_fill_slowly(b);
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

/* The value of the next code; at least 17 bits are there. `bad` is set where the bits are no code: the value is then 0. */
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
