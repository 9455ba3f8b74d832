/* Bits, the lowest of a byte first. Behind the end zeros are read, and kin_vp8l_over tells. */
#ifndef KIN_DATA_IMAGES_VP8L_BITS_H
#define KIN_DATA_IMAGES_VP8L_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct kin_vp8l_bits {
    const uint8_t *at, *end;
    uint64_t buffer; /* bits above the count-th are those that follow, too */
    int count;
    int64_t missing; /* bits of zeros taken into the buffer */
} kin_vp8l_bits;

/* At least 56 bits. */
static inline void kin_vp8l_fill(kin_vp8l_bits *b)
{
    if (b->end - b->at >= 8) {
        uint64_t word;
        memcpy(&word, b->at, sizeof word);
        b->buffer |= word << b->count;
        b->at += (63 - b->count) >> 3;
        b->count |= 56;
        return;
    }
    for (; b->count < 56; b->count += 8) {
        if (b->at < b->end) b->buffer |= (uint64_t)*b->at++ << b->count;
        else b->missing += 8;
    }
}

static inline void kin_vp8l_drop(kin_vp8l_bits *b, int bits)
{
    b->buffer >>= bits;
    b->count -= bits;
}

/* Of at most 24 bits; `b` holds them. */
static inline uint32_t kin_vp8l_take(kin_vp8l_bits *b, int bits)
{
    uint32_t value = (uint32_t)b->buffer & ((1u << bits) - 1);
    kin_vp8l_drop(b, bits);
    return value;
}

static inline uint32_t kin_vp8l_number(kin_vp8l_bits *b, int bits)
{
    kin_vp8l_fill(b);
    return kin_vp8l_take(b, bits);
}

/* Whether bits behind the end have been used. */
static inline bool kin_vp8l_over(const kin_vp8l_bits *b) { return b->missing > b->count; }

#endif
