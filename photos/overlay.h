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
    uint8_t blue[KIN_OVERLAY_SIDE * KIN_OVERLAY_SIDE /
                 4], /* chroma, YCbCr's, of half the grey's sides, rounded up; ... */
        red[KIN_OVERLAY_SIDE * KIN_OVERLAY_SIDE / 4];
    bool coloured;   /* ... whether there is any */
    bool filled;     /* its corners were, when it was turned by a few degrees */
    bool plain;      /* its border is of one colour, the background's: ... */
    uint8_t back[3]; /* ... grey, blue, red */
    uint8_t whole[KIN_OVERLAY_WHOLE * KIN_OVERLAY_WHOLE * 3]; /* squeezed into a square, in colours */
    kin_corners corners;
} kin_overlay;

/* `image` is of 1 or 3 channels. */
bool kin_overlay_make(const kin_image *image, kin_overlay *out, kin_error *err);

/* The picture transposed (4), then its columns (1) and rows (2) in reverse order; without corners. Of the seven turns
 * 3, 5 and 6 are by 180, 90 and 270 degrees, the others are mirrored. */
void kin_overlay_turn(const kin_overlay *from, int turn, kin_overlay *out);

/* Whether it is of one colour, to within what a JPEG makes of one: nothing is in it that greys could correlate by. */
bool kin_overlay_blank(const kin_overlay *o);

/* Whether a frame of one colour lies around it: rings of that colour, and right inside of them hardly any of it, as no
 * thing before a plain background has; or whether its corners were filled when it was turned by a few degrees. Said of
 * one of two copies it is the lesser; of one picture by itself it tells little. */
bool kin_overlay_framed(const kin_overlay *o);

/* Beside the correlation of greys: what agrees of two pictures that lie over each other. The foreground is what is not
 * of the background's colour in one of them; where not both have a plain background it is all. */
typedef struct kin_overlay_agreement {
    double foreground; /* part of what lies over each other */
    double
        shape; /* correlation of the foreground's greys in the middle of its worse blocks; 2: it has no structure */
    double grey;    /* mean difference of the foreground's greys, of 255, block by block */
    double colour;  /* mean difference of its chroma, as a part of the mean length of chroma */
    double strange; /* part of the foreground whose colour is another altogether */
} kin_overlay_agreement;

/* As wholes: the correlation of their greys, -1 .. 1, over the square; and the mean difference of their
 * colours, of 255. */
double kin_overlay_whole(const kin_overlay *a, const kin_overlay *b, double *colours);
/* The agreement of both as wholes. */
kin_overlay_agreement kin_overlay_agree(const kin_overlay *a, const kin_overlay *b);

/* By a map from a's corners to b's: the correlation of what lies over each other, and how much of the smaller
 * picture that is. -1 where the map is none that a copy has: sides stretched apart by more than a fifth,
 * turned by more than 20 degrees, mirrored, or scaled by more than 4. */
double kin_overlay_part(const kin_overlay *a, const kin_overlay *b, const kin_affine_map *map,
                        double *covered, kin_overlay_agreement *agreement);

#endif
