/* Alpha beside a lossy picture [WebP Container Specification, "Alpha"]: as it is, or as the green of a lossless
 * image; each sample less one predicted from its neighbours. */
#include "data/images/vp8l.h"
#include "data/images/webp.h"

#include <string.h>

enum { PLAIN, LOSSLESS };
enum { NONE, HORIZONTAL, VERTICAL, GRADIENT };

static uint8_t gradient(int left, int above, int corner)
{
    int v = left + above - corner;
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

/* The first sample of a row is predicted from above, and the first row from the left, whatever the filter. */
static void unfilter(int filter, uint8_t *at, size_t width, size_t height)
{
    for (size_t y = 0; y < height; y++, at += width) {
        const uint8_t *above = y > 0 ? at - width : at;
        if (y > 0) at[0] = (uint8_t)(at[0] + above[0]);
        for (size_t x = 1; x < width; x++) {
            uint8_t by = at[x - 1];
            if (y > 0 && filter == VERTICAL) by = above[x];
            if (y > 0 && filter == GRADIENT) by = gradient(at[x - 1], above[x], above[x - 1]);
            at[x] = (uint8_t)(at[x] + by);
        }
    }
}

bool kin_webp_alpha(const uint8_t *bytes, size_t size, int width, int height, uint8_t *out, kin_error *err)
{
    size_t pixels = (size_t)width * (size_t)height;
    if (size < 1) return kin_fail(err, KIN_ERR_DATA, "damaged WebP: its alpha is empty");
    int method = bytes[0] & 3, filter = bytes[0] >> 2 & 3, reduced = bytes[0] >> 4 & 3,
        reserved = bytes[0] >> 6;
    if (method > LOSSLESS || reduced > 1 || reserved > 1)
        return kin_fail(err, KIN_ERR_DATA, "damaged WebP: its alpha is of an unknown method");
    if (method == LOSSLESS) {
        if (!kin_vp8l_alpha(bytes + 1, size - 1, width, height, out, err)) return false;
    } else {
        if (size - 1 < pixels) return kin_fail(err, KIN_ERR_DATA, "damaged WebP: its alpha is cut short");
        memcpy(out, bytes + 1, pixels);
    }
    if (filter != NONE) unfilter(filter, out, (size_t)width, (size_t)height);
    return true;
}
