/* Prefix codes of VP8L [6.2]: the lengths of their words, themselves coded, make them; the shortest words come
 * first, and of one length in the order of their symbols, as in deflate. A code leaves no word over, but for the
 * one that has a single symbol and takes no bits. */
#include "data/images/vp8l.h"

#include "base/memory.h"

#include <string.h>

static bool bad(kin_error *err, const char *what)
{
    return kin_fail(err, KIN_ERR_DATA, "damaged WebP: %s", what);
}

/* Room for so many entries at the end of the store. */
static bool reserve(kin_vp8l_codes *c, size_t entries, kin_error *err)
{
    size_t wanted = c->used + entries;
    if (wanted <= c->capacity) return true;
    if (wanted > c->most)
        return kin_fail(err, KIN_ERR_DATA, "the WebP has prefix codes of more than %zu entries for its size",
                        c->most);
    wanted = wanted * 2 < c->most ? wanted * 2 : c->most;
    kin_vp8l_entry *moved = kin_realloc(c->store, c->used * sizeof *moved, wanted * sizeof *moved);
    if (!moved) return kin_fail_memory(err, "a WebP's codes", wanted * sizeof *moved);
    c->store = moved;
    c->capacity = wanted;
    return true;
}

static uint32_t reversed(uint32_t word, int bits)
{
    uint32_t out = 0;
    for (; bits-- > 0; word >>= 1) out = out << 1 | (word & 1);
    return out;
}

/* An entry in every place of a table of `size` that ends in these bits. */
static void enter(kin_vp8l_entry *table, uint32_t size, uint32_t bits, int length, kin_vp8l_entry entry)
{
    for (uint32_t i = bits; i < size; i += 1u << length) table[i] = entry;
}

/* The symbols that have words, in the order of these; `lengths` are those of all symbols. */
typedef struct words {
    uint16_t symbol[KIN_VP8L_SYMBOLS];
    const uint8_t *lengths;
    int count, longest;
} words;

static bool assign(words *w, const uint8_t *lengths, int symbols)
{
    uint32_t left = 1;
    int counts[KIN_VP8L_LONGEST + 1] = {0}, place[KIN_VP8L_LONGEST + 1] = {0};
    w->lengths = lengths;
    w->count = w->longest = 0;
    for (int s = 0; s < symbols; s++) counts[lengths[s]]++;
    for (int n = 1; n <= KIN_VP8L_LONGEST; n++) {
        place[n] = w->count;
        w->count += counts[n];
        if (counts[n]) w->longest = n;
        if ((uint32_t)counts[n] > left * 2) return false;
        left = left * 2 - (uint32_t)counts[n];
    }
    if (w->count == 0 || (left && w->count > 1)) return false;
    for (int s = 0; s < symbols; s++)
        if (lengths[s]) w->symbol[place[lengths[s]]++] = (uint16_t)s;
    return true;
}

/* One word after the other: the next number, longer by zeros where the length grows. */
typedef struct word {
    uint32_t number, bits; /* bits: as they are read, the first lowest */
    int length;
} word;

static void next_word(const words *w, int i, word *at)
{
    int length = w->lengths[w->symbol[i]];
    at->number = i ? (at->number + 1) << (length - at->length) : 0;
    at->length = length;
    at->bits = reversed(at->number, length);
}

/* The tables of a code: the first, then those for what its entries leave open. */
static bool make(kin_vp8l_codes *c, const words *w, kin_vp8l_code *out, kin_error *err)
{
    enum { STARTS = 1 << KIN_VP8L_ROOT };
    uint8_t more[STARTS] = {0};
    uint16_t second[STARTS];
    bool single = w->count == 1;
    int root = single ? 0 : w->longest < KIN_VP8L_ROOT ? w->longest : KIN_VP8L_ROOT;
    uint32_t size = 1u << root;
    word at;
    for (int i = 0; !single && i < w->count; i++) { /* of words that begin alike the last is the longest */
        next_word(w, i, &at);
        if (at.length > root) more[at.bits % STARTS] = (uint8_t)(at.length - root);
    }
    for (int i = 0; i < STARTS; i++) {
        second[i] = (uint16_t)size;
        if (more[i]) size += 1u << more[i];
    }
    if (!reserve(c, size, err)) return false;
    *out = (kin_vp8l_code){(uint32_t)c->used, (uint8_t)root};
    kin_vp8l_entry *table = c->store + c->used;
    c->used += size;
    if (single) table[0] = (kin_vp8l_entry){w->symbol[0], 0};
    for (int i = 0; !single && i < w->count; i++) {
        next_word(w, i, &at);
        uint32_t start = at.bits % STARTS;
        int rest = at.length - KIN_VP8L_ROOT;
        if (rest <= 0) {
            enter(table, 1u << root, at.bits, at.length, (kin_vp8l_entry){w->symbol[i], (uint8_t)at.length});
            continue;
        }
        table[start] = (kin_vp8l_entry){second[start], (uint8_t)(KIN_VP8L_ROOT + more[start])};
        enter(table + second[start], 1u << more[start], at.bits >> KIN_VP8L_ROOT, rest,
              (kin_vp8l_entry){w->symbol[i], (uint8_t)rest});
    }
    return true;
}

/* ---- the lengths of the words ---- */

/* One symbol or two, of 1 or 8 bits. */
static void read_simple(kin_vp8l_bits *b, uint8_t *lengths)
{
    bool two = kin_vp8l_number(b, 1);
    int bits = kin_vp8l_number(b, 1) ? 8 : 1;
    lengths[kin_vp8l_number(b, bits)] = 1;
    if (two) lengths[kin_vp8l_number(b, 8)] = 1;
}

static bool read_coded(kin_vp8l_bits *b, kin_vp8l_codes *c, words *w, int symbols, uint8_t *lengths,
                       kin_error *err)
{
    enum { CODES = 19 };
    static const uint8_t order[CODES] = {17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    static const uint8_t bits[3] = {2, 3, 7}, least[3] = {3, 3, 11};
    uint8_t own[CODES] = {0};
    kin_vp8l_code code;
    size_t used = c->used;
    int count = 4 + (int)kin_vp8l_number(b, 4), coded = symbols, previous = 8;
    for (int i = 0; i < count; i++) own[order[i]] = (uint8_t)kin_vp8l_number(b, 3);
    if (!assign(w, own, CODES)) return bad(err, "the code of its codes is none");
    if (!make(c, w, &code, err)) return false;
    if (kin_vp8l_number(b, 1)) {
        int width = 2 + 2 * (int)kin_vp8l_number(b, 3);
        coded = 2 + (int)kin_vp8l_number(b, width);
        if (coded > symbols) return bad(err, "a code has more symbols than there are");
    }
    for (int s = 0; s < symbols && coded-- > 0;) {
        kin_vp8l_fill(b);
        int length = (int)kin_vp8l_symbol(b, c->store, code), times = 1;
        if (length >= 16) {
            times = least[length - 16] + (int)kin_vp8l_take(b, bits[length - 16]);
            length = length == 16 ? previous : 0;
        } else if (length) {
            previous = length;
        }
        if (times > symbols - s) return bad(err, "a code repeats lengths beyond its symbols");
        memset(lengths + s, length, (size_t)times);
        s += times;
    }
    c->used = used; /* the code of the codes is not needed any more */
    return true;
}

bool kin_vp8l_read_code(kin_vp8l_bits *b, kin_vp8l_codes *codes, int symbols, bool keep, kin_vp8l_code *out,
                        kin_error *err)
{
    uint8_t lengths[KIN_VP8L_SYMBOLS] = {0};
    words w;
    size_t used = codes->used;
    if (kin_vp8l_number(b, 1)) read_simple(b, lengths);
    else if (!read_coded(b, codes, &w, symbols, lengths, err)) return false;
    if (kin_vp8l_over(b)) return bad(err, "its codes end early");
    if (!assign(&w, lengths, symbols)) return bad(err, "a prefix code has too many words, or too few");
    if (!make(codes, &w, out, err)) return false;
    if (!keep) codes->used = used;
    return true;
}
