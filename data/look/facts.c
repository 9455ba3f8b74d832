#include "data/look/facts.h"

#include "data/images/formats.h"

#include <stdbool.h>
#include <string.h>

static uint32_t big(const uint8_t *b) { return (uint32_t)b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3]; }
static uint32_t little(const uint8_t *b) { return (uint32_t)b[3] << 24 | b[2] << 16 | b[1] << 8 | b[0]; }

static bool is_frame(uint8_t marker)
{
    return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

static kin_picture_facts of_jpeg(const uint8_t *b, size_t size)
{
    kin_picture_facts facts = {0};
    size_t at = 2;
    while (at < size && size - at >= 4) {
        uint8_t marker = b[at + 1];
        if (b[at] != 0xff || marker == 0xff) {
            at++; /* filling, or bytes that are lost */
            continue;
        }
        if (marker == 0xd9 || marker == 0xda) break; /* pixels, or the end */
        if (marker == 0 || marker == 1 || (marker >= 0xd0 && marker <= 0xd8)) {
            at += 2;
            continue;
        }
        size_t length = (size_t)b[at + 2] << 8 | b[at + 3];
        if (length < 2 || size - at - 2 < length) break;
        const uint8_t *body = b + at + 4;
        if (marker == 0xe1 && !facts.date) facts.date = kin_exif_date(body, length - 2);
        if (is_frame(marker) && length >= 8)
            facts.height = body[1] << 8 | body[2], facts.width = body[3] << 8 | body[4];
        at += 2 + length;
    }
    return facts;
}

static kin_picture_facts of_png(const uint8_t *b, size_t size)
{
    kin_picture_facts facts = {0};
    if (size >= 24 && memcmp(b + 12, "IHDR", 4) == 0) facts.width = big(b + 16), facts.height = big(b + 20);
    for (size_t at = 8; size - at >= 12;) {
        size_t length = big(b + at);
        if (length > size - at - 12) break;
        if (memcmp(b + at + 4, "eXIf", 4) == 0) facts.date = kin_exif_date(b + at + 8, length);
        at += 12 + length;
    }
    return facts;
}

/* Chunks of a RIFF file; the canvas is that of the extended form, which alone can tell a date. */
static kin_picture_facts of_webp(const uint8_t *b, size_t size)
{
    kin_picture_facts facts = {0};
    for (size_t at = 12; size - at >= 8;) {
        size_t length = little(b + at + 4);
        const uint8_t *body = b + at + 8;
        if (length > size - at - 8) break;
        if (memcmp(b + at, "VP8X", 4) == 0 && length >= 10) {
            facts.width = 1 + (int64_t)(body[4] | body[5] << 8 | body[6] << 16);
            facts.height = 1 + (int64_t)(body[7] | body[8] << 8 | body[9] << 16);
        }
        if (memcmp(b + at, "EXIF", 4) == 0 && !facts.date) facts.date = kin_exif_date(body, length);
        at += 8 + length;
        if (length % 2 && at < size) at++; /* padded to two */
    }
    return facts;
}

kin_picture_facts kin_facts(const uint8_t *bytes, size_t size)
{
    if (size >= 4 && bytes[0] == 0xff && bytes[1] == 0xd8) return of_jpeg(bytes, size);
    if (size >= 8 && memcmp(bytes, "\x89PNG\r\n\x1a\n", 8) == 0) return of_png(bytes, size);
    if (size >= 12 && memcmp(bytes, "RIFF", 4) == 0 && memcmp(bytes + 8, "WEBP", 4) == 0)
        return of_webp(bytes, size);
    return (kin_picture_facts){0};
}
