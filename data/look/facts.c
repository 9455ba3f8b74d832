#include "data/look/facts.h"

#include <stdbool.h>
#include <string.h>

/* A TIFF directory in memory [EXIF 2.3]. */
typedef struct tiff {
    const uint8_t *bytes;
    size_t size;
    bool little;
} tiff;

static uint32_t number(const tiff *t, size_t at, int bytes)
{
    uint32_t value = 0;
    if (at > t->size || t->size - at < (size_t)bytes) return 0;
    for (int i = 0; i < bytes; i++)
        value = value << 8 | t->bytes[at + (size_t)(t->little ? bytes - 1 - i : i)];
    return value;
}

/* Where the entry of this tag stands in the directory at `at`; 0: nowhere. */
static size_t entry_of(const tiff *t, size_t at, uint32_t tag)
{
    uint32_t entries = number(t, at, 2);
    for (at += 2; entries && at <= t->size && t->size - at >= 12; entries--, at += 12)
        if (number(t, at, 2) == tag) return at;
    return 0;
}

/* "2026:01:31 23:59:59" */
static int64_t date_at(const tiff *t, size_t entry)
{
    enum { LENGTH = 19 };
    size_t at = entry ? number(t, entry + 8, 4) : 0;
    int64_t date = 0;
    if (!at || number(t, entry + 2, 2) != 2 || number(t, entry + 4, 4) < LENGTH || at > t->size ||
        t->size - at < LENGTH)
        return 0;
    for (int i = 0; i < LENGTH; i++) {
        uint8_t c = t->bytes[at + (size_t)i];
        bool between = i == 4 || i == 7 || i == 10 || i == 13 || i == 16;
        if (between) continue;
        if (c < '0' || c > '9') return 0;
        date = date * 10 + (c - '0');
    }
    int64_t month = date / 100000000 % 100, day = date / 1000000 % 100;
    return month >= 1 && month <= 12 && day >= 1 && day <= 31 && date / 10000 % 100 < 24 &&
                   date / 100 % 100 < 60 && date % 100 < 61
               ? date
               : 0;
}

static int64_t exif_date(const uint8_t *bytes, size_t size)
{
    enum { DATE = 0x0132, EXIF = 0x8769, ORIGINAL = 0x9003 };
    while (size >= 6 && memcmp(bytes, "Exif\0", 6) == 0) bytes += 6, size -= 6;
    if (size < 8 || (memcmp(bytes, "II*\0", 4) != 0 && memcmp(bytes, "MM\0*", 4) != 0)) return 0;
    tiff t = {bytes, size, bytes[0] == 'I'};
    size_t first = number(&t, 4, 4), inner = entry_of(&t, first, EXIF);
    int64_t original = inner ? date_at(&t, entry_of(&t, number(&t, inner + 8, 4), ORIGINAL)) : 0;
    return original ? original : date_at(&t, entry_of(&t, first, DATE));
}

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
        if (marker == 0xe1 && !facts.date) facts.date = exif_date(body, length - 2);
        if (is_frame(marker) && length >= 8)
            facts.height = body[1] << 8 | body[2], facts.width = body[3] << 8 | body[4];
        at += 2 + length;
    }
    return facts;
}

static kin_picture_facts of_png(const uint8_t *b, size_t size)
{
    kin_picture_facts facts = {0};
    tiff t = {b, size, false};
    if (size >= 24 && memcmp(b + 12, "IHDR", 4) == 0)
        facts.width = number(&t, 16, 4), facts.height = number(&t, 20, 4);
    for (size_t at = 8; size - at >= 12;) {
        size_t length = number(&t, at, 4);
        if (length > size - at - 12) break;
        if (memcmp(b + at + 4, "eXIf", 4) == 0) facts.date = exif_date(b + at + 8, length);
        at += 12 + length;
    }
    return facts;
}

kin_picture_facts kin_facts(const uint8_t *bytes, size_t size)
{
    if (size >= 4 && bytes[0] == 0xff && bytes[1] == 0xd8) return of_jpeg(bytes, size);
    if (size >= 8 && memcmp(bytes, "\x89PNG\r\n\x1a\n", 8) == 0) return of_png(bytes, size);
    return (kin_picture_facts){0};
}
