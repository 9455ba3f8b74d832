#include "tests/support/vectors.h"

#include "base/memory.h"
#include "data/images/image.h"
#include "data/images/inflate.h"
#include "tests/support/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef KIN_DOUBLE /* pictures are no part of the double library */

static size_t from_hex(const char *hex, uint8_t *out, size_t room)
{
    size_t n = 0;
    for (; hex[2 * n] && hex[2 * n + 1] && n < room; n++) {
        char two[3] = {hex[2 * n], hex[2 * n + 1], 0};
        out[n] = (uint8_t)strtol(two, NULL, 16);
    }
    return n;
}

int each_vector(const char *path, void (*use)(vector *v))
{
    static vector v;
    static char hex[2 * sizeof v.bytes + 1];
    FILE *list = fopen(path, "r");
    int count = 0;
    for (; list && fscanf(list, "%63s %d %d %d %lu %16384s", v.name, &v.width, &v.height, &v.channels, &v.crc,
                          hex) == 6;
         count++) {
        v.size = from_hex(hex, v.bytes, sizeof v.bytes);
        use(&v);
    }
    if (list) fclose(list);
    return count;
}

/* The bytes in a block of their own, so that sanitizers see whoever reads beyond them. */
static bool decode(const uint8_t *bytes, size_t size, const kin_image_limits *limits, kin_image *out,
                   kin_error *err)
{
    uint8_t *exact = malloc(size + !size);
    *out = (kin_image){0};
    if (!exact) return false;
    if (size) memcpy(exact, bytes, size);
    bool ok = kin_image_decode(exact, size, limits, out, err);
    free(exact);
    return ok;
}

void vector_decodes(vector *v)
{
    kin_image image;
    kin_error err = {0};
    bool ok = decode(v->bytes, v->size, NULL, &image, &err);
    CHECK_MSG(ok && !image.remark, "%s: %s", v->name, ok ? image.remark : err.message);
    CHECK_MSG(image.width == v->width && image.height == v->height && image.channels == v->channels,
              "%s is %d x %d x %d", v->name, image.width, image.height, image.channels);
    size_t samples = (size_t)image.width * (size_t)image.height * (size_t)image.channels;
    CHECK_MSG(ok && kin_crc32(0, image.data, samples) == v->crc, "%s has other pixels", v->name);
    kin_image_free(&image);
}

void vector_fails_whole(vector *v)
{
    long live = kin_alloc_live();
    for (long n = 1; n < 400; n++) {
        kin_image image;
        kin_error err = {0};
        kin_alloc_fail_at(n);
        bool ok = kin_image_decode(v->bytes, v->size, NULL, &image, &err), reached = kin_alloc_pending() == 0;
        kin_alloc_fail_at(0);
        CHECK_MSG(ok == !reached && (ok || err.code == KIN_ERR_MEMORY), "%s: allocation %ld", v->name, n);
        kin_image_free(&image);
        CHECK_MSG(kin_alloc_live() == live, "%s leaks where allocation %ld fails", v->name, n);
        if (!reached) break;
    }
}

/* Large ones are tried at some of their bytes. */
static size_t step(const vector *v) { return 1 + v->size / 400; }

static void one_line(const vector *v, size_t at, const kin_image *image, bool ok, const kin_error *err)
{
    CHECK_MSG(ok ? image->data != NULL : err->message[0] && !strchr(err->message, '\n') && !image->data,
              "%s, byte %zu: %s", v->name, at, err->message);
}

void vector_cut(vector *v)
{
    long live = kin_alloc_live();
    for (size_t n = 4; n < v->size; n += step(v)) {
        kin_image image;
        kin_error err = {0};
        bool ok = decode(v->bytes, n, NULL, &image, &err);
        one_line(v, n, &image, ok, &err);
        /* of a GIF only its end mark may be missed without a word */
        CHECK_MSG(!ok || image.remark || v->bytes[0] == 'G',
                  "%s: %zu of %zu bytes were read without a remark", v->name, n, v->size);
        kin_image_free(&image);
    }
    CHECK_MSG(kin_alloc_live() == live, "%s leaks where it is cut", v->name);
}

void vector_changed(vector *v)
{
    static const uint8_t by[] = {0x01, 0x80, 0xff};
    long live = kin_alloc_live();
    for (size_t at = 0; at < v->size; at += step(v)) {
        kin_image image;
        kin_error err = {0};
        uint8_t old = v->bytes[at];
        v->bytes[at] ^= by[at % sizeof by];
        bool ok = decode(v->bytes, v->size, &(kin_image_limits){.max_pixels = 1 << 14}, &image, &err);
        one_line(v, at, &image, ok, &err);
        kin_image_free(&image);
        v->bytes[at] = old;
    }
    CHECK_MSG(kin_alloc_live() == live, "%s leaks where it is changed", v->name);
}

void refused(const uint8_t *bytes, size_t size, uint64_t max_pixels, const char *says)
{
    kin_image image;
    kin_error err = {0};
    long live = kin_alloc_live();
    bool ok = decode(bytes, size, &(kin_image_limits){.max_pixels = max_pixels}, &image, &err);
    CHECK_MSG(!ok && strstr(err.message, says), "it says \"%s\", not \"%s\"", ok ? "nothing" : err.message,
              says);
    kin_image_free(&image);
    CHECK(kin_alloc_live() == live);
}

#endif
