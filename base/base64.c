#include "base/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* 1 to 3 bytes are 24 bits, 24 bits are 4 letters; letters that hold no bit of the input become '='. */
static void encode(const uint8_t *from, size_t size, char to[4])
{
    uint32_t bits = (uint32_t)from[0] << 16 | (size > 1 ? (uint32_t)from[1] << 8 : 0) |
                    (size > 2 ? from[2] : 0);
    for (int i = 0; i < 4; i++) to[i] = (size_t)i <= size ? alphabet[bits >> (18 - 6 * i) & 63] : '=';
}

void kin_base64_add(kin_text *text, const void *bytes, size_t size)
{
    enum { GROUPS = 256 }; /* per call of the text's own bookkeeping */
    char letters[4 * GROUPS];
    const uint8_t *at = bytes;
    while (size) {
        size_t used = 0;
        for (; size && used < sizeof letters; used += 4) {
            size_t n = size < 3 ? size : 3;
            encode(at, n, letters + used);
            at += n;
            size -= n;
        }
        kin_text_add_bytes(text, letters, used);
    }
}
