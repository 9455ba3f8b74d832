#include "photos/detail.h"

#include <math.h>
#include <string.h>

static int scaled(int side, double scale)
{
    int n = (int)(side * scale + .5);
    return n < 1 ? 1 : n;
}

bool kin_detail_beyond(const kin_image *grey, double scale, double *out, kin_error *err)
{
    kin_image small, back;
    double sum = 0;
    size_t n = (size_t)grey->width * (size_t)grey->height;
    if (!kin_image_resize(grey, scaled(grey->width, scale), scaled(grey->height, scale), KIN_FILTER_LANCZOS,
                          &small, err))
        return false;
    bool ok = kin_image_resize(&small, grey->width, grey->height, KIN_FILTER_LANCZOS, &back, err);
    kin_image_free(&small);
    if (!ok) return false;
    for (size_t i = 0; i < n; i++) {
        double d = (double)grey->data[i] - (double)back.data[i];
        sum += d * d;
    }
    kin_image_free(&back);
    *out = sqrt(sum / (double)n);
    return true;
}

bool kin_detail_more(const kin_image *larger, const kin_image *smaller, bool *more, kin_error *err)
{
    double scale = sqrt((double)smaller->width * smaller->height / ((double)larger->width * larger->height)),
           beyond, fine;
    *more = true;
    if (scale > .8) return true;
    if (!kin_detail_beyond(larger, scale, &beyond, err) || !kin_detail_beyond(smaller, .5, &fine, err))
        return false;
    *more = beyond >= .3 * fine; /* of one colour both: more pixels */
    return true;
}

bool kin_detail_paletted(const uint8_t *bytes, size_t size)
{
    static const uint8_t png[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    if (size >= 4 && memcmp(bytes, "GIF8", 4) == 0) return true;
    return size >= 26 && memcmp(bytes, png, sizeof png) == 0 && bytes[25] == 3;
}
