/* A perceptual hash [Zauner 2010, pHash]: what stays of a picture when it is scaled, compressed or slightly
 * changed, in 64 bits. Grey, 32 x 32 by the box filter, its discrete cosine transform (DCT-II), and of the
 * 8 x 8 lowest frequencies without the constant one whether each is above their median: 63 bits, at bit
 * 8 v + u for frequency (u across, v down); bit 0 is 0. How many bits of two hashes differ tells how far the
 * pictures are apart: copies mostly stay within 4, strangers lie around 31. Crops and turns are not found. */
#ifndef KIN_DATA_LOOK_HASH_H
#define KIN_DATA_LOOK_HASH_H

#include "data/images/image.h"

enum { KIN_HASH_SIDE = 32, KIN_HASH_LOW = 8 };

/* Of grey [KIN_HASH_SIDE, KIN_HASH_SIDE]. */
uint64_t kin_hash_grey(const uint8_t *grey);
/* Of any picture. */
bool kin_hash_image(const kin_image *image, uint64_t *out, kin_error *err);

/* Close to the hash of the same picture turned or mirrored: transposed (4), then its columns (1) and rows (2) in reverse
 * order. A reversed axis changes the signs of its odd frequencies; bits near the median may differ. */
uint64_t kin_hash_turned(uint64_t hash, int turn);

/* How many bits differ. */
static inline int kin_hash_distance(uint64_t a, uint64_t b)
{
    uint64_t x = a ^ b;
    x -= x >> 1 & UINT64_C(0x5555555555555555);
    x = (x & UINT64_C(0x3333333333333333)) + (x >> 2 & UINT64_C(0x3333333333333333));
    x = (x + (x >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (int)(x * UINT64_C(0x0101010101010101) >> 56);
}

#endif
