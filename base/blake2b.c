#include "base/blake2b.h"

#include <stdbool.h>
#include <string.h>

/* RFC 7693, section 2.6 and 2.7. */
static const uint64_t start[8] = {
    UINT64_C(0x6a09e667f3bcc908), UINT64_C(0xbb67ae8584caa73b), UINT64_C(0x3c6ef372fe94f82b),
    UINT64_C(0xa54ff53a5f1d36f1), UINT64_C(0x510e527fade682d1), UINT64_C(0x9b05688c2b3e6c1f),
    UINT64_C(0x1f83d9abfb41bd6b), UINT64_C(0x5be0cd19137e2179),
};

static const uint8_t schedule[10][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
    {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
    {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
    {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
    {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
};

static inline uint64_t rotate(uint64_t x, int by) { return x >> by | x << (64 - by); }

static inline void mix(uint64_t *v, int a, int b, int c, int d, uint64_t x, uint64_t y)
{
    v[a] += v[b] + x;
    v[d] = rotate(v[d] ^ v[a], 32);
    v[c] += v[d];
    v[b] = rotate(v[b] ^ v[c], 24);
    v[a] += v[b] + y;
    v[d] = rotate(v[d] ^ v[a], 16);
    v[c] += v[d];
    v[b] = rotate(v[b] ^ v[c], 63);
}

static uint64_t word(const uint8_t *bytes)
{
    uint64_t w = 0;
    for (int i = 7; i >= 0; i--) w = w << 8 | bytes[i];
    return w;
}

static void compress(kin_blake2b *b, const uint8_t *block, size_t bytes, bool last)
{
    uint64_t v[16], m[16];
    b->count += bytes;
    for (int i = 0; i < 16; i++) m[i] = word(block + 8 * i);
    memcpy(v, b->h, sizeof b->h);
    memcpy(v + 8, start, sizeof start);
    v[12] ^= b->count; /* of 128 bits the lower half: 2⁶⁴ bytes are more than there are */
    if (last) v[14] = ~v[14];
    for (int round = 0; round < 12; round++) {
        const uint8_t *s = schedule[round % 10];
        mix(v, 0, 4, 8, 12, m[s[0]], m[s[1]]);
        mix(v, 1, 5, 9, 13, m[s[2]], m[s[3]]);
        mix(v, 2, 6, 10, 14, m[s[4]], m[s[5]]);
        mix(v, 3, 7, 11, 15, m[s[6]], m[s[7]]);
        mix(v, 0, 5, 10, 15, m[s[8]], m[s[9]]);
        mix(v, 1, 6, 11, 12, m[s[10]], m[s[11]]);
        mix(v, 2, 7, 8, 13, m[s[12]], m[s[13]]);
        mix(v, 3, 4, 9, 14, m[s[14]], m[s[15]]);
    }
    for (int i = 0; i < 8; i++) b->h[i] ^= v[i] ^ v[i + 8];
}

void kin_blake2b_begin(kin_blake2b *b)
{
    *b = (kin_blake2b){.count = 0};
    memcpy(b->h, start, sizeof start);
    b->h[0] ^= 0x01010000 ^ KIN_BLAKE2B_BYTES; /* fan-out 1, depth 1, no key */
}

/* The last block is compressed by `end`, so a full one waits until more comes. */
void kin_blake2b_add(kin_blake2b *b, const void *bytes, size_t size)
{
    const uint8_t *from = bytes;
    while (size > 0) {
        if (b->used == sizeof b->block) {
            compress(b, b->block, sizeof b->block, false);
            b->used = 0;
        }
        for (; b->used == 0 && size > sizeof b->block; from += sizeof b->block, size -= sizeof b->block)
            compress(b, from, sizeof b->block, false);
        size_t room = sizeof b->block - b->used, part = size < room ? size : room;
        memcpy(b->block + b->used, from, part);
        b->used += part;
        from += part;
        size -= part;
    }
}

void kin_blake2b_end(kin_blake2b *b, uint8_t hash[KIN_BLAKE2B_BYTES])
{
    memset(b->block + b->used, 0, sizeof b->block - b->used);
    compress(b, b->block, b->used, true);
    for (int i = 0; i < KIN_BLAKE2B_BYTES; i++) hash[i] = (uint8_t)(b->h[i / 8] >> 8 * (i % 8));
}
