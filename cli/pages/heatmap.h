/* Where a network looks: a map of numbers laid over the picture that it was computed from. */
#ifndef KIN_CLI_PAGES_HEATMAP_H
#define KIN_CLI_PAGES_HEATMAP_H

#include "autograd/tensor.h"
#include "data/images/image.h"

/* The length of each pixel's channels in one sample of a map [n, h, w, c], √Σ x², to `out` [h·w]. With
 * `before`, of the same shape, the length of the difference: what an attention changed. A spatial gate [n,
 * h, w, 1] gives itself. False when the shapes do not fit; the error is in `err`. */
bool kin_heatmap_lengths(const kin_tensor *map, const kin_tensor *before, int64_t sample, float *out,
                         kin_error *err);

typedef struct kin_heatmap_opt {
    double opacity;   /* of the colours over the picture; 0: .6 */
    bool fade;        /* the lower the value, the more of the picture is seen */
    bool grey;        /* the picture in shades of grey, so that all colour is the map's */
    double low, high; /* the values at the ends of the ramp; both 0: the map's own least and largest */
} kin_heatmap_opt;

/* The picture with map [h, w] over it, as RGB in `out` (kin_image_free). Between the map's centres the
 * values are interpolated linearly, beyond the outer ones they stay. `opt` may be NULL. A map with a
 * number that is not finite is refused. */
bool kin_heatmap_overlay(const kin_image *picture, const float *map, int h, int w, const kin_heatmap_opt *opt,
                         kin_image *out, kin_error *err);

/* The ramp's colour for 0 .. 1: from dark violet over red to light yellow, its lightness in Oklab
 * [Ottosson 2020] proportional to the value, so that equal steps look equal, in grey print too. */
void kin_heatmap_colour(double value, uint8_t rgb[3]);

#endif
