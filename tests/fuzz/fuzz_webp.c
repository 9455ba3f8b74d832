/* The input as it is; then as the chunk of a lossy picture, and of a lossless one, whose sizes a fuzzer need not
 * keep right. */
#include "base/memory.h"
#include "data/images/image.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decode(const uint8_t *data, size_t size)
{
    kin_error err = {0};
    kin_image image;
    if (kin_image_decode(data, size, &(kin_image_limits){.max_pixels = 1 << 18}, &image, &err))
        kin_image_free(&image);
}

static void put(uint8_t *to, size_t size)
{
    for (int i = 0; i < 4; i++) to[i] = (uint8_t)(size >> 8 * i);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { HEAD = 20 };
    decode(data, size);
    uint8_t *file = size > HEAD ? kin_alloc(size) : NULL;
    if (!file) return 0;
    memcpy(file, data, size);
    for (int kind = 0; kind < 2; kind++) {
        memcpy(file, "RIFF", 4);
        memcpy(file + 8, kind ? "WEBPVP8L" : "WEBPVP8 ", 8);
        put(file + 4, size - 8), put(file + 16, size - HEAD);
        if (kind) file[HEAD] = 0x2f;
        if (kind && size > HEAD + 4) file[HEAD + 4] &= 0x1f; /* version 0 */
        decode(file, size);
    }
    kin_free(file);
    return 0;
}
