/* Cameras store the picture as the sensor saw it and note how they were held: in EXIF [2.3, tag 0x0112, a
 * TIFF directory], or, where that says nothing, in XMP [tiff:Orientation, an attribute or an element]. */
#include "data/images/formats.h"

#include <string.h>

static unsigned number(const uint8_t *p, int bytes, bool little)
{
    unsigned value = 0;
    for (int i = 0; i < bytes; i++) value = value << 8 | p[little ? bytes - 1 - i : i];
    return value;
}

static int known(unsigned value) { return value >= 1 && value <= 8 ? (int)value : 1; }

/* Bytes of a whole number of this TIFF type: SHORT, LONG and their signed forms; 0: another type. */
static int width_of(unsigned type) { return type == 3 || type == 8 ? 2 : type == 4 || type == 9 ? 4 : 0; }

int kin_exif_orientation(const uint8_t *tiff, size_t size)
{
    enum { TAG = 0x0112, ENTRY = 12 };
    /* some writers put JPEG's mark before it in a PNG too, or twice */
    while (size >= 6 && memcmp(tiff, "Exif\0", 6) == 0) tiff += 6, size -= 6;
    if (size < 8 || (memcmp(tiff, "II*\0", 4) != 0 && memcmp(tiff, "MM\0*", 4) != 0)) return 0;
    bool little = tiff[0] == 'I';
    size_t at = number(tiff + 4, 4, little);
    if (at > size || size - at < 2) return 0;
    unsigned entries = number(tiff + at, 2, little);
    at += 2;
    for (unsigned i = 0; i < entries && size - at >= ENTRY; i++, at += ENTRY) {
        int bytes = width_of(number(tiff + at + 2, 2, little));
        if (number(tiff + at, 2, little) == TAG && bytes) return known(number(tiff + at + 8, bytes, little));
    }
    return 0;
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
