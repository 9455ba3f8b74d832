#include "data/images/image.h"

#include "base/memory.h"
#include "data/images/formats.h"

bool kin_image_new(kin_image *image, int width, int height, int channels, kin_error *err)
{
    size_t bytes;
    *image = (kin_image){0};
    if (width < 1 || height < 1 || channels < 1 || channels > 4 ||
        !kin_mul_size((size_t)width, (size_t)height, &bytes) ||
        !kin_mul_size(bytes, (size_t)channels, &bytes))
        return kin_fail(err, KIN_ERR_ARGUMENT, "a picture of %d x %d with %d channels cannot be made", width,
                        height, channels);
    uint8_t *data = kin_alloc(bytes);
    if (!data) return kin_fail_memory(err, "a picture", bytes);
    *image = (kin_image){width, height, channels, data, NULL, false};
    return true;
}

void kin_image_free(kin_image *image)
{
    kin_free(image->data);
    *image = (kin_image){0};
}

bool kin_image_allowed(uint64_t width, uint64_t height, const kin_image_limits *limits, kin_error *err)
{
    uint64_t most = limits && limits->max_pixels ? limits->max_pixels : KIN_IMAGE_PIXELS;
    if (width == 0 || height == 0 || width > 1000000 || height > 1000000)
        return kin_fail(err, KIN_ERR_DATA, "impossible size %llu x %llu", (unsigned long long)width,
                        (unsigned long long)height);
    if (width * height > most)
        return kin_fail(
            err, KIN_ERR_DATA,
            "%llu x %llu pixels are more than the %llu allowed; raise --max-pixels if the picture is trusted",
            (unsigned long long)width, (unsigned long long)height, (unsigned long long)most);
    return true;
}

/* ---- channels ---- */

static uint8_t luma(const uint8_t *p)
{
    return (uint8_t)((19595u * p[0] + 38470u * p[1] + 7471u * p[2] + 0x8000u) >> 16);
}

bool kin_image_convert(kin_image *image, int channels, kin_error *err)
{
    if (image->channels == channels) return true;
    if (channels != 1 && channels != 3)
        return kin_fail(err, KIN_ERR_ARGUMENT, "pictures are converted to 1 or 3 channels, not %d", channels);
    kin_image out;
    if (!kin_image_new(&out, image->width, image->height, channels, err)) return false;
    bool colour = image->channels >= 3, alpha = image->channels % 2 == 0, hidden = image->hidden;
    size_t pixels = (size_t)image->width * (size_t)image->height;
    for (size_t i = 0; i < pixels; i++) {
        const uint8_t *from = image->data + i * (size_t)image->channels;
        uint8_t *to = out.data + i * (size_t)channels;
        hidden |= alpha && from[image->channels - 1] < 255;
        if (channels == 1) *to = colour ? luma(from) : *from;
        else
            for (int c = 0; c < 3; c++) to[c] = from[colour ? c : 0];
    }
    out.remark = image->remark;
    out.hidden = hidden;
    kin_image_free(image);
    *image = out;
    return true;
}

void kin_inks_to_rgb(const uint8_t *black, int n, uint8_t *rgb)
{
    for (int x = 0; x < n; x++)
        for (int c = 0; c < 3; c++)
            rgb[3 * x + c] = (uint8_t)(black[x] - kin_product255(255u - rgb[3 * x + c], black[x]));
}
