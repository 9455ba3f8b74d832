/* Pictures in a terminal that shows sixels (DEC STD 070): bands of six pixels high, in which each colour is a line of
 * characters, a bit a pixel. */
#ifndef KIN_CLI_TERMINAL_SIXEL_H
#define KIN_CLI_TERMINAL_SIXEL_H

#include "base/text.h"
#include "data/images/image.h"

/* Appends the picture (1 or 3 channels), made as large as fits into width x height pixels, in a cube of 216 colours
 * with the rounding handed on to its neighbours [Floyd, Steinberg 1976]. */
bool kin_sixel_add(kin_text *text, const kin_image *image, int width, int height, kin_error *err);

#endif
