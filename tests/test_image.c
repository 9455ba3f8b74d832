/* Pictures: PngSuite, damaged files, PNM, resizing against Pillow's own output, inflate. */
#include "base/memory.h"
#include "base/random.h"
#include "data/images/image.h"
#include "data/images/inflate.h"
#include "tests/support/check.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An RGBA PAM of 8 or 16 bits as PngSuite's expected pixels come; `wide` receives bytes a sample. */
static const uint8_t *pam_pixels(const kin_bytes *b, int *width, int *height, int *wide)
{
    int most = 0;
    const char *text = (const char *)b->data, *end = strstr(text, "ENDHDR\n");
    const char *w = strstr(text, "WIDTH "), *h = strstr(text, "HEIGHT "), *m = strstr(text, "MAXVAL ");
    if (!end || !w || !h || !m) return NULL;
    *width = (int)strtol(w + 6, NULL, 10), *height = (int)strtol(h + 7, NULL, 10),
    most = (int)strtol(m + 7, NULL, 10);
    *wide = most > 255 ? 2 : 1;
    return (const uint8_t *)end + 7;
}

static void compare_pixels(const char *name, const kin_image *image, const kin_bytes *expected)
{
    int width, height, wide;
    const uint8_t *want = pam_pixels(expected, &width, &height, &wide);
    CHECK_MSG(want && width == image->width && height == image->height, "%s: another size", name);
    if (!want || width != image->width || height != image->height) return;
    for (int i = 0; i < width * height; i++) {
        const uint8_t *p = image->data + (size_t)i * (size_t)image->channels;
        int grey = image->channels <= 2, alpha = image->channels % 2 == 0;
        for (int c = 0; c < 4; c++) {
            int got = c == 3 ? (alpha ? p[image->channels - 1] : 255) : p[grey ? 0 : c],
                should = want[(i * 4 + c) * wide];
            CHECK_MSG(got == should, "%s: pixel %d channel %d is %d, not %d", name, i, c, got, should);
        }
    }
}

static void png_suite(void)
{
    check_begin("png: all of PngSuite, the broken ones refused");
    const char *found = check_data("pngsuite");
    if (!found) {
        check_skip("PngSuite is not here");
        return;
    }
    char folder[1024], path[2048];
    snprintf(folder, sizeof folder, "%s", found);
    DIR *dir = opendir(folder);
    int good = 0, refused = 0;
    for (struct dirent *e; dir && (e = readdir(dir));) {
        size_t n = strlen(e->d_name);
        if (n < 5 || strcmp(e->d_name + n - 4, ".png") != 0) continue;
        kin_image image;
        kin_error err = {0};
        kin_bytes expected;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        bool ok = kin_image_read(path, NULL, &image, &err);
        snprintf(path, sizeof path, "%s/%.*s.pam", folder, (int)n - 4, e->d_name);
        /* Names with an x are the broken ones; two of them have pixels for readers that skip checksums. */
        if (!kin_exists(path) || e->d_name[0] == 'x') {
            CHECK_MSG(!ok, "%s is broken, but was read", e->d_name);
            CHECK_TEXT(err.message, e->d_name);
            refused++;
        } else {
            CHECK_MSG(ok, "%s", err.message);
            kin_error_clear(&err);
            CHECK(kin_read_file(path, 0, &expected, &err));
            if (ok) compare_pixels(e->d_name, &image, &expected);
            kin_bytes_free(&expected);
            good++;
        }
        kin_image_free(&image);
    }
    if (dir) closedir(dir);
    CHECK_MSG(good > 100 && refused > 5, "%d read, %d refused", good, refused);
    check_end();
}

static kin_image picture(int width, int height, int channels, uint64_t seed)
{
    kin_image image;
    kin_error err = {0};
    kin_image_new(&image, width, height, channels, &err);
    for (int i = 0; i < width * height * channels; i++)
        image.data[i] = (uint8_t)(seed ? kin_random_below(seed, (uint64_t)i, 256)
                                       : (unsigned)(i * 7 / 3 + i / width * 5));
    return image;
}

static void png_round_trip(void)
{
    check_begin("png: what is written is read back, for every channel count");
    for (int channels = 1; channels <= 4; channels++)
        for (int noise = 0; noise < 2; noise++) {
            kin_image image = picture(37, 23, channels, (uint64_t)noise), again;
            kin_bytes bytes;
            kin_error err = {0};
            CHECK(kin_png_encode(&image, &bytes, &err) &&
                  kin_image_decode(bytes.data, bytes.size, NULL, &again, &err));
            CHECK_MSG(!kin_failed(&err), "%s", err.message);
            CHECK(again.channels == channels &&
                  memcmp(again.data, image.data, (size_t)(37 * 23 * channels)) == 0);
            kin_image_free(&again), kin_image_free(&image), kin_bytes_free(&bytes);
        }
    check_end();
}

/* Its end mark, the last twelve bytes, may be missing or wrong: the picture is there, and a remark. */
static void damaged(const kin_bytes *bytes, size_t size, bool must, const char *what)
{
    kin_image out;
    kin_error err = {0};
    bool ok = kin_image_decode(bytes->data, size, NULL, &out, &err);
    CHECK_MSG(ok == must && (!ok || out.remark), "%s: %zu of %zu bytes, %s", what, size, bytes->size,
              ok ? "taken without a remark" : err.message);
    kin_image_free(&out);
}

static void png_damage(void)
{
    check_begin("png: cut at any byte or with any byte changed it is refused, and nothing leaks");
    kin_image image = picture(9, 7, 3, 3), out;
    kin_bytes bytes;
    kin_error err = {0};
    CHECK(kin_png_encode(&image, &bytes, &err));
    long alive = kin_alloc_live();
    for (size_t at = 0; at < bytes.size; at++) {
        bool end = at >= bytes.size - 12;
        damaged(&bytes, at, end, "cut");
        uint8_t old = bytes.data[at];
        bytes.data[at] ^= 0x40;
        damaged(&bytes, bytes.size, end, "a byte changed");
        bytes.data[at] = old;
    }
    CHECK(kin_alloc_live() == alive);
    for (long n = 1; n < 50; n++) {
        kin_error_clear(&err);
        kin_alloc_fail_at(n);
        bool ok = kin_image_decode(bytes.data, bytes.size, NULL, &out, &err),
             reached = kin_alloc_pending() == 0;
        kin_alloc_fail_at(0);
        CHECK(ok == !reached && (ok || err.code == KIN_ERR_MEMORY));
        kin_image_free(&out);
        CHECK(kin_alloc_live() == alive);
        if (!reached) break;
    }
    kin_error_clear(&err);
    CHECK(!kin_image_decode(bytes.data, bytes.size, &(kin_image_limits){.max_pixels = 62}, &out, &err));
    CHECK_TEXT(err.message, "9 x 7 pixels are more than the 62 allowed");
    kin_bytes_free(&bytes);
    kin_image_free(&image);
    check_end();
}

static void kinds(void)
{
    check_begin("images: every kind is named in the refusal");
    static const struct {
        const char *bytes, *name;
        size_t size;
    } known[] = {{"\xff\xd8\xff\xe0....", "JPEG", 8},
                 {"GIF89a..", "GIF", 8},
                 {"RIFF....WEBPVP8 ", "WebP", 16},
                 {"....ftypavif", "AVIF", 12},
                 {"....ftypheic", "HEIC", 12},
                 {"II*\0....", "TIFF", 8},
                 {"BM......", "BMP", 8},
                 {"hello, world", "no picture", 12}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        kin_image out;
        kin_error err = {0};
        CHECK(!kin_image_decode((const uint8_t *)known[i].bytes, known[i].size, NULL, &out, &err));
        CHECK_TEXT(err.message, known[i].name);
    }
    check_end();
}

static void pnm(void)
{
    check_begin("pnm: every kind, comments, 16 bits; cut short it is refused");
    static const struct {
        const char *text;
        size_t size;
        int width, height, channels;
        uint8_t first, last;
    } cases[] = {
        {"P1\n# c\n3 2\n1 0 1\n010", 20, 3, 2, 1, 0, 255},
        {"P2 2 2 15 0 15 5 10", 19, 2, 2, 1, 0, 170},
        {"P3\n1 1\n255\n1 2 3", 16, 1, 1, 3, 1, 3},
        {"P4\n9 1\n\x80\x80", 9, 9, 1, 1, 0, 0},
        {"P5 2 1 255 \x07\x08", 13, 2, 1, 1, 7, 8},
        {"P5 1 1 65535 \x80\x01", 15, 1, 1, 1, 128, 128},
        {"P6 1 1 255 abc", 14, 1, 1, 3, 'a', 'c'},
        {"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\nabcd", 69, 1, 1, 4, 'a',
         'd'},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kin_image out;
        kin_error err = {0};
        size_t size = cases[i].size;
        CHECK_MSG(kin_image_decode((const uint8_t *)cases[i].text, size, NULL, &out, &err), "%zu: %s", i,
                  err.message);
        if (!out.data) continue;
        CHECK(out.width == cases[i].width && out.height == cases[i].height &&
              out.channels == cases[i].channels);
        CHECK_MSG(out.data[0] == cases[i].first &&
                      out.data[out.width * out.height * out.channels - 1] == cases[i].last,
                  "case %zu", i);
        kin_image_free(&out);
        if (i != 1 && i != 2)
            CHECK(!kin_image_decode((const uint8_t *)cases[i].text, size - 1, NULL, &out, &err));
    }
    check_end();
}

/* tests/golden/resize.txt: width height channels filter new_width new_height checksum, made with Pillow
 * from the same pixels (SplitMix64 as in base/random.c). */
static void resizing(void)
{
    check_begin("resize: every sample as Pillow's");
    FILE *golden = fopen("tests/golden/resize.txt", "r");
    CHECK(golden);
    int w, h, channels, filter, nw, nh, cases = 0;
    unsigned sum;
    while (golden &&
           fscanf(golden, "%d %d %d %d %d %d %u", &w, &h, &channels, &filter, &nw, &nh, &sum) == 7) {
        kin_image image = picture(w, h, channels, 11), out;
        kin_error err = {0};
        CHECK(kin_image_resize(&image, nw, nh, (kin_filter)filter, &out, &err));
        uint32_t got = kin_crc32(0, out.data, (size_t)(nw * nh * channels));
        CHECK_MSG(got == sum, "%d x %d x %d to %d x %d with filter %d differs", w, h, channels, nw, nh,
                  filter);
        kin_image_free(&image), kin_image_free(&out);
        cases++;
    }
    if (golden) fclose(golden);
    CHECK(cases >= 100);
    check_end();
}

static void packing(void)
{
    check_begin("inflate: packed data comes back, damage and bombs are refused");
    kin_error err = {0};
    for (size_t size = 0; size < 70000; size = size * 3 + 1) {
        uint8_t *data = kin_alloc(size);
        for (size_t i = 0; i < size; i++) data[i] = (uint8_t)(i % 3 ? i / 100 : kin_random_bits(1, i) >> 56);
        kin_bytes packed, out;
        CHECK(kin_zlib_pack(data, size, &packed, &err) &&
              kin_zlib_unpack(packed.data, packed.size, size, &out, &err));
        CHECK_MSG(!kin_failed(&err) && out.size == size && memcmp(out.data, data, size) == 0, "%zu bytes: %s",
                  size, err.message);
        kin_bytes_free(&out);
        if (size > 1) CHECK(!kin_zlib_unpack(packed.data, packed.size, size - 1, &out, &err));
        kin_error_clear(&err);
        kin_bytes_free(&packed);
        kin_free(data);
    }
    static const uint8_t hello_gz[] = {0x1f, 0x8b, 8, 0, 0,    0,    0,    0,    0, 3, 0xcb, 0x48, 0xcd,
                                       0xc9, 0xc9, 7, 0, 0x86, 0xa6, 0x10, 0x36, 5, 0, 0,    0};
    kin_bytes out;
    CHECK(kin_gunzip(hello_gz, sizeof hello_gz, 100, &out, &err) && out.size == 5 &&
          memcmp(out.data, "hello", 5) == 0);
    kin_bytes_free(&out);
    for (size_t i = 0; i < sizeof hello_gz; i++) CHECK(!kin_gunzip(hello_gz, i, 100, &out, &err));
    check_end();
}

static void conversion(void)
{
    check_begin("images: grey as Pillow's L, alpha dropped");
    kin_image image;
    kin_error err = {0};
    kin_image_new(&image, 2, 1, 4, &err);
    memcpy(image.data, (uint8_t[]){255, 0, 0, 9, 10, 200, 30, 255}, 8);
    CHECK(kin_image_convert(&image, 1, &err) && image.data[0] == 76 && image.data[1] == 124);
    CHECK(kin_image_convert(&image, 3, &err) && image.data[2] == 76 && image.data[5] == 124);
    kin_image_free(&image);
    check_end();
}

int main(void)
{
    png_suite();
    png_round_trip();
    png_damage();
    kinds();
    pnm();
    resizing();
    packing();
    conversion();
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
