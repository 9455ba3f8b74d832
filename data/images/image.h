/* Pictures in memory, and the formats they come in. */
#ifndef KIN_DATA_IMAGES_IMAGE_H
#define KIN_DATA_IMAGES_IMAGE_H

#include "base/error.h"
#include "base/file.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Interleaved rows from the top, no padding: sample c of pixel (x, y) is
 * data[(y·width + x)·channels + c]. 1 = grey, 2 = grey + alpha, 3 = RGB, 4 = RGBA; sRGB values as stored. */
typedef struct kin_image {
    int width, height, channels;
    uint8_t *data;      /* owned; kin_image_free */
    const char *remark; /* what a reader put up with ("ends early: ..."), a constant; NULL: nothing */
    bool hidden;        /* alpha was dropped from pixels that are not opaque: colours that nobody saw */
} kin_image;

/* Allocates without initialising. Refuses sizes below 1 and products that overflow. */
bool kin_image_new(kin_image *image, int width, int height, int channels, kin_error *err);
void kin_image_free(kin_image *image);

#define KIN_IMAGE_PIXELS UINT64_C(100000000)
/* Limits for pictures from outside; zero means the default. */
typedef struct kin_image_limits {
    /* default KIN_IMAGE_PIXELS: larger declared sizes are refused before anything is allocated, and so are
     * JPEGs whose scans go through their pixels more often than any picture needs */
    uint64_t max_pixels;
    /* JPEGs are decoded at 1/2, 1/4 or 1/8 of their size where both sides stay at least this long; 0:
     * never */
    int reduce_to;
    /* KIN_BACKGROUND | red << 16 | green << 8 | blue: pictures with alpha are laid over it, and have none
     * afterwards; 0: alpha stays */
    uint32_t background;
} kin_image_limits;
#define KIN_BACKGROUND (UINT32_C(1) << 24)

/* Reads a picture, its type known by content, never by name: JPEG, PNG, WebP, GIF (of moving ones
 * the first picture), BMP, PNM/PAM. Other kinds are named in the refusal. `path` may be "-". */
bool kin_image_read(const char *path, const kin_image_limits *limits, kin_image *out, kin_error *err);

/* The same from memory; errors do not name a file (the caller prefixes it). */
bool kin_image_decode(const uint8_t *bytes, size_t size, const kin_image_limits *limits, kin_image *out,
                      kin_error *err);

/* Converts to 1 or 3 channels: alpha is dropped as Pillow's convert() does; grey from RGB is
 * Pillow's L = (19595 R + 38470 G + 7471 B + 0x8000) >> 16. In place. Where the alpha was not opaque
 * everywhere, image->hidden says so. */
bool kin_image_convert(kin_image *image, int channels, kin_error *err);

/* Writes an 8-bit PNG (any channel count), aside and renamed. `out` receives bytes instead in
 * kin_png_encode. */
bool kin_png_write(const char *path, const kin_image *image, kin_error *err);
bool kin_png_encode(const kin_image *image, kin_bytes *out, kin_error *err);

/* Baseline JPEG of 1 or 3 channels, as libjpeg writes it at this quality. */
typedef struct kin_jpeg_opt {
    int quality;         /* 1 .. 100; 0: 75 */
    bool no_subsampling; /* the chroma at full size, not averaged over 2 × 2 pixels */
} kin_jpeg_opt;
/* opt may be NULL */
bool kin_jpeg_write(const char *path, const kin_image *image, const kin_jpeg_opt *opt, kin_error *err);
bool kin_jpeg_encode(const kin_image *image, const kin_jpeg_opt *opt, kin_bytes *out, kin_error *err);

/* Netpbm: PGM, PPM, or PAM where there is alpha or `pam` asks for it. */
bool kin_pnm_encode(const kin_image *image, bool pam, kin_bytes *out, kin_error *err);

/* Writes by kind: "png", "jpg", "jpeg", "ppm", "pgm", "pnm", "pam" or "npy" ([h, w] or [h, w, c] uint8);
 * NULL takes the ending of the name. Aside and renamed. */
bool kin_image_write(const char *path, const char *kind, const kin_image *image, const kin_jpeg_opt *jpeg,
                     kin_error *err);
extern const char *const kin_image_kinds[]; /* those kinds; end with NULL */
/* Whether the ending of the name is one of them: to be asked before the work. */
bool kin_image_can_write(const char *path, kin_error *err);

/* Resizing with antialiasing: on 8-bit pictures the same bits as Pillow 13's Image.resize. */
typedef enum { KIN_FILTER_BOX, KIN_FILTER_BILINEAR, KIN_FILTER_BICUBIC, KIN_FILTER_LANCZOS } kin_filter;
bool kin_image_resize(const kin_image *image, int width, int height, kin_filter filter, kin_image *out,
                      kin_error *err);
/* The same bits of a part of it alone: of a picture of 1 x 5000 the middle that a network sees is computed,
 * not the million rows around it. */
typedef struct kin_resize_part {
    int64_t whole_width, whole_height, left, top;
    int width, height;
} kin_resize_part;
bool kin_image_resize_part(const kin_image *image, const kin_resize_part *part, kin_filter filter,
                           kin_image *out, kin_error *err);

#ifdef __cplusplus
}
#endif

#endif
