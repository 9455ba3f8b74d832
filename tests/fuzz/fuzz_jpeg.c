#include "data/images/formats.h"
#include "tests/fuzz/long.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* The first of the last four bytes, which may also make the input long, chooses the size asked for, so
     * that the reduced transforms are reached. */
    kin_error err = {0};
    kin_image image;
    kin_image_limits limits = {.max_pixels = 1 << 18, .reduce_to = size > 3 ? data[size - 4] % 8 * 8 : 0};
    kin_bytes b = kin_lengthened(data, size, 1 << 20);
    if (kin_jpeg_decode(b.data, b.size, &limits, &image, &err)) kin_image_free(&image);
    kin_bytes_free(&b);
    return 0;
}
