/* Pictures to files, by the kind that is asked for or that the name tells. */
#include "base/npy.h"
#include "base/text.h"
#include "data/images/image.h"

#include <string.h>
#include <strings.h>

const char *const kin_image_kinds[] = {"png", "jpg", "jpeg", "ppm", "pgm", "pnm", "pam", "npy", NULL};

bool kin_pnm_encode(const kin_image *image, bool pam, kin_bytes *out, kin_error *err)
{
    static const char *const types[] = {"GRAYSCALE", "GRAYSCALE_ALPHA", "RGB", "RGB_ALPHA"};
    kin_text text = {0};
    size_t bytes = (size_t)image->width * (size_t)image->height * (size_t)image->channels;
    if (pam || image->channels % 2 == 0)
        kin_text_format(&text, "P7\nWIDTH %d\nHEIGHT %d\nDEPTH %d\nMAXVAL 255\nTUPLTYPE %s\nENDHDR\n",
                        image->width, image->height, image->channels, types[image->channels - 1]);
    else
        kin_text_format(&text, "P%d\n%d %d\n255\n", image->channels == 1 ? 5 : 6, image->width,
                        image->height);
    kin_text_add_bytes(&text, image->data, bytes);
    if (text.failed) {
        kin_text_free(&text);
        return kin_fail_memory(err, "a picture's file", bytes);
    }
    *out = (kin_bytes){(uint8_t *)text.data, text.size};
    return true;
}

static bool write_pnm(const char *path, bool pam, const kin_image *image, kin_error *err)
{
    kin_bytes bytes;
    if (!kin_pnm_encode(image, pam, &bytes, err)) return false;
    bool ok = kin_write_file(path, bytes.data, bytes.size, err);
    kin_bytes_free(&bytes);
    return ok;
}

static const char *known_kind(const char *text)
{
    for (int i = 0; text && kin_image_kinds[i]; i++)
        if (strcasecmp(text, kin_image_kinds[i]) == 0) return kin_image_kinds[i];
    return NULL;
}

static bool unknown(const char *path, const char *kind, kin_error *err)
{
    return kin_fail(err, KIN_ERR_ARGUMENT,
                    "%s: pictures are written as png, jpg, ppm, pgm, pam or npy; \"%s\" is none of them",
                    path, kind);
}

static const char *ending(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot && !strchr(dot, '/') ? dot + 1 : "";
}

bool kin_image_can_write(const char *path, kin_error *err)
{
    return known_kind(ending(path)) || unknown(path, ending(path), err);
}

bool kin_image_write(const char *path, const char *kind, const kin_image *image, const kin_jpeg_opt *jpeg,
                     kin_error *err)
{
    if (!kind) kind = ending(path);
    const char *known = known_kind(kind);
    if (!known) return unknown(path, kind, err);
    if (strcmp(known, "png") == 0) return kin_png_write(path, image, err);
    if (known[0] == 'j') return kin_jpeg_write(path, image, jpeg, err);
    if (strcmp(known, "npy") == 0)
        return kin_npy_write_bytes(path, image->data, image->channels == 1 ? 2 : 3,
                                   (int64_t[]){image->height, image->width, image->channels}, err);
    return write_pnm(path, strcmp(known, "pam") == 0, image, err);
}
