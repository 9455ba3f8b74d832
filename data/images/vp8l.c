/* VP8L, what WebP calls lossless: a header, transforms that are to be undone, and the pixels, each image within
 * the image coded like the whole. Where the bits end early the picture is refused, as libwebp does. */
#include "data/images/vp8l.h"

#include "base/memory.h"
#include "data/images/formats.h"

#include <string.h>

typedef struct vp8l {
    kin_vp8l_bits bits;
    kin_vp8l_transform transforms[KIN_VP8L_TRANSFORMS];
    int transform_count;
    bool seen[KIN_VP8L_TRANSFORMS];
    size_t width, height;
    uint32_t *pixels;
    kin_error *err;
} vp8l;

static bool bad(vp8l *v, const char *what)
{
    return kin_fail(v->err, KIN_ERR_DATA, "damaged WebP: %s", what);
}
static bool over(vp8l *v) { return kin_vp8l_over(&v->bits) && !bad(v, "it ends early"); }

/* Tiles of 1 << bits pixels a side. */
static size_t tiles(size_t pixels, int bits) { return (pixels + ((size_t)1 << bits) - 1) >> bits; }

static uint32_t *new_pixels(vp8l *v, size_t width, size_t height)
{
    size_t count, bytes;
    uint32_t *out = NULL;
    if (kin_mul_size(width, height, &count) && kin_mul_size(count, sizeof *out, &bytes))
        out = kin_alloc(bytes);
    if (!out) kin_fail_memory(v->err, "a WebP's pixels", (unsigned long long)width * height * sizeof *out);
    return out;
}

/* ---- images within the image [5] ---- */

static bool read_image(vp8l *v, size_t width, size_t height, bool whole, uint32_t *out);

static bool read_part(vp8l *v, size_t width, size_t height, uint32_t **out)
{
    *out = new_pixels(v, width, height);
    return *out && read_image(v, width, height, false, *out);
}

/* Which group of codes each tile has [6.2.2]: red and green of an image say so. Groups are renumbered, that
 * those which no tile has take no memory: *places [count] has the new numbers, UINT32_MAX where there is none. */
static bool read_tiles(vp8l *v, kin_vp8l_codes *c, size_t width, size_t height, uint32_t **places,
                       size_t *count)
{
    c->tile_bits = 2 + (int)kin_vp8l_number(&v->bits, 3);
    c->tiles_wide = tiles(width, c->tile_bits);
    size_t total = c->tiles_wide * tiles(height, c->tile_bits), used = 0;
    if (!read_part(v, c->tiles_wide, tiles(height, c->tile_bits), &c->tiles)) return false;
    for (size_t i = 0; i < total; i++) {
        c->tiles[i] = c->tiles[i] >> 8 & 0xffff;
        if (c->tiles[i] >= *count) *count = c->tiles[i] + 1;
    }
    *places = kin_alloc_array(*count, sizeof **places);
    if (!*places) return kin_fail_memory(v->err, "a WebP's groups of codes", *count * sizeof **places);
    memset(*places, 255, *count * sizeof **places);
    for (size_t i = 0; i < total; i++) {
        uint32_t *place = &(*places)[c->tiles[i]];
        if (*place == UINT32_MAX) *place = (uint32_t)used++;
        c->tiles[i] = *place;
    }
    c->group_count = used;
    return true;
}

static bool read_groups(vp8l *v, kin_vp8l_codes *c, const uint32_t *places, size_t count)
{
    c->groups = kin_alloc_zero(c->group_count, sizeof *c->groups);
    if (!c->groups)
        return kin_fail_memory(v->err, "a WebP's groups of codes", c->group_count * sizeof *c->groups);
    for (size_t i = 0; i < count; i++) {
        bool keep = !places || places[i] != UINT32_MAX;
        for (int k = 0; k < KIN_VP8L_CODES; k++) {
            kin_vp8l_code code;
            int symbols = k == KIN_VP8L_DISTANCE ? 40 : 256;
            if (k == KIN_VP8L_GREEN) symbols += KIN_VP8L_LENGTHS + (c->cache_bits ? 1 << c->cache_bits : 0);
            if (!kin_vp8l_read_code(&v->bits, c, symbols, keep, &code, v->err)) return false;
            if (keep) c->groups[places ? places[i] : i].code[k] = code;
        }
    }
    return true;
}

/* Tables may take as much as a large picture's would, and no more than some of its pixels. */
enum { ENTRIES = 1 << 22, ENTRIES_A_PIXEL = 4 };

static bool read_image(vp8l *v, size_t width, size_t height, bool whole, uint32_t *out)
{
    kin_vp8l_codes c = {.group_count = 1, .most = ENTRIES + width * height * ENTRIES_A_PIXEL};
    uint32_t *places = NULL;
    size_t count = 1;
    bool ok = true;
    if (c.most > UINT32_MAX) c.most = UINT32_MAX;
    if (kin_vp8l_number(&v->bits, 1)) {
        c.cache_bits = (int)kin_vp8l_number(&v->bits, 4);
        if (c.cache_bits < 1 || c.cache_bits > KIN_VP8L_CACHE_MOST)
            return bad(v, "its recent colours are none, or too many");
    }
    if (whole && kin_vp8l_number(&v->bits, 1)) ok = read_tiles(v, &c, width, height, &places, &count);
    ok = ok && !over(v) && read_groups(v, &c, places, count) &&
         kin_vp8l_read_pixels(&v->bits, &c, width, height, out, v->err);
    kin_free(c.store);
    kin_free(c.groups);
    kin_free(c.tiles);
    kin_free(places);
    return ok;
}

/* ---- transforms [4] ---- */

/* The palette's colours are differences from their predecessors; places behind it are clear black. */
static bool read_palette(vp8l *v, kin_vp8l_transform *t)
{
    size_t colours = 1 + kin_vp8l_number(&v->bits, 8);
    t->bits = colours > 16 ? 0 : colours > 4 ? 1 : colours > 2 ? 2 : 3;
    t->data = kin_alloc_zero(256, sizeof *t->data);
    if (!t->data) return kin_fail_memory(v->err, "a WebP's palette", 256 * sizeof *t->data);
    if (!read_image(v, colours, 1, false, t->data)) return false;
    uint8_t *samples = (uint8_t *)t->data;
    for (size_t i = 4; i < 4 * colours; i++) samples[i] = (uint8_t)(samples[i] + samples[i - 4]);
    return true;
}

/* *width is that of the pixels before it is undone. */
static bool read_transform(vp8l *v, size_t *width)
{
    int kind = (int)kin_vp8l_number(&v->bits, 2);
    if (v->seen[kind]) return bad(v, "a transform stands there twice");
    v->seen[kind] = true;
    kin_vp8l_transform *t = &v->transforms[v->transform_count++];
    *t = (kin_vp8l_transform){.kind = kind, .width = *width};
    if (kind == KIN_VP8L_INDEX) {
        if (!read_palette(v, t)) return false;
        *width = tiles(*width, t->bits);
    } else if (kind != KIN_VP8L_GREEN_OFF) {
        t->bits = 2 + (int)kin_vp8l_number(&v->bits, 3);
        t->data_width = tiles(*width, t->bits);
        if (!read_part(v, t->data_width, tiles(v->height, t->bits), &t->data)) return false;
    }
    return true;
}

static bool read_all(vp8l *v)
{
    size_t width = v->width;
    while (kin_vp8l_number(&v->bits, 1))
        if (over(v) || !read_transform(v, &width)) return false;
    if (over(v)) return false;
    v->pixels = new_pixels(v, v->width, v->height);
    if (!v->pixels) return false;
    /* Pixels that share a place lie at the end until they are spread. */
    uint32_t *at = v->pixels + v->height * (v->width - width);
    if (!read_image(v, width, v->height, true, at)) return false;
    for (int i = v->transform_count; i-- > 0;) {
        if (v->transforms[i].kind == KIN_VP8L_INDEX) at = v->pixels;
        kin_vp8l_undo(&v->transforms[i], at, v->height);
    }
    return true;
}

static void release(vp8l *v)
{
    for (int i = 0; i < v->transform_count; i++) kin_free(v->transforms[i].data);
    kin_free(v->pixels);
}

/* ---- the picture ---- */

bool kin_vp8l_size(const uint8_t *bytes, size_t size, int *width, int *height, bool *alpha, kin_error *err)
{
    if (size < 5) return kin_fail(err, KIN_ERR_DATA, "damaged WebP: it is cut short in its header");
    uint32_t sizes = bytes[1] | (uint32_t)bytes[2] << 8 | (uint32_t)bytes[3] << 16 | (uint32_t)bytes[4] << 24;
    if (bytes[0] != 0x2f || sizes >> 29)
        return kin_fail(err, KIN_ERR_DATA, "damaged WebP: its lossless picture is of an unknown version");
    *width = (int)(sizes & 0x3fff) + 1;
    *height = (int)(sizes >> 14 & 0x3fff) + 1;
    *alpha = sizes >> 28 & 1;
    return true;
}

/* In place: what is written is never beyond what has been read. */
static void to_samples(uint32_t *pixels, size_t count, int channels)
{
    uint8_t *to = (uint8_t *)pixels;
    for (size_t i = 0; i < count; i++) {
        uint32_t p = pixels[i];
        *to++ = (uint8_t)(p >> 16), *to++ = (uint8_t)(p >> 8), *to++ = (uint8_t)p;
        if (channels == 4) *to++ = (uint8_t)(p >> 24);
    }
}

bool kin_vp8l_decode(const uint8_t *bytes, size_t size, int channels, kin_image *out, kin_error *err)
{
    int width = 0, height = 0;
    bool alpha;
    *out = (kin_image){0};
    if (!kin_vp8l_size(bytes, size, &width, &height, &alpha, err)) return false;
    vp8l v = {.bits = {.at = bytes + 5, .end = bytes + size},
              .width = (size_t)width,
              .height = (size_t)height,
              .err = err};
    bool ok = read_all(&v);
    if (ok) {
        to_samples(v.pixels, v.width * v.height, channels);
        *out = (kin_image){width, height, channels, (uint8_t *)v.pixels, NULL, false};
        v.pixels = NULL;
    }
    release(&v);
    return ok;
}

bool kin_vp8l_alpha(const uint8_t *bytes, size_t size, int width, int height, uint8_t *out, kin_error *err)
{
    vp8l v = {.bits = {.at = bytes, .end = bytes + size},
              .width = (size_t)width,
              .height = (size_t)height,
              .err = err};
    bool ok = read_all(&v);
    for (size_t i = 0; ok && i < v.width * v.height; i++) out[i] = (uint8_t)(v.pixels[i] >> 8);
    release(&v);
    return ok;
}
