#include "data/images/image.h"
#include "tests/fuzz/long.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kin_error err = {0};
    kin_image image;
    kin_bytes b = kin_lengthened(data, size, 1 << 20);
    if (kin_image_decode(b.data, b.size, &(kin_image_limits){.max_pixels = 1 << 20}, &image, &err))
        kin_image_free(&image);
    kin_bytes_free(&b);
    return 0;
}
