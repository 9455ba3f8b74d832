#include "data/images/formats.h"
#include "tests/fuzz/long.h"

/* What 2^31 columns of jumps take, and some more. */
enum { LONGEST = 35 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kin_error err = {0};
    kin_image image;
    kin_bytes b = kin_lengthened(data, size, LONGEST);
    if (kin_bmp_decode(b.data, b.size, &(kin_image_limits){.max_pixels = 1 << 18}, &image, &err))
        kin_image_free(&image);
    kin_bytes_free(&b);
    return 0;
}
