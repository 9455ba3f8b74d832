/* A canonical Huffman code is given by its code lengths alone. A symbol is found by one look into a table
 * at the next bits, or two for codes longer than that table is wide. An entry holds all that a symbol
 * means: a literal, or the base of a length or distance and how many bits follow it. Away from both ends
 * of the data a loop runs that checks room once per match and copies whole words; near them one that looks
 * at every byte. */
#include "data/images/inflate.h"

#include "base/memory.h"

#include <string.h>

/* Table widths, and the most entries that complete codes of 288 and 32 symbols can need with subtables (as
 * zlib's program `enough` counts them). */
enum {
    LITERAL_BITS = 11,
    DISTANCE_BITS = 8,
    META_BITS = 7,
    LITERAL_ENTRIES = 2342,
    DISTANCE_ENTRIES = 402,
    LONGEST = 15,
    SYMBOLS = 288
};

/* An entry: bits 0–7 how many bits it takes in all, 8–12 how many of them are the code (of a subtable: its
 * width), 16–30 the literal, base or subtable's place, and these: */
#define LITERAL 0x80000000u
#define ODD 0x8000u /* the block's end, or no code at all */
#define SUBTABLE 0x4000u
#define NO_CODE (ODD | 1u << 16)
#define VALUE(entry) ((entry) >> 16 & 0x7fff)

typedef struct code {
    uint32_t literal[LITERAL_ENTRIES], distance[DISTANCE_ENTRIES];
    bool is_fixed;
} code;

typedef struct stream {
    const uint8_t *at, *end;
    uint64_t bits;
    int have;
    int borrowed; /* zero bytes given out beyond the end */
    uint8_t *out;
    size_t used, capacity, limit, first_capacity;
    bool first, full; /* the first `limit` bytes are asked for, not all; there were more */
    kin_error *err;
} stream;

static bool broken(stream *s, const char *what)
{
    s->full = false;
    return kin_fail(s->err, KIN_ERR_DATA, "damaged compressed data: %s", what);
}

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

typedef enum { OF_LITERALS, OF_DISTANCES, OF_LENGTHS } kind_of_code;

/* A symbol's entry but for its code: extra bits and meaning. */
static uint32_t meaning(kind_of_code kind, unsigned symbol)
{
    static const uint16_t length_base[] = {3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
                                           31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
    static const uint8_t length_extra[] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                           2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
    static const uint16_t distance_base[] = {1,    2,    3,    4,    5,    7,    9,    13,    17,    25,
                                             33,   49,   65,   97,   129,  193,  257,  385,   513,   769,
                                             1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
    if (kind == OF_LENGTHS) return symbol << 16;
    if (kind == OF_DISTANCES)
        return symbol >= 30 ? NO_CODE
                            : (uint32_t)distance_base[symbol] << 16 | (symbol < 2 ? 0 : symbol / 2 - 1);
    if (symbol < 256) return symbol << 16 | LITERAL;
    if (symbol == 256) return ODD;
    return symbol >= 286 ? NO_CODE : (uint32_t)length_base[symbol - 257] << 16 | length_extra[symbol - 257];
}

/* How wide a subtable must be that begins with a code of `length` bits: until the codes not yet placed
 * fill it. */
static int subtable_bits(int length, int bits, const unsigned *left)
{
    int width = length - bits;
    for (int space = 1 << width; width + bits < LONGEST; width++, space <<= 1) {
        space -= (int)left[width + bits];
        if (space <= 0) break;
    }
    return width;
}

/* Builds a table of 2^bits entries and its subtables, `room` entries in all. False when the lengths
 * oversubscribe the code; an incomplete one is allowed only for a single symbol of one bit (or none), as
 * zlib does. */
static bool build(uint32_t *table, unsigned room, int bits, kind_of_code kind, const uint8_t *lengths, int n)
{
    unsigned count[LONGEST + 1] = {0}, offset[LONGEST + 2] = {0}, next = 0, end = 1u << bits, mask = end - 1,
                             prefix = end, sub = 0, sub_bits = 0;
    uint16_t sorted[SYMBOLS + 32];
    for (int i = 0; i < n; i++) count[lengths[i]]++;
    int used = n - (int)count[0], left = 1;
    count[0] = 0;
    for (int length = 1; length <= LONGEST; length++) {
        left = left * 2 - (int)count[length];
        if (left < 0) return false;
        offset[length + 1] = offset[length] + count[length];
    }
    if (left > 0 && !(used == 0 || (used == 1 && count[1] == 1))) return false;
    for (int i = 0; i < n; i++)
        if (lengths[i]) sorted[offset[lengths[i]]++] = (uint16_t)i;
    if (left > 0)
        for (unsigned i = 0; i < end; i++) table[i] = NO_CODE;
    for (int i = 0, length = 1; i < used; i++, next++, count[length]--) {
        for (; length < lengths[sorted[i]]; length++) next <<= 1;
        unsigned word = reversed(next, length);
        uint32_t entry = (meaning(kind, sorted[i]) + (uint32_t)length) | (uint32_t)length << 8;
        if (length <= bits) {
            for (; word <= mask; word += 1u << length) table[word] = entry;
            continue;
        }
        if ((word & mask) != prefix) {
            prefix = word & mask;
            sub = end;
            sub_bits = (unsigned)subtable_bits(length, bits, count);
            end += 1u << sub_bits;
            if (end > room) return false;
            table[prefix] = SUBTABLE | sub << 16 | sub_bits << 8;
        }
        for (word >>= bits; word < 1u << sub_bits; word += 1u << (length - bits)) table[sub + word] = entry;
    }
    return true;
}

static inline uint32_t look(const uint32_t *table, int width, uint64_t bits)
{
    uint32_t entry = table[bits & ((1u << width) - 1)];
    if (entry & SUBTABLE) entry = table[VALUE(entry) + (bits >> width & ((1u << (entry >> 8 & 31)) - 1))];
    return entry;
}

/* Takes an entry's bits; its value with the extra bits added. */
static unsigned take_entry(stream *s, uint32_t entry)
{
    int own = (int)(entry >> 8 & 31), all = (int)(entry & 255);
    take(s, own);
    return VALUE(entry) + take(s, all - own);
}

static bool grow(stream *s, size_t more)
{
    size_t capacity = s->capacity ? s->capacity : s->first_capacity;
    while (capacity - s->used < more) capacity = capacity > s->limit / 2 ? s->limit : capacity * 2;
    uint8_t *moved = kin_realloc(s->out, s->used, capacity + 1);
    if (!moved) return kin_fail_memory(s->err, "unpacked data", capacity);
    s->out = moved;
    s->capacity = capacity;
    return true;
}

/* Room for `more` bytes. False on error, and where only the first bytes are asked for and these go beyond
 * them: `full` is set then, and there is room for those that still count. */
static bool room(stream *s, size_t more)
{
    if (more <= s->capacity - s->used) return true;
    if (more > s->limit - s->used && s->first) {
        more = s->limit - s->used;
        s->full = true;
        if (more > s->capacity - s->used && !grow(s, more)) s->full = false;
        return false;
    }
    if (more > s->limit - s->used)
        return kin_fail(s->err, KIN_ERR_DATA, "compressed data unpacks to more than the %zu bytes allowed",
                        s->limit);
    return grow(s, more);
}

static bool stored(stream *s)
{
    take(s, s->have & 7);
    refill(s);
    unsigned length = take(s, 16), check = take(s, 16);
    if (overrun(s) || (length ^ check) != 0xffff) return broken(s, "a stored block's length");
    bool all = room(s, length);
    if (!all && !s->full) return false;
    if (!all) length = (unsigned)(s->limit - s->used);
    for (; length && s->have >= 8 && !overrun(s); length--) s->out[s->used++] = (uint8_t)take(s, 8);
    if (overrun(s) || (size_t)(s->end - s->at) < length) return broken(s, "it ends too early");
    if (length) {
        memcpy(s->out + s->used, s->at, length);
        s->bits = 0, s->have = 0;
    }
    s->at += length;
    s->used += length;
    return all;
}

/* ---- away from both ends ---- */

enum {
    IN_SLACK = 32, /* bytes one round may look at: two refills */
    /* and may write: three literals, the longest match and what its last word overshoots */
    OUT_SLACK = 258 + 32
};

static inline uint64_t load64(const uint8_t *b)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    uint64_t word;
    memcpy(&word, b, sizeof word);
    return word;
#else
    uint64_t word = 0;
    for (int i = 0; i < 8; i++) word |= (uint64_t)b[i] << 8 * i;
    return word;
#endif
}

static inline void copy8(uint8_t *to, const uint8_t *from) { memcpy(to, from, 8); }

/* Copies a match by words, up to 16 bytes too many. */
static inline void copy_match(uint8_t *to, size_t distance, size_t length)
{
    uint8_t *end = to + length;
    const uint8_t *from = to - distance;
    if (distance >= 16) {
        for (; to < end; to += 16, from += 16) memcpy(to, from, 16);
        return;
    }
    /* a period shorter than a word: 8 bytes singly, then words from a whole number of periods back */
    if (distance < 8) {
        for (int i = 0; i < 8; i++) to[i] = from[i];
        to += 8;
        from = to - (distance + 7) / distance * distance;
    }
    for (; to < end; to += 8, from += 8) copy8(to, from);
}

/* Whole words of bits: those above `have` are the stream's next, so that reading them twice changes
 * nothing. */
#define REFILL() (bits |= load64(at) << have, at += (63 - have) >> 3, have |= 56)
#define TAKE(entry) (bits >>= (entry)&63, have -= (int)((entry)&255))

/* Decodes until the block ends (sets *ended), or an end of the data or of the room is near. */
static bool compressed_fast(stream *s, const code *c, bool *ended)
{
    const uint8_t *at = s->at, *at_most = s->end - IN_SLACK;
    uint8_t *out = s->out + s->used, *out_most = s->out + s->capacity - OUT_SLACK;
    uint64_t bits = s->bits;
    int have = s->have;
    const char *wrong = NULL;
    while (at <= at_most && out <= out_most) {
        REFILL(); /* 56 bits or more: three literals from the main table take at most 33 */
        uint32_t entry = c->literal[bits & ((1u << LITERAL_BITS) - 1)];
        for (int i = 0; i < 3 && entry & LITERAL; i++) {
            TAKE(entry);
            *out++ = (uint8_t)(entry >> 16);
            entry = c->literal[bits & ((1u << LITERAL_BITS) - 1)];
        }
        if (entry & LITERAL) continue;
        if (entry & SUBTABLE) {
            entry = look(c->literal, LITERAL_BITS, bits);
            if (entry & LITERAL) {
                TAKE(entry);
                *out++ = (uint8_t)(entry >> 16);
                continue;
            }
        }
        if (entry & ODD) {
            *ended = VALUE(entry) == 0;
            if (*ended) TAKE(entry);
            else wrong = "an impossible code";
            break;
        }
        size_t length = VALUE(entry) + ((bits & ((UINT64_C(1) << (entry & 63)) - 1)) >> (entry >> 8 & 31));
        TAKE(entry);
        REFILL();
        entry = look(c->distance, DISTANCE_BITS, bits);
        if (entry & ODD) {
            wrong = "an impossible distance";
            break;
        }
        size_t distance = VALUE(entry) + ((bits & ((UINT64_C(1) << (entry & 63)) - 1)) >> (entry >> 8 & 31));
        TAKE(entry);
        if (distance > (size_t)(out - s->out)) {
            wrong = "a distance before the beginning";
            break;
        }
        copy_match(out, distance, length);
        out += length;
    }
    s->at = at;
    s->bits = bits & ((UINT64_C(1) << have) - 1);
    s->have = have;
    s->used = (size_t)(out - s->out);
    return !wrong || broken(s, wrong);
}

#undef REFILL
#undef TAKE

/* ---- anywhere ---- */

/* One literal, match or end of the block (sets *ended). */
static bool symbol(stream *s, const code *c, bool *ended)
{
    refill(s);
    uint32_t entry = look(c->literal, LITERAL_BITS, s->bits);
    if (entry & ODD && VALUE(entry))
        return broken(s, overrun(s) ? "it ends too early" : "an impossible code");
    unsigned value = take_entry(s, entry);
    if (overrun(s)) return broken(s, "it ends too early");
    if (entry & ODD) return *ended = true;
    if (entry & LITERAL) {
        if (!room(s, 1)) return false;
        s->out[s->used++] = (uint8_t)value;
        return true;
    }
    refill(s);
    entry = look(c->distance, DISTANCE_BITS, s->bits);
    if (entry & ODD) return broken(s, overrun(s) ? "it ends too early" : "an impossible distance");
    size_t distance = take_entry(s, entry);
    if (overrun(s)) return broken(s, "it ends too early");
    if (distance > s->used) return broken(s, "a distance before the beginning");
    bool all = room(s, value);
    if (!all && !s->full) return false;
    if (!all) value = (unsigned)(s->limit - s->used);
    uint8_t *to = s->out + s->used;
    s->used += value;
    for (; value; value--, to++) *to = to[-(ptrdiff_t)distance];
    return all;
}

static bool compressed(stream *s, const code *c)
{
    for (bool ended = false; !ended;) {
        if (s->end - s->at >= IN_SLACK && s->capacity - s->used >= OUT_SLACK &&
            !compressed_fast(s, c, &ended))
            return false;
        if (!ended && !symbol(s, c, &ended)) return false;
    }
    return true;
}

static bool fixed(stream *s, code *c)
{
    uint8_t lengths[SYMBOLS];
    for (int i = 0; i < SYMBOLS; i++) lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
    if (!c->is_fixed) build(c->literal, LITERAL_ENTRIES, LITERAL_BITS, OF_LITERALS, lengths, SYMBOLS);
    memset(lengths, 5, 32);
    if (!c->is_fixed) build(c->distance, DISTANCE_ENTRIES, DISTANCE_BITS, OF_DISTANCES, lengths, 32);
    c->is_fixed = true;
    return compressed(s, c);
}

static bool dynamic(stream *s, code *c)
{
    static const uint8_t order[19] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
    uint8_t lengths[320] = {0}, meta[19] = {0};
    uint32_t codes[1 << META_BITS];
    refill(s);
    int n_literals = (int)take(s, 5) + 257, n_distances = (int)take(s, 5) + 1, n_meta = (int)take(s, 4) + 4;
    if (n_literals > 286 || n_distances > 30) return broken(s, "too many codes");
    for (int i = 0; i < n_meta; i++) {
        refill(s);
        meta[order[i]] = (uint8_t)take(s, 3);
    }
    if (!build(codes, 1 << META_BITS, META_BITS, OF_LENGTHS, meta, 19))
        return broken(s, "an impossible code for lengths");
    for (int i = 0; i < n_literals + n_distances;) {
        refill(s);
        uint32_t entry = look(codes, META_BITS, s->bits);
        int which = (int)take_entry(s, entry), repeat = 1, value = which;
        if (entry & ODD || overrun(s)) return broken(s, "an impossible length of a code");
        if (which == 16) {
            if (i == 0) return broken(s, "a repetition of nothing");
            value = lengths[i - 1];
            repeat = 3 + (int)take(s, 2);
        } else if (which > 16) {
            value = 0;
            repeat = which == 17 ? 3 + (int)take(s, 3) : 11 + (int)take(s, 7);
        }
        if (i + repeat > n_literals + n_distances) return broken(s, "too many lengths");
        while (repeat--) lengths[i++] = (uint8_t)value;
    }
    if (lengths[256] == 0) return broken(s, "no code for a block's end");
    c->is_fixed = false;
    if (!build(c->literal, LITERAL_ENTRIES, LITERAL_BITS, OF_LITERALS, lengths, n_literals) ||
        !build(c->distance, DISTANCE_ENTRIES, DISTANCE_BITS, OF_DISTANCES, lengths + n_literals, n_distances))
        return broken(s, "an impossible code");
    return compressed(s, c);
}

static bool blocks(stream *s)
{
    code c = {.is_fixed = false};
    for (bool last = false; !last;) {
        refill(s);
        last = take(s, 1);
        unsigned kind = take(s, 2);
        bool ok = kind == 0   ? stored(s)
                  : kind == 1 ? fixed(s, &c)
                  : kind == 2 ? dynamic(s, &c)
                              : broken(s, "an unknown kind of block");
        if (!ok) return false;
        if (overrun(s)) return broken(s, "it ends too early");
    }
    return true;
}

/* `consumed` receives how many bytes of the input the stream took. With `surplus`, which tells that there
 * were more, only the first `limit` bytes are asked for. */
static bool inflate(const uint8_t *bytes, size_t size, size_t limit, kin_bytes *out, size_t *consumed,
                    bool *surplus, kin_error *err)
{
    stream s = {.at = bytes,
                .end = bytes + size,
                .limit = limit || surplus ? limit : SIZE_MAX / 4,
                .first = surplus != NULL,
                .err = err};
    s.first_capacity = size < s.limit / 4 ? size * 4 + 4096 : s.limit; /* in proportion to what was sent */
    if (s.first_capacity > s.limit) s.first_capacity = s.limit;
    *out = (kin_bytes){0};
    bool ok = blocks(&s) || s.full;
    if (surplus) *surplus = s.full;
    if (!ok || (!s.full && !room(&s, 0)) || (!s.out && !(s.out = kin_alloc(1)))) {
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
    return inflate(bytes, size, limit, out, &consumed, NULL, err);
}

static bool wrong(kin_bytes *out, kin_error *err, const char *what)
{
    kin_bytes_free(out);
    return kin_fail(err, KIN_ERR_DATA, "damaged compressed data: %s", what);
}

static bool zlib_header(const uint8_t *bytes, size_t size)
{
    return size >= 2 && (bytes[0] & 15) == 8 && bytes[0] >> 4 <= 7 &&
           ((unsigned)bytes[0] << 8 | bytes[1]) % 31 == 0 && !(bytes[1] & 32);
}

static bool adler_fits(const uint8_t *tail, const kin_bytes *out)
{
    uint32_t sum = (uint32_t)tail[0] << 24 | (uint32_t)tail[1] << 16 | (uint32_t)tail[2] << 8 | tail[3];
    return sum == kin_adler32(out->data, out->size);
}

bool kin_zlib_unpack(const uint8_t *bytes, size_t size, size_t limit, kin_bytes *out, kin_error *err)
{
    size_t consumed;
    *out = (kin_bytes){0};
    if (size < 6 || !zlib_header(bytes, size)) return wrong(out, err, "its zlib header");
    if (!inflate(bytes + 2, size - 2, limit, out, &consumed, NULL, err)) return false;
    if (size - 2 - consumed < 4) return wrong(out, err, "it ends before its checksum");
    return adler_fits(bytes + 2 + consumed, out) || wrong(out, err, "its checksum differs");
}

bool kin_zlib_unpack_first(const uint8_t *bytes, size_t size, size_t wanted, kin_bytes *out, bool *surplus,
                           bool *unsure, kin_error *err)
{
    size_t consumed;
    *out = (kin_bytes){0};
    *surplus = *unsure = false;
    if (!zlib_header(bytes, size)) return wrong(out, err, "its zlib header");
    if (!inflate(bytes + 2, size - 2, wanted, out, &consumed, surplus, err)) return false;
    *unsure = *surplus || size - 2 - consumed < 4;
    return *unsure || adler_fits(bytes + 2 + consumed, out) || wrong(out, err, "its checksum differs");
}

/* Skips a zero-terminated text of the header. */
static bool skip_text(const uint8_t *bytes, size_t size, size_t *at)
{
    while (*at < size && bytes[*at]) (*at)++;
    return ++*at <= size;
}

/* Where the data begin, behind the header; 0: it is none. */
static size_t gzip_data(const uint8_t *bytes, size_t size)
{
    enum { HAS_CRC = 2, HAS_EXTRA = 4, HAS_NAME = 8, HAS_COMMENT = 16 };
    size_t at = 10;
    if (size < 18 || bytes[0] != 0x1f || bytes[1] != 0x8b || bytes[2] != 8) return 0;
    unsigned flags = bytes[3];
    if (flags & HAS_EXTRA) at += 2 + ((size_t)bytes[10] | (size_t)bytes[11] << 8);
    bool ok = at <= size;
    if (ok && flags & HAS_NAME) ok = skip_text(bytes, size, &at);
    if (ok && flags & HAS_COMMENT) ok = skip_text(bytes, size, &at);
    if (flags & HAS_CRC) at += 2;
    return ok && at <= size ? at : 0;
}

bool kin_gunzip_first(const uint8_t *bytes, size_t size, size_t wanted, kin_bytes *out, kin_error *err)
{
    size_t at = gzip_data(bytes, size), consumed;
    bool surplus;
    *out = (kin_bytes){0};
    if (!at) return wrong(out, err, "its gzip header");
    return inflate(bytes + at, size - at, wanted, out, &consumed, &surplus, err);
}

bool kin_gunzip(const uint8_t *bytes, size_t size, size_t limit, kin_bytes *out, kin_error *err)
{
    size_t at = gzip_data(bytes, size), consumed;
    *out = (kin_bytes){0};
    if (!at) return wrong(out, err, "its gzip header");
    if (!inflate(bytes + at, size - at, limit, out, &consumed, NULL, err)) return false;
    const uint8_t *tail = bytes + at + consumed;
    if (size - at - consumed < 8) return wrong(out, err, "it ends before its checksum");
    uint32_t crc = tail[0] | (uint32_t)tail[1] << 8 | (uint32_t)tail[2] << 16 | (uint32_t)tail[3] << 24,
             length = tail[4] | (uint32_t)tail[5] << 8 | (uint32_t)tail[6] << 16 | (uint32_t)tail[7] << 24;
    if (length != (uint32_t)out->size) return wrong(out, err, "its length differs");
    return crc == kin_crc32(0, out->data, out->size) || wrong(out, err, "its checksum differs");
}
