/* The input as it is, and with its checksums put right. */
#include "data/images/image.h"
#include "tests/fuzz/mend.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decode(const uint8_t *data, size_t size)
{
    kin_error err = {0};
    kin_image image;
    if (kin_image_decode(data, size, &(kin_image_limits){.max_pixels = 1 << 20}, &image, &err))
        kin_image_free(&image);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    decode(data, size);
    uint8_t *mended = kin_alloc(size + 1);
    if (!mended) return 0;
    memcpy(mended, data, size);
    mend_png(mended, size);
    decode(mended, size);
    kin_free(mended);
    return 0;
}
