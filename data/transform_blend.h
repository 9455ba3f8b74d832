/* What transform_*.c share. */
#ifndef KIN_DATA_TRANSFORM_BLEND_H
#define KIN_DATA_TRANSFORM_BLEND_H

#include <stddef.h>
#include <stdint.h>

/* data ← from + share·(data − from), cut to 0 .. 255 and to whole levels: Pillow's Image.blend. */
void kin_blend(uint8_t *restrict data, const uint8_t *restrict from, size_t count, float share);

#endif
