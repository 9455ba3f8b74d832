/* The picture formats, for data/images/image.c, which chooses among them. */
#ifndef KIN_DATA_IMAGES_FORMATS_H
#define KIN_DATA_IMAGES_FORMATS_H

#include "data/images/image.h"

bool kin_png_decode(const uint8_t *bytes, size_t size, const kin_image_limits *limits, kin_image *out,
                    kin_error *err);
bool kin_jpeg_decode(const uint8_t *bytes, size_t size, const kin_image_limits *limits, kin_image *out,
                     kin_error *err);
bool kin_bmp_decode(const uint8_t *bytes, size_t size, const kin_image_limits *limits, kin_image *out,
                    kin_error *err);
bool kin_pnm_decode(const uint8_t *bytes, size_t size, const kin_image_limits *limits, kin_image *out,
                    kin_error *err);

/* Whether a declared size is possible and allowed; asked before anything is allocated for it. */
bool kin_image_allowed(uint64_t width, uint64_t height, const kin_image_limits *limits, kin_error *err);

#endif
