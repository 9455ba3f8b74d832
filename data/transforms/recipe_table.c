/* The table of transforms: names, parameters, and how each draws its numbers and is applied. */
#include "data/transforms/pick.h"
#include "data/transforms/randaugment.h"
#include "data/transforms/recipe.h"

#include <math.h>

#define NEEDS NULL /* a parameter without a default */
enum { SIDE_MAX = 16384 };

static const char *const resize_filters[] = {"box", "bilinear", "bicubic", "lanczos", NULL};
static const char *const warp_filters[] = {"nearest", "bilinear", NULL};
static const char *const edges[] = {"constant", "edge", "reflect", "symmetric", NULL};
static const char *const fills[] = {"mean", "random", NULL};
static const char *const norms[] = {"imagenet", "lite", "half", NULL};

/* ---- reading a step's values ---- */

static double number(const kin_recipe_step *step, int k) { return step->value[k].number[0]; }
static int whole(const kin_recipe_step *step, int k) { return (int)step->value[k].number[0]; }
static int second(const kin_recipe_step *step, int k)
{
    return (int)step->value[k].number[step->value[k].count > 1];
}
static bool happens(const kin_recipe_step *step, int k, kin_stream *s)
{
    return kin_stream_uniform(s) < number(step, k);
}

static double between(const kin_recipe_step *step, int k, kin_stream *s)
{
    double range[2];
    kin_step_range(step, k, range);
    return kin_stream_range(s, range[0], range[1]);
}

static kin_fill fill_of(const kin_recipe_step *step, int k)
{
    const kin_value *v = &step->value[k];
    kin_fill fill;
    for (int c = 0; c < 3; c++) fill.sample[c] = (uint8_t)v->number[v->count == 3 ? c : 0];
    return fill;
}

/* ---- sizes ---- */

static bool resize_to(kin_image *image, int width, int height, kin_filter filter, kin_error *err)
{
    kin_image out;
    if (width == image->width && height == image->height) return true;
    if (!kin_image_resize(image, width, height, filter, &out, err)) return false;
    out.remark = image->remark;
    kin_image_free(image);
    *image = out;
    return true;
}

/* One number is the short side's. */
static void resize_size(const kin_recipe_step *step, int *width, int *height)
{
    int64_t size = whole(step, 0), w = *width, h = *height, most = 1 << 30,
            along = w < 1 || h < 1 ? 0
                    : w <= h       ? size * h / w
                                   : size * w / h;
    if (step->value[0].count > 1) *height = whole(step, 0), *width = second(step, 0);
    else if (w < 1 || h < 1) *width = *height = 0;
    else if (w <= h) *width = (int)size, *height = (int)(along < most ? along : most);
    else *height = (int)size, *width = (int)(along < most ? along : most);
}

static bool resize(const kin_recipe_step *step, const kin_recipe *recipe, kin_stream *s, kin_image *image,
                   kin_error *err)
{
    (void)recipe, (void)s;
    int width = image->width, height = image->height;
    resize_size(step, &width, &height);
    return resize_to(image, width, height, (kin_filter)step->value[1].word, err);
}

static void fixed_size(const kin_recipe_step *step, int *width, int *height)
{
    *height = whole(step, 0), *width = second(step, 0);
}

static bool centre(const kin_recipe_step *step, const kin_recipe *recipe, kin_stream *s, kin_image *image,
                   kin_error *err)
{
    (void)recipe, (void)s;
    return kin_image_window(image, kin_window_centre(image, second(step, 0), whole(step, 0)),
                            KIN_EDGE_CONSTANT, (kin_fill){{0}}, err);
}

static void pad_size(const kin_recipe_step *step, int *width, int *height)
{
    if (*height > 0) *height += 2 * whole(step, 0);
    if (*width > 0) *width += 2 * second(step, 0);
}

static bool pad(const kin_recipe_step *step, const kin_recipe *recipe, kin_stream *s, kin_image *image,
                kin_error *err)
{
    (void)recipe, (void)s;
    int y = whole(step, 0), x = second(step, 0);
    return kin_image_window(image, kin_window_pad(image, x, y, x, y), (kin_edge)step->value[2].word,
                            fill_of(step, 1), err);
}

/* Padding and crop are one window. */
static bool crop(const kin_recipe_step *step, const kin_recipe *recipe, kin_stream *s, kin_image *image,
                 kin_error *err)
{
    (void)recipe;
    int height = whole(step, 0), width = second(step, 0), pad_y = whole(step, 1), pad_x = second(step, 1),
        all_x = image->width + 2 * pad_x, all_y = image->height + 2 * pad_y;
    if (width > all_x || height > all_y)
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "a crop of %dx%d (height first) is larger than the picture's %dx%d; resize it "
                        "before, or pad more",
                        height, width, all_y, all_x);
    kin_window w = kin_pick_crop(s, all_x, all_y, width, height);
    w.left -= pad_x, w.top -= pad_y;
    return kin_image_window(image, w, (kin_edge)step->value[3].word, fill_of(step, 2), err);
}

static bool resized_crop(const kin_recipe_step *step, const kin_recipe *recipe, kin_stream *s,
                         kin_image *image, kin_error *err)
{
    (void)recipe;
    double scale[2], ratio[2];
    kin_step_range(step, 1, scale);
    kin_step_range(step, 2, ratio);
    kin_window w = kin_pick_resized_crop(s, image->width, image->height, scale, ratio);
    return kin_image_window(image, w, KIN_EDGE_CONSTANT, (kin_fill){{0}}, err) &&
           resize_to(image, second(step, 0), whole(step, 0), (kin_filter)step->value[3].word, err);
}

/* ---- places ---- */

static bool flip(const kin_recipe_step *step, const kin_recipe *recipe, kin_stream *s, kin_image *image,
                 kin_error *err)
{
    (void)recipe, (void)err;
    if (happens(step, 0, s)) kin_image_mirror(image);
    return true;
}

static bool vflip(const kin_recipe_step *step, const kin_recipe *recipe, kin_stream *s, kin_image *image,
                  kin_error *err)
{
    (void)recipe, (void)err;
    if (happens(step, 0, s)) kin_image_upend(image);
    return true;
}

static bool rotate(const kin_recipe_step *step, const kin_recipe *recipe, kin_stream *s, kin_image *image,
                   kin_error *err)
{
    (void)recipe;
    if (!happens(step, 3, s)) return true;
    return kin_image_rotate(image, between(step, 0, s), (kin_warp_filter)step->value[1].word,
                            fill_of(step, 2), err);
}

static bool affine(const kin_recipe_step *step, const kin_recipe *recipe, kin_stream *s, kin_image *image,
                   kin_error *err)
{
    (void)recipe;
    if (!happens(step, 6, s)) return true;
    kin_affine_range range = {.move_x = number(step, 1),
                              .move_y = step->value[1].number[step->value[1].count > 1]};
    kin_step_range(step, 0, range.degrees);
    kin_step_range(step, 2, range.scale);
    kin_step_range(step, 3, range.shear_x);
    kin_step_range(step, 7, range.shear_y);
    kin_affine_warp drawn = kin_pick_affine(s, image->width, image->height, &range);
    return kin_image_affine(image, &drawn, (kin_warp_filter)step->value[4].word, fill_of(step, 5), err);
}

/* A picture a pixel wide has its corners in line: it stays. */
static bool perspective(const kin_recipe_step *step, const kin_recipe *recipe, kin_stream *s,
                        kin_image *image, kin_error *err)
{
    (void)recipe;
    double corners[4][2];
    if (!happens(step, 1, s) || image->width < 2 || image->height < 2) return true;
    kin_pick_perspective(s, image->width, image->height, number(step, 0), corners);
    kin_error none = {0};
    if (kin_image_perspective(image, (const double(*)[2])corners, (kin_warp_filter)step->value[2].word,
                              fill_of(step, 3), &none))
        return true;
    return none.code == KIN_ERR_ARGUMENT || kin_fail(err, none.code, "%s", none.message);
}

/* The fill of what is erased is in the picture's own terms, 0 .. 255. `mean` and `random` are 0 and normal
 * noise of deviation 1 once the picture is normalised, which is where torchvision erases. */
static bool erase(const kin_recipe_step *step, const kin_recipe *recipe, kin_stream *s, kin_image *image,
                  kin_error *err)
{
    (void)err;
    static const float imagenet_mean[3] = {0.485f, 0.456f, 0.406f},
                       imagenet_std[3] = {0.229f, 0.224f, 0.225f};
    double scale[2], ratio[2], mean[3], deviation[3];
    kin_window w;
    kin_step_range(step, 1, scale);
    kin_step_range(step, 2, ratio);
    if (!happens(step, 0, s) || !kin_pick_erase(s, image->width, image->height, scale, ratio, &w))
        return true;
    for (int c = 0; c < 3; c++) {
        mean[c] = 255 * (double)(recipe->normalizes ? recipe->mean : imagenet_mean)[c];
        deviation[c] = 255 * (double)(recipe->normalizes ? recipe->std : imagenet_std)[c];
    }
    kin_fill fill = fill_of(step, 3);
    if (step->value[3].count == 0 && step->value[3].word == 1) {
        kin_image_erase_noise(image, w, mean, deviation, kin_key(s->key, 1, 0));
        return true;
    }
    if (step->value[3].count == 0)
        for (int c = 0; c < 3; c++)
            fill.sample[c] = (uint8_t)(mean[c] < 0 ? 0 : mean[c] > 255 ? 255 : rint(mean[c]));
    kin_image_erase(image, w, fill);
    return true;
}

/* ---- colours ---- */

/* All factors are drawn, whether they are used or not: a change of one range leaves the other draws alone. */
static bool jitter(const kin_recipe_step *step, const kin_recipe *recipe, kin_stream *s, kin_image *image,
                   kin_error *err)
{
    (void)recipe;
    int order[4];
    double factor[4];
    bool used[4];
    if (!happens(step, 4, s)) return true;
    kin_pick_order(s, order);
    for (int k = 0; k < 4; k++) {
        double range[2], still = k == 3 ? 0 : 1;
        kin_step_range(step, k, range);
        used[k] = range[0] != still || range[1] != still;
        factor[k] = kin_stream_range(s, range[0], range[1]);
    }
    for (int i = 0; i < 4; i++) {
        int k = order[i];
        if (!used[k]) continue;
        if (k == 0) kin_image_brightness(image, factor[k]);
        if (k == 1) kin_image_contrast(image, factor[k]);
        if (k == 2 && !kin_image_saturation(image, factor[k], err)) return false;
        if (k == 3) kin_image_hue(image, factor[k]);
    }
    return true;
}

#define SOMETIMES(name, p, call) \
    static bool name(const kin_recipe_step *step, const kin_recipe *recipe, kin_stream *s, kin_image *image, \
                     kin_error *err) \
    { \
        (void)recipe, (void)err; \
        if (!happens(step, p, s)) return true; \
        call; \
        return true; \
    }
SOMETIMES(grey, 0, kin_image_grey(image))
SOMETIMES(invert, 0, kin_image_invert(image))
SOMETIMES(autocontrast, 0, kin_image_autocontrast(image))
SOMETIMES(equalize, 0, kin_image_equalize(image))
SOMETIMES(posterize, 1, kin_image_posterize(image, whole(step, 0)))
SOMETIMES(solarize, 1, kin_image_solarize(image, number(step, 0)))
SOMETIMES(sharpness, 1, return kin_image_sharpness(image, number(step, 0), err))
SOMETIMES(blur, 2, return kin_image_blur(image, whole(step, 0), between(step, 1, s), err))
#undef SOMETIMES

/* ---- lists of operations ---- */

static bool one_of_many(kin_stream *s, kin_image *image, bool wide, int bin, int bins, kin_warp_filter filter,
                        kin_fill fill, kin_error *err)
{
    int op = (int)kin_stream_below(s, KIN_RANDAUGMENT_OPS);
    double strength = kin_randaugment_strength(
        op, wide, wide ? (int)kin_stream_below(s, (uint64_t)bins) : bin, bins, image->width, image->height);
    if (kin_randaugment_is_signed(op) && kin_stream_below(s, 2)) strength = -strength;
    return kin_image_randaugment(image, op, strength, filter, fill, err);
}

static bool randaugment(const kin_recipe_step *step, const kin_recipe *recipe, kin_stream *s,
                        kin_image *image, kin_error *err)
{
    (void)recipe;
    for (int i = 0; i < whole(step, 0); i++)
        if (!one_of_many(s, image, false, whole(step, 1), whole(step, 2),
                         (kin_warp_filter)step->value[3].word, fill_of(step, 4), err))
            return false;
    return true;
}

static bool trivial(const kin_recipe_step *step, const kin_recipe *recipe, kin_stream *s, kin_image *image,
                    kin_error *err)
{
    (void)recipe;
    return one_of_many(s, image, true, 0, whole(step, 0), (kin_warp_filter)step->value[1].word,
                       fill_of(step, 2), err);
}

/* ---- values that make no sense together ---- */

static bool check_blur(const kin_recipe_step *step, kin_error *err)
{
    return whole(step, 0) % 2 == 1 ||
           kin_fail(err, KIN_ERR_ARGUMENT, "kernel is an odd number, not %d", whole(step, 0));
}

static bool check_randaugment(const kin_recipe_step *step, kin_error *err)
{
    return whole(step, 1) < whole(step, 2) ||
           kin_fail(err, KIN_ERR_ARGUMENT, "magnitude is one of the bins, 0 to %d, not %d",
                    whole(step, 2) - 1, whole(step, 1));
}

static bool check_normalize(const kin_recipe_step *step, kin_error *err)
{
    const kin_value *mean = &step->value[0], *std = &step->value[1];
    if ((mean->count == 0) != (std->count == 0))
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "mean and std are both numbers, or one of imagenet, lite and half stands for both");
    return std->count > 0 || std->word == 0 || std->word == mean->word ||
           kin_fail(err, KIN_ERR_ARGUMENT, "%s and %s: one name stands for both", norms[mean->word],
                    norms[std->word]);
}

/* ---- the table ---- */

#define P(default_p) \
    { \
        "p", KIN_PARAM_NUMBER, default_p, 0, 1, NULL, "how likely it happens" \
    }
#define FILL \
    { \
        "fill", KIN_PARAM_COLOUR, "0", 0, 255, NULL, "colour of what lies outside: a level or R/G/B" \
    }
#define SIZE(help) \
    { \
        "size", KIN_PARAM_SIZE, NEEDS, 1, SIDE_MAX, NULL, help \
    }
#define FILTER(name) \
    { \
        "filter", KIN_PARAM_WORD, name, 0, 0, resize_filters, "how it is resized" \
    }
#define WARP(name) \
    { \
        "filter", KIN_PARAM_WORD, name, 0, 0, warp_filters, "how samples are looked up" \
    }
#define EDGE \
    { \
        "mode", KIN_PARAM_WORD, "constant", 0, 0, edges, "what lies outside" \
    }
#define DEGREES \
    { \
        "degrees", KIN_PARAM_SWING, NEEDS, -360, 360, NULL, "turned by so much either way, or a range" \
    }

const kin_transform_info kin_transforms[] = {
    {"resize",
     NULL,
     "Resize",
     "Resizes the short side, or to HxW.",
     {SIZE("the short side, or HxW"), FILTER("bilinear")},
     resize,
     resize_size,
     NULL},
    {"centre",
     "center",
     "CenterCrop",
     "Cuts out the middle; too small pictures get black margins.",
     {SIZE("side, or HxW")},
     centre,
     fixed_size,
     NULL},
    {"pad",
     NULL,
     "Pad",
     "Adds margins.",
     {{"by", KIN_PARAM_SIZE, NEEDS, 0, SIDE_MAX, NULL,
       "pixels on each side; or above and below x left and right"},
      FILL,
      EDGE},
     pad,
     pad_size,
     NULL},
    {"crop",
     NULL,
     "RandomCrop",
     "Cuts out a part at any place.",
     {SIZE("side, or HxW"),
      {"pad", KIN_PARAM_SIZE, "0", 0, SIDE_MAX, NULL, "margins added before"},
      FILL,
      EDGE},
     crop,
     fixed_size,
     NULL},
    {"rrc",
     NULL,
     "RandomResizedCrop",
     "Cuts out a part of any place, area and aspect, and resizes that.",
     {SIZE("side, or HxW"),
      {"scale", KIN_PARAM_RANGE, "0.08-1", 1e-6, 1, NULL, "share of the area"},
      {"ratio", KIN_PARAM_RANGE, "0.75-1.3333333333333333", 1e-3, 1e3, NULL, "width over height"},
      FILTER("bilinear")},
     resized_crop,
     fixed_size,
     NULL},
    {"flip", "hflip", "RandomHorizontalFlip", "Mirrors left and right.", {P("0.5")}, flip, NULL, NULL},
    {"vflip", NULL, "RandomVerticalFlip", "Turns upside down, mirrored.", {P("0.5")}, vflip, NULL, NULL},
    {"rotate",
     NULL,
     "RandomRotation",
     "Turns about the middle.",
     {DEGREES, WARP("nearest"), FILL, P("1")},
     rotate,
     NULL,
     NULL},
    {"affine",
     NULL,
     "RandomAffine",
     "Turns, moves, scales and shears.",
     {DEGREES,
      {"translate", KIN_PARAM_PAIR, "0", 0, 1, NULL, "by up to this share of the width x the height"},
      {"scale", KIN_PARAM_RANGE, "1", 1e-3, 1e3, NULL, "larger or smaller by"},
      {"shear", KIN_PARAM_SWING, "0", -89, 89, NULL, "degrees along x"},
      WARP("nearest"),
      FILL,
      P("1"),
      {"shear-y", KIN_PARAM_SWING, "0", -89, 89, NULL, "degrees along y"}},
     affine,
     NULL,
     NULL},
    {"perspective",
     NULL,
     "RandomPerspective",
     "Moves each corner inwards.",
     {{"distortion", KIN_PARAM_NUMBER, "0.5", 0, 1, NULL, "by up to this share of half the size"},
      P("0.5"),
      WARP("bilinear"),
      FILL},
     perspective,
     NULL,
     NULL},
    {"jitter",
     NULL,
     "ColorJitter",
     "Changes brightness, contrast, saturation and hue, in any order.",
     {{"brightness", KIN_PARAM_FACTOR, "0", 0, 1e3, NULL, "factors 1-v to 1+v, or a range"},
      {"contrast", KIN_PARAM_FACTOR, "0", 0, 1e3, NULL, "the same"},
      {"saturation", KIN_PARAM_FACTOR, "0", 0, 1e3, NULL, "the same"},
      {"hue", KIN_PARAM_SWING, "0", -0.5, 0.5, NULL, "share of the circle, either way"},
      P("1")},
     jitter,
     NULL,
     NULL},
    {"grey",
     "gray",
     "RandomGrayscale",
     "Takes the colours away; channels stay.",
     {P("0.1")},
     grey,
     NULL,
     NULL},
    {"blur",
     NULL,
     "GaussianBlur",
     "Blurs.",
     {{"kernel", KIN_PARAM_WHOLE, NEEDS, 1, 255, NULL, "side of the kernel, odd"},
      {"sigma", KIN_PARAM_RANGE, "0.1-2", 1e-3, 1e3, NULL, "pixels"},
      P("1")},
     blur,
     NULL,
     check_blur},
    {"erase",
     NULL,
     "RandomErasing",
     "Paints over a rectangle of any place, area and aspect.",
     {P("0.5"),
      {"scale", KIN_PARAM_RANGE, "0.02-0.33", 0, 1, NULL, "share of the area"},
      {"ratio", KIN_PARAM_RANGE, "0.3-3.3", 1e-3, 1e3, NULL, "height over width"},
      {"value", KIN_PARAM_COLOUR, "mean", 0, 255, fills,
       "a level or R/G/B of 0 to 255; mean and random: 0 and noise once normalised"}},
     erase,
     NULL,
     NULL},
    {"invert", NULL, "RandomInvert", "Turns light to dark.", {P("0.5")}, invert, NULL, NULL},
    {"posterize",
     NULL,
     "RandomPosterize",
     "Keeps the upper bits.",
     {{"bits", KIN_PARAM_WHOLE, "4", 1, 8, NULL, "how many stay"}, P("0.5")},
     posterize,
     NULL,
     NULL},
    {"solarize",
     NULL,
     "RandomSolarize",
     "Inverts what is light.",
     {{"threshold", KIN_PARAM_NUMBER, "128", 0, 256, NULL, "from this level on"}, P("0.5")},
     solarize,
     NULL,
     NULL},
    {"sharpness",
     NULL,
     "RandomAdjustSharpness",
     "Sharpens or softens.",
     {{"factor", KIN_PARAM_NUMBER, "2", 0, 1e3, NULL, "0 soft, 1 as it is, 2 sharp"}, P("0.5")},
     sharpness,
     NULL,
     NULL},
    {"autocontrast",
     NULL,
     "RandomAutocontrast",
     "Stretches each channel to 0 to 255.",
     {P("0.5")},
     autocontrast,
     NULL,
     NULL},
    {"equalize",
     NULL,
     "RandomEqualize",
     "Makes all levels of a channel equally frequent.",
     {P("0.5")},
     equalize,
     NULL,
     NULL},
    {"randaugment",
     NULL,
     "RandAugment",
     "Does some of 14 operations, of one strength.",
     {{"n", KIN_PARAM_WHOLE, "2", 0, 14, NULL, "how many"},
      {"magnitude", KIN_PARAM_WHOLE, "9", 0, 1000, NULL, "the strength's bin"},
      {"bins", KIN_PARAM_WHOLE, "31", 2, 1001, NULL, "how finely strengths are cut"},
      WARP("nearest"),
      FILL},
     randaugment,
     NULL,
     check_randaugment},
    {"trivial",
     NULL,
     "TrivialAugmentWide",
     "Does one of 14 operations, of any strength.",
     {{"bins", KIN_PARAM_WHOLE, "31", 2, 1001, NULL, "how finely strengths are cut"}, WARP("nearest"), FILL},
     trivial,
     NULL,
     NULL},
    {"normalize",
     "normalise",
     "Normalize",
     "(byte/255 - mean)/std, once bytes become floats, wherever it stands.",
     {{"mean", KIN_PARAM_COLOUR, "imagenet", -1e3, 1e3, norms,
       "a number or R/G/B; or imagenet, lite ((byte - 127)/128), half (0.5 and 0.5)"},
      {"std", KIN_PARAM_COLOUR, "imagenet", 1e-6, 1e3, norms, "the same, with mean given by numbers"}},
     NULL,
     NULL,
     check_normalize},
    {0},
};

const kin_recipe_preset kin_recipe_presets[] = {
    {"train", "rrc($,scale=0.5-1,ratio=0.8-1.25) flip jitter(0.2,0.2,0.2) erase(0.25,scale=0.02-0.2)", 224,
     "Light, for products."},
    {"imagenet-train", "rrc($) flip normalize(imagenet)", 224,
     "What torchvision's ImageNet networks were trained with."},
    {"imagenet-train-2", "rrc($) flip trivial erase(0.1) normalize(imagenet)", 176,
     "The same for its newer weights (V2)."},
    {"imagenet-eval", "resize(@) centre($) normalize(imagenet)", 224,
     "What they are tested with; no chance in it."},
    {"simclr", "rrc($) flip jitter(0.8,0.8,0.8,0.2,p=0.8) grey(0.2) blur(23,0.1-2,p=0.5)", 224,
     "Strong colours and blur, for learning without labels."},
    {"reid", "resize($x%,bicubic) flip crop($x%,pad=10) erase(0.5,scale=0.02-0.4,ratio=0.3-3.33)", 256,
     "Person re-identification: upright, twice as high as wide."},
    {0},
};
