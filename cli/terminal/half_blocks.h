/* Pictures in a terminal of 24-bit colours: a half block a cell, its upper pixel in the character's colour, its lower one
 * in the background's. */
#ifndef KIN_CLI_TERMINAL_HALF_BLOCKS_H
#define KIN_CLI_TERMINAL_HALF_BLOCKS_H

#include "base/text.h"
#include "data/images/image.h"

/* Appends the picture (1 or 3 channels), made no wider than `columns` cells and no higher than `rows` lines, each line
 * behind `indent` blanks and ended by the plain colours. */
bool kin_half_blocks_add(kin_text *text, const kin_image *image, int columns, int rows, int indent,
                         kin_error *err);

#endif
