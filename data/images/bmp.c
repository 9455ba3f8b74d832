/* BMP: the headers of OS/2 (12 bytes) and of Windows (40 and more), palettes of 1, 4 and 8 bits, run
 * lengths, 16, 24 and 32 bits with or without bit fields, from the bottom or from the top. */
#include "data/images/formats.h"

#include <string.h>

enum { RGB, RLE8, RLE4, BIT_FIELDS, ALPHA_BIT_FIELDS = 6 };

typedef struct bmp {
    const uint8_t *bytes;
    size_t size, pixels; /* where the pixels begin */
    int width, height, bits, compression;
    bool top_down;
    uint8_t palette[256][3];
    uint32_t colours; /* in the palette */
    uint32_t mask[4]; /* red, green, blue, alpha; 0: none */
    const char *remark;
} bmp;

/* The first is told. */
static void remark(bmp *b, const char *text)
{
    if (!b->remark) b->remark = text;
}

static uint32_t number(const uint8_t *p, int bytes)
{
    uint32_t value = 0;
    for (int i = bytes; i-- > 0;) value = value << 8 | p[i];
    return value;
}

static bool cut_short(kin_error *err, const char *what)
{
    return kin_fail(err, KIN_ERR_DATA, "the BMP is cut short in its %s", what);
}

/* Headers end and pixels may begin at `least`. 0 stands for that very place [as Pillow reads it]. */
static bool place_pixels(bmp *b, size_t least)
{
    if (!b->pixels) b->pixels = least;
    else if (b->pixels < least) remark(b, "its pixels begin inside its headers");
    return true;
}

static bool read_header(bmp *b, const kin_image_limits *limits, kin_error *err)
{
    if (b->size < 26) return cut_short(err, "header");
    const uint8_t *p = b->bytes + 14;
    uint32_t header = number(p, 4);
    bool old = header == 12;
    if (!old && (header < 40 || header > 1024))
        return kin_fail(err, KIN_ERR_DATA,
                        "the BMP's header states a length of %u bytes; 12, or 40 and more, are known",
                        header);
    if (b->size < 14 + (size_t)header) return cut_short(err, "header");
    int64_t width, height;
    if (old) width = number(p + 4, 2), height = number(p + 6, 2);
    else width = (int32_t)number(p + 4, 4), height = (int32_t)number(p + 8, 4);
    b->bits = (int)number(p + (old ? 10 : 14), 2);
    b->compression = old ? RGB : (int)number(p + 16, 4);
    b->top_down = height < 0;
    if (width < 0)
        return kin_fail(err, KIN_ERR_DATA, "the BMP's header states a width of %lld", (long long)width);
    if (!kin_image_allowed((uint64_t)width, (uint64_t)(height < 0 ? -height : height), limits, err))
        return false;
    b->width = (int)width;
    b->height = (int)(height < 0 ? -height : height);
    b->pixels = number(b->bytes + 10, 4);
    b->colours = old || header < 36 ? 0 : number(p + 32, 4);
    bool fields = b->compression == BIT_FIELDS || b->compression == ALPHA_BIT_FIELDS;
    bool right = b->bits == 1 || b->bits == 4 || b->bits == 8 || b->bits == 16 || b->bits == 24 ||
                 b->bits == 32;
    right = right &&
            (b->compression == RGB || (b->compression == RLE8 && b->bits == 8) ||
             (b->compression == RLE4 && b->bits == 4) || (fields && (b->bits == 16 || b->bits == 32)));
    if (!right)
        return kin_fail(err, KIN_ERR_DATA,
                        "is a BMP of %d bits with compression %d, which is not read: convert it first",
                        b->bits, b->compression);
    /* Masks lie behind 40 bytes, whether the header is longer or not. */
    int masks = !fields ? 0 : header >= 56 || b->compression == ALPHA_BIT_FIELDS ? 4 : 3;
    if (b->size < 54 + (size_t)masks * 4) return cut_short(err, "masks");
    for (int i = 0; i < masks; i++) b->mask[i] = number(p + 40 + 4 * i, 4);
    size_t palette = 14 + (size_t)header + (header == 40 ? (size_t)masks * 4 : 0), entry = old ? 3 : 4;
    bool told = b->colours > 0;
    if (b->bits > 8) return place_pixels(b, palette);
    if (!told || b->colours > 1u << b->bits) b->colours = 1u << b->bits;
    /* Where the number of colours is left open, the pixels' place tells it; where it is stated, it counts
     * [as Pillow reads it]. */
    if (b->pixels > palette && (b->pixels - palette) / entry < b->colours) {
        if (!told) b->colours = (uint32_t)((b->pixels - palette) / entry);
        else remark(b, "its pixels begin inside its palette");
    }
    if (palette > b->size || (b->size - palette) / entry < b->colours) return cut_short(err, "palette");
    for (uint32_t i = 0; i < b->colours; i++)
        for (int c = 0; c < 3; c++) b->palette[i][c] = b->bytes[palette + i * entry + (size_t)(2 - c)];
    return place_pixels(b, palette + b->colours * entry);
}

/* ---- pixels as they are ---- */

/* The bits under a mask, scaled to 0..255. */
static uint8_t field(uint32_t pixel, uint32_t mask)
{
    if (!mask) return 0; /* no bits of it */
    uint32_t value = pixel & mask;
    while (!(mask & 1)) mask >>= 1, value >>= 1;
    return (uint8_t)((uint64_t)value * 255 / mask); /* down, as Pillow */
}

static void default_masks(bmp *b)
{
    if (b->mask[0] | b->mask[1] | b->mask[2]) return;
    if (b->bits > 8 && b->compression != RGB)
        remark(b, "its masks of colours are empty: the usual ones are taken");
    int wide = b->bits == 16 ? 5 : 8;
    for (int c = 0; c < 3; c++) b->mask[c] = ((1u << wide) - 1) << ((2 - c) * wide);
}

static const uint8_t *colour(bmp *b, unsigned index)
{
    if (index >= b->colours) remark(b, "colours outside its palette are black");
    return b->palette[index];
}

static void plain_row(bmp *b, const uint8_t *from, int channels, uint8_t *to)
{
    for (int x = 0; x < b->width; x++, to += channels) {
        if (b->bits <= 8) {
            int per_byte = 8 / b->bits, shift = 8 - b->bits * (x % per_byte + 1);
            memcpy(to, colour(b, from[x / per_byte] >> shift & ((1 << b->bits) - 1)), 3);
        } else if (b->bits == 24) {
            for (int c = 0; c < 3; c++) to[c] = from[3 * (size_t)x + (size_t)(2 - c)];
        } else {
            uint32_t pixel = number(from + (size_t)x * (size_t)(b->bits / 8), b->bits / 8);
            for (int c = 0; c < channels; c++) to[c] = field(pixel, b->mask[c]);
        }
    }
}

static uint8_t *row_of(const bmp *b, kin_image *out, int y)
{
    return out->data +
           (size_t)(b->top_down ? y : b->height - 1 - y) * (size_t)b->width * (size_t)out->channels;
}

static bool read_plain(bmp *b, kin_image *out, kin_error *err)
{
    size_t stride = ((size_t)b->width * (size_t)b->bits + 31) / 32 * 4;
    if (b->pixels > b->size || (b->size - b->pixels) / stride < (size_t)b->height)
        return cut_short(err, "pixels");
    for (int y = 0; y < b->height; y++)
        plain_row(b, b->bytes + b->pixels + (size_t)y * stride, out->channels, row_of(b, out, y));
    return true;
}

/* ---- run lengths ---- */

typedef struct pen {
    bmp *b;
    kin_image *out;
    int x, y;
} pen;

/* How many of `count` pixels are within the picture: what is outside costs no time, whatever a file says. */
static int inside(const pen *p, int count)
{
    int room = p->y < p->b->height ? p->b->width - p->x : 0;
    if (count > room) remark(p->b, "its runs go beyond its rows");
    return count < room ? count : room;
}

static void draw(pen *p, int index)
{
    memcpy(row_of(p->b, p->out, p->y) + 3 * (size_t)p->x++, colour(p->b, (unsigned)index), 3);
}

/* A jump ends at the right edge at the latest: a file may hold any number of them. */
static void jump(pen *p, int right, int down)
{
    int room = p->b->width - p->x;
    p->x += right < room ? right : room;
    p->y += down;
}

/* `count` pixels written out; returns how many bytes they take, padded to two. */
static size_t literal(pen *p, const uint8_t *from, size_t left, int count)
{
    size_t bytes = p->b->bits == 8 ? (size_t)count : ((size_t)count + 1) / 2;
    if (bytes > left) return left;
    for (int i = 0, n = inside(p, count); i < n; i++)
        draw(p, p->b->bits == 8 ? from[i] : from[i / 2] >> (i % 2 ? 0 : 4) & 15);
    return bytes + (bytes & 1 && bytes < left);
}

static void read_runs(bmp *b, kin_image *out)
{
    pen p = {b, out, 0, 0};
    size_t at = b->pixels, all = (size_t)b->width * (size_t)b->height;
    for (size_t i = 0; i < all; i++) memcpy(out->data + 3 * i, b->palette[0], 3); /* what no run reaches */
    while (b->size > 2 && at <= b->size - 2 && p.y < b->height) {
        int count = b->bytes[at], value = b->bytes[at + 1];
        at += 2;
        if (count) {
            for (int i = 0, n = inside(&p, count); i < n; i++)
                draw(&p, b->bits == 8 ? value : value >> (i % 2 ? 0 : 4) & 15);
        } else if (value == 0) {
            p.x = 0, p.y++;
        } else if (value == 1) {
            return;
        } else if (value == 2) {
            if (at + 2 > b->size) break;
            jump(&p, b->bytes[at], b->bytes[at + 1]);
            at += 2;
        } else {
            at += literal(&p, b->bytes + at, b->size - at, value);
        }
    }
    if (p.y < b->height) remark(b, "its runs end early: what is missing has the first colour");
}

/* A run of two bytes is 255 pixels at most. Small pictures are shown as far as their runs go. */
static bool plausible(const bmp *b, kin_error *err)
{
    enum { SHOWN_ANYWAY = 1 << 22 };
    uint64_t pixels = (uint64_t)b->width * (uint64_t)b->height;
    if ((b->compression != RLE8 && b->compression != RLE4) || pixels <= SHOWN_ANYWAY ||
        pixels / 255 <= b->size)
        return true;
    return kin_fail(err, KIN_ERR_DATA, "the BMP is cut short: %zu bytes of runs cannot hold %d x %d pixels",
                    b->size, b->width, b->height);
}

bool kin_bmp_decode(const uint8_t *bytes, size_t size, const kin_image_limits *limits, kin_image *out,
                    kin_error *err)
{
    bmp b = {.bytes = bytes, .size = size};
    *out = (kin_image){0};
    if (!read_header(&b, limits, err)) return false;
    default_masks(&b);
    if (!plausible(&b, err) || !kin_image_new(out, b.width, b.height, b.bits > 8 && b.mask[3] ? 4 : 3, err))
        return false;
    if (b.compression == RLE8 || b.compression == RLE4) read_runs(&b, out);
    else if (!read_plain(&b, out, err)) {
        kin_image_free(out);
        return false;
    }
    out->remark = b.remark;
    return true;
}
