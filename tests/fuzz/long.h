/* What no fuzzer reaches by mutation: an input of millions of bytes. The last bytes of an input may ask
 * for it to be made long, by repeating a few bytes of it in their place. */
#ifndef KIN_TESTS_FUZZ_LONG_H
#define KIN_TESTS_FUZZ_LONG_H

#include "base/file.h"
#include "base/memory.h"

#include <string.h>

/* A copy of the input, which ends in: place (2 bytes), width, and what is asked: 0xff for `most` bytes,
 * another multiple of 32 for a hundredth of them, else it stays as it is. A zero byte follows. */
static inline kin_bytes kin_lengthened(const uint8_t *data, size_t size, size_t most)
{
    size_t width = 0, place = 0, times = 1;
    if (size >= 8) {
        const uint8_t *asked = data + size - 4;
        width = 1 + asked[2] % 16;
        place = (asked[0] | (size_t)asked[1] << 8) % (size - 4);
        if (width > size - 4 - place) width = size - 4 - place;
        if (asked[3] == 0xff || asked[3] % 32 == 0)
            times = (asked[3] == 0xff ? most : most / 100) / width + 1;
    }
    kin_bytes out = {kin_alloc(size + width * (times - 1) + 1), size + width * (times - 1)};
    uint8_t *to = out.data;
    if (!to) return (kin_bytes){0};
    if (place) memcpy(to, data, place);
    to += place;
    for (size_t i = 0; i < times; i++, to += width)
        if (width) memcpy(to, data + place, width);
    if (size > place + width) memcpy(to, data + place + width, size - place - width);
    out.data[out.size] = 0;
    return out;
}

#endif
