/* JPEG: sample for sample what Pillow decodes, whole and reduced; damaged files decode or are refused;
 * every instruction set alike. */
#include "base/memory.h"
#include "data/images/image.h"
#include "data/images/inflate.h"
#include "data/images/jpeg.h"
#include "kernels/isa.h"
#include "tests/support/check.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct golden {
    char path[512];
    int scale, width, height, channels;
    unsigned long crc;
} golden;

static int reduced(int side, int scale) { return (side + scale - 1) / scale; }

static void compare(const golden *g, const kin_image *whole, const kin_bytes *bytes)
{
    kin_image image = {0};
    kin_error err = {0};
    int w = reduced(whole->width, g->scale), h = reduced(whole->height, g->scale);
    kin_image_limits limits = {.reduce_to = g->scale > 1 ? (w < h ? w : h) : 0};
    CHECK_MSG(kin_image_decode(bytes->data, bytes->size, &limits, &image, &err), "%s: %s", g->path,
              err.message);
    if (kin_failed(&err)) return;
    /* Pillow floors the size it is asked for: tiny pictures stay larger there. */
    if (image.width == g->width && image.height == g->height && (g->scale == 1 || whole->width > 16)) {
        uint32_t crc = kin_crc32(0, image.data,
                                 (size_t)image.width * (size_t)image.height * (size_t)image.channels);
        CHECK_MSG(image.channels == g->channels && crc == g->crc,
                  "%s at 1/%d is not what libjpeg makes of it", g->path, g->scale);
    } else {
        CHECK_MSG(g->scale > 1, "%s is %d x %d, not %d x %d", g->path, image.width, image.height, g->width,
                  g->height);
    }
    kin_image_free(&image);
}

static bool next_golden(FILE *list, golden *g)
{
    return fscanf(list, "%511s %d %d %d %d %lu", g->path, &g->scale, &g->width, &g->height, &g->channels,
                  &g->crc) == 6;
}

static void like_libjpeg(void)
{
    for (int i = 0; kin_isa_list(i); i++) {
        const char *isa = kin_isa_list(i);
        if (i >= KIN_ISA_REAL && !kin_isa_has(isa)) continue;
        check_begin("jpeg: every sample as libjpeg-turbo's, whole and at 1/2, 1/4, 1/8 (%s)", isa);
        FILE *list = fopen("tests/golden/jpeg.txt", "r");
        CHECK(list != NULL);
        if (!check_data("jpeg-reftest") || !kin_isa_set(isa)) {
            if (list) fclose(list);
            check_skip(check_data("jpeg-reftest") ? "this machine has no such instructions"
                                                  : "the JPEGs are not here");
            continue;
        }
        golden g;
        char last[512] = "";
        kin_bytes bytes = {0};
        kin_image whole = {0};
        int compared = 0;
        for (; list && next_golden(list, &g); compared++) {
            kin_error err = {0};
            if (strcmp(last, g.path) != 0) {
                const char *path = check_data(g.path);
                kin_bytes_free(&bytes);
                kin_image_free(&whole);
                CHECK_MSG(path && kin_read_file(path, 0, &bytes, &err) &&
                              kin_image_decode(bytes.data, bytes.size, NULL, &whole, &err),
                          "%s: %s", g.path, err.message);
                snprintf(last, sizeof last, "%s", g.path);
            }
            compare(&g, &whole, &bytes);
        }
        kin_bytes_free(&bytes);
        kin_image_free(&whole);
        if (list) fclose(list);
        CHECK_MSG(compared > 400, "only %d compared", compared);
        kin_isa_set(NULL);
        check_end();
    }
}

/* Mean absolute difference of two pictures of one size. */
static double difference(const kin_image *a, const kin_image *b)
{
    double sum = 0;
    size_t count = (size_t)a->width * (size_t)a->height * (size_t)a->channels;
    for (size_t i = 0; i < count; i++) sum += abs(a->data[i] - b->data[i]);
    return sum / (double)count;
}

static void orientation(void)
{
    check_begin("jpeg: all EXIF orientations come out the same way up");
    if (!check_data("jpeg-exif-orientation")) {
        check_skip("the pictures are not here");
        return;
    }
    static const char *const kinds[] = {"Landscape", "Portrait"};
    for (int k = 0; k < 2; k++) {
        kin_image first = {0};
        for (int i = 0; i <= 8; i++) {
            char name[64];
            kin_image image, small;
            kin_error err = {0};
            snprintf(name, sizeof name, "jpeg-exif-orientation/%s_%d.jpg", kinds[k], i);
            const char *path = check_data(name);
            CHECK_MSG(path && kin_image_read(path, &(kin_image_limits){.reduce_to = 100}, &image, &err),
                      "%s: %s", name, err.message);
            if (!path || kin_failed(&err)) continue;
            CHECK_MSG((image.width > image.height) == (k == 0), "%s lies on its side", name);
            CHECK(kin_image_resize(&image, k ? 48 : 64, k ? 64 : 48, KIN_FILTER_BOX, &small, &err));
            kin_image_free(&image);
            if (i == 0) first = small;
            else {
                CHECK_MSG(difference(&first, &small) < 6, "%s differs from the first by %.1f levels", name,
                          difference(&first, &small));
                kin_image_free(&small);
            }
        }
        kin_image_free(&first);
    }
    check_end();
}

static void crash_tests(const char *folder, int *decoded, int *refused)
{
    char path[2048], kept[1024];
    snprintf(kept, sizeof kept, "%s", folder);
    DIR *dir = opendir(kept);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        size_t n = strlen(e->d_name);
        if (n < 4 || strcmp(e->d_name + n - 4, ".jpg") != 0) continue;
        kin_image image;
        kin_error err = {0};
        snprintf(path, sizeof path, "%s/%s", kept, e->d_name);
        if (kin_image_read(path, NULL, &image, &err)) {
            (*decoded)++;
            kin_image_free(&image);
        } else {
            CHECK_TEXT(err.message, e->d_name);
            (*refused)++;
        }
    }
    if (dir) closedir(dir);
}

static void malformed(void)
{
    check_begin("jpeg: malformed files decode or are refused by name");
    const char *folder = check_data("jpeg-crashtest");
    int decoded = 0, refused = 0;
    if (!folder) {
        check_skip("the malformed JPEGs are not here");
        return;
    }
    crash_tests(folder, &decoded, &refused);
    crash_tests(check_data("jpeg-crashtest/imagetestsuite"), &decoded, &refused);
    CHECK_MSG(decoded > 10 && refused > 50, "%d decoded, %d refused", decoded, refused);
    check_end();
}

/* A small picture of everything a baseline file has, made here: grey, restart interval, one Huffman code
 * of annex K left out. */
static size_t small_jpeg(uint8_t *to)
{
    static const uint8_t head[] = {0xff, 0xd8, 0xff, 0xdb, 0, 67, 0};
    static const uint8_t frame[] = {0xff, 0xc0, 0, 11, 8,    0,    16, 0, 24, 1, 1, 0x11, 0,  0xff, 0xdd,
                                    0,    4,    0, 2,  0xff, 0xda, 0,  8, 1,  1, 0, 0,    63, 0};
    /* Blocks of the standard code: DC size 2 (011) with its bits, end of block (1010). */
    static const uint8_t scan[] = {0x7d, 0x3e, 0xbf, 0xff, 0xd0, 0x7d, 0x3e, 0xbf,
                                   0xff, 0xd1, 0x7d, 0x3e, 0xbf, 0xff, 0xd9};
    uint8_t *at = to;
    memcpy(at, head, sizeof head), at += sizeof head;
    memset(at, 16, 64), at += 64;
    memcpy(at, frame, sizeof frame), at += sizeof frame;
    memcpy(at, scan, sizeof scan), at += sizeof scan;
    return (size_t)(at - to);
}

static void truncation(void)
{
    check_begin("jpeg: cut anywhere, a file decodes with a remark or is refused");
    uint8_t bytes[256], cut[256];
    size_t size = small_jpeg(bytes);
    for (size_t n = 0; n <= size; n++) {
        kin_image image;
        kin_error err = {0};
        memcpy(cut, bytes, n);
        bool ok = kin_image_decode(cut, n, NULL, &image, &err);
        CHECK_MSG(ok || kin_failed(&err), "no error for %d bytes", (int)n);
        if (ok)
            CHECK_MSG(n == size ? image.remark == NULL : image.remark != NULL, "%d bytes: %s", (int)n,
                      image.remark ? image.remark : "no remark");
        if (n == size) CHECK(ok && image.width == 24 && image.height == 16 && image.channels == 1);
        kin_image_free(&image);
    }
    check_end();
}

static void refusal(size_t at, uint8_t value, const char *says)
{
    uint8_t bytes[256];
    kin_image image;
    kin_error err = {0};
    size_t size = small_jpeg(bytes);
    bytes[at] = value;
    CHECK_MSG(!kin_image_decode(bytes, size, NULL, &image, &err), "byte %d = %d was read", (int)at, value);
    CHECK_TEXT(err.message, says);
}

static void refusals(void)
{
    check_begin("jpeg: what is not read is refused by name");
    refusal(72, 0xc9, "arithmetic-coded");
    refusal(72, 0xc3, "lossless");
    refusal(72, 0xc5, "hierarchical");
    refusal(75, 12, "12 bits");
    refusal(77, 0, "size 24 x 0");
    refusal(80, 2, "2 components");
    refusal(82, 0x50, "sampling 5x0");
    refusal(72, 0xe9, "scan before its frame");
    refusal(3, 0xe0, "no quantisation table");
    uint8_t bytes[256];
    kin_image image;
    kin_error err = {0};
    size_t size = small_jpeg(bytes);
    CHECK(!kin_image_decode(bytes, size, &(kin_image_limits){.max_pixels = 100}, &image, &err));
    CHECK_TEXT(err.message, "--max-pixels");
    check_end();
}

static void failed_allocations(void)
{
    check_begin("jpeg: a failed allocation at every point is an error and loses nothing");
    uint8_t bytes[256];
    size_t size = small_jpeg(bytes);
    bytes[72] = 0xc2; /* progressive: coefficients too */
    bytes[size - 17] = 0;
    for (int n = 1; n < 20; n++) {
        kin_image image;
        kin_error err = {0};
        long before = kin_alloc_live();
        kin_alloc_fail_at(n);
        bool ok = kin_image_decode(bytes, size, NULL, &image, &err);
        bool reached = !kin_alloc_pending();
        kin_alloc_fail_at(0);
        CHECK_MSG(ok || err.code == KIN_ERR_MEMORY || !reached, "allocation %d: %s", n, err.message);
        if (ok) kin_image_free(&image);
        CHECK(kin_alloc_live() == before);
        if (!reached) break;
    }
    check_end();
}

static void codes(void)
{
    check_begin("jpeg: code tables that are none are refused");
    static kin_jpeg_code code;
    uint8_t counts[16] = {3}, values[256] = {0};
    CHECK(!kin_jpeg_code_make(&code, counts, values, false)); /* three codes of one bit */
    memset(counts, 255, sizeof counts);
    CHECK(!kin_jpeg_code_make(&code, counts, values, false));
    for (int table = 0; table < 2; table++)
        for (int dc = 0; dc < 2; dc++) CHECK(kin_jpeg_code_standard(&code, table, dc));
    check_end();
}

int main(void)
{
    like_libjpeg();
    orientation();
    malformed();
    truncation();
    refusals();
    failed_allocations();
    codes();
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
