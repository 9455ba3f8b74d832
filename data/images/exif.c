/* Cameras store the picture as the sensor saw it and note how they were held [EXIF 2.3, tag 0x0112, a TIFF
 * directory]. */
#include "data/images/jpeg.h"

#include <string.h>

static unsigned number(const uint8_t *p, int bytes, bool little)
{
    unsigned value = 0;
    for (int i = 0; i < bytes; i++) value = value << 8 | p[little ? bytes - 1 - i : i];
    return value;
}

int kin_exif_orientation(const uint8_t *tiff, size_t size)
{
    enum { TAG = 0x0112, SHORT = 3, ENTRY = 12 };
    if (size < 8 || (memcmp(tiff, "II*\0", 4) != 0 && memcmp(tiff, "MM\0*", 4) != 0)) return 1;
    bool little = tiff[0] == 'I';
    size_t at = number(tiff + 4, 4, little);
    if (at > size || size - at < 2) return 1;
    unsigned entries = number(tiff + at, 2, little);
    at += 2;
    for (unsigned i = 0; i < entries && size - at >= ENTRY; i++, at += ENTRY) {
        if (number(tiff + at, 2, little) != TAG || number(tiff + at + 2, 2, little) != SHORT) continue;
        unsigned value = number(tiff + at + 8, 2, little);
        return value >= 1 && value <= 8 ? (int)value : 1;
    }
    return 1;
}
