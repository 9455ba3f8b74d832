#include "data/inflate.h"

/* The remainder of each byte under the polynomial of PNG and gzip (reflected 0x04c11db7), by nibbles: 16 entries need no
 * table to be built at start. */
uint32_t kin_crc32(uint32_t crc, const uint8_t *bytes, size_t size)
{
    static const uint32_t table[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
                                       0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
    crc = ~crc;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}

/* Two sums modulo 65521; 5,552 bytes fit before either can overflow 32 bits. */
uint32_t kin_adler32(const uint8_t *bytes, size_t size)
{
    uint32_t a = 1, b = 0;
    while (size) {
        size_t run = size < 5552 ? size : 5552;
        size -= run;
        for (; run; run--) {
            a += *bytes++;
            b += a;
        }
        a %= 65521;
        b %= 65521;
    }
    return b << 16 | a;
}
