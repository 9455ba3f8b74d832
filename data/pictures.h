/* A data set decoded, brought to one size and channel count, and kept in memory as bytes: what batches are
 * made of. */
#ifndef KIN_DATA_PICTURES_H
#define KIN_DATA_PICTURES_H

#include "data/sets/dataset.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kin_pictures_opt {
    int size;     /* height and width */
    int channels; /* 1 or 3 */
    kin_filter filter;
    bool strict;         /* a broken picture fails the call; otherwise it is left out and counted */
    uint64_t memory_max; /* bytes; 0: 4 GiB */
    kin_image_limits limits;
    /* false stops (KIN_ERR_INTERRUPTED); may be NULL */
    bool (*progress)(void *user, int64_t done, int64_t total);
    void *user;
} kin_pictures_opt;

typedef struct kin_pictures {
    int64_t count;
    int size, channels, classes;
    uint8_t *pixels;        /* [count, size, size, channels] */
    kin_sample *items;      /* [count], of the pictures that could be read */
    int64_t broken;         /* pictures left out ... */
    kin_error first_broken; /* ... and what the first of them said */
    int64_t hidden;         /* pictures whose alpha was dropped from pixels that are not opaque */
} kin_pictures;

/* The short side is resized to `size` and the middle cut out. Items and names still belong to `set`. Fails
 * when no picture can be read, or when they need more than the memory allowed. */
bool kin_pictures_load(const kin_dataset *set, const kin_pictures_opt *opt, kin_pictures *out,
                       kin_error *err);
void kin_pictures_free(kin_pictures *p);

/* In place, in torchvision's terms and with its rounding: Resize(side) brings the short side to `side`;
 * CenterCrop cuts the middle out, with zeros around a picture that is smaller. */
bool kin_picture_resize_short(kin_image *image, int side, kin_filter filter, kin_error *err);
bool kin_picture_crop(kin_image *image, int width, int height, kin_error *err);

/* Both, without computing more than what stays. */
bool kin_picture_resize_crop(kin_image *image, int side, int width, int height, kin_filter filter,
                             kin_error *err);

/* One picture as the network will see it: the short side to `resize` (0: to size), the middle cut out. */
bool kin_picture_prepare(kin_image *image, int resize, int size, int channels, kin_filter filter,
                         kin_error *err);

/* The same of height x width: of a square the middle, as above; another shape takes the whole picture, stretched, as
 * re-identification has it, and knows no `resize`. */
bool kin_picture_prepare_to(kin_image *image, int resize, int height, int width, int channels,
                            kin_filter filter, kin_error *err);

/* The pictures as a data set, which borrows all of it. Every item's index must be its place. */
kin_dataset kin_pictures_set(const kin_pictures *p);

#ifdef __cplusplus
}
#endif

#endif
