/* Colours. What happens to every sample alike goes through a table of 256; blends towards another picture
 * are one flat loop over bytes in single precision, as Pillow computes them, which the compiler
 * vectorises. */
#include "base/memory.h"
#include "data/transforms/transform.h"
#include "data/transforms/transform_parts.h"

#include <string.h>

static size_t bytes_of(const kin_image *image)
{
    return (size_t)image->width * (size_t)image->height * (size_t)image->channels;
}

static void through_table(kin_image *image, const uint8_t table[256])
{
    /* bytes may alias anything: a pointer of its own keeps the loops short */
    uint8_t *restrict data = image->data;
    for (size_t i = 0, bytes = bytes_of(image); i < bytes; i++) data[i] = table[data[i]];
}

/* One table a channel. */
static void through_tables(kin_image *image, uint8_t tables[3][256])
{
    if (image->channels == 1) {
        through_table(image, tables[0]);
        return;
    }
    size_t pixels = (size_t)image->width * (size_t)image->height;
    for (uint8_t *p = image->data, *end = p + 3 * pixels; p < end; p += 3)
        p[0] = tables[0][p[0]], p[1] = tables[1][p[1]], p[2] = tables[2][p[2]];
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
static inline unsigned luma(const uint8_t *p)
{
    return (19595u * p[0] + 38470u * p[1] + 7471u * p[2] + 0x8000u) >> 16;
}

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
    uint8_t *restrict data = image->data;
    for (size_t i = 0, bytes = bytes_of(image); i < bytes; i += 3)
        data[i] = data[i + 1] = data[i + 2] = (uint8_t)luma(data + i);
}

/* ---- hue ---- */

/* Tables of a call. In one sixth of the circle the three samples are, in some order, the largest, `down`,
 * and one between. */
typedef struct hue_table {
    float part[256], full[256];             /* how far into its sixth a hue is; v/255 */
    float hue_scale[256], share_scale[256]; /* 42.5/v: 255 sixths of a spread; 255/v */
    /* of red, green and blue, as shifts into the four values of turn_pixel */
    uint8_t place[256][3];
} hue_table;

static void hue_table_fill(hue_table *t)
{
    enum { TOP = 0, AWAY = 8, TOWARDS = 16, DOWN = 24 };
    static const uint8_t places[6][3] = {{TOP, TOWARDS, DOWN}, {AWAY, TOP, DOWN},    {DOWN, TOP, TOWARDS},
                                         {DOWN, AWAY, TOP},    {TOWARDS, DOWN, TOP}, {TOP, DOWN, AWAY}};
    for (int v = 0; v < 256; v++) {
        int sixth = (int)((float)v * 6.0 / 255.0);
        t->part[v] = (float)((float)v * 6.0 / 255.0 - (double)(float)sixth);
        t->full[v] = (float)v / 255.0f;
        t->hue_scale[v] = v ? 42.5f / (float)v : 0;
        t->share_scale[v] = v ? 255.0f / (float)v : 0;
        memcpy(t->place[v], places[sixth % 6], 3);
    }
}

/* A hue in 0 .. 255 by Pillow's mixture of precisions, `top` the largest sample. */
static int exact_hue(int r, int g, int b, int top, int spread)
{
    float rc = (float)(top - r) / (float)spread, gc = (float)(top - g) / (float)spread,
          bc = (float)(top - b) / (float)spread, h;
    if (r == top) h = bc - gc;
    else if (g == top) h = (float)(2.0 + (double)rc - (double)bc);
    else h = (float)(4.0 + (double)gc - (double)rc);
    double turn = (double)h / 6.0 + 1.0; /* 0.8 .. 2: what fmod(turn, 1) would give */
    h = (float)(turn >= 1 ? turn - 1 : turn);
    return (int)((double)h * 255.0);
}

static int exact_share(int spread, int top) { return (int)((double)((float)spread / (float)top) * 255.0); }

/* Both are whole parts of fractions over at most 2·255. Away from whole numbers, that is by 1/510 or more,
 * any precision gives them, without a division; only at whole numbers Pillow's rounding decides. */
static inline bool near_whole(float v, int whole)
{
    return v - (float)whole < 1e-3f || v - (float)whole > 0.999f;
}

static inline int hue_of(int r, int g, int b, int top, int spread, const hue_table *t)
{
    int along = r == top ? g - b : g == top ? 2 * spread + b - r : 4 * spread + r - g;
    if (along < 0) along += 6 * spread;
    float v = (float)along * t->hue_scale[spread];
    int whole = (int)v;
    return near_whole(v, whole) ? exact_hue(r, g, b, top, spread) : whole;
}

static inline int share_of(int spread, int top, const hue_table *t)
{
    float v = (float)spread * t->share_scale[top];
    int whole = (int)v;
    return near_whole(v, whole) ? exact_share(spread, top) : whole;
}

static inline unsigned nearest_whole(double v) { return (unsigned)(int)(v + 0.5); }

/* To hue, saturation and value, on along the circle, and back. */
static inline void turn_pixel(uint8_t *p, unsigned shift, const hue_table *t)
{
    int r = p[0], g = p[1], b = p[2], top = r > g ? r : g, low = r < g ? r : g;
    if (b > top) top = b;
    if (b < low) low = b;
    if (top == low) return;
    int s = share_of(top - low, top, t);
    if (s == 0) {
        p[0] = p[1] = p[2] = (uint8_t)top;
        return;
    }
    unsigned h = ((unsigned)hue_of(r, g, b, top, top - low, t) + shift) & 255;
    float part = t->part[h], full = t->full[s];
    uint32_t down = nearest_whole(top * (1.0 - (double)full)),
             away = nearest_whole(top * (1.0 - (double)(full * part))),
             towards = nearest_whole(top * (1.0 - (double)full * (1.0 - (double)part)));
    uint32_t all = (uint32_t)top | away << 8 | towards << 16 | down << 24;
    const uint8_t *place = t->place[h];
    p[0] = (uint8_t)(all >> place[0]), p[1] = (uint8_t)(all >> place[1]), p[2] = (uint8_t)(all >> place[2]);
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
    uint8_t *restrict data = image->data;
    for (size_t i = 0, bytes = bytes_of(image); i < bytes; i++) data[i] = (uint8_t)(255 - data[i]);
}

void kin_image_posterize(kin_image *image, int bits)
{
    uint8_t *restrict data = image->data, mask = (uint8_t)(0xff << (8 - bits));
    for (size_t i = 0, bytes = bytes_of(image); i < bytes; i++) data[i] &= mask;
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
    const uint8_t *p = image->data;
    memset(counts, 0, 3 * 256 * sizeof **counts);
    if (image->channels == 1)
        for (size_t i = 0; i < pixels; i++) counts[0][p[i]]++;
    else
        for (size_t i = 0; i < pixels; i++, p += 3) counts[0][p[0]]++, counts[1][p[1]]++, counts[2][p[2]]++;
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
