#include "data/images/formats.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* The last byte chooses the size asked for, so that the reduced transforms are reached. */
    kin_error err = {0};
    kin_image image;
    kin_image_limits limits = {.max_pixels = 1 << 18, .reduce_to = size ? data[size - 1] % 8 * 8 : 0};
    if (kin_jpeg_decode(data, size, &limits, &image, &err)) kin_image_free(&image);
    return 0;
}
