#include "data/images/formats.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kin_error err = {0};
    kin_image image;
    if (kin_gif_decode(data, size, &(kin_image_limits){.max_pixels = 1 << 18}, &image, &err))
        kin_image_free(&image);
    return 0;
}
