/* How a picture looks, without a network: colours and gradients counted by hand. Beside a weak network it
 * adds much, and where there is none it stands alone (kin embed --model handmade).
 *
 *   colours     a joint histogram of 8 x 8 x 8 bins of RGB, in which a pixel counts by a Gaussian of its
 *               distance from the middle (sigma: .6 of half the side), where what is photographed mostly is
 *   gradients   4 x 4 cells of 8 orientations without direction, each gradient counted by its length in the
 *               two bins nearest to it [Dalal, Triggs 2005, HOG without blocks]
 *
 * Square roots are taken of both and each is brought to unit length, so that their inner products are
 * Hellinger's affinities: one large patch of a colour no longer outweighs all others [Arandjelovic, Zisserman
 * 2012, RootSIFT]. The gradients count half as much as the colours. Sigma and that half were chosen on the
 * classes 45-59 of the grocery photographs. */
#ifndef KIN_DATA_LOOK_LOOK_H
#define KIN_DATA_LOOK_LOOK_H

#include "data/pictures.h"

enum {
    KIN_LOOK_SIDE = 64, /* of the square picture that is described */
    KIN_LOOK_COLOURS = 512,
    KIN_LOOK_CELLS = 4,
    KIN_LOOK_ANGLES = 8,
    KIN_LOOK_GRADIENTS = KIN_LOOK_CELLS * KIN_LOOK_CELLS * KIN_LOOK_ANGLES,
    KIN_LOOK_DIM = KIN_LOOK_COLOURS + KIN_LOOK_GRADIENTS
};

/* The descriptor [KIN_LOOK_DIM], of unit length, of a picture rgb [KIN_LOOK_SIDE, KIN_LOOK_SIDE, 3]. */
void kin_look(const uint8_t *rgb, float *out);

/* The same of a picture of any size and 1 to 4 channels, which is changed: its short side is resized and the
 * middle cut out, as kin embed does. */
bool kin_look_image(kin_image *image, float *out, kin_error *err);

/* Whether a descriptor is of a picture without colours. Then it is changed so that its inner product with others is
 * the cosine of the gradients alone, by which a greyed copy finds the picture in colours. */
bool kin_look_grey(float *row);

/* Of a set: pictures of side KIN_LOOK_SIDE and 3 channels. Rows [count, KIN_LOOK_DIM], owned by the
 * caller. */
float *kin_look_pictures(const kin_pictures *p, kin_error *err);

#endif
