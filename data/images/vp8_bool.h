/* VP8's bits, each of a given probability: arithmetic coding of binary decisions [RFC 6386, section 7]. The
 * range is kept less one, so that it is within a byte. Behind the end zeros are read, and `over` tells. */
#ifndef KIN_DATA_IMAGES_VP8_BOOL_H
#define KIN_DATA_IMAGES_VP8_BOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct kin_vp8_bool {
    const uint8_t *at, *end;
    uint64_t value; /* from the bits-th on, the eight that are compared; below them, those that follow */
    uint32_t range; /* 126 .. 254 between two decisions */
    int bits;       /* below 0: none left */
    bool over;
} kin_vp8_bool;

static inline void kin_vp8_bool_fill(kin_vp8_bool *b)
{
    if (b->end - b->at >= 8) {
        for (int i = 0; i < 7; i++) b->value = b->value << 8 | b->at[i];
        b->at += 7;
        b->bits += 56;
    } else if (b->at < b->end) {
        b->value = b->value << 8 | *b->at++;
        b->bits += 8;
    } else if (!b->over) {
        b->value <<= 8;
        b->bits += 8;
        b->over = true;
    } else {
        b->bits = 0; /* whatever is read now does not matter */
    }
}

static inline void kin_vp8_bool_start(kin_vp8_bool *b, const uint8_t *bytes, size_t size)
{
    *b = (kin_vp8_bool){.at = bytes, .end = bytes + size, .range = 254, .bits = -8};
    kin_vp8_bool_fill(b);
}

/* `odds` / 256 is the probability of 0. */
static inline int kin_vp8_bit(kin_vp8_bool *b, int odds)
{
    if (b->bits < 0) kin_vp8_bool_fill(b);
    uint32_t split = b->range * (uint32_t)odds >> 8, range;
    int bit = (uint32_t)(b->value >> b->bits) > split;
    if (bit) {
        range = b->range - split;
        b->value -= (uint64_t)(split + 1) << b->bits;
    } else {
        range = split + 1;
    }
    int shift = __builtin_clz(range) - 24;
    b->range = (range << shift) - 1;
    b->bits -= shift;
    return bit;
}

static inline bool kin_vp8_flag(kin_vp8_bool *b) { return kin_vp8_bit(b, 128); }

static inline int kin_vp8_number(kin_vp8_bool *b, int bits)
{
    int value = 0;
    while (bits-- > 0) value = value << 1 | kin_vp8_bit(b, 128);
    return value;
}

/* The same for the sign of `value`, 0 or 1 alike and not to be foreseen: without a branch. One bit is used up, for
 * of a range of 128 to 254 either half is less than 128. */
static inline int kin_vp8_with_sign(kin_vp8_bool *b, int value)
{
    if (b->bits < 0) kin_vp8_bool_fill(b);
    uint32_t split = b->range >> 1, beyond = split - (uint32_t)(b->value >> b->bits);
    int minus = (int32_t)beyond >> 31; /* all ones, or 0 */
    b->value -= (uint64_t)((split + 1) & (uint32_t)minus) << b->bits;
    b->range = (b->range + (uint32_t)minus) | 1;
    b->bits--;
    return (value ^ minus) - minus;
}

/* Magnitude, then sign. */
static inline int kin_vp8_signed(kin_vp8_bool *b, int bits)
{
    int value = kin_vp8_number(b, bits);
    return kin_vp8_flag(b) ? -value : value;
}

/* A flag, and if it is set a number with a sign; else 0. */
static inline int kin_vp8_change(kin_vp8_bool *b, int bits)
{
    return kin_vp8_flag(b) ? kin_vp8_signed(b, bits) : 0;
}

#endif
