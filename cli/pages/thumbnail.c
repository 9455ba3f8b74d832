#include "cli/pages/thumbnail.h"

#include "base/base64.h"

static int scaled(int length, int longer, int side)
{
    int64_t value = ((int64_t)length * side + longer / 2) / longer;
    return value > 0 ? (int)value : 1;
}

bool kin_thumbnail_add(kin_text *text, const kin_image *image, int side, kin_error *err)
{
    int longer = image->width > image->height ? image->width : image->height;
    kin_image small = {0};
    kin_bytes png = {0};
    if (longer > side &&
        !kin_image_resize(image, scaled(image->width, longer, side), scaled(image->height, longer, side),
                          KIN_FILTER_LANCZOS, &small, err))
        return false;
    bool ok = kin_png_encode(longer > side ? &small : image, &png, err);
    if (ok) {
        kin_text_add(text, "data:image/png;base64,");
        kin_base64_add(text, png.data, png.size);
    }
    kin_bytes_free(&png);
    kin_image_free(&small);
    return ok;
}
