/* Baseline JPEG [ITU-T T.81], for pictures in reports and for whoever wants smaller files than PNG:
 * libjpeg's tables, quality scale, colour conversion, averaging of the chroma and accurate integer
 * transform, so that what is decoded from the file is what libjpeg's own file holds. */
#include "base/memory.h"
#include "base/text.h"
#include "data/images/jpeg.h"

#include <string.h>

enum { FRACTION = 13, EXTRA = 2 };

/* Annex K.1, natural order. */
static const uint8_t luma_quant[64] = {
    16, 11,  10,  16, 24, 40, 51, 61, 12,  12,  14,  19,  26, 58, 60, 55,  14,  13,  16,  24, 40, 57,
    69, 56,  14,  17, 22, 29, 51, 87, 80,  62,  18,  22,  37, 56, 68, 109, 103, 77,  24,  35, 55, 64,
    81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98,  112, 100, 103, 99,
};

/* Table K.2 is 99 but for the corner. */
static int chroma_quant(int k)
{
    static const uint8_t corner[4][4] = {
        {17, 18, 24, 47}, {18, 21, 26, 66}, {24, 26, 56, 99}, {47, 66, 99, 99}};
    return k / 8 < 4 && k % 8 < 4 ? corner[k / 8][k % 8] : 99;
}

typedef struct plane {
    uint8_t *samples;
    int width, height; /* with padding: whole blocks */
} plane;

/* How a symbol is written. */
typedef struct writing_code {
    uint16_t bits[256];
    uint8_t length[256];
} writing_code;

typedef struct encoder {
    const kin_image *image;
    int factor; /* luma blocks a side of an MCU: 2 where the chroma is averaged, else 1 */
    int components;
    plane planes[3];
    uint16_t quant[2][64]; /* natural order */
    writing_code dc[2], ac[2];
    kin_text out;     /* the file */
    uint64_t pending; /* bits not yet written, at the bottom */
    int pending_count;
    int previous[3];
} encoder;

/* ---- tables ---- */

static void make_quant(encoder *e, int quality)
{
    int scale = quality < 50 ? 5000 / quality : 200 - 2 * quality;
    for (int t = 0; t < 2; t++)
        for (int k = 0; k < 64; k++) {
            int q = ((t ? chroma_quant(k) : luma_quant[k]) * scale + 50) / 100;
            e->quant[t][k] = (uint16_t)(q < 1 ? 1 : q > 255 ? 255 : q);
        }
}

static void make_code(writing_code *code, int table, bool dc)
{
    const uint8_t *counts;
    uint8_t values[162];
    int at = 0, next = 0;
    kin_jpeg_standard_table(table, dc, &counts, values);
    memset(code, 0, sizeof *code);
    for (int length = 1; length <= 16; length++, next <<= 1)
        for (int i = 0; i < counts[length - 1]; i++, at++) {
            code->bits[values[at]] = (uint16_t)next++;
            code->length[values[at]] = (uint8_t)length;
        }
}

/* ---- bytes and bits ---- */

static void put(encoder *e, int byte) { kin_text_add_bytes(&e->out, &(char){(char)byte}, 1); }

static void put16(encoder *e, int value)
{
    put(e, value >> 8 & 255);
    put(e, value & 255);
}

static void put_bits(encoder *e, unsigned bits, int count)
{
    e->pending = e->pending << count | (bits & ((1u << count) - 1));
    for (e->pending_count += count; e->pending_count >= 8; e->pending_count -= 8) {
        int byte = (int)(e->pending >> (e->pending_count - 8) & 255);
        put(e, byte);
        if (byte == 255) put(e, 0);
    }
}

static void put_table(encoder *e, int table, bool dc)
{
    const uint8_t *counts;
    uint8_t values[162];
    int n = kin_jpeg_standard_table(table, dc, &counts, values);
    put16(e, 0xffc4);
    put16(e, 19 + n);
    put(e, (dc ? 0 : 16) + table);
    for (int i = 0; i < 16; i++) put(e, counts[i]);
    for (int i = 0; i < n; i++) put(e, values[i]);
}

static void put_headers(encoder *e)
{
    static const char jfif[] = "\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0";
    int tables = e->components > 1 ? 2 : 1;
    kin_text_add_bytes(&e->out, jfif, sizeof jfif - 1);
    for (int t = 0; t < tables; t++) {
        put16(e, 0xffdb);
        put16(e, 67);
        put(e, t);
        for (int k = 0; k < 64; k++) put(e, e->quant[t][kin_jpeg_natural[k]]);
    }
    put16(e, 0xffc0);
    put16(e, 8 + 3 * e->components);
    put(e, 8);
    put16(e, e->image->height);
    put16(e, e->image->width);
    put(e, e->components);
    for (int c = 0; c < e->components; c++) {
        put(e, c + 1);
        put(e, c == 0 ? e->factor * 17 : 17);
        put(e, c ? 1 : 0);
    }
    for (int t = 0; t < tables; t++) put_table(e, t, true), put_table(e, t, false);
    put16(e, 0xffda);
    put16(e, 6 + 2 * e->components);
    put(e, e->components);
    for (int c = 0; c < e->components; c++) put(e, c + 1), put(e, c ? 17 : 0);
    put(e, 0), put(e, 63), put(e, 0);
}

/* ---- samples ---- */

static int at_most(int i, int n) { return i < n ? i : n - 1; }

/* Y, Cb, Cr of BT.601 with 16 fraction bits. */
static int luma(const uint8_t *p) { return (19595 * p[0] + 38470 * p[1] + 7471 * p[2] + 32768) >> 16; }
static int blueness(const uint8_t *p)
{
    return (-11059 * p[0] - 21709 * p[1] + 32768 * p[2] + (128 << 16) + 32767) >> 16;
}
static int redness(const uint8_t *p)
{
    return (32768 * p[0] - 27439 * p[1] - 5329 * p[2] + (128 << 16) + 32767) >> 16;
}

static int converted(const encoder *e, int c, int x, int y)
{
    const kin_image *i = e->image;
    const uint8_t *p = i->data +
                       ((size_t)at_most(y, i->height) * (size_t)i->width + (size_t)at_most(x, i->width)) *
                           (size_t)i->channels;
    return e->components == 1 ? p[0] : c == 0 ? luma(p) : c == 1 ? blueness(p) : redness(p);
}

/* A component at its own sampling, padded to whole MCUs: to the right with the last pixel before
 * averaging, downwards with the last row after it. Rounding of the averages alternates along a row, so
 * that they are not biased. */
static bool fill_plane(encoder *e, int c, kin_error *err)
{
    plane *p = &e->planes[c];
    int mcu = 8 * e->factor, wide = (e->image->width + mcu - 1) / mcu,
        high = (e->image->height + mcu - 1) / mcu;
    bool halved = c > 0 && e->factor == 2;
    int blocks = c == 0 ? e->factor : 1, rows = halved ? (e->image->height + 1) / 2 : e->image->height;
    *p = (plane){.width = wide * blocks * 8, .height = high * blocks * 8};
    if (!(p->samples = kin_alloc_array((size_t)p->width, (size_t)p->height)))
        return kin_fail_memory(err, "a JPEG's samples", (size_t)p->width * (size_t)p->height);
    for (int y = 0; y < p->height; y++) {
        uint8_t *to = p->samples + (size_t)y * (size_t)p->width;
        if (y >= rows) memcpy(to, to - p->width, (size_t)p->width);
        else if (!halved)
            for (int x = 0; x < p->width; x++) to[x] = (uint8_t)converted(e, c, x, y);
        else
            for (int x = 0; x < p->width; x++) {
                int sum = converted(e, c, 2 * x, 2 * y) + converted(e, c, 2 * x + 1, 2 * y) +
                          converted(e, c, 2 * x, 2 * y + 1) + converted(e, c, 2 * x + 1, 2 * y + 1);
                to[x] = (uint8_t)((sum + 1 + (x & 1)) >> 2);
            }
    }
    return true;
}

/* ---- the transform: Loeffler, Ligtenberg, Moschytz, as in jpeg_blocks.simd.c but forwards; outputs are 8
 * times too large ---- */

static int descale(int v, int shift) { return (v + (1 << (shift - 1))) >> shift; }

static void transform8(int *x, int step, bool rows)
{
    int d[8], shift = rows ? FRACTION - EXTRA : FRACTION + EXTRA;
    for (int k = 0; k < 8; k++) d[k] = x[k * step];
    int s0 = d[0] + d[7], s1 = d[1] + d[6], s2 = d[2] + d[5], s3 = d[3] + d[4], t4 = d[3] - d[4],
        t5 = d[2] - d[5], t6 = d[1] - d[6], t7 = d[0] - d[7];
    int a = s0 + s3, b = s1 + s2, c = s1 - s2, e = s0 - s3, turn = (c + e) * 4433;
    x[0] = rows ? (a + b) * (1 << EXTRA) : descale(a + b, EXTRA);
    x[4 * step] = rows ? (a - b) * (1 << EXTRA) : descale(a - b, EXTRA);
    x[2 * step] = descale(turn + e * 6270, shift);
    x[6 * step] = descale(turn - c * 15137, shift);
    int z1 = (t4 + t7) * -7373, z2 = (t5 + t6) * -20995, z5 = (t4 + t6 + t5 + t7) * 9633,
        z3 = z5 - (t4 + t6) * 16069, z4 = z5 - (t5 + t7) * 3196;
    x[7 * step] = descale(t4 * 2446 + z1 + z3, shift);
    x[5 * step] = descale(t5 * 16819 + z2 + z4, shift);
    x[3 * step] = descale(t6 * 25172 + z2 + z3, shift);
    x[step] = descale(t7 * 12299 + z1 + z4, shift);
}

static int quantised(int value, int step)
{
    int magnitude = value < 0 ? -value : value;
    magnitude = (magnitude + step / 2) / step;
    return value < 0 ? -magnitude : magnitude;
}

static int bits_of(int value)
{
    int n = 0;
    for (int magnitude = value < 0 ? -value : value; magnitude; magnitude >>= 1) n++;
    return n;
}

static void put_number(encoder *e, int value, int bits)
{
    if (bits) put_bits(e, (unsigned)(value < 0 ? value - 1 : value), bits);
}

static void put_block(encoder *e, int c, int row, int column)
{
    const plane *p = &e->planes[c];
    const uint16_t *quant = e->quant[c ? 1 : 0];
    const writing_code *dc = &e->dc[c ? 1 : 0], *ac = &e->ac[c ? 1 : 0];
    int x[64], zeros = 0;
    for (int k = 0; k < 64; k++)
        x[k] = p->samples[(size_t)(row * 8 + k / 8) * (size_t)p->width + (size_t)(column * 8 + k % 8)] - 128;
    for (int r = 0; r < 8; r++) transform8(x + 8 * r, 1, true);
    for (int k = 0; k < 8; k++) transform8(x + k, 8, false);
    int value = quantised(x[0], quant[0] * 8), difference = value - e->previous[c],
        bits = bits_of(difference);
    e->previous[c] = value;
    put_bits(e, dc->bits[bits], dc->length[bits]);
    put_number(e, difference, bits);
    for (int k = 1; k < 64; k++) {
        int at = kin_jpeg_natural[k];
        if (!(value = quantised(x[at], quant[at] * 8))) {
            zeros++;
            continue;
        }
        for (; zeros > 15; zeros -= 16) put_bits(e, ac->bits[0xf0], ac->length[0xf0]);
        bits = bits_of(value);
        put_bits(e, ac->bits[zeros << 4 | bits], ac->length[zeros << 4 | bits]);
        put_number(e, value, bits);
        zeros = 0;
    }
    if (zeros) put_bits(e, ac->bits[0], ac->length[0]);
}

static void put_picture(encoder *e)
{
    int wide = e->planes[0].width / (8 * e->factor), high = e->planes[0].height / (8 * e->factor);
    for (int row = 0; row < high; row++)
        for (int column = 0; column < wide; column++)
            for (int c = 0; c < e->components; c++) {
                int side = c == 0 ? e->factor : 1;
                for (int k = 0; k < side * side; k++)
                    put_block(e, c, row * side + k / side, column * side + k % side);
            }
    if (e->pending_count) put_bits(e, 127, 8 - e->pending_count);
    put16(e, 0xffd9);
}

/* ---- the file ---- */

bool kin_jpeg_encode(const kin_image *image, const kin_jpeg_opt *opt, kin_bytes *out, kin_error *err)
{
    int quality = opt && opt->quality ? opt->quality : 75;
    *out = (kin_bytes){0};
    if (image->channels != 1 && image->channels != 3)
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "a JPEG has 1 or 3 channels, not %d; convert the picture first", image->channels);
    if (image->width > 65500 || image->height > 65500)
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "a picture of %d x %d is too large for a JPEG: 65500 a side is the most",
                        image->width, image->height);
    if (quality < 1 || quality > 100)
        return kin_fail(err, KIN_ERR_ARGUMENT, "the quality of a JPEG is from 1 to 100, not %d", quality);
    encoder *e = kin_alloc_zero(1, sizeof *e);
    if (!e) return kin_fail_memory(err, "a JPEG's tables", sizeof *e);
    e->image = image;
    e->components = image->channels;
    e->factor = image->channels == 3 && !(opt && opt->no_subsampling) ? 2 : 1;
    make_quant(e, quality);
    for (int t = 0; t < 2; t++) make_code(&e->dc[t], t, true), make_code(&e->ac[t], t, false);
    bool ok = true;
    for (int c = 0; ok && c < e->components; c++) ok = fill_plane(e, c, err);
    if (ok) {
        put_headers(e);
        put_picture(e);
        ok = !e->out.failed || kin_fail_memory(err, "a JPEG", e->out.size);
    }
    if (ok) *out = (kin_bytes){(uint8_t *)e->out.data, e->out.size};
    else kin_text_free(&e->out);
    for (int c = 0; c < 3; c++) kin_free(e->planes[c].samples);
    kin_free(e);
    return ok;
}

bool kin_jpeg_write(const char *path, const kin_image *image, const kin_jpeg_opt *opt, kin_error *err)
{
    kin_bytes bytes;
    if (!kin_jpeg_encode(image, opt, &bytes, err)) return false;
    bool ok = kin_write_file(path, bytes.data, bytes.size, err);
    kin_bytes_free(&bytes);
    return ok;
}
