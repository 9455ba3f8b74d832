/* Codes to pixels [5]: green's symbol tells a literal, whose other samples follow, the length of a copy, or the
 * place of a recent colour. */
#include "data/images/vp8l.h"

#include "base/memory.h"

#include <string.h>

static bool bad(kin_error *err, const char *what)
{
    return kin_fail(err, KIN_ERR_DATA, "damaged WebP: %s", what);
}

/* Lengths and distances: a symbol, and extra bits of large ones [5.2.2]. */
static inline size_t extended(kin_vp8l_bits *b, unsigned symbol)
{
    if (symbol < 4) return symbol + 1;
    int extra = (int)(symbol - 2) >> 1;
    kin_vp8l_fill(b);
    return ((size_t)(2 + (symbol & 1)) << extra) + kin_vp8l_take(b, extra) + 1;
}

/* The first 120 distances are places nearby, above or to the left: (8 - x) | y << 4. */
static size_t distance_of(size_t code, size_t width)
{
    static const uint8_t near[120] = {0x18, 0x07, 0x17, 0x19, 0x28, 0x06, 0x27, 0x29, 0x16, 0x1a, 0x26, 0x2a,
                                      0x38, 0x05, 0x37, 0x39, 0x15, 0x1b, 0x36, 0x3a, 0x25, 0x2b, 0x48, 0x04,
                                      0x47, 0x49, 0x14, 0x1c, 0x35, 0x3b, 0x46, 0x4a, 0x24, 0x2c, 0x58, 0x45,
                                      0x4b, 0x34, 0x3c, 0x03, 0x57, 0x59, 0x13, 0x1d, 0x56, 0x5a, 0x23, 0x2d,
                                      0x44, 0x4c, 0x55, 0x5b, 0x33, 0x3d, 0x68, 0x02, 0x67, 0x69, 0x12, 0x1e,
                                      0x66, 0x6a, 0x22, 0x2e, 0x54, 0x5c, 0x43, 0x4d, 0x65, 0x6b, 0x32, 0x3e,
                                      0x78, 0x01, 0x77, 0x79, 0x53, 0x5d, 0x11, 0x1f, 0x64, 0x6c, 0x42, 0x4e,
                                      0x76, 0x7a, 0x21, 0x2f, 0x75, 0x7b, 0x31, 0x3f, 0x63, 0x6d, 0x52, 0x5e,
                                      0x00, 0x74, 0x7c, 0x41, 0x4f, 0x10, 0x20, 0x62, 0x6e, 0x30, 0x73, 0x7d,
                                      0x51, 0x5f, 0x40, 0x72, 0x7e, 0x61, 0x6f, 0x50, 0x71, 0x7f, 0x60, 0x70};
    if (code > 120) return code - 120;
    int64_t distance = (int64_t)(near[code - 1] >> 4) * (int64_t)width + 8 - (near[code - 1] & 15);
    return distance < 1 ? 1 : (size_t)distance;
}

/* Recent colours, by a hash of theirs [5.2.3]: those of [from, to) become so. */
static inline void remember(uint32_t *recent, int bits, const uint32_t *from, const uint32_t *to)
{
    for (; from < to; from++) recent[(uint32_t)(*from * 0x1e35a7bdu) >> (32 - bits)] = *from;
}

static void copy(uint32_t *to, size_t distance, size_t length)
{
    const uint32_t *from = to - distance;
    if (distance >= length) memcpy(to, from, length * sizeof *to);
    else
        for (size_t i = 0; i < length; i++) to[i] = from[i];
}

static bool read_with(kin_vp8l_bits *b, const kin_vp8l_codes *codes, size_t width, size_t height,
                      uint32_t *recent, uint32_t *out, kin_error *err)
{
    const kin_vp8l_entry *store = codes->store;
    const kin_vp8l_group *g = codes->groups;
    size_t x = 0, y = 0, mask = codes->tiles ? ((size_t)1 << codes->tile_bits) - 1 : SIZE_MAX;
    uint32_t *at = out, *end = out + width * height, *remembered = out;
    while (at < end) {
        if ((x & mask) == 0 && codes->tiles)
            g = &codes->groups[codes->tiles[(y >> codes->tile_bits) * codes->tiles_wide +
                                            (x >> codes->tile_bits)]];
        kin_vp8l_fill(b);
        unsigned green = kin_vp8l_symbol(b, store, g->code[KIN_VP8L_GREEN]);
        size_t length = 1;
        if (green < 256) {
            uint32_t red = kin_vp8l_symbol(b, store, g->code[KIN_VP8L_RED]),
                     blue = kin_vp8l_symbol(b, store, g->code[KIN_VP8L_BLUE]);
            if (b->count < KIN_VP8L_LONGEST) kin_vp8l_fill(b);
            uint32_t alpha = kin_vp8l_symbol(b, store, g->code[KIN_VP8L_ALPHA]);
            *at = alpha << 24 | red << 16 | green << 8 | blue;
        } else if (green < 256 + KIN_VP8L_LENGTHS) {
            length = extended(b, green - 256);
            kin_vp8l_fill(b);
            size_t code = extended(b, kin_vp8l_symbol(b, store, g->code[KIN_VP8L_DISTANCE])),
                   distance = distance_of(code, width);
            if (kin_vp8l_over(b)) return bad(err, "its pixels end early");
            if (distance > (size_t)(at - out) || length > (size_t)(end - at))
                return bad(err, "it copies pixels that are not there");
            copy(at, distance, length);
        } else {
            /* only codes of images with recent colours have such symbols */
            remember(recent, codes->cache_bits, remembered, at);
            remembered = at;
            *at = recent[green - 256 - KIN_VP8L_LENGTHS];
        }
        at += length;
        x += length;
        if (x < width && length == 1) continue;
        if (kin_vp8l_over(b)) return bad(err, "its pixels end early");
        y += x / width, x %= width;
        if ((x & mask) && codes->tiles && at < end)
            g = &codes->groups[codes->tiles[(y >> codes->tile_bits) * codes->tiles_wide +
                                            (x >> codes->tile_bits)]];
        if (recent) remember(recent, codes->cache_bits, remembered, at);
        remembered = at;
    }
    return true;
}

bool kin_vp8l_read_pixels(kin_vp8l_bits *b, const kin_vp8l_codes *codes, size_t width, size_t height,
                          uint32_t *out, kin_error *err)
{
    uint32_t *recent = NULL;
    if (codes->cache_bits) {
        recent = kin_alloc_zero((size_t)1 << codes->cache_bits, sizeof *recent);
        if (!recent) return kin_fail_memory(err, "a WebP's colours", sizeof *recent << codes->cache_bits);
    }
    bool ok = read_with(b, codes, width, height, recent, out, err);
    kin_free(recent);
    return ok;
}
