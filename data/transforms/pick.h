/* Random parameters of transforms, distributed as torchvision's get_params() draws them. A draw is a
 * function of the stream alone. */
#ifndef KIN_DATA_TRANSFORMS_PICK_H
#define KIN_DATA_TRANSFORMS_PICK_H

#include "base/random.h"
#include "data/transforms/transform.h"

/* RandomCrop: any place of a width × height picture, all equally likely. The crop must not be larger. */
kin_window kin_pick_crop(kin_stream *s, int width, int height, int crop_width, int crop_height);

/* RandomResizedCrop: a share of the area, uniform in `scale`, and an aspect (width over height), uniform
 * in the logarithm of `ratio`; ten tries to fit that into the picture, then the largest middle part whose
 * aspect is allowed. */
kin_window kin_pick_resized_crop(kin_stream *s, int width, int height, const double scale[2],
                                 const double ratio[2]);

/* RandomErasing: the same with height over width, and smaller than the picture both ways. False when ten
 * tries did not fit. */
bool kin_pick_erase(kin_stream *s, int width, int height, const double scale[2], const double ratio[2],
                    kin_window *out);

/* RandomAffine: each number uniform in its range; moved by up to a share of the width and the height, to
 * whole pixels. */
typedef struct kin_affine_range {
    double degrees[2], move_x, move_y, scale[2], shear_x[2], shear_y[2];
} kin_affine_range;
kin_affine_warp kin_pick_affine(kin_stream *s, int width, int height, const kin_affine_range *range);

/* RandomPerspective: each corner moves inwards by up to `distortion` of half the width and half the
 * height. */
void kin_pick_perspective(kin_stream *s, int width, int height, double distortion, double corners[4][2]);

/* ColorJitter: 0 .. 3 in any order, all equally likely. */
void kin_pick_order(kin_stream *s, int order[4]);

#endif
