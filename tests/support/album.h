/* Pictures as folders of photographs have them, drawn: textures, packshots and their copies, and what kin duplicates says
 * of a folder of these. Here in the header, since the double library, which the other files of this folder are linked
 * with too, has none of it. */
#ifndef KIN_TESTS_SUPPORT_ALBUM_H
#define KIN_TESTS_SUPPORT_ALBUM_H

#include "base/memory.h"
#include "base/random.h"
#include "data/look/look.h"
#include "photos/duplicates.h"
#include "photos/update.h"
#include "tests/support/check.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A texture without repeats: bumps of many sizes and colours. */
static inline kin_image draw(int width, int height, uint64_t seed)
{
    kin_image image;
    CHECK(kin_image_new(&image, width, height, 3, NULL));
    float *sum = kin_alloc_zero((size_t)(width * height * 3), sizeof *sum);
    for (uint64_t k = 0; k < 90; k++) {
        double x = kin_random_uniform(seed, k * 8) * width, y = kin_random_uniform(seed, k * 8 + 1) * height,
               r = 4 + kin_random_uniform(seed, k * 8 + 2) * width / 8;
        bool square = kin_random_uniform(seed, k * 8 + 6) < .5;
        int left = x > r ? (int)(x - r) : 0, top = y > r ? (int)(y - r) : 0;
        for (int v = top; v < height && v <= y + r; v++)
            for (int u = left; u < width && u <= x + r; u++) {
                bool in = square ? fabs(u - x) < r && fabs(v - y) < r * .7 : hypot(u - x, v - y) < r;
                for (int c = 0; in && c < 3; c++)
                    sum[(v * width + u) * 3 + c] = (float)kin_random_uniform(seed, k * 8 + 3 + (uint64_t)c);
            }
    }
    for (int i = 0; i < width * height * 3; i++) image.data[i] = (uint8_t)(40 + 180 * (double)sum[i]);
    kin_free(sum);
    return image;
}

static inline kin_image cut(const kin_image *from, int left, int top, int width, int height)
{
    kin_image out;
    CHECK(kin_image_new(&out, width, height, 3, NULL));
    for (int y = 0; y < height; y++)
        memcpy(out.data + (size_t)(y * width * 3),
               from->data + (size_t)(((y + top) * from->width + left) * 3), (size_t)(width * 3));
    return out;
}

static inline kin_image turned(const kin_image *from, int turn)
{
    kin_image out;
    int w = turn & 4 ? from->height : from->width, h = turn & 4 ? from->width : from->height;
    CHECK(kin_image_new(&out, w, h, 3, NULL));
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            int u = turn & 1 ? w - 1 - x : x, v = turn & 2 ? h - 1 - y : y;
            int at = turn & 4 ? u * from->width + v : v * from->width + u;
            memcpy(out.data + (y * w + x) * 3, from->data + at * 3, 3);
        }
    return out;
}

static inline void fill(kin_image *image, int left, int top, int width, int height, const uint8_t colour[3])
{
    for (int y = top; y < top + height; y++)
        for (int x = left; x < left + width; x++) memcpy(image->data + (y * image->width + x) * 3, colour, 3);
}

/* A bottle with a label, on which something is written. */
static inline kin_image packshot(const uint8_t body[3], uint64_t text)
{
    static const uint8_t white[3] = {255, 255, 255}, dark[3] = {60, 60, 60}, black[3] = {0};
    kin_image image;
    CHECK(kin_image_new(&image, 240, 240, 3, NULL));
    fill(&image, 0, 0, 240, 240, white), fill(&image, 100, 25, 40, 20, dark),
        fill(&image, 75, 45, 90, 150, body);
    fill(&image, 81, 80, 78, 70, white);
    for (uint64_t k = 0; k < 14; k++)
        fill(&image, 84 + (int)(k % 7) * 10, 88 + (int)(k / 7) * 28, 2 + (int)(kin_random_bits(text, k) % 7),
             4 + (int)(kin_random_bits(text, k) / 7 % 18), black);
    return image;
}

static inline void save(const kin_image *image, const char *name, int quality)
{
    kin_jpeg_opt opt = {.quality = quality};
    CHECK(kin_image_write(check_path(name), NULL, image, &opt, NULL));
}

static inline void put(const char *name, kin_image image, int width, int height, bool grey, int quality)
{
    kin_image small;
    if (width) {
        CHECK(kin_image_resize(&image, width, height, KIN_FILTER_BICUBIC, &small, NULL));
        kin_image_free(&image);
        image = small;
    }
    if (grey) CHECK(kin_image_convert(&image, 1, NULL));
    save(&image, name, quality);
    kin_image_free(&image);
}

static inline int64_t find(const kin_photos *p, const char *path)
{
    for (int64_t i = 0; i < p->count; i++)
        if (strcmp(p->item[i].path, path) == 0) return i;
    CHECK_MSG(false, "no %s", path);
    return 0;
}

static inline void look(const char *folder, kin_photos *photos, kin_duplicates *d)
{
    static const kin_photos none;
    kin_photos_told told;
    kin_error err = {0};
    kin_photos_opt opt = {
        .model = "handmade", .weights = "", .options = "", .root = ".", .dim = KIN_LOOK_DIM};
    kin_duplicates_opt near = {.loosest = KIN_DUPLICATE_NEAR};
    char path[600];
    snprintf(path, sizeof path, "%s", check_path(folder));
    CHECK_MSG(kin_photos_update(&none, path, &opt, photos, &told, &err) &&
                  kin_photos_duplicates(photos, path, &near, d, &err),
              "%s", err.message);
}

static inline bool together(const kin_photos *p, const kin_duplicates *d, const char *a, const char *b)
{
    int64_t x = find(p, a), y = find(p, b);
    return d->group[x] >= 0 && d->group[x] == d->group[y];
}

#endif
