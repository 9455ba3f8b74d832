/* WebP: every kind of picture to libwebp's pixels, by files that tests/golden/make_webp.py made; what is damaged
 * is refused in one line. */
#include "base/memory.h"
#include "base/random.h"
#include "data/images/image.h"
#include "kernels/isa.h"
#include "tests/support/check.h"
#include "tests/support/vectors.h"

#include <stdio.h>
#include <string.h>

static const char list[] = "tests/golden/webp.txt";

static void pixels(void)
{
    for (int i = 0; kin_isa_list(i); i++) {
        check_begin("webp: lossy, lossless, alpha, first frames: libwebp's pixels, %s", kin_isa_list(i));
        if (!kin_isa_set(kin_isa_list(i))) {
            check_skip("this machine has no %s", kin_isa_list(i));
            continue;
        }
        CHECK(each_vector(list, vector_decodes) > 20);
        check_end();
    }
    kin_isa_set(NULL);
}

static void damage(void)
{
    check_begin("webp: cut anywhere, a file is refused or remarked on");
    each_vector(list, vector_cut);
    check_end();
    check_begin("webp: any byte changed, it is refused or read");
    each_vector(list, vector_changed);
    check_end();
    check_begin("webp: any allocation failed, it is refused, and nothing leaks");
    each_vector(list, vector_fails_whole);
    check_end();
}

/* ---- files made here ---- */

static uint8_t room[1 << 19]; /* of one file at a time */

typedef struct file {
    uint8_t *data;
    size_t size;
    uint64_t held; /* bits that are no byte yet */
    int bits;
} file;

static void put(file *f, uint32_t value, int bits)
{
    f->held |= (uint64_t)value << f->bits;
    for (f->bits += bits; f->bits >= 8; f->bits -= 8, f->held >>= 8) f->data[f->size++] = (uint8_t)f->held;
}

static void put_text(file *f, const char *text)
{
    for (; *text; text++) put(f, (uint8_t)*text, 8);
}

static file begun(const char *kind)
{
    file f = {.data = room};
    put_text(&f, "RIFF____WEBP");
    put_text(&f, kind);
    put_text(&f, "____");
    return f;
}

static void state(file *f, size_t at, size_t size)
{
    for (int i = 0; i < 4; i++) f->data[at + (size_t)i] = (uint8_t)(size >> 8 * i);
}

/* Bits to whole bytes, and the sizes of the file and of its only chunk. */
static void end(file *f)
{
    if (f->bits) put(f, 0, 8 - f->bits);
    if (f->size % 2) put(f, 0, 8);
    state(f, 4, f->size - 8);
    state(f, 16, f->size - 20);
}

static file lossless(int width, int height)
{
    file f = begun("VP8L");
    put(&f, 0x2f, 8);
    put(&f, (uint32_t)width - 1, 14), put(&f, (uint32_t)height - 1, 14);
    put(&f, 0, 4); /* no alpha; version 0 */
    return f;
}

/* A code of a single symbol, which takes no bits, or of two that take one. */
static void put_single(file *f, int symbol) { put(f, 5, 3), put(f, (uint32_t)symbol, 8); }
static void put_two(file *f, int first, int second)
{
    put(f, 7, 3), put(f, (uint32_t)first, 8), put(f, (uint32_t)second, 8);
}

static void one_colour(void)
{
    check_begin("webp: a picture of one colour takes no bits, and is read for its size");
    file f = lossless(300, 200);
    kin_image image;
    kin_error err = {0};
    put(&f, 0, 3); /* no transform, no recent colours, one group */
    put_single(&f, 20), put_single(&f, 10), put_single(&f, 30), put_single(&f, 255), put_single(&f, 0);
    end(&f);
    CHECK_MSG(kin_image_decode(f.data, f.size, NULL, &image, &err), "%s", err.message);
    for (size_t i = 0; image.data && i < 300 * 200; i++)
        CHECK(image.data[3 * i] == 10 && image.data[3 * i + 1] == 20 && image.data[3 * i + 2] == 30);
    kin_image_free(&image);
    refused(f.data, f.size, 59999, "300 x 200 pixels are more than the 59999 allowed");
    check_end();
}

static void large_promises(void)
{
    check_begin("webp: 16,383 x 16,383 pixels in 40 bytes are one line");
    file f = lossless(16383, 16383);
    while (f.size < 40) put(&f, 0, 8);
    end(&f);
    refused(f.data, f.size, 0, "16383 x 16383 pixels are more than the 100000000 allowed");
    f = begun("VP8 ");
    put(&f, 0x10 | 4 << 5, 24), put(&f, 0x2a019d, 24), put(&f, 16383, 16), put(&f, 16383, 16);
    while (f.size < 40) put(&f, 0, 8);
    end(&f);
    refused(f.data, f.size, 0, "16383 x 16383 pixels are more than the 100000000 allowed");
    refused(f.data, f.size, UINT64_C(1) << 40, "4 bytes of modes cannot hold 16383 x 16383 pixels");
    f = begun("VP8X");
    put(&f, 2, 32), put(&f, 0xffffff, 24), put(&f, 0xffffff, 24);
    end(&f);
    refused(f.data, f.size, 0, "it holds no picture");
    check_end();
}

/* A code by the lengths of its words, which stand there as they are, in words of four bits. */
static void put_lengths(file *f, const uint8_t *lengths, int count)
{
    put(f, 0, 1), put(f, 15, 4);
    for (int i = 0; i < 19; i++) put(f, i == 0 || i == 1 || i == 8 ? 0 : 4, 3); /* 0 to 15 have words */
    put(f, 0, 1);
    for (int i = 0; i < count; i++) {
        uint32_t word = lengths[i], turned = 0;
        for (int k = 0; k < 4; k++) turned |= (word >> k & 1) << (3 - k);
        put(f, turned, 4);
    }
}

static void codes(void)
{
    check_begin("webp: prefix codes with too many words, too few, none");
    static const struct {
        uint8_t first[4];
        const char *says;
    } cases[] = {{{1, 1, 1, 0}, "too many words, or too few"},
                 {{1, 2, 0, 0}, "too many words, or too few"},
                 {{2, 2, 2, 0}, "too many words, or too few"},
                 {{0, 0, 0, 0}, "too many words, or too few"},
                 {{15, 0, 1, 0}, "too many words, or too few"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t lengths[280] = {0};
        file f = lossless(4, 4);
        memcpy(lengths, cases[i].first, 4);
        put(&f, 0, 3);
        put_lengths(&f, lengths, 280);
        end(&f);
        refused(f.data, f.size, 0, cases[i].says);
    }
    file f = lossless(4, 4);
    put(&f, 0, 3);
    for (int i = 0; i < 4; i++) put_single(&f, 0);
    put_single(&f, 40); /* distances have 40 symbols */
    end(&f);
    refused(f.data, f.size, 0, "too many words, or too few");
    f = lossless(4, 4);
    put(&f, 0, 3), put(&f, 0, 1), put(&f, 0, 4), put(&f, 0, 12); /* no code of the codes */
    end(&f);
    refused(f.data, f.size, 0, "the code of its codes is none");
    check_end();

    check_begin("webp: a code of words of one to fifteen bits");
    uint8_t lengths[280] = {0};
    static const int shown[] = {0, 7, 8, 9, 14, 15};
    for (int i = 0; i < 16; i++) lengths[i] = (uint8_t)(i < 15 ? i + 1 : 15);
    f = lossless(6, 1);
    put(&f, 0, 3);
    put_lengths(&f, lengths, 280);
    for (int i = 0; i < 4; i++) put_single(&f, i == 2 ? 255 : 0);
    for (int i = 0; i < 6; i++) /* so many ones, and a zero but for the last */
        put(&f, (1u << shown[i]) - 1, shown[i]), put(&f, 0, shown[i] < 15);
    end(&f);
    kin_image image;
    kin_error err = {0};
    CHECK_MSG(kin_image_decode(f.data, f.size, NULL, &image, &err), "%s", err.message);
    for (int i = 0; image.data && i < 6; i++) CHECK(image.data[3 * i + 1] == shown[i]);
    kin_image_free(&image);
    check_end();
}

static void impossible(void)
{
    check_begin("webp: copies of nothing, recent colours without end, transforms twice");
    file f = lossless(4, 4);
    put(&f, 0, 3);
    put(&f, 0, 1), put(&f, 15, 4); /* green: 256, a copy of one pixel, alone */
    for (int i = 0; i < 19; i++) put(&f, i == 2 || i == 3 ? 1 : 0, 3); /* lengths 0 and 1 */
    put(&f, 0, 1);
    for (int i = 0; i < 280; i++) put(&f, i == 256, 1);
    for (int i = 0; i < 4; i++) put_single(&f, 0);
    end(&f);
    refused(f.data, f.size, 0, "copies pixels that are not there");
    f = lossless(4, 4);
    put(&f, 0, 1), put(&f, 1, 1), put(&f, 12, 4);
    end(&f);
    refused(f.data, f.size, 0, "recent colours");
    f = lossless(4, 4);
    put(&f, 1, 1), put(&f, 2, 2), put(&f, 1, 1), put(&f, 2, 2);
    end(&f);
    refused(f.data, f.size, 0, "a transform stands there twice");
    f = lossless(100, 100);
    put(&f, 0, 3);
    put_two(&f, 1, 2);
    for (int i = 0; i < 4; i++) put_single(&f, 0);
    end(&f);
    refused(f.data, f.size, 0, "end early");
    f.data[24] |= 0x20;
    refused(f.data, f.size, 0, "unknown version");
    check_end();
}

/* A code of 256 symbols, each of eight bits, in a few: their lengths are of a code that takes no bits. */
static void put_full(file *f, bool green)
{
    put(f, 0, 1), put(f, 8, 4);
    for (int i = 0; i < 12; i++) put(f, i == 11, 3); /* length 8 alone */
    put(f, green, 1);
    if (green) put(f, 3, 3), put(f, 254, 8); /* only the first 256 of its symbols */
}

static void groups(void)
{
    check_begin("webp: tables of codes are bounded by the picture's size");
    file f = lossless(1024, 1024);
    put(&f, 0, 2), put(&f, 1, 1), put(&f, 0, 3); /* tiles of 4 x 4, */
    put(&f, 0, 1);                               /* whose groups are chance */
    put_full(&f, true), put_full(&f, false);
    for (int i = 0; i < 3; i++) put_single(&f, 0);
    for (uint64_t i = 0; i < 256 * 256; i++) put(&f, (uint32_t)kin_random_below(3, i, 1 << 16), 16);
    while (f.size < sizeof room - 64) {
        put_full(&f, true);
        for (int i = 0; i < 3; i++) put_full(&f, false);
        put_single(&f, 0);
    }
    end(&f);
    refused(f.data, f.size, 0, "prefix codes of more than 8388608 entries");
    check_end();
}

static void containers(void)
{
    check_begin("webp: chunks that do not fit one another");
    static const struct {
        const char *bytes;
        size_t size;
        const char *says;
    } cases[] = {
        {"RIFF\x04\0\0\0WEBP", 12, "it holds no picture"},
        {"RIFF\x0c\0\0\0WEBPVP8 \0\0\0\0", 20, "cut short in its header"},
        {"RIFF\x1c\0\0\0WEBPVP8 \x0a\0\0\0\x10\0\0\x9d\x01\x2a\x01\0\x01\0", 30,
         "bytes of modes cannot hold"},
        {"RIFF\x1c\0\0\0WEBPVP8 \x0a\0\0\0\x11\0\0\x9d\x01\x2a\x01\0\x01\0", 30, "no key frame"},
        {"RIFF\x1c\0\0\0WEBPVP8 \x0a\0\0\0\0\0\0\x9d\x01\x2a\x01\0\x01\0", 30, "not to be shown"},
        {"RIFF\x1c\0\0\0WEBPVP8 \x0a\0\0\0\x18\0\0\x9d\x01\x2a\x01\0\x01\0", 30, "unknown version"},
        {"RIFF\x1c\0\0\0WEBPVP8 \x0a\0\0\0\x10\0\0\x9d\x01\x2b\x01\0\x01\0", 30, "start code"},
        {"RIFF\x1c\0\0\0WEBPVP8 \x0a\0\0\0\x10\0\0\x9d\x01\x2a\0\0\x01\0", 30, "states no size"},
        {"RIFF\x1c\0\0\0WEBPVP8 \x0a\0\0\0\x30\x01\0\x9d\x01\x2a\x01\0\x01\0", 30, "first partition"},
        {"RIFF\x10\0\0\0WEBPVP8X\x04\0\0\0\0\0\0\0", 24, "extended header is cut short"},
        {"RIFF\x16\0\0\0WEBPVP8L\x05\0\0\0\x2f\0\0\0\0VP8X", 30, "ends early"},
        {"RIFF\x2a\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\1\0\0\1\0\0VP8L\x05\0\0\0\x2f\0\0\0\0", 43,
         "picture of 1 x 1 pixels does not fit its canvas of 2 x 2"},
        {"RIFF\x3a\0\0\0WEBPVP8X\x0a\0\0\0\x10\0\0\0\0\0\0\0\0\0ALPH\x01\0\0\0\0\0VP8L\x05\0\0\0\x2f\0\0\0\0",
         53, "alpha beside a lossless picture"},
        {"RIFF\x42\0\0\0WEBPVP8X\x0a\0\0\0\2\0\0\0\1\0\0\1\0\0ANMF\x1d\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
         "VP8L\x05\0\0\0\x2f\0\0\0\0\0",
         68, "first frame of 1 x 1 pixels does not fit its canvas of 2 x 2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refused((const uint8_t *)cases[i].bytes, cases[i].size, 0, cases[i].says);
    check_end();
}

static void later(vector *v)
{
    if (strcmp(v->name, "lossy-odd") != 0 && strcmp(v->name, "lossy-turned") != 0) return;
    kin_image image;
    kin_error err = {0};
    bool turned = v->name[6] == 't';
    v->bytes[4] += 4; /* the file is said to be longer */
    CHECK_MSG(kin_image_decode(v->bytes, v->size, NULL, &image, &err), "%s", err.message);
    CHECK_TEXT(image.remark ? image.remark : "", "cut short behind its picture");
    kin_image_free(&image);
    if (!turned) return;
    CHECK(kin_image_decode(v->bytes, v->size - 8, NULL, &image, &err) && image.remark);
    kin_image_free(&image);
}

static void tolerance(void)
{
    check_begin("webp: what is missing behind the picture is remarked on");
    each_vector(list, later);
    check_end();
}

static void over_colour(vector *v)
{
    if (strcmp(v->name, "moving-placed") != 0) return;
    kin_image image;
    kin_error err = {0};
    kin_image_limits limits = {.background = KIN_BACKGROUND | 0x102030};
    CHECK_MSG(kin_image_decode(v->bytes, v->size, &limits, &image, &err), "%s", err.message);
    CHECK(image.channels == 3 && memcmp(image.data, "\x10\x20\x30", 3) == 0);
    kin_image_free(&image);
}

static void background(void)
{
    check_begin("webp: alpha is laid over a background, as PNG's is");
    each_vector(list, over_colour);
    check_end();
}

int main(void)
{
    pixels();
    damage();
    one_colour();
    large_promises();
    codes();
    impossible();
    groups();
    containers();
    tolerance();
    background();
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
