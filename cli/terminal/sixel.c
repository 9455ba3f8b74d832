#include "cli/terminal/sixel.h"

#include "base/memory.h"

#include <string.h>

enum { LEVELS = 6, COLOURS = LEVELS * LEVELS * LEVELS, BAND = 6 };

static int level(float value)
{
    float at = value * (LEVELS - 1) / 255 + .5f;
    return at < 0 ? 0 : at >= LEVELS - 1 ? LEVELS - 1 : (int)at;
}

/* Each pixel's colour of the cube; what that rounds off goes to the pixels that follow: 7, 3, 5 and 1 sixteenths. */
static void choose_colours(const kin_image *image, float *values, uint8_t *colour)
{
    int w = image->width, h = image->height, channels = image->channels;
    for (int i = 0; i < w * h; i++)
        for (int c = 0; c < 3; c++)
            values[3 * i + c] = image->data[(size_t)i * (size_t)channels + (channels < 3 ? 0 : (size_t)c)];
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            float *at = values + 3 * (y * w + x);
            int number = 0;
            for (int c = 0; c < 3; c++) {
                int l = level(at[c]);
                float off = at[c] - 255.f * (float)l / (LEVELS - 1);
                number = number * LEVELS + l;
                if (x + 1 < w) at[3 + c] += off * 7 / 16;
                if (y + 1 == h) continue;
                if (x) at[3 * w - 3 + c] += off * 3 / 16;
                at[3 * w + c] += off * 5 / 16;
                if (x + 1 < w) at[3 * w + 3 + c] += off / 16;
            }
            colour[y * w + x] = (uint8_t)number;
        }
}

static void add_palette(kin_text *text, const bool used[COLOURS])
{
    for (int i = 0; i < COLOURS; i++) /* in percent */
        if (used[i])
            kin_text_format(text, "#%d;2;%d;%d;%d", i, i / (LEVELS * LEVELS) * 100 / (LEVELS - 1),
                            i / LEVELS % LEVELS * 100 / (LEVELS - 1), i % LEVELS * 100 / (LEVELS - 1));
}

static void add_run(kin_text *text, int bits, int count)
{
    const char character[2] = {(char)('?' + bits), 0};
    if (count > 3) kin_text_format(text, "!%d%s", count, character);
    else
        for (int i = 0; i < count; i++) kin_text_add(text, character);
}

/* Where the colour is in the band; behind its last pixel nothing is said. */
static void add_colour(kin_text *text, const uint8_t *colour, int width, int high, int number)
{
    int run = 0, before = 0;
    kin_text_format(text, "#%d", number);
    for (int x = 0; x < width; x++) {
        int bits = 0;
        for (int y = 0; y < high; y++) bits |= (colour[y * width + x] == number) << y;
        if (bits != before && run) add_run(text, before, run), run = 0;
        before = bits, run++;
    }
    if (before) add_run(text, before, run);
}

static void add_bands(kin_text *text, const uint8_t *colour, int width, int height)
{
    for (int top = 0; top < height; top += BAND) {
        bool used[COLOURS] = {false}, first = true;
        int high = height - top < BAND ? height - top : BAND;
        for (int i = 0; i < width * high; i++) used[colour[top * width + i]] = true;
        for (int c = 0; c < COLOURS; c++) {
            if (!used[c]) continue;
            if (!first) kin_text_add(text, "$"); /* back to the left */
            add_colour(text, colour + top * width, width, high, c);
            first = false;
        }
        kin_text_add(text, "-");
    }
}

static bool add(kin_text *text, const kin_image *image, kin_error *err)
{
    size_t n = (size_t)image->width * (size_t)image->height;
    float *values = kin_alloc_array(n, 3 * sizeof *values);
    uint8_t *colour = kin_alloc(n);
    bool used[COLOURS] = {false}, ok = values && colour;
    if (ok) {
        choose_colours(image, values, colour);
        for (size_t i = 0; i < n; i++) used[colour[i]] = true;
        kin_text_format(text, "\x1bP0;1;0q\"1;1;%d;%d", image->width, image->height);
        add_palette(text, used);
        add_bands(text, colour, image->width, image->height);
        kin_text_add(text, "\x1b\\");
    }
    kin_free(values), kin_free(colour);
    return (ok && !text->failed) || kin_fail_memory(err, "a picture of sixels", n * 16);
}

bool kin_sixel_add(kin_text *text, const kin_image *image, int width, int height, kin_error *err)
{
    kin_image small;
    double wide = (double)width / image->width, high = (double)height / image->height,
           scale = wide < high ? wide : high;
    int w = (int)(image->width * scale + .5), h = (int)(image->height * scale + .5);
    if (!kin_image_resize(image, w < 1 ? 1 : w, h < 1 ? 1 : h, KIN_FILTER_BILINEAR, &small, err))
        return false;
    bool ok = add(text, &small, err);
    kin_image_free(&small);
    return ok;
}
