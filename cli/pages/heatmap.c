#include "cli/pages/heatmap.h"

#include "base/memory.h"

#include <math.h>

/* ---- from tensors ---- */

bool kin_heatmap_lengths(const kin_tensor *map, const kin_tensor *before, int64_t sample, float *out,
                         kin_error *err)
{
    char text[128];
    kin_shape shape = kin_shape_of(map);
    if (shape.ndim != 4 || !kin_data(map))
        return kin_fail(err, KIN_ERR_ARGUMENT, "a heat map needs a map [n, h, w, c], not %s",
                        kin_shape_text(shape, text, sizeof text));
    if (sample < 0 || sample >= shape.dim[0])
        return kin_fail(err, KIN_ERR_ARGUMENT, "there is no sample %lld among the %lld of the map",
                        (long long)sample, (long long)shape.dim[0]);
    if (before && !kin_shape_equal(shape, kin_shape_of(before)))
        return kin_fail(err, KIN_ERR_ARGUMENT, "a map %s before attention does not fit the one behind it",
                        kin_shape_text(kin_shape_of(before), text, sizeof text));
    int64_t pixels = shape.dim[1] * shape.dim[2];
    for (int64_t i = 0; i < pixels; i++) {
        int64_t row = sample * pixels + i;
        double sum = 0;
        for (int64_t k = 0; k < shape.dim[3]; k++) {
            double v = (double)kin_data(map)[row * kin_ld(map) + k] -
                       (before ? (double)kin_data(before)[row * kin_ld(before) + k] : 0);
            sum += v * v;
        }
        out[i] = (float)sqrt(sum);
    }
    return true;
}

/* ---- the ramp ---- */

static double encoded(double linear)
{
    return linear <= 0.0031308 ? 12.92 * linear : 1.055 * pow(linear, 1 / 2.4) - 0.055;
}

/* Oklab to linear sRGB; whether it is a colour that screens have. */
static bool linear_rgb(double lightness, double a, double b, double rgb[3])
{
    double l = pow(lightness + 0.3963377774 * a + 0.2158037573 * b, 3),
           m = pow(lightness - 0.1055613458 * a - 0.0638541728 * b, 3);
    double s = pow(lightness - 0.0894841775 * a - 1.2914855480 * b, 3);
    rgb[0] = 4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s;
    rgb[1] = -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s;
    rgb[2] = -0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s;
    for (int i = 0; i < 3; i++)
        if (rgb[i] < 0 || rgb[i] > 1) return false;
    return true;
}

void kin_heatmap_colour(double value, uint8_t rgb[3])
{
    enum { HALVINGS = 12 };
    const double darkest = 0.18, lightest = 0.94, violet = 5.0, turn = 3.1, strongest = 0.2;
    double t = value > 0 ? value < 1 ? value : 1 : 0, lightness = darkest + t * (lightest - darkest),
           hue = violet + t * turn;
    double low = 0, high = strongest, linear[3];
    /* The strongest colour of this lightness and hue that screens have. */
    for (int i = 0; i < HALVINGS; i++) {
        double middle = (low + high) / 2;
        if (linear_rgb(lightness, middle * cos(hue), middle * sin(hue), linear)) low = middle;
        else high = middle;
    }
    linear_rgb(lightness, low * cos(hue), low * sin(hue), linear);
    for (int i = 0; i < 3; i++) rgb[i] = (uint8_t)(encoded(linear[i]) * 255 + 0.5);
}

/* ---- the overlay ---- */

/* Where pixel i of `size` lies among `cells` of the map, centres on centres: the cell before it, and how
 * far on. */
static double place(int i, int size, int cells, int *first)
{
    double at = (i + 0.5) * cells / size - 0.5;
    if (at < 0) at = 0;
    if (at > cells - 1) at = cells - 1;
    *first = (int)at < cells - 1 ? (int)at : cells > 1 ? cells - 2 : 0;
    return at - *first;
}

static bool range_of(const float *map, size_t count, const kin_heatmap_opt *opt, double *low, double *high,
                     kin_error *err)
{
    *low = INFINITY, *high = -INFINITY;
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(map[i]))
            return kin_fail(err, KIN_ERR_NUMERIC, "number %zu of the heat map is not finite", i);
        *low = fmin(*low, (double)map[i]);
        *high = fmax(*high, (double)map[i]);
    }
    if (opt->low != 0 || opt->high != 0) *low = opt->low, *high = opt->high;
    return true;
}

typedef struct overlay {
    const float *map;
    int h, w;
    double low, high;
    const kin_heatmap_opt *opt;
    uint8_t ramp[256][3];
} overlay;

static void paint(const overlay *o, kin_image *image)
{
    double opacity = o->opt->opacity ? o->opt->opacity : 0.6, range = o->high - o->low;
    for (int y = 0; y < image->height; y++)
        for (int x = 0; x < image->width; x++) {
            int row, column;
            double down = place(y, image->height, o->h, &row), right = place(x, image->width, o->w, &column);
            const float *upper = o->map + (size_t)row * (size_t)o->w + column,
                        *lower = upper + (o->h > 1 ? o->w : 0);
            int next = o->w > 1;
            double value = (1 - down) * ((1 - right) * (double)upper[0] + right * (double)upper[next]) +
                           down * ((1 - right) * (double)lower[0] + right * (double)lower[next]);
            double t = range > 0 ? fmin(fmax((value - o->low) / range, 0), 1) : 0,
                   share = o->opt->fade ? opacity * t : opacity;
            const uint8_t *colour = o->ramp[(int)(t * 255 + 0.5)];
            uint8_t *pixel = image->data + ((size_t)y * (size_t)image->width + (size_t)x) * 3;
            for (int c = 0; c < 3; c++)
                pixel[c] = (uint8_t)((1 - share) * pixel[c] + share * colour[c] + 0.5);
        }
}

static bool copy_rgb(const kin_image *picture, bool grey, kin_image *out, kin_error *err)
{
    if (!kin_image_new(out, picture->width, picture->height, picture->channels, err)) return false;
    size_t bytes = (size_t)picture->width * (size_t)picture->height * (size_t)picture->channels;
    for (size_t i = 0; i < bytes; i++) out->data[i] = picture->data[i];
    if ((!grey || kin_image_convert(out, 1, err)) && kin_image_convert(out, 3, err)) return true;
    kin_image_free(out);
    return false;
}

bool kin_heatmap_overlay(const kin_image *picture, const float *map, int h, int w, const kin_heatmap_opt *opt,
                         kin_image *out, kin_error *err)
{
    kin_heatmap_opt none = {0};
    overlay o = {.map = map, .h = h, .w = w, .opt = opt ? opt : &none};
    *out = (kin_image){0};
    if (h < 1 || w < 1 || h > 65536 || w > 65536)
        return kin_fail(err, KIN_ERR_ARGUMENT, "a heat map of %d x %d cannot be drawn", w, h);
    if (!(o.opt->opacity >= 0 && o.opt->opacity <= 1))
        return kin_fail(err, KIN_ERR_ARGUMENT, "a heat map's opacity lies in 0 .. 1, not at %g",
                        o.opt->opacity);
    if (!range_of(map, (size_t)h * (size_t)w, o.opt, &o.low, &o.high, err) ||
        !copy_rgb(picture, o.opt->grey, out, err))
        return false;
    for (int i = 0; i < 256; i++) kin_heatmap_colour(i / 255.0, o.ramp[i]);
    paint(&o, out);
    return true;
}
