/* The parts of the WebP reader for one another:
 *   webp.c        the container (RIFF): which chunks there are, the first frame on its canvas
 *   webp_alpha.c  alpha beside a lossy picture
 *   vp8.h         lossy pictures
 *   vp8l.h        lossless ones */
#ifndef KIN_DATA_IMAGES_WEBP_H
#define KIN_DATA_IMAGES_WEBP_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/* The chunk ALPH: alpha of width x height pixels. */
bool kin_webp_alpha(const uint8_t *bytes, size_t size, int width, int height, uint8_t *out, kin_error *err);

#endif
