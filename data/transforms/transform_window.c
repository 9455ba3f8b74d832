/* Windows, mirrors and erasing: pixels move or go, none is computed. */
#include "base/memory.h"
#include "base/random.h"
#include "data/transforms/transform_parts.h"

#include <math.h>
#include <string.h>

/* The place in 0 .. size-1 that stands for place i; -1: none. */
static int source_of(int i, int size, kin_edge edge)
{
    if (i >= 0 && i < size) return i;
    if (edge == KIN_EDGE_CONSTANT) return -1;
    if (edge == KIN_EDGE_NEAREST || size == 1) return i < 0 ? 0 : size - 1;
    int period = edge == KIN_EDGE_REFLECT ? 2 * size - 2 : 2 * size, at = i % period;
    if (at < 0) at += period;
    return at < size ? at : edge == KIN_EDGE_REFLECT ? period - at : period - 1 - at;
}

void kin_fill_pixels(uint8_t *to, size_t pixels, int channels, kin_fill fill)
{
    if (channels == 1 || (fill.sample[0] == fill.sample[1] && fill.sample[1] == fill.sample[2])) {
        memset(to, fill.sample[0], pixels * (size_t)channels);
        return;
    }
    for (size_t i = 0; i < pixels; i++, to += 3)
        to[0] = fill.sample[0], to[1] = fill.sample[1], to[2] = fill.sample[2];
}

static void window_row(const kin_image *in, const uint8_t *from, const kin_window *w, kin_edge edge,
                       kin_fill fill, uint8_t *to)
{
    size_t channels = (size_t)in->channels;
    /* Columns first .. last-1 of the window lie within the picture. */
    int first = w->left < 0 ? -w->left : 0, last = in->width - w->left;
    if (first > w->width) first = w->width;
    if (last > w->width) last = w->width;
    if (last < first) last = first;
    if (last > first)
        memcpy(to + (size_t)first * channels, from + (size_t)(w->left + first) * channels,
               (size_t)(last - first) * channels);
    if (edge == KIN_EDGE_CONSTANT) {
        kin_fill_pixels(to, (size_t)first, in->channels, fill);
        kin_fill_pixels(to + (size_t)last * channels, (size_t)(w->width - last), in->channels, fill);
        return;
    }
    for (int x = 0; x < w->width; x++) {
        if (x == first && last > first) x = last;
        if (x < w->width)
            memcpy(to + (size_t)x * channels,
                   from + (size_t)source_of(w->left + x, in->width, edge) * channels, channels);
    }
}

bool kin_image_window(kin_image *image, kin_window w, kin_edge edge, kin_fill fill, kin_error *err)
{
    const int far = 1 << 29; /* sums of two such places fit in an int */
    kin_image out;
    if (w.left == 0 && w.top == 0 && w.width == image->width && w.height == image->height) return true;
    if (w.left < -far || w.left > far || w.top < -far || w.top > far || w.width > far || w.height > far)
        return kin_fail(err, KIN_ERR_ARGUMENT, "a window of %d x %d at (%d, %d) lies too far out", w.width,
                        w.height, w.left, w.top);
    if (!kin_image_new(&out, w.width, w.height, image->channels, err)) return false;
    size_t in_row = (size_t)image->width * (size_t)image->channels,
           out_row = (size_t)w.width * (size_t)image->channels;
    for (int y = 0; y < w.height; y++) {
        int from = source_of(w.top + y, image->height, edge);
        uint8_t *to = out.data + (size_t)y * out_row;
        if (from < 0) kin_fill_pixels(to, (size_t)w.width, image->channels, fill);
        else window_row(image, image->data + (size_t)from * in_row, &w, edge, fill, to);
    }
    out.remark = image->remark;
    kin_image_free(image);
    *image = out;
    return true;
}

/* Too small pictures are padded on both sides first, the larger half behind; then the middle is cut out. */
static int centre_of(int size, int wanted)
{
    if (wanted > size) return -((wanted - size) / 2);
    return (int)rint((size - wanted) / 2.0);
}

kin_window kin_window_centre(const kin_image *image, int width, int height)
{
    return (kin_window){centre_of(image->width, width), centre_of(image->height, height), width, height};
}

kin_window kin_window_pad(const kin_image *image, int left, int top, int right, int bottom)
{
    return (kin_window){-left, -top, image->width + left + right, image->height + top + bottom};
}

enum { RUN = 512 }; /* pixels turned round at once */

/* Pixels of three samples before `end`, the last first. They go by four bytes, of which the next pixel
 * overwrites the fourth; the first and the last go by three, so that nothing outside is read or written. */
static void reverse_pixels(uint8_t *restrict to, const uint8_t *restrict end, size_t pixels)
{
    memcpy(to, end - 3, 3);
    for (size_t i = 1; i + 1 < pixels; i++) memcpy(to + 3 * i, end - 3 * (i + 1), 4);
    if (pixels > 1) memcpy(to + 3 * (pixels - 1), end - 3 * pixels, 3);
}

/* Runs from both ends of a row change places. */
static void mirror_row(uint8_t *left, uint8_t *right)
{
    uint8_t kept[3 * RUN];
    for (size_t pixels; (pixels = (size_t)(right - left) / 6) > 0; left += 3 * pixels, right -= 3 * pixels) {
        if (pixels > RUN) pixels = RUN;
        memcpy(kept, left, 3 * pixels);
        reverse_pixels(left, right, pixels);
        reverse_pixels(right - 3 * pixels, kept + 3 * pixels, pixels);
    }
}

void kin_image_mirror(kin_image *image)
{
    size_t row = (size_t)image->width * (size_t)image->channels;
    for (int y = 0; y < image->height; y++) {
        uint8_t *left = image->data + (size_t)y * row, *right = left + row;
        if (image->channels == 3) mirror_row(left, right);
        else
            while (left < --right) {
                uint8_t swap = *left;
                *left++ = *right, *right = swap;
            }
    }
}

void kin_image_upend(kin_image *image)
{
    size_t row = (size_t)image->width * (size_t)image->channels;
    for (int y = 0; y < image->height / 2; y++) {
        uint8_t *a = image->data + (size_t)y * row, *b = image->data + (size_t)(image->height - 1 - y) * row;
        for (size_t i = 0; i < row; i++) {
            uint8_t swap = a[i];
            a[i] = b[i], b[i] = swap;
        }
    }
}

/* ---- erasing ---- */

static kin_window within(const kin_image *image, kin_window w)
{
    int64_t x0 = w.left > 0 ? w.left : 0, y0 = w.top > 0 ? w.top : 0, x1 = (int64_t)w.left + w.width,
            y1 = (int64_t)w.top + w.height;
    if (x1 > image->width) x1 = image->width;
    if (y1 > image->height) y1 = image->height;
    if (x1 <= x0 || y1 <= y0) return (kin_window){0};
    return (kin_window){(int)x0, (int)y0, (int)(x1 - x0), (int)(y1 - y0)};
}

static uint8_t *pixel_at(const kin_image *image, int x, int y)
{
    return image->data + ((size_t)y * (size_t)image->width + (size_t)x) * (size_t)image->channels;
}

void kin_image_erase(kin_image *image, kin_window window, kin_fill fill)
{
    window = within(image, window);
    for (int y = 0; y < window.height; y++)
        kin_fill_pixels(pixel_at(image, window.left, window.top + y), (size_t)window.width, image->channels,
                        fill);
}

enum { LEVELS = 4096 }; /* equally likely samples: 12 bits of randomness each */

/* samples[k] is the normal distribution's quantile at (k + ½)/LEVELS, rounded to a byte. */
static void normal_samples(double mean, double deviation, uint8_t samples[LEVELS])
{
    int byte = 0;
    double below = 0; /* probability of `byte` or less */
    const double root_half = 0.70710678118654752;
    if (!(deviation > 0)) deviation = 1e-9;
    below = 0.5 * erfc(-(0.5 - mean) / deviation * root_half);
    for (int k = 0; k < LEVELS; k++) {
        while (byte < 255 && below < (k + 0.5) / LEVELS) {
            byte++;
            below = 0.5 * erfc(-(byte + 0.5 - mean) / deviation * root_half);
        }
        samples[k] = (uint8_t)byte;
    }
}

void kin_image_erase_noise(kin_image *image, kin_window window, const double mean[3],
                           const double deviation[3], uint64_t key)
{
    enum { PER_WORD = 5 };
    uint8_t samples[3][LEVELS];
    uint64_t bits = 0, words = 0;
    int left = 0;
    window = within(image, window);
    for (int c = 0; c < image->channels; c++) normal_samples(mean[c], deviation[c], samples[c]);
    for (int y = 0; y < window.height; y++) {
        uint8_t *to = pixel_at(image, window.left, window.top + y);
        for (int x = 0; x < window.width; x++)
            for (int c = 0; c < image->channels; c++) {
                if (left-- == 0) bits = kin_random_bits(key, words++), left = PER_WORD - 1;
                *to++ = samples[c][bits % LEVELS];
                bits /= LEVELS;
            }
    }
}
