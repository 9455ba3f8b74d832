/* How much there is to see in a picture, where pixels alone do not tell: an enlarged copy has more of them and shows no
 * more. */
#ifndef KIN_PHOTOS_DETAIL_H
#define KIN_PHOTOS_DETAIL_H

#include "data/images/image.h"

/* Root mean square of what a grey picture loses when it is reduced to `scale` of its sides and brought back. */
bool kin_detail_beyond(const kin_image *grey, double scale, double *out, kin_error *err);

/* Whether the larger of two pictures, both grey, shows more than the smaller one: what reducing it to as many pixels
 * takes from it is more than .3 of what halving takes from the smaller one. Copies enlarged 1.5 to 3 times lose up to
 * .26, photographs from .39. Sides that differ by less than a quarter tell nothing: true. */
bool kin_detail_more(const kin_image *larger, const kin_image *smaller, bool *more, kin_error *err);

/* Whether these first bytes of a file are of a picture of 256 colours at most: a GIF, or a PNG with a palette. */
bool kin_detail_paletted(const uint8_t *bytes, size_t size);

#endif
