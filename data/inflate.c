/* A canonical Huffman code is given by its code lengths alone. Decoding looks the next bits up in a table of
 * 2^FAST entries; the few longer codes are then found length by length, from the first code and count of each. */
#include "data/inflate.h"

#include "base/memory.h"

#include <string.h>

enum { FAST = 10, LONGEST = 15, SYMBOLS = 288 };

typedef struct code {
    uint16_t fast[1 << FAST];                     /* length << 12 is too wide: symbol << 4 | length, 0: longer */
    uint16_t count[LONGEST + 1], symbol[SYMBOLS]; /* symbols in the order of their codes */
} code;

typedef struct stream {
    const uint8_t *at, *end;
    uint64_t bits;
    int have;
    int borrowed;     /* zero bytes given out beyond the end */
    uint8_t *out;
    size_t used, capacity, limit;
    kin_error *err;
} stream;

static bool broken(stream *s, const char *what) { return kin_fail(s->err, KIN_ERR_DATA, "damaged compressed data: %s", what); }

/* At least 48 bits, padded with zeros beyond the end; use of the padding is found by `overrun`. */
static void refill(stream *s)
{
    while (s->have <= 56) {
        if (s->at < s->end) s->bits |= (uint64_t)*s->at++ << s->have;
        else s->borrowed++;
        s->have += 8;
    }
}

static bool overrun(const stream *s) { return s->borrowed * 8 > s->have; }

static unsigned take(stream *s, int n)
{
    unsigned value = (unsigned)(s->bits & ((UINT64_C(1) << n) - 1));
    s->bits >>= n;
    s->have -= n;
    return value;
}

static unsigned reversed(unsigned value, int length)
{
    unsigned out = 0;
    for (int i = 0; i < length; i++) out |= (value >> i & 1) << (length - 1 - i);
    return out;
}

/* Builds the tables. False when the lengths oversubscribe the code; an incomplete one is allowed only for a single
 * symbol of one bit (or none), as zlib does. */
static bool build(code *c, const uint8_t *lengths, int n)
{
    unsigned offset[LONGEST + 2] = {0}, next[LONGEST + 2] = {0};
    memset(c, 0, sizeof *c);
    for (int i = 0; i < n; i++) c->count[lengths[i]]++;
    int used = n - c->count[0], left = 1;
    c->count[0] = 0;
    for (int length = 1; length <= LONGEST; length++) {
        left = left * 2 - c->count[length];
        if (left < 0) return false;
        offset[length + 1] = offset[length] + c->count[length];
        next[length + 1] = (next[length] + c->count[length]) << 1;
    }
    if (left > 0 && !(used == 0 || (used == 1 && c->count[1] == 1))) return false;
    for (int i = 0; i < n; i++) {
        int length = lengths[i];
        if (!length) continue;
        c->symbol[offset[length]++] = (uint16_t)i;
        unsigned word = reversed(next[length]++, length);
        for (; length <= FAST && word < 1u << FAST; word += 1u << length) c->fast[word] = (uint16_t)(i << 4 | length);
    }
    return true;
}

/* The next symbol, or −1. */
static int decode(stream *s, const code *c)
{
    unsigned entry = c->fast[s->bits & ((1u << FAST) - 1)];
    if (entry) {
        take(s, (int)(entry & 15));
        return (int)(entry >> 4);
    }
    int word = 0, first = 0, index = 0;
    for (int length = 1; length <= LONGEST; length++) {
        word |= (int)take(s, 1);
        int count = c->count[length];
        if (word - first < count) return c->symbol[index + word - first];
        index += count;
        first = (first + count) << 1;
        word <<= 1;
    }
    return -1;
}

static bool room(stream *s, size_t more)
{
    if (more <= s->capacity - s->used) return true;
    if (more > s->limit - s->used) return kin_fail(s->err, KIN_ERR_DATA, "compressed data unpacks to more than the %zu bytes allowed", s->limit);
    size_t capacity = s->capacity ? s->capacity : s->limit < 4096 ? s->limit : 4096;
    while (capacity - s->used < more) capacity = capacity > s->limit / 2 ? s->limit : capacity * 2;
    uint8_t *moved = kin_realloc(s->out, s->used, capacity + 1);
    if (!moved) return kin_fail_memory(s->err, "unpacked data", capacity);
    s->out = moved;
    s->capacity = capacity;
    return true;
}

static bool stored(stream *s)
{
    take(s, s->have & 7);
    refill(s);
    unsigned length = take(s, 16), check = take(s, 16);
    if (overrun(s) || (length ^ check) != 0xffff) return broken(s, "a stored block's length");
    if (!room(s, length)) return false;
    for (; length && s->have >= 8 && !overrun(s); length--) s->out[s->used++] = (uint8_t)take(s, 8);
    if (overrun(s) || (size_t)(s->end - s->at) < length) return broken(s, "it ends too early");
    if (length) {
        memcpy(s->out + s->used, s->at, length);
        s->bits = 0, s->have = 0;
    }
    s->at += length;
    s->used += length;
    return true;
}

static bool compressed(stream *s, const code *literals, const code *distances)
{
    static const uint16_t length_base[] = {3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
    static const uint8_t length_extra[] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
    static const uint16_t distance_base[] = {1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
    for (;;) {
        refill(s);
        int symbol = decode(s, literals);
        if (symbol < 0 || overrun(s)) return broken(s, symbol < 0 ? "an impossible code" : "it ends too early");
        if (symbol < 256) {
            if (!room(s, 1)) return false;
            s->out[s->used++] = (uint8_t)symbol;
            continue;
        }
        if (symbol == 256) return true;
        symbol -= 257;
        if (symbol >= 29) return broken(s, "an impossible length");
        size_t length = length_base[symbol] + take(s, length_extra[symbol]);
        refill(s);
        int far = decode(s, distances);
        if (far < 0 || far >= 30) return broken(s, "an impossible distance");
        size_t distance = distance_base[far] + take(s, far < 2 ? 0 : far / 2 - 1);
        if (overrun(s) || distance > s->used) return broken(s, "a distance before the beginning");
        if (!room(s, length)) return false;
        uint8_t *to = s->out + s->used;
        s->used += length;
        if (distance >= length) memcpy(to, to - distance, length);
        else
            for (; length; length--, to++) *to = to[-(ptrdiff_t)distance];
    }
}

static bool fixed(stream *s, code *literals, code *distances)
{
    uint8_t lengths[SYMBOLS], thirty[30];
    for (int i = 0; i < SYMBOLS; i++) lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
    memset(thirty, 5, sizeof thirty);
    build(literals, lengths, SYMBOLS);
    /* Thirty of 32 distance codes exist: incomplete on purpose, so it is built by hand. */
    memset(distances, 0, sizeof *distances);
    for (unsigned i = 0; i < 30; i++)
        for (unsigned word = reversed(i, 5); word < 1u << FAST; word += 32) distances->fast[word] = (uint16_t)(i << 4 | 5);
    return compressed(s, literals, distances);
}

static bool dynamic(stream *s, code *literals, code *distances)
{
    static const uint8_t order[19] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
    uint8_t lengths[320] = {0}, meta[19] = {0};
    refill(s);
    int n_literals = (int)take(s, 5) + 257, n_distances = (int)take(s, 5) + 1, n_meta = (int)take(s, 4) + 4;
    if (n_literals > 286 || n_distances > 30) return broken(s, "too many codes");
    for (int i = 0; i < n_meta; i++) {
        refill(s);
        meta[order[i]] = (uint8_t)take(s, 3);
    }
    if (!build(literals, meta, 19)) return broken(s, "an impossible code for lengths");
    for (int i = 0; i < n_literals + n_distances;) {
        refill(s);
        int symbol = decode(s, literals), repeat = 1, value = symbol;
        if (symbol < 0 || overrun(s)) return broken(s, "an impossible length of a code");
        if (symbol == 16) {
            if (i == 0) return broken(s, "a repetition of nothing");
            value = lengths[i - 1];
            repeat = 3 + (int)take(s, 2);
        } else if (symbol > 16) {
            value = 0;
            repeat = symbol == 17 ? 3 + (int)take(s, 3) : 11 + (int)take(s, 7);
        }
        if (i + repeat > n_literals + n_distances) return broken(s, "too many lengths");
        while (repeat--) lengths[i++] = (uint8_t)value;
    }
    if (lengths[256] == 0) return broken(s, "no code for a block's end");
    if (!build(literals, lengths, n_literals) || !build(distances, lengths + n_literals, n_distances)) return broken(s, "an impossible code");
    return compressed(s, literals, distances);
}

static bool blocks(stream *s)
{
    code literals, distances;
    for (bool last = false; !last;) {
        refill(s);
        last = take(s, 1);
        unsigned kind = take(s, 2);
        bool ok = kind == 0 ? stored(s) : kind == 1 ? fixed(s, &literals, &distances) : kind == 2 ? dynamic(s, &literals, &distances) : broken(s, "an unknown kind of block");
        if (!ok) return false;
        if (overrun(s)) return broken(s, "it ends too early");
    }
    return true;
}

/* `consumed` receives how many bytes of the input the stream took. */
static bool inflate(const uint8_t *bytes, size_t size, size_t limit, kin_bytes *out, size_t *consumed, kin_error *err)
{
    stream s = {.at = bytes, .end = bytes + size, .limit = limit ? limit : SIZE_MAX / 4, .err = err};
    *out = (kin_bytes){0};
    if (!blocks(&s) || !room(&s, 0) || (!s.out && !(s.out = kin_alloc(1)))) {
        kin_free(s.out);
        return kin_fail(err, KIN_ERR_MEMORY, "out of memory");
    }
    s.out[s.used] = 0;
    *out = (kin_bytes){s.out, s.used};
    *consumed = size - (size_t)(s.end - s.at) - (size_t)(s.have / 8 - s.borrowed);
    return true;
}

bool kin_inflate(const uint8_t *bytes, size_t size, size_t limit, kin_bytes *out, kin_error *err)
{
    size_t consumed;
    return inflate(bytes, size, limit, out, &consumed, err);
}

static bool wrong(kin_bytes *out, kin_error *err, const char *what)
{
    kin_bytes_free(out);
    return kin_fail(err, KIN_ERR_DATA, "damaged compressed data: %s", what);
}

bool kin_zlib_unpack(const uint8_t *bytes, size_t size, size_t limit, kin_bytes *out, kin_error *err)
{
    size_t consumed;
    *out = (kin_bytes){0};
    if (size < 6 || (bytes[0] & 15) != 8 || bytes[0] >> 4 > 7 || ((unsigned)bytes[0] << 8 | bytes[1]) % 31 || bytes[1] & 32) return wrong(out, err, "its zlib header");
    if (!inflate(bytes + 2, size - 2, limit, out, &consumed, err)) return false;
    const uint8_t *tail = bytes + 2 + consumed;
    if (size - 2 - consumed < 4) return wrong(out, err, "it ends before its checksum");
    uint32_t sum = (uint32_t)tail[0] << 24 | (uint32_t)tail[1] << 16 | (uint32_t)tail[2] << 8 | tail[3];
    return sum == kin_adler32(out->data, out->size) || wrong(out, err, "its checksum differs");
}

/* Skips a zero-terminated text of the header. */
static bool skip_text(const uint8_t *bytes, size_t size, size_t *at)
{
    while (*at < size && bytes[*at]) (*at)++;
    return ++*at <= size;
}

bool kin_gunzip(const uint8_t *bytes, size_t size, size_t limit, kin_bytes *out, kin_error *err)
{
    enum { HAS_CRC = 2, HAS_EXTRA = 4, HAS_NAME = 8, HAS_COMMENT = 16 };
    size_t at = 10, consumed;
    *out = (kin_bytes){0};
    if (size < 18 || bytes[0] != 0x1f || bytes[1] != 0x8b || bytes[2] != 8) return wrong(out, err, "its gzip header");
    unsigned flags = bytes[3];
    if (flags & HAS_EXTRA) at += 2 + ((size_t)bytes[10] | (size_t)bytes[11] << 8);
    bool ok = at <= size;
    if (ok && flags & HAS_NAME) ok = skip_text(bytes, size, &at);
    if (ok && flags & HAS_COMMENT) ok = skip_text(bytes, size, &at);
    if (flags & HAS_CRC) at += 2;
    if (!ok || at > size) return wrong(out, err, "its gzip header");
    if (!inflate(bytes + at, size - at, limit, out, &consumed, err)) return false;
    const uint8_t *tail = bytes + at + consumed;
    if (size - at - consumed < 8) return wrong(out, err, "it ends before its checksum");
    uint32_t crc = tail[0] | (uint32_t)tail[1] << 8 | (uint32_t)tail[2] << 16 | (uint32_t)tail[3] << 24, length = tail[4] | (uint32_t)tail[5] << 8 | (uint32_t)tail[6] << 16 | (uint32_t)tail[7] << 24;
    if (length != (uint32_t)out->size) return wrong(out, err, "its length differs");
    return crc == kin_crc32(0, out->data, out->size) || wrong(out, err, "its checksum differs");
}
