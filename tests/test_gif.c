/* GIF: the first picture to Pillow's pixels, by files that tests/golden/make_webp.py made; what is damaged is shown
 * as far as it goes, with a remark, or refused in one line. */
#include "base/memory.h"
#include "base/random.h"
#include "data/images/image.h"
#include "tests/support/check.h"
#include "tests/support/vectors.h"

#include <string.h>

static const char list[] = "tests/golden/gif.txt";

static uint8_t no_palette_flag[] = "GIF89a\x02\0\x01\0\0\0\0,\0\0\0\0\x02\0\x01\0\0\x02\x02\x44\x0a\0;";

static void pixels(void)
{
    check_begin("gif: codes of every length, interlacing, palettes, places: Pillow's pixels");
    CHECK(each_vector(list, vector_decodes) > 20);
    check_end();
}

static void damage(void)
{
    check_begin("gif: cut anywhere, a file is refused or shown as far as it goes");
    each_vector(list, vector_cut);
    check_end();
    check_begin("gif: any byte changed, it is refused or read");
    each_vector(list, vector_changed);
    check_end();
    check_begin("gif: any allocation failed, it is refused, and nothing leaks");
    each_vector(list, vector_fails_whole);
    check_end();
}

/* ---- files made here ---- */

typedef struct file {
    uint8_t data[1 << 15];
    size_t size, block; /* where the block at hand begins */
    uint32_t held;
    int bits;
} file;

static void put(file *f, int byte) { f->data[f->size++] = (uint8_t)byte; }
static void put16(file *f, int value) { put(f, value & 255), put(f, value >> 8); }

/* A screen of 256 greys, and its picture up to its data. */
static void begin(file *f, int width, int height, int least)
{
    memset(f, 0, sizeof *f);
    for (const char *c = "GIF89a"; *c; c++) put(f, *c);
    put16(f, width), put16(f, height), put(f, 0x87), put(f, 0), put(f, 0);
    for (int i = 0; i < 256; i++) put(f, i), put(f, i), put(f, i);
    put(f, ','), put16(f, 0), put16(f, 0), put16(f, width), put16(f, height), put(f, 0), put(f, least);
    f->block = f->size;
    put(f, 0);
}

static void flush(file *f, bool all)
{
    for (; f->bits >= 8 || (all && f->bits > 0); f->bits -= 8, f->held >>= 8) {
        if (f->data[f->block] == 255) f->block = f->size, put(f, 0);
        put(f, (int)(f->held & 255));
        f->data[f->block]++;
    }
}

static void code(file *f, int value, int bits)
{
    f->held |= (uint32_t)value << f->bits;
    f->bits += bits;
    flush(f, false);
}

static void end(file *f) { flush(f, true), put(f, 0), put(f, ';'); }

/* The decoder's table grows by one with each code but the first. */
static int bits_after(int codes)
{
    int next = 258 + (codes > 0 ? codes - 1 : 0), bits = 9;
    while (bits < 12 && next >= 1 << bits) bits++;
    return bits;
}

static void deferred(void)
{
    check_begin("gif: a full table stays as it is until it is cleared");
    enum { WIDE = 100, HIGH = 80, PIXELS = WIDE * HIGH };
    static file f;
    kin_image image;
    kin_error err = {0};
    begin(&f, WIDE, HIGH, 8);
    code(&f, 256, 9);
    for (int i = 0; i < PIXELS; i++) code(&f, (int)kin_random_below(5, (uint64_t)i, 256), bits_after(i));
    code(&f, 257, 12);
    end(&f);
    CHECK_MSG(kin_image_decode(f.data, f.size, NULL, &image, &err) && !image.remark, "%s", err.message);
    for (int i = 0; image.data && i < PIXELS; i++)
        CHECK(image.data[3 * i] == kin_random_below(5, (uint64_t)i, 256));
    kin_image_free(&image);
    check_end();
}

static void shown(const file *f, const char *remark, const uint8_t *first, size_t count)
{
    kin_image image;
    kin_error err = {0};
    CHECK_MSG(kin_image_decode(f->data, f->size, NULL, &image, &err), "%s", err.message);
    CHECK_TEXT(image.remark ? image.remark : "", remark);
    for (size_t i = 0; image.data && i < count; i++) CHECK(image.data[3 * i] == first[i]);
    kin_image_free(&image);
}

static void broken_codes(void)
{
    check_begin("gif: broken codes, and data that end early, are remarked on");
    static file f;
    static const uint8_t want[6] = {7, 7, 7, 9, 0, 0};
    begin(&f, 6, 1, 8);
    code(&f, 256, 9), code(&f, 7, 9), code(&f, 258, 9), code(&f, 9, 9), code(&f, 300, 9);
    end(&f);
    shown(&f, "its picture's data are damaged", want, 6);
    begin(&f, 6, 1, 8);
    code(&f, 256, 9), code(&f, 7, 9), code(&f, 258, 9), code(&f, 9, 9), code(&f, 257, 9);
    end(&f);
    shown(&f, "end early", want, 6);
    begin(&f, 6, 1, 8);
    code(&f, 256, 9), code(&f, 258, 9); /* the first code stands for nothing yet */
    end(&f);
    refused(f.data, f.size, 0, "its picture has no data");
    begin(&f, 6, 1, 12);
    end(&f);
    refused(f.data, f.size, 0, "longer than twelve bits");
    check_end();
}

static void promises(void)
{
    check_begin("gif: large sizes of few bytes are one line; what there is between blocks, and no palette");
    static file f;
    begin(&f, 60000, 60000, 8);
    end(&f);
    refused(f.data, f.size, 0, "60000 x 60000 pixels are more than the 100000000 allowed");
    refused(f.data, f.size, UINT64_C(1) << 40, "bytes cannot hold 60000 x 60000 pixels");
    begin(&f, 0, 5, 8);
    end(&f);
    refused(f.data, f.size, 0, "impossible size 0 x 5");
    refused((const uint8_t *)"GIF89a\1\0\1\0\0\0\0;", 14, 0, "it holds no picture");
    refused((const uint8_t *)"GIF89a\1\0\1\0\0\0\0!\xf9\x04", 16, 0, "it ends before its picture");
    kin_image image;
    kin_error err = {0};
    CHECK_MSG(kin_image_decode(no_palette_flag, sizeof no_palette_flag - 1, NULL, &image, &err), "%s",
              err.message);
    CHECK_TEXT(image.remark ? image.remark : "", "its colours are greys");
    kin_image_free(&image);
    check_end();
}

int main(void)
{
    pixels();
    damage();
    deferred();
    broken_codes();
    promises();
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
