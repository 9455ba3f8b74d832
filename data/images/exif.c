/* Cameras store the picture as the sensor saw it and note how they were held: in EXIF [2.3, tag 0x0112, a
 * TIFF directory], or, where that says nothing, in XMP [tiff:Orientation, an attribute or an element]; and when it was
 * taken. */
#include "data/images/formats.h"

#include <string.h>

/* A TIFF directory in memory. */
typedef struct tiff {
    const uint8_t *bytes;
    size_t size;
    bool little;
} tiff;

/* Types of entries, as a set. */
enum { TEXT = 1 << 2, SHORTS = 1 << 3 | 1 << 8, LONGS = 1 << 4 | 1 << 9, FOLDER = 1 << 4 | 1 << 13 };

/* 0 beyond the end. */
static unsigned number(const tiff *t, size_t at, int bytes)
{
    unsigned value = 0;
    if (at > t->size || t->size - at < (size_t)bytes) return 0;
    for (int i = 0; i < bytes; i++)
        value = value << 8 | t->bytes[at + (size_t)(t->little ? bytes - 1 - i : i)];
    return value;
}

static bool open_tiff(const uint8_t *bytes, size_t size, tiff *out)
{
    /* some writers put JPEG's mark before it in a PNG too, or twice */
    while (size >= 6 && memcmp(bytes, "Exif\0", 6) == 0) bytes += 6, size -= 6;
    if (size < 8 || (memcmp(bytes, "II*\0", 4) != 0 && memcmp(bytes, "MM\0*", 4) != 0)) return false;
    *out = (tiff){bytes, size, bytes[0] == 'I'};
    return true;
}

/* Where the first entry of this tag and of one of these types stands in the directory at `at`; 0: nowhere. */
static size_t entry_of(const tiff *t, size_t at, unsigned tag, unsigned types)
{
    enum { ENTRY = 12 };
    unsigned entries = number(t, at, 2);
    for (at += 2; entries && at <= t->size && t->size - at >= ENTRY; entries--, at += ENTRY) {
        unsigned type = number(t, at + 2, 2);
        if (number(t, at, 2) == tag && type < 32 && (types >> type & 1)) return at;
    }
    return 0;
}

static int known(unsigned value) { return value >= 1 && value <= 8 ? (int)value : 1; }

int kin_exif_orientation(const uint8_t *bytes, size_t size)
{
    enum { TAG = 0x0112 };
    tiff t;
    if (!open_tiff(bytes, size, &t)) return 0;
    size_t at = entry_of(&t, number(&t, 4, 4), TAG, SHORTS | LONGS);
    if (!at) return 0;
    return known(number(&t, at + 8, SHORTS >> number(&t, at + 2, 2) & 1 ? 2 : 4));
}

/* "2026:01:31 23:59:59" */
static int64_t date_at(const tiff *t, size_t entry)
{
    enum { LENGTH = 19 };
    size_t at = entry ? number(t, entry + 8, 4) : 0;
    int64_t date = 0;
    if (!at || number(t, entry + 4, 4) < LENGTH || at > t->size || t->size - at < LENGTH) return 0;
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

int64_t kin_exif_date(const uint8_t *bytes, size_t size)
{
    enum { DATE = 0x0132, EXIF = 0x8769, ORIGINAL = 0x9003 };
    tiff t;
    if (!open_tiff(bytes, size, &t)) return 0;
    size_t first = number(&t, 4, 4), inner = entry_of(&t, first, EXIF, FOLDER);
    int64_t original = inner ? date_at(&t, entry_of(&t, number(&t, inner + 8, 4), ORIGINAL, TEXT)) : 0;
    return original ? original : date_at(&t, entry_of(&t, first, DATE, TEXT));
}

int kin_xmp_orientation(const uint8_t *text, size_t size)
{
    static const char tag[] = "tiff:Orientation";
    enum { TAG = sizeof tag - 1 };
    for (const uint8_t *at = text, *end = text + size; (size_t)(end - at) > TAG + 3; at++) {
        at = memchr(at, 't', (size_t)(end - at) - TAG - 3);
        if (!at) return 0;
        if (memcmp(at, tag, TAG) != 0) continue;
        const uint8_t *value = at + TAG;
        if (*value == '>') value++;
        else if (*value == '=' && (value[1] == '"' || value[1] == '\'')) value += 2;
        else continue;
        if (*value >= '0' && *value <= '9') return known((unsigned)(*value - '0'));
    }
    return 0;
}

/* The picture as it was taken from how it is stored [EXIF's eight orientations: three bits, mirror, turn
 * half, swap the axes]. */
bool kin_image_upright(kin_image *image, int orientation, kin_error *err)
{
    kin_image out;
    int w = image->width, h = image->height, channels = image->channels;
    bool swapped = orientation >= 5,
         right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    bool bottom = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    if (orientation <= 1) return true;
    if (!kin_image_new(&out, swapped ? h : w, swapped ? w : h, channels, err)) return false;
    for (int y = 0; y < out.height; y++)
        for (int x = 0; x < out.width; x++) {
            int column = swapped ? y : x, row = swapped ? x : y;
            if (right) column = w - 1 - column;
            if (bottom) row = h - 1 - row;
            memcpy(out.data + ((size_t)y * (size_t)out.width + (size_t)x) * (size_t)channels,
                   image->data + ((size_t)row * (size_t)w + (size_t)column) * (size_t)channels,
                   (size_t)channels);
        }
    out.remark = image->remark;
    kin_image_free(image);
    *image = out;
    return true;
}
