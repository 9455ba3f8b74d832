#include "data/transforms/randaugment.h"

#include <math.h>

enum {
    IDENTITY,
    SHEAR_X,
    SHEAR_Y,
    MOVE_X,
    MOVE_Y,
    ROTATE,
    BRIGHTNESS,
    COLOUR,
    CONTRAST,
    SHARPNESS,
    POSTERIZE,
    SOLARIZE,
    AUTOCONTRAST,
    EQUALIZE
};

/* The largest strengths; moves of RandAugment are a share of the picture, of TrivialAugment pixels. */
static const struct {
    const char *name;
    bool is_signed;
    double most, most_wide;
} ops[KIN_RANDAUGMENT_OPS] = {
    [IDENTITY] = {"Identity", false, 0, 0},
    [SHEAR_X] = {"ShearX", true, 0.3, 0.99},
    [SHEAR_Y] = {"ShearY", true, 0.3, 0.99},
    [MOVE_X] = {"TranslateX", true, 150.0 / 331.0, 32},
    [MOVE_Y] = {"TranslateY", true, 150.0 / 331.0, 32},
    [ROTATE] = {"Rotate", true, 30, 135},
    [BRIGHTNESS] = {"Brightness", true, 0.9, 0.99},
    [COLOUR] = {"Color", true, 0.9, 0.99},
    [CONTRAST] = {"Contrast", true, 0.9, 0.99},
    [SHARPNESS] = {"Sharpness", true, 0.9, 0.99},
    [POSTERIZE] = {"Posterize", false, 4, 6},
    [SOLARIZE] = {"Solarize", false, 255, 255},
    [AUTOCONTRAST] = {"AutoContrast", false, 0, 0},
    [EQUALIZE] = {"Equalize", false, 0, 0},
};

const char *kin_randaugment_name(int op) { return ops[op].name; }
bool kin_randaugment_is_signed(int op) { return ops[op].is_signed; }

/* torch.linspace in single precision: from both ends towards the middle, multiplied and added with one
 * rounding. */
static double linspace(double first, double last, int bin, int bins)
{
    float a = (float)first, b = (float)last, step = (b - a) / (float)(bins - 1);
    return (float)(bin < bins / 2 ? (double)a + (double)step * bin
                                  : (double)b - (double)step * (bins - 1 - bin));
}

double kin_randaugment_strength(int op, bool wide, int bin, int bins, int width, int height)
{
    double most = wide ? ops[op].most_wide : ops[op].most;
    if (op == POSTERIZE) return 8 - rintf((float)bin / (float)((bins - 1) / most));
    if (op == SOLARIZE) return linspace(255, 0, bin, bins);
    if ((op == MOVE_X || op == MOVE_Y) && !wide) most *= op == MOVE_X ? width : height;
    return linspace(0, most, bin, bins);
}

bool kin_image_randaugment(kin_image *image, int op, double strength, kin_warp_filter filter, kin_fill fill,
                           kin_error *err)
{
    switch (op) {
    case SHEAR_X: return kin_image_shear(image, strength, 0, filter, fill, err);
    case SHEAR_Y: return kin_image_shear(image, 0, strength, filter, fill, err);
    case MOVE_X:
        return kin_image_affine(image, &(kin_affine_warp){.scale = 1, .dx = (int)strength}, filter, fill,
                                err);
    case MOVE_Y:
        return kin_image_affine(image, &(kin_affine_warp){.scale = 1, .dy = (int)strength}, filter, fill,
                                err);
    case ROTATE: return kin_image_rotate(image, strength, filter, fill, err);
    case COLOUR: return kin_image_saturation(image, 1 + strength, err);
    case SHARPNESS: return kin_image_sharpness(image, 1 + strength, err);
    case BRIGHTNESS: kin_image_brightness(image, 1 + strength); break;
    case CONTRAST: kin_image_contrast(image, 1 + strength); break;
    case POSTERIZE: kin_image_posterize(image, (int)strength); break;
    case SOLARIZE: kin_image_solarize(image, strength); break;
    case AUTOCONTRAST: kin_image_autocontrast(image); break;
    case EQUALIZE: kin_image_equalize(image); break;
    default: break;
    }
    return true;
}
