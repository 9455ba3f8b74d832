/* Which format a picture has, by its first bytes; each has a reader of its own. */
#include "data/images/image.h"

#include "base/memory.h"
#include "data/images/formats.h"
#include "data/images/kind.h"

#include <string.h>

#define READ "JPEG, PNG, WebP, GIF, BMP and PNM/PAM are read"

static bool decode(const uint8_t *bytes, size_t size, const kin_image_limits *limits, kin_image *out,
                   kin_error *err)
{
    if (size == 0) return kin_fail(err, KIN_ERR_DATA, "the file is empty");
    if (kin_bytes_at(bytes, size, 0, "\x89PNG\r\n\x1a\n", 8))
        return kin_png_decode(bytes, size, limits, out, err);
    if (kin_bytes_at(bytes, size, 0, "\xff\xd8\xff", 3))
        return kin_jpeg_decode(bytes, size, limits, out, err);
    if (kin_bytes_at(bytes, size, 0, "GIF8", 4)) return kin_gif_decode(bytes, size, limits, out, err);
    if (kin_kind_is_webp(bytes, size)) return kin_webp_decode(bytes, size, limits, out, err);
    if (kin_bytes_at(bytes, size, 0, "BM", 2)) return kin_bmp_decode(bytes, size, limits, out, err);
    if (size >= 2 && bytes[0] == 'P' && bytes[1] >= '1' && bytes[1] <= '7')
        return kin_pnm_decode(bytes, size, limits, out, err);
    const kin_other_kind *foreign = kin_kind_of_others(bytes, size);
    if (foreign)
        return kin_fail(err, KIN_ERR_DATA, "is a %s picture; " READ ": convert it first (%s)", foreign->name,
                        foreign->converter);
    return kin_fail(err, KIN_ERR_DATA, "is no picture that is known; " READ);
}

/* Pillow's paste with the alpha as mask. */
static bool lay_over(kin_image *image, uint32_t background, kin_error *err)
{
    kin_image out;
    int colours = image->channels - 1;
    uint8_t under[3] = {(uint8_t)(background >> 16), (uint8_t)(background >> 8), (uint8_t)background};
    if (image->channels % 2) return true;
    if (colours == 1 && (under[0] != under[1] || under[0] != under[2])) {
        /* grey over a colour has colours */
        if (!kin_image_new(&out, image->width, image->height, 4, err)) return false;
        for (size_t i = 0; i < (size_t)image->width * (size_t)image->height; i++) {
            memset(out.data + 4 * i, image->data[2 * i], 3);
            out.data[4 * i + 3] = image->data[2 * i + 1];
        }
        out.remark = image->remark;
        kin_image_free(image);
        *image = out;
        colours = 3;
    }
    if (!kin_image_new(&out, image->width, image->height, colours, err)) return false;
    for (size_t i = 0; i < (size_t)image->width * (size_t)image->height; i++) {
        const uint8_t *from = image->data + i * (size_t)image->channels;
        uint8_t *to = out.data + i * (size_t)colours;
        unsigned alpha = from[colours];
        for (int c = 0; c < colours; c++) {
            unsigned t = from[c] * alpha + under[c] * (255 - alpha) + 128;
            to[c] = (uint8_t)(((t >> 8) + t) >> 8);
        }
    }
    out.remark = image->remark;
    kin_image_free(image);
    *image = out;
    return true;
}

bool kin_image_decode(const uint8_t *bytes, size_t size, const kin_image_limits *limits, kin_image *out,
                      kin_error *err)
{
    *out = (kin_image){0};
    if (!decode(bytes, size, limits, out, err)) return false;
    if (!limits || !limits->background || lay_over(out, limits->background, err)) return true;
    kin_image_free(out);
    return false;
}

bool kin_image_read(const char *path, const kin_image_limits *limits, kin_image *out, kin_error *err)
{
    kin_bytes bytes;
    kin_error inner = {0};
    *out = (kin_image){0};
    if (!kin_read_file(path, (size_t)1 << 30, &bytes, err)) return false;
    bool ok = kin_image_decode(bytes.data, bytes.size, limits, out, &inner);
    kin_bytes_free(&bytes);
    if (ok) return true;
    kin_error_prefix(&inner, "%s", path);
    return kin_fail(err, inner.code, "%s", inner.message);
}
