/* BMP against Pillow, JPEGs that kin writes against libjpeg's, Netpbm there and back; kinds that are not
 * read. */
#include "base/memory.h"
#include "base/random.h"
#include "data/images/image.h"
#include "data/images/inflate.h"
#include "tests/support/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void compare_hex(const char *name, const kin_image *image, const char *hex)
{
    size_t n = (size_t)image->width * (size_t)image->height * (size_t)image->channels;
    CHECK_MSG(strlen(hex) == 2 * n, "%s: %d samples", name, (int)n);
    for (size_t i = 0; i < n && strlen(hex) == 2 * n; i++) {
        char two[3] = {hex[2 * i], hex[2 * i + 1], 0};
        CHECK_MSG(image->data[i] == strtol(two, NULL, 16), "%s: sample %d is %02x, not %s", name, (int)i,
                  image->data[i], two);
    }
}

static void bmp(void)
{
    check_begin("bmp: palettes, run lengths, bit fields, from either end, as Pillow reads them");
    FILE *list = fopen("tests/golden/bmp/expected.txt", "r");
    static char name[32], hex[4096], path[128];
    int width, height, channels, count = 0;
    for (; list && fscanf(list, "%31s %d %d %d %4095s", name, &width, &height, &channels, hex) == 5;
         count++) {
        kin_image image;
        kin_error err = {0};
        snprintf(path, sizeof path, "tests/golden/bmp/%s.bmp", name);
        CHECK_MSG(kin_image_read(path, NULL, &image, &err), "%s", err.message);
        CHECK_MSG(image.width == width && image.height == height && image.channels == channels,
                  "%s is %d x %d x %d", name, image.width, image.height, image.channels);
        if (image.channels == channels) compare_hex(name, &image, hex);
        kin_image_free(&image);
    }
    if (list) fclose(list);
    CHECK(count > 10);
    check_end();
}

static void damaged_bmp(void)
{
    check_begin("bmp: cut anywhere, a file is refused; impossible headers too");
    kin_bytes b;
    kin_error err = {0};
    CHECK(kin_read_file("tests/golden/bmp/pal4.bmp", 0, &b, &err));
    for (size_t n = 2; n < b.size; n++) {
        kin_image image;
        kin_error inner = {0};
        CHECK_MSG(!kin_image_decode(b.data, n, NULL, &image, &inner), "%d bytes were read", (int)n);
        CHECK_TEXT(inner.message, "BMP");
    }
    static const struct {
        int at, value;
        const char *says;
    } changes[] = {{14, 13, "length of 13"},
                   {28, 3, "3 bits"},
                   {30, 9, "compression 9"},
                   {18, 0, "impossible size"},
                   {21, 127, "impossible size"}};
    for (int i = 0; i < 5; i++) {
        kin_image image;
        kin_error inner = {0};
        uint8_t kept = b.data[changes[i].at];
        b.data[changes[i].at] = (uint8_t)changes[i].value;
        CHECK(!kin_image_decode(b.data, b.size, NULL, &image, &inner));
        CHECK_TEXT(inner.message, changes[i].says);
        b.data[changes[i].at] = kept;
    }
    kin_bytes_free(&b);
    check_end();
}

/* 16 x 16 in run lengths of 8 bits; `runs` are the bytes of the runs. */
static bool decode_runs(const uint8_t *runs, size_t count, kin_image *image, kin_error *err)
{
    enum { HEAD = 54, PALETTE = 8 };
    uint8_t *b = kin_alloc_zero(1, HEAD + PALETTE + count);
    if (!b) return false;
    memcpy(b, "BM", 2);
    b[10] = HEAD + PALETTE, b[14] = 40, b[18] = 16, b[22] = 16, b[26] = 1, b[28] = 8, b[30] = 1, b[46] = 2;
    memset(b + HEAD + 4, 255, 4); /* colour 1 is white */
    memcpy(b + HEAD + PALETTE, runs, count);
    bool ok = kin_image_decode(b, HEAD + PALETTE + count, NULL, image, err);
    kin_free(b);
    return ok;
}

static void endless_bmp(void)
{
    check_begin("bmp: more than two thousand million columns of jumps end at the right edge");
    size_t jumps = ((size_t)1 << 31) / 255 + 2, count = 4 * jumps + 4;
    uint8_t *runs = kin_alloc(count);
    for (size_t i = 0; runs && i < jumps; i++) memcpy(runs + 4 * i, "\0\2\xff", 4);
    if (runs) memcpy(runs + 4 * jumps, "\x08\1\0\1", 4);
    kin_image image = {0};
    kin_error err = {0};
    CHECK_MSG(runs && decode_runs(runs, count, &image, &err), "%s", err.message);
    for (size_t i = 0; image.data && i < 16 * 16 * 3; i++) CHECK(image.data[i] == 0);
    kin_image_free(&image);
    kin_free(runs);

    static const uint8_t few[] = {0, 2, 3, 0, 2, 1, 0, 2, 255, 255, 1, 1, 0, 1};
    CHECK(decode_runs(few, sizeof few, &image, &err));
    for (size_t i = 0; image.data && i < 16 * 16; i++)
        CHECK(image.data[3 * i] == (i == 15 * 16 + 3 || i == 15 * 16 + 4 ? 255 : 0));
    kin_image_free(&image);
    check_end();
}

/* A picture that both sides compute. */
static void draw(kin_image *image, int width, int height, int channels)
{
    kin_error err = {0};
    CHECK(kin_image_new(image, width, height, channels, &err));
    for (int i = 0; i < width * height * channels; i++) {
        int x = i / channels % width, y = i / channels / width, c = i % channels;
        image->data[i] = (uint8_t)((x * x * 3 + y * 7 * (c + 1) + (x ^ y) * (5 - c)) & 255);
    }
}

static void jpeg(void)
{
    check_begin("jpeg: what kin writes decodes to the samples of libjpeg's own file");
    FILE *list = fopen("tests/golden/jpeg_encode.txt", "r");
    int width, height, channels, quality, full, count = 0;
    unsigned long crc;
    for (; list && fscanf(list, "%d %d %d %d %d %lu", &width, &height, &channels, &quality, &full, &crc) == 6;
         count++) {
        kin_image image, back;
        kin_bytes bytes;
        kin_error err = {0};
        draw(&image, width, height, channels);
        CHECK_MSG(kin_jpeg_encode(&image, &(kin_jpeg_opt){.quality = quality, .no_subsampling = full}, &bytes,
                                  &err),
                  "%s", err.message);
        CHECK_MSG(kin_image_decode(bytes.data, bytes.size, NULL, &back, &err) && !back.remark, "%s",
                  err.message);
        CHECK(back.width == width && back.height == height && back.channels == channels);
        CHECK_MSG(kin_crc32(0, back.data, (size_t)width * (size_t)height * (size_t)channels) == crc,
                  "%d x %d x %d, quality %d", width, height, channels, quality);
        kin_bytes_free(&bytes);
        kin_image_free(&back);
        kin_image_free(&image);
    }
    if (list) fclose(list);
    CHECK(count > 30);
    check_end();
}

static void jpeg_refusals(void)
{
    check_begin("jpeg: alpha, impossible qualities and failed allocations are errors of the writer");
    kin_image image;
    kin_bytes bytes;
    kin_error err = {0};
    draw(&image, 9, 9, 4);
    CHECK(!kin_jpeg_encode(&image, NULL, &bytes, &err));
    CHECK_TEXT(err.message, "not 4");
    kin_error_clear(&err);
    image.channels = 3;
    CHECK(!kin_jpeg_encode(&image, &(kin_jpeg_opt){.quality = 101}, &bytes, &err));
    CHECK_TEXT(err.message, "101");
    for (int n = 1; n < 40; n++) {
        kin_error inner = {0};
        long live = kin_alloc_live();
        kin_alloc_fail_at(n);
        bool ok = kin_jpeg_encode(&image, NULL, &bytes, &inner), reached = !kin_alloc_pending();
        kin_alloc_fail_at(0);
        CHECK(ok == !reached && (ok || inner.code == KIN_ERR_MEMORY));
        if (ok) kin_bytes_free(&bytes);
        CHECK(kin_alloc_live() == live);
        if (!reached) break;
    }
    kin_image_free(&image);
    check_end();
}

static void writing(void)
{
    check_begin("pictures: every kind that is written reads back; unknown kinds are refused");
    static const char *const names[] = {"a.png", "a.ppm", "a.pam", "a.jpg"};
    for (int channels = 1; channels <= 4; channels++)
        for (int i = 0; i < 4; i++) {
            kin_image image, back;
            kin_error err = {0};
            if (i == 3 && channels % 2 == 0) continue;
            draw(&image, 11, 6, channels);
            CHECK_MSG(kin_image_write(check_path(names[i]), NULL, &image, &(kin_jpeg_opt){.quality = 100},
                                      &err) &&
                          kin_image_read(check_path(names[i]), NULL, &back, &err),
                      "%s", err.message);
            CHECK_MSG(back.channels == channels && back.width == 11 &&
                          (i == 3 || memcmp(back.data, image.data, (size_t)(66 * channels)) == 0),
                      "%s with %d channels", names[i], channels);
            kin_image_free(&image);
            kin_image_free(&back);
        }
    kin_image image;
    kin_error err = {0};
    draw(&image, 2, 2, 3);
    CHECK(!kin_image_write(check_path("a.webp"), NULL, &image, NULL, &err));
    CHECK_TEXT(err.message, "webp");
    kin_image_free(&image);
    check_end();
}

static void foreign(void)
{
    check_begin("pictures: kinds that are not read are named in the refusal, with what converts them");
    static const struct {
        const char *bytes;
        size_t size;
        const char *name;
    } kinds[] = {
        {"\0\0\0\x1c"
         "ftypavif",
         12, "AVIF"},
        {"\0\0\0\x1c"
         "ftypheic",
         12, "HEIC"},
        {"II*\0\1\2\3\4", 8, "TIFF"},
        {"\xff\x0a......", 8, "JPEG XL"},
        {"\0\0\0\x0cjP  \r\n\x87\n", 12, "JPEG 2000"},
        {"8BPS....", 8, "Photoshop"},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        kin_image image;
        kin_error err = {0};
        CHECK(!kin_image_decode((const uint8_t *)kinds[i].bytes, kinds[i].size, NULL, &image, &err));
        CHECK_TEXT(err.message, kinds[i].name);
        CHECK_TEXT(err.message, "convert it first (");
    }
    check_end();
}

int main(void)
{
    bmp();
    damaged_bmp();
    endless_bmp();
    jpeg();
    jpeg_refusals();
    writing();
    foreign();
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
