/* The picture formats, for data/images/image_read.c, which chooses among them. */
#ifndef KIN_DATA_IMAGES_FORMATS_H
#define KIN_DATA_IMAGES_FORMATS_H

#include "data/images/image.h"

bool kin_png_decode(const uint8_t *bytes, size_t size, const kin_image_limits *limits, kin_image *out,
                    kin_error *err);
bool kin_jpeg_decode(const uint8_t *bytes, size_t size, const kin_image_limits *limits, kin_image *out,
                     kin_error *err);
bool kin_bmp_decode(const uint8_t *bytes, size_t size, const kin_image_limits *limits, kin_image *out,
                    kin_error *err);
bool kin_gif_decode(const uint8_t *bytes, size_t size, const kin_image_limits *limits, kin_image *out,
                    kin_error *err);
bool kin_webp_decode(const uint8_t *bytes, size_t size, const kin_image_limits *limits, kin_image *out,
                     kin_error *err);
bool kin_pnm_decode(const uint8_t *bytes, size_t size, const kin_image_limits *limits, kin_image *out,
                    kin_error *err);

/* Whether a declared size is possible and allowed; asked before anything is allocated for it. */
bool kin_image_allowed(uint64_t width, uint64_t height, const kin_image_limits *limits, kin_error *err);

/* Which way up a picture was taken, 1..8: what an EXIF segment or chunk states, or XMP; 0 when it states
 * nothing. */
int kin_exif_orientation(const uint8_t *tiff, size_t size);
/* When it was taken (DateTimeOriginal, else DateTime), as 20260131235959; 0: not told. */
int64_t kin_exif_date(const uint8_t *tiff, size_t size);
int kin_xmp_orientation(const uint8_t *text, size_t size);
/* Turns it so; 0 and 1 leave it. */
bool kin_image_upright(kin_image *image, int orientation, kin_error *err);

/* Inverted inks (255: no ink) to colours, n pixels: `rgb` holds cyan, magenta, yellow and receives what is
 * left of the light after black, less what each ink takes from it: Pillow's conversion. */
void kin_inks_to_rgb(const uint8_t *black, int n, uint8_t *rgb);
/* a · b / 255, rounded; a, b ≤ 255 */
static inline unsigned kin_product255(unsigned a, unsigned b)
{
    unsigned t = a * b + 128;
    return ((t >> 8) + t) >> 8;
}

#endif
