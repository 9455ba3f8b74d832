/* RandAugment [Cubuk et al. 2020] and TrivialAugment [Müller, Hutter 2021]: operations from one list, by
 * strength. List, strengths and order are torchvision's. */
#ifndef KIN_DATA_TRANSFORMS_RANDAUGMENT_H
#define KIN_DATA_TRANSFORMS_RANDAUGMENT_H

#include "data/transforms/transform.h"

enum { KIN_RANDAUGMENT_OPS = 14 };

/* How strong operation `op` (0 .. 13) is at `bin` of `bins` (at least 2), for a picture of that size:
 * degrees, a factor's distance from 1, a shear, pixels, bits or a threshold. `wide`: TrivialAugmentWide's
 * strengths. */
double kin_randaugment_strength(int op, bool wide, int bin, int bins, int width, int height);
bool kin_randaugment_is_signed(int op); /* may the strength's sign be turned? */
const char *kin_randaugment_name(int op);

/* Does it. A strength from kin_randaugment_strength, or its negative where signed. */
bool kin_image_randaugment(kin_image *image, int op, double strength, kin_warp_filter filter, kin_fill fill,
                           kin_error *err);

#endif
