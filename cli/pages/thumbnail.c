#include "cli/pages/thumbnail.h"

#include "base/base64.h"

static int scaled(int length, int longer, int side)
{
    int64_t value = ((int64_t)length * side + longer / 2) / longer;
    return value > 0 ? (int)value : 1;
}

/* Photographs are smaller as JPEG, drawings as PNG. */
static bool add_encoded(kin_text *text, const kin_image *image, bool exact, kin_error *err)
{
    enum { QUALITY = 85 };
    kin_bytes png = {0}, jpeg = {0};
    bool ok = kin_png_encode(image, &png, err) &&
              (exact || kin_jpeg_encode(image, &(kin_jpeg_opt){.quality = QUALITY}, &jpeg, err));
    if (ok && !exact && jpeg.size < png.size) {
        kin_text_add(text, "data:image/jpeg;base64,");
        kin_base64_add(text, jpeg.data, jpeg.size);
    } else if (ok) {
        kin_text_add(text, "data:image/png;base64,");
        kin_base64_add(text, png.data, png.size);
    }
    kin_bytes_free(&png), kin_bytes_free(&jpeg);
    return ok;
}

bool kin_thumbnail_add(kin_text *text, const kin_image *image, int side, kin_error *err)
{
    int longer = image->width > image->height ? image->width : image->height;
    bool exact = longer <= KIN_THUMBNAIL_TINY || image->channels == 2 || image->channels == 4;
    kin_image small = {0};
    if (longer <= side) return add_encoded(text, image, exact, err);
    bool ok = kin_image_resize(image, scaled(image->width, longer, side), scaled(image->height, longer, side),
                               KIN_FILTER_LANCZOS, &small, err) &&
              add_encoded(text, &small, exact, err);
    kin_image_free(&small);
    return ok;
}
