/* Pictures and labels as the bytes say, or behind headers that are nearly right: sizes that agree are too
 * rare to be met by chance. */
#include "data/sets/dataset.h"

#include <stdlib.h>
#include <string.h>

enum { CHOICES = 8, MOST = 20 * 12 * 12 + 32 };

static void parse(uint8_t *images, size_t n_images, uint8_t *labels, size_t n_labels)
{
    kin_error err = {0};
    kin_dataset set = {0};
    kin_bytes i = {images, n_images}, l = {labels, n_labels};
    if (kin_idx_parse("fuzz", &i, &l, &set, &err)) {
        kin_image image;
        if (kin_dataset_image(&set, set.count - 1, NULL, &image, &err)) kin_image_free(&image);
    }
    kin_dataset_free(&set);
}

/* A header of `axes` small sizes and as many bytes as they promise, give or take one. */
static size_t build(uint8_t *to, int axes, const uint8_t *sizes, int slack, const uint8_t *from, size_t left)
{
    size_t count = 1, header = 4 + 4 * (size_t)axes;
    memset(to, 0, MOST);
    to[2] = 8, to[3] = (uint8_t)axes;
    for (int i = 0; i < axes; i++) count *= to[7 + 4 * i] = sizes[i] % (i ? 12 : 20);
    for (size_t i = 0; i < count && left; i++) to[header + i] = from[i % left];
    return header + count + (size_t)(slack + 1) - 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t images[MOST], labels[MOST];
    if (size < CHOICES) return 0;
    const uint8_t *rest = data + CHOICES;
    size_t left = size - CHOICES, half = left ? data[1] % left : 0;
    if (data[0] & 1) {
        parse((uint8_t *)(uintptr_t)rest, half, (uint8_t *)(uintptr_t)rest + half, left - half);
        return 0;
    }
    size_t n = build(images, 3, data + 1, data[5] % 8 == 7, rest, left),
           m = build(labels, 1, data + 4, data[6] % 8 == 7, rest, left);
    parse(images, n, labels, data[7] & 1 ? m : 0);
    return 0;
}
