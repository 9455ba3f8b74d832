/* What is done to pictures before a network sees them, each with given parameters; data/transforms/pick.h
 * draws the parameters and data/transforms/recipe.h strings transforms together. Pictures have 1 or 3
 * channels of 8 bits. Results are those of torchvision 0.29's transforms.functional on Pillow 13 pictures,
 * sample by sample, where nothing else is said. All work in place; those that return bool can run out of
 * memory, and the picture is then as it was. Any thread may call them. */
#ifndef KIN_DATA_TRANSFORMS_TRANSFORM_H
#define KIN_DATA_TRANSFORMS_TRANSFORM_H

#include "data/images/image.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- windows and mirrors (transform_window.c) ---- */

/* What lies outside a picture: one colour; the nearest sample; the picture mirrored at its outermost sample
 * (3 2 | 1 2 3 | 2 1) or beside it (2 1 | 1 2 3 | 3 2). */
typedef enum { KIN_EDGE_CONSTANT, KIN_EDGE_NEAREST, KIN_EDGE_REFLECT, KIN_EDGE_SYMMETRIC } kin_edge;

/* A colour for what was not in the picture, a sample for each channel; grey pictures take the first. */
typedef struct kin_fill {
    uint8_t sample[3];
} kin_fill;

/* A rectangle in pixels; it may reach beyond the picture. */
typedef struct kin_window {
    int left, top, width, height;
} kin_window;

/* The picture becomes what is seen through the window: crop(), pad() and center_crop() are windows. */
bool kin_image_window(kin_image *image, kin_window window, kin_edge edge, kin_fill fill, kin_error *err);
/* Where center_crop() looks: in the middle, halves rounded to even. */
kin_window kin_window_centre(const kin_image *image, int width, int height);
/* The window through which a picture is seen with so many pixels more on each side. */
kin_window kin_window_pad(const kin_image *image, int left, int top, int right, int bottom);

void kin_image_mirror(kin_image *image); /* hflip() */
void kin_image_upend(kin_image *image);  /* vflip() */

/* erase(): the part of the window within the picture becomes the colour, or noise: sample c is drawn from
 * a normal distribution with mean[c] and deviation[c] (both in 0 .. 255), cut to 0 .. 255, as a pure
 * function of `key`. */
void kin_image_erase(kin_image *image, kin_window window, kin_fill fill);
void kin_image_erase_noise(kin_image *image, kin_window window, const double mean[3],
                           const double deviation[3], uint64_t key);

/* ---- warps (transform_warp.c); the size stays ---- */

typedef enum { KIN_WARP_NEAREST, KIN_WARP_BILINEAR } kin_warp_filter;

/* rotate(): by degrees, counter-clockwise about the middle. */
bool kin_image_rotate(kin_image *image, double degrees, kin_warp_filter filter, kin_fill fill,
                      kin_error *err);

/* affine(): turned clockwise and sheared by degrees and scaled about a centre, then moved by whole pixels. */
typedef struct kin_affine_warp {
    double degrees, scale, shear_x, shear_y;
    int dx, dy;
    bool about_corner; /* the centre is (0, 0); otherwise the picture's middle */
} kin_affine_warp;
bool kin_image_affine(kin_image *image, const kin_affine_warp *affine, kin_warp_filter filter, kin_fill fill,
                      kin_error *err);

/* The shears of RandAugment and its kin: x' = x + x_by·y, y' = y + y_by·x, from the top left corner. */
bool kin_image_shear(kin_image *image, double x_by, double y_by, kin_warp_filter filter, kin_fill fill,
                     kin_error *err);

/* perspective(): the picture's corner pixels (top left, top right, bottom right, bottom left) go to
 * `corners`, x then y. Fails with KIN_ERR_ARGUMENT when three of them lie in line. */
bool kin_image_perspective(kin_image *image, const double corners[4][2], kin_warp_filter filter,
                           kin_fill fill, kin_error *err);

/* ---- colours (transform_colour.c) ---- */

void kin_image_brightness(kin_image *image, double factor);                 /* adjust_brightness() */
void kin_image_contrast(kin_image *image, double factor);                   /* adjust_contrast() */
bool kin_image_saturation(kin_image *image, double factor, kin_error *err); /* adjust_saturation() */
/* adjust_hue(): -0.5 .. 0.5 of the circle */
void kin_image_hue(kin_image *image, double factor);
/* to_grayscale(), the channels kept */
void kin_image_grey(kin_image *image);
void kin_image_invert(kin_image *image);
void kin_image_posterize(kin_image *image, int bits); /* 1 .. 8 */
void kin_image_solarize(kin_image *image, double threshold);
void kin_image_autocontrast(kin_image *image);
void kin_image_equalize(kin_image *image);

/* ---- neighbourhoods (transform_filter.c) ---- */

bool kin_image_sharpness(kin_image *image, double factor, kin_error *err); /* adjust_sharpness() */

/* gaussian_blur() with an odd kernel, the edges reflected. Two passes in float here, one with a
 * two-dimensional kernel there: samples may differ by one level. Where the kernel is wider than the
 * picture (refused there) it is reflected more than once. */
bool kin_image_blur(kin_image *image, int kernel, double sigma, kin_error *err);

#ifdef __cplusplus
}
#endif

#endif
