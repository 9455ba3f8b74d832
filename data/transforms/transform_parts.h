/* What transform_*.c share. */
#ifndef KIN_DATA_TRANSFORMS_TRANSFORM_PARTS_H
#define KIN_DATA_TRANSFORMS_TRANSFORM_PARTS_H

#include "data/transforms/transform.h"

/* data ← from + share·(data − from), cut to 0 .. 255 and to whole levels: Pillow's Image.blend. */
void kin_blend(uint8_t *restrict data, const uint8_t *restrict from, size_t count, float share);

/* So many pixels of one colour. */
void kin_fill_pixels(uint8_t *to, size_t pixels, int channels, kin_fill fill);

#endif
