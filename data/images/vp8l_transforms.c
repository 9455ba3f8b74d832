/* What the encoder did to the pixels to make them smaller, undone in place [4]: differences from predicted
 * colours, from green, and a palette. Sums are of each sample by itself, modulo 256. */
#include "data/images/vp8l.h"

/* ---- prediction [4.1] ---- */

static inline uint32_t sum(uint32_t a, uint32_t b)
{
    return (((a & 0xff00ff00) + (b & 0xff00ff00)) & 0xff00ff00) |
           (((a & 0x00ff00ff) + (b & 0x00ff00ff)) & 0x00ff00ff);
}

/* Down. */
static inline uint32_t mean(uint32_t a, uint32_t b) { return (((a ^ b) & 0xfefefefe) >> 1) + (a & b); }

static inline int sample(uint32_t pixel, int c) { return (int)(pixel >> 8 * c & 255); }
static inline uint32_t clip(int v) { return v < 0 ? 0 : v > 255 ? 255 : (uint32_t)v; }
static inline int apart(int a, int b) { return a > b ? a - b : b - a; }

/* left + above - corner is nearer to that of the two that is told. */
static inline uint32_t nearer(uint32_t left, uint32_t above, uint32_t corner)
{
    int to_left = 0, to_above = 0;
    for (int c = 0; c < 4; c++) {
        to_left += apart(sample(above, c), sample(corner, c));
        to_above += apart(sample(left, c), sample(corner, c));
    }
    return to_left < to_above ? left : above;
}

static inline uint32_t gradient(uint32_t left, uint32_t above, uint32_t corner)
{
    uint32_t out = 0;
    for (int c = 0; c < 4; c++) out |= clip(sample(left, c) + sample(above, c) - sample(corner, c)) << 8 * c;
    return out;
}

static inline uint32_t half_gradient(uint32_t middle, uint32_t corner)
{
    uint32_t out = 0;
    for (int c = 0; c < 4; c++) {
        int m = sample(middle, c);
        out |= clip(m + (m - sample(corner, c)) / 2) << 8 * c;
    }
    return out;
}

/* What is predicted from the left neighbour and the row above: above[-1], above[0], above[1]. */
static inline __attribute__((always_inline)) uint32_t predicted(int mode, uint32_t left,
                                                                const uint32_t *above)
{
    switch (mode) {
    case 1: return left;
    case 2: return above[0];
    case 3: return above[1];
    case 4: return above[-1];
    case 5: return mean(mean(left, above[1]), above[0]);
    case 6: return mean(left, above[-1]);
    case 7: return mean(left, above[0]);
    case 8: return mean(above[-1], above[0]);
    case 9: return mean(above[0], above[1]);
    case 10: return mean(mean(left, above[-1]), mean(above[0], above[1]));
    case 11: return nearer(left, above[0], above[-1]);
    case 12: return gradient(left, above[0], above[-1]);
    case 13: return half_gradient(mean(left, above[0]), above[-1]);
    default: return 0xff000000;
    }
}

static inline __attribute__((always_inline)) void predict_run(int mode, uint32_t *at, const uint32_t *above,
                                                              size_t n)
{
    uint32_t left = at[-1];
    for (size_t i = 0; i < n; i++) left = at[i] = sum(at[i], predicted(mode, left, above + i));
}

/* n pixels of one mode: a loop for each. */
static void predict(int mode, uint32_t *at, const uint32_t *above, size_t n)
{
    switch (mode) {
#define MODE(m) \
    case m: predict_run(m, at, above, n); break
        MODE(1);
        MODE(2);
        MODE(3);
        MODE(4);
        MODE(5);
        MODE(6);
        MODE(7);
        MODE(8);
        MODE(9);
        MODE(10);
        MODE(11);
        MODE(12);
        MODE(13);
#undef MODE
    default: predict_run(0, at, above, n);
    }
}

/* The first pixel is predicted black, the first row from the left, the first column from above. Right of the last
 * column stands the first pixel of the row itself. */
static void undo_prediction(const kin_vp8l_transform *t, uint32_t *pixels, size_t height)
{
    size_t width = t->width, side = (size_t)1 << t->bits;
    pixels[0] = sum(pixels[0], 0xff000000);
    for (size_t x = 1; x < width; x++) pixels[x] = sum(pixels[x], pixels[x - 1]);
    for (size_t y = 1; y < height; y++) {
        const uint32_t *modes = t->data + (y >> t->bits) * t->data_width;
        uint32_t *row = pixels + y * width;
        row[0] = sum(row[0], *(row - width));
        for (size_t x = 1; x < width;) {
            size_t end = (x / side + 1) * side;
            if (end > width) end = width;
            predict((int)(modes[x >> t->bits] >> 8 & 15), row + x, row + x - width, end - x);
            x = end;
        }
    }
}

/* ---- colours ---- */

static inline uint32_t change(uint32_t by, uint32_t sample)
{
    return (uint32_t)(((int)(int8_t)by * (int)(int8_t)sample) >> 5);
}

/* Red and blue less multiples of green, blue less one of red [4.2]. */
static void undo_cross(const kin_vp8l_transform *t, uint32_t *pixels, size_t height)
{
    for (size_t y = 0; y < height; y++) {
        const uint32_t *tiles = t->data + (y >> t->bits) * t->data_width;
        uint32_t *row = pixels + y * t->width;
        for (size_t x = 0; x < t->width;) {
            uint32_t by = tiles[x >> t->bits];
            size_t end = ((x >> t->bits) + 1) << t->bits;
            for (end = end < t->width ? end : t->width; x < end; x++) {
                uint32_t p = row[x], green = p >> 8, red = (p >> 16) + change(by, green), blue = p;
                blue += change(by >> 8, green) + change(by >> 16, red);
                row[x] = (p & 0xff00ff00) | (red & 255) << 16 | (blue & 255);
            }
        }
    }
}

/* Red and blue less green [4.3]. */
static void undo_green(uint32_t *pixels, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t green = pixels[i] >> 8 & 255, both = (pixels[i] & 0x00ff00ff) + (green << 16 | green);
        pixels[i] = (pixels[i] & 0xff00ff00) | (both & 0x00ff00ff);
    }
}

/* Green is a place in the palette; 2, 4 or 8 pixels of a small one share a sample, the first in its lowest bits
 * [4.4]. What is read lies far enough behind what is written: it is taken before. */
static void undo_indices(const kin_vp8l_transform *t, uint32_t *pixels, size_t height)
{
    size_t shared = (size_t)1 << t->bits, packed = (t->width + shared - 1) >> t->bits;
    const uint32_t *from = pixels + height * (t->width - packed);
    uint32_t *to = pixels, bits = 8u >> t->bits, mask = (1u << bits) - 1;
    for (size_t y = 0; y < height; y++)
        for (size_t x = 0; x < t->width;) {
            uint32_t places = *from++ >> 8 & 255;
            for (size_t i = 0; i < shared && x < t->width; i++, x++, places >>= bits)
                *to++ = t->data[places & mask];
        }
}

void kin_vp8l_undo(const kin_vp8l_transform *t, uint32_t *pixels, size_t height)
{
    switch (t->kind) {
    case KIN_VP8L_PREDICT: undo_prediction(t, pixels, height); break;
    case KIN_VP8L_CROSS: undo_cross(t, pixels, height); break;
    case KIN_VP8L_GREEN_OFF: undo_green(pixels, t->width * height); break;
    default: undo_indices(t, pixels, height);
    }
}
