/* Deflate with the fixed code and matches found by hashing three bytes: small enough for the pictures of a
 * report, and one page. */
#include "base/memory.h"
#include "data/images/inflate.h"

#include <string.h>

enum { WINDOW = 1 << 15, HASH_BITS = 15, MATCH_MIN = 3, MATCH_MAX = 258, CHAIN = 24 };

typedef struct packer {
    uint8_t *out;
    size_t used;
    uint64_t bits;
    int have;
} packer;

static void put(packer *p, unsigned value, int n)
{
    p->bits |= (uint64_t)value << p->have;
    for (p->have += n; p->have >= 8; p->have -= 8, p->bits >>= 8) p->out[p->used++] = (uint8_t)p->bits;
}

/* Huffman codes go out with their first bit lowest. */
static void put_code(packer *p, unsigned word, int length)
{
    unsigned turned = 0;
    for (int i = 0; i < length; i++) turned |= (word >> i & 1) << (length - 1 - i);
    put(p, turned, length);
}

static void put_symbol(packer *p, unsigned symbol)
{
    if (symbol < 144) put_code(p, 0x30 + symbol, 8);
    else if (symbol < 256) put_code(p, 0x190 + symbol - 144, 9);
    else if (symbol < 280) put_code(p, symbol - 256, 7);
    else put_code(p, 0xc0 + symbol - 280, 8);
}

static void put_match(packer *p, unsigned length, unsigned distance)
{
    static const uint16_t length_base[] = {3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
                                           31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
    static const uint16_t distance_base[] = {1,    2,    3,    4,    5,    7,    9,    13,    17,    25,
                                             33,   49,   65,   97,   129,  193,  257,  385,   513,   769,
                                             1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
    unsigned l = 28, d = 29;
    while (length < length_base[l]) l--;
    while (distance < distance_base[d]) d--;
    put_symbol(p, 257 + l);
    put(p, length - length_base[l], l < 8 || l == 28 ? 0 : (int)l / 4 - 1);
    put_code(p, d, 5);
    put(p, distance - distance_base[d], d < 2 ? 0 : (int)d / 2 - 1);
}

static unsigned hash(const uint8_t *b)
{
    return ((unsigned)b[0] << 16 ^ (unsigned)b[1] << 8 ^ b[2]) * 2654435761u >> (32 - HASH_BITS);
}

typedef struct matcher {
    int32_t head[1 << HASH_BITS], previous[WINDOW];
} matcher;

static size_t match_at(const matcher *m, const uint8_t *bytes, size_t size, size_t at, size_t *distance)
{
    size_t best = 0, most = size - at < MATCH_MAX ? size - at : MATCH_MAX;
    int32_t from = m->head[hash(bytes + at)];
    for (int tries = 0; tries < CHAIN && from >= 0 && at - (size_t)from < WINDOW;
         tries++, from = m->previous[from % WINDOW]) {
        size_t length = 0;
        while (length < most && bytes[(size_t)from + length] == bytes[at + length]) length++;
        if (length > best) best = length, *distance = at - (size_t)from;
        if (best == most) break;
    }
    return best;
}

static void remember(matcher *m, const uint8_t *bytes, size_t size, size_t at)
{
    if (size - at < MATCH_MIN) return;
    unsigned h = hash(bytes + at);
    m->previous[at % WINDOW] = m->head[h];
    m->head[h] = (int32_t)at;
}

bool kin_zlib_pack(const uint8_t *bytes, size_t size, kin_bytes *out, kin_error *err)
{
    *out = (kin_bytes){0};
    if (size > (size_t)1 << 30)
        return kin_fail(err, KIN_ERR_ARGUMENT, "more than a gigabyte is not packed at once");
    /* A literal takes at most nine bits. */
    packer p = {.out = kin_alloc(size + size / 8 + 64)};
    matcher *m = kin_alloc(sizeof *m);
    if (!p.out || !m) {
        kin_free(p.out);
        kin_free(m);
        return kin_fail_memory(err, "packed data", size);
    }
    memset(m->head, 0xff, sizeof m->head);
    put(&p, 0x0178, 16); /* 78 01 */
    put(&p, 1, 1);
    put(&p, 1, 2);
    for (size_t at = 0; at < size;) {
        size_t distance = 0, length = size - at >= MATCH_MIN ? match_at(m, bytes, size, at, &distance) : 0;
        if (length >= MATCH_MIN) put_match(&p, (unsigned)length, (unsigned)distance);
        else put_symbol(&p, bytes[at]);
        for (size_t end = at + (length >= MATCH_MIN ? length : 1); at < end; at++)
            remember(m, bytes, size, at);
    }
    put_symbol(&p, 256);
    if (p.have) put(&p, 0, 8 - p.have);
    uint32_t sum = kin_adler32(bytes, size);
    for (int i = 3; i >= 0; i--) p.out[p.used++] = (uint8_t)(sum >> (8 * i));
    kin_free(m);
    *out = (kin_bytes){p.out, p.used};
    return true;
}
