/* Colours. What happens to every sample alike goes through a table of 256; blends towards another picture are one flat
 * loop over bytes in single precision, as Pillow computes them, which the compiler vectorises. */
#include "base/memory.h"
#include "data/transform.h"
#include "data/transform_blend.h"

#include <string.h>

static size_t bytes_of(const kin_image *image) { return (size_t)image->width * (size_t)image->height * (size_t)image->channels; }

static void through_table(kin_image *image, const uint8_t table[256])
{
    size_t bytes = bytes_of(image);
    for (size_t i = 0; i < bytes; i++) image->data[i] = table[image->data[i]];
}

/* One table a channel. */
static void through_tables(kin_image *image, uint8_t tables[3][256])
{
    if (image->channels == 1) {
        through_table(image, tables[0]);
        return;
    }
    size_t pixels = (size_t)image->width * (size_t)image->height;
    for (uint8_t *p = image->data, *end = p + 3 * pixels; p < end; p += 3) p[0] = tables[0][p[0]], p[1] = tables[1][p[1]], p[2] = tables[2][p[2]];
}

/* ---- blends ---- */

/* A byte between, or beyond, `from` and `to`: Pillow's blend, cut towards zero. */
static inline uint8_t blend_byte(int from, int to, float share)
{
    float v = (float)from + share * (float)(to - from);
    v = v < 0 ? 0 : v > 255 ? 255 : v;
    return (uint8_t)(int)v;
}

void kin_blend(uint8_t *restrict data, const uint8_t *restrict from, size_t count, float share)
{
    for (size_t i = 0; i < count; i++) data[i] = blend_byte(from[i], data[i], share);
}

/* Towards one grey level. */
static void blend_level(kin_image *image, int level, float share)
{
    uint8_t table[256];
    for (int v = 0; v < 256; v++) table[v] = blend_byte(level, v, share);
    if (share != 1) through_table(image, table);
}

/* Pillow's L. */
static inline unsigned luma(const uint8_t *p) { return (19595u * p[0] + 38470u * p[1] + 7471u * p[2] + 0x8000u) >> 16; }

void kin_image_brightness(kin_image *image, double factor) { blend_level(image, 0, (float)factor); }

void kin_image_contrast(kin_image *image, double factor)
{
    size_t pixels = (size_t)image->width * (size_t)image->height;
    uint64_t sum = 0;
    if (image->channels == 1)
        for (size_t i = 0; i < pixels; i++) sum += image->data[i];
    else
        for (size_t i = 0; i < pixels; i++) sum += luma(image->data + 3 * i);
    blend_level(image, (int)((double)sum / (double)pixels + 0.5), (float)factor);
}

bool kin_image_saturation(kin_image *image, double factor, kin_error *err)
{
    if (image->channels == 1 || (float)factor == 1) return true;
    size_t row = (size_t)image->width * 3;
    uint8_t *grey = kin_alloc(row);
    if (!grey) return kin_fail_memory(err, "a row", row);
    for (int y = 0; y < image->height; y++) {
        uint8_t *data = image->data + (size_t)y * row;
        for (size_t i = 0; i < row; i += 3) grey[i] = grey[i + 1] = grey[i + 2] = (uint8_t)luma(data + i);
        kin_blend(data, grey, row, (float)factor);
    }
    kin_free(grey);
    return true;
}

void kin_image_grey(kin_image *image)
{
    if (image->channels == 1) return;
    size_t bytes = bytes_of(image);
    for (size_t i = 0; i < bytes; i += 3) image->data[i] = image->data[i + 1] = image->data[i + 2] = (uint8_t)luma(image->data + i);
}

/* ---- hue ---- */

/* What the way back from a hue needs: the sixth of the circle, and how far into it. */
typedef struct hue_table {
    int sixth[256];
    float part[256], full[256]; /* full: v/255 */
} hue_table;

static void hue_table_fill(hue_table *t)
{
    for (int v = 0; v < 256; v++) {
        t->sixth[v] = (int)((float)v * 6.0 / 255.0);
        t->part[v] = (float)((float)v * 6.0 / 255.0 - (double)(float)t->sixth[v]);
        t->full[v] = (float)v / 255.0f;
    }
}

/* Hue of a colour in 0 .. 255. With the largest sample at `top` and a spread above 0, the other two lie `rise` and `fall`
 * below it, one of them by the whole spread. The mixture of precisions is Pillow's. */
static inline int hue_of(int r, int g, int b, int top, int spread)
{
    float rc = (float)(top - r) / (float)spread, gc = (float)(top - g) / (float)spread, bc = (float)(top - b) / (float)spread, h;
    if (r == top) h = bc - gc;
    else if (g == top) h = (float)(2.0 + (double)rc - (double)bc);
    else h = (float)(4.0 + (double)gc - (double)rc);
    double turn = (double)h / 6.0 + 1.0; /* 0.8 .. 2: what fmod(turn, 1) would give */
    h = (float)(turn >= 1 ? turn - 1 : turn);
    return (int)((double)h * 255.0);
}

static inline uint8_t nearest_byte(double v) { return (uint8_t)(int)(v + 0.5); }

static inline void turn_pixel(uint8_t *p, unsigned shift, const hue_table *t)
{
    int r = p[0], g = p[1], b = p[2], top = r > g ? r : g, low = r < g ? r : g;
    if (b > top) top = b;
    if (b < low) low = b;
    if (top == low) return;
    float share = (float)(top - low) / (float)top;
    int s = (int)((double)share * 255.0);
    if (s == 0) {
        p[0] = p[1] = p[2] = (uint8_t)top;
        return;
    }
    unsigned h = ((unsigned)hue_of(r, g, b, top, top - low) + shift) & 255;
    float part = t->part[h], fs = t->full[s];
    uint8_t v = (uint8_t)top, down = nearest_byte(top * (1.0 - (double)fs)), away = nearest_byte(top * (1.0 - (double)(fs * part))),
            towards = nearest_byte(top * (1.0 - (double)fs * (1.0 - (double)part)));
    const uint8_t all[6][3] = {{v, towards, down}, {away, v, down}, {down, v, towards}, {down, away, v}, {towards, down, v}, {v, down, away}};
    const uint8_t *now = all[t->sixth[h] % 6];
    p[0] = now[0], p[1] = now[1], p[2] = now[2];
}

void kin_image_hue(kin_image *image, double factor)
{
    if (image->channels == 1) return;
    hue_table table;
    hue_table_fill(&table);
    unsigned shift = (unsigned)((int)(factor * 255) & 255);
    size_t bytes = bytes_of(image);
    for (size_t i = 0; i < bytes; i += 3) turn_pixel(image->data + i, shift, &table);
}

/* ---- tables ---- */

void kin_image_invert(kin_image *image)
{
    size_t bytes = bytes_of(image);
    for (size_t i = 0; i < bytes; i++) image->data[i] = (uint8_t)(255 - image->data[i]);
}

void kin_image_posterize(kin_image *image, int bits)
{
    size_t bytes = bytes_of(image);
    uint8_t mask = (uint8_t)(0xff << (8 - bits));
    for (size_t i = 0; i < bytes; i++) image->data[i] &= mask;
}

void kin_image_solarize(kin_image *image, double threshold)
{
    uint8_t table[256];
    for (int v = 0; v < 256; v++) table[v] = (uint8_t)(v < threshold ? v : 255 - v);
    through_table(image, table);
}

static void histograms(const kin_image *image, uint64_t counts[3][256])
{
    size_t pixels = (size_t)image->width * (size_t)image->height;
    memset(counts, 0, 3 * 256 * sizeof **counts);
    for (size_t i = 0; i < pixels; i++)
        for (int c = 0; c < image->channels; c++) counts[c][image->data[i * (size_t)image->channels + (size_t)c]]++;
}

void kin_image_autocontrast(kin_image *image)
{
    uint64_t counts[3][256];
    uint8_t tables[3][256];
    histograms(image, counts);
    for (int c = 0; c < image->channels; c++) {
        int low = 0, high = 255;
        while (low < 255 && !counts[c][low]) low++;
        while (high > 0 && !counts[c][high]) high--;
        double scale = high > low ? 255.0 / (high - low) : 1, offset = high > low ? -low * scale : 0;
        for (int v = 0; v < 256; v++) {
            double to = v * scale + offset;
            tables[c][v] = (uint8_t)(to < 0 ? 0 : to > 255 ? 255 : (int)to);
        }
    }
    through_tables(image, tables);
}

/* The running count of darker samples becomes the level, in steps of a 255th of all but the brightest. */
void kin_image_equalize(kin_image *image)
{
    uint64_t counts[3][256];
    uint8_t tables[3][256];
    histograms(image, counts);
    uint64_t pixels = (uint64_t)image->width * (uint64_t)image->height;
    for (int c = 0; c < image->channels; c++) {
        int brightest = 255;
        while (!counts[c][brightest]) brightest--;
        uint64_t step = (pixels - counts[c][brightest]) / 255, sum = step / 2;
        for (int v = 0; v < 256; v++) {
            uint64_t level = step ? sum / step : (uint64_t)v;
            tables[c][v] = (uint8_t)(level > 255 ? 255 : level);
            sum += counts[c][v];
        }
    }
    through_tables(image, tables);
}
