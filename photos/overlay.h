/* Two pictures laid over each other: do they show the same? */
#ifndef KIN_PHOTOS_OVERLAY_H
#define KIN_PHOTOS_OVERLAY_H

#include "photos/corners.h"

enum { KIN_OVERLAY_SIDE = 96 /* the longer side */, KIN_OVERLAY_WHOLE = 32 };

/* What of a picture is kept to be compared. */
typedef struct kin_overlay {
    int width, height; /* of its grey, and of the picture that the corners are places of */
    int corner_width, corner_height;
    uint8_t grey[KIN_OVERLAY_SIDE * KIN_OVERLAY_SIDE];
    uint8_t whole[KIN_OVERLAY_WHOLE * KIN_OVERLAY_WHOLE * 3]; /* squeezed into a square, in colours */
    kin_corners corners;
} kin_overlay;

/* `image` is of 1 or 3 channels. */
bool kin_overlay_make(const kin_image *image, kin_overlay *out, kin_error *err);

/* As wholes: the correlation of their greys, -1 .. 1, over the square; and the mean difference of their
 * colours, of 255. */
double kin_overlay_whole(const kin_overlay *a, const kin_overlay *b, double *colours);

/* By a map from a's corners to b's: the correlation of what lies over each other, and how much of the smaller
 * picture that is. -1 where the map is none that a copy has: sides stretched apart by more than a fifth,
 * turned by more than 20 degrees, mirrored, or scaled by more than 4. */
double kin_overlay_part(const kin_overlay *a, const kin_overlay *b, const kin_affine_map *map,
                        double *covered);

#endif
