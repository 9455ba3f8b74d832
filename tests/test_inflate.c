/* Unpacking and checksums: zlib's streams (tests/golden/make_inflate.py), cut ones, limits; sums against
 * bit by bit. */
#include "base/memory.h"
#include "base/random.h"
#include "data/images/inflate.h"
#include "tests/support/check.h"

#include <stdio.h>
#include <string.h>

enum { MOST = 8192 };

static uint32_t slow_crc32(const uint8_t *bytes, size_t size)
{
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < size * 8; i++) {
        uint32_t bit = (crc ^ (uint32_t)(bytes[i / 8] >> i % 8)) & 1;
        crc = crc >> 1 ^ (bit ? 0xedb88320 : 0);
    }
    return ~crc;
}

static uint32_t slow_adler32(const uint8_t *bytes, size_t size)
{
    uint32_t a = 1, b = 0;
    for (size_t i = 0; i < size; i++) a = (a + bytes[i]) % 65521, b = (b + a) % 65521;
    return b << 16 | a;
}

static void checksums(void)
{
    check_begin("checksums: as bit by bit, at any size and place");
    enum { SIZE = 6000 };
    uint8_t *bytes = kin_alloc(SIZE);
    for (int kind = 0; kind < 2; kind++) {
        /* 255: the largest sums */
        for (size_t i = 0; i < SIZE; i++) bytes[i] = kind ? 255 : (uint8_t)kin_random_bits(4, i);
        for (size_t size = 0; size < SIZE - 64; size = size < 400 ? size + 1 : size + 397) {
            const uint8_t *from = bytes + size % 64;
            CHECK_MSG(kin_crc32(0, from, size) == slow_crc32(from, size), "the CRC of %zu bytes", size);
            CHECK_MSG(kin_adler32(from, size) == slow_adler32(from, size), "the Adler sum of %zu bytes",
                      size);
            CHECK(kin_crc32(kin_crc32(0, from, size / 3), from + size / 3, size - size / 3) ==
                  kin_crc32(0, from, size));
        }
    }
    kin_free(bytes);
    check_end();
}

static size_t from_hex(FILE *file, uint8_t *to)
{
    size_t n = 0;
    for (unsigned byte; n < MOST && fscanf(file, "%2x", &byte) == 1; n++) {
        to[n] = (uint8_t)byte;
        int next = fgetc(file);
        if (next == '\n' || next == EOF) return n + 1;
        ungetc(next, file);
    }
    return n;
}

/* `packed` is a block of exactly `size` bytes, so that a sanitizer sees any look beyond it. */
static void one_stream(int number, const uint8_t *packed, size_t size, size_t unpacked, uint32_t crc,
                       uint32_t adler)
{
    kin_error err = {0};
    kin_bytes out;
    size_t limits[] = {0, unpacked, unpacked + 1, unpacked * 3 + 1};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        CHECK_MSG(kin_inflate(packed, size, limits[i], &out, &err), "stream %d: %s", number, err.message);
        CHECK_MSG(out.size == unpacked && kin_crc32(0, out.data, out.size) == crc &&
                      kin_adler32(out.data, out.size) == adler,
                  "stream %d: other bytes", number);
        kin_bytes_free(&out);
    }
    if (unpacked > 1)
        CHECK_MSG(!kin_inflate(packed, size, unpacked - 1, &out, &err), "stream %d: more than its limit",
                  number);
    kin_error_clear(&err);
    for (size_t cut = 0; cut < size; cut = cut + 60 < size ? cut + 7 : cut + 1) {
        uint8_t *part = kin_alloc(cut);
        memcpy(part, packed, cut);
        CHECK_MSG(!kin_inflate(part, cut, 0, &out, &err), "stream %d: cut to %zu bytes", number, cut);
        kin_error_clear(&err);
        kin_free(part);
    }
}

static void streams(void)
{
    check_begin("inflate: zlib's streams of every kind; cut short or over the limit they are refused");
    FILE *golden = fopen("tests/golden/inflate.txt", "r");
    CHECK(golden);
    static uint8_t bytes[MOST];
    size_t unpacked;
    unsigned crc, adler;
    int count = 0;
    for (; golden && fscanf(golden, "%zu %u %u ", &unpacked, &crc, &adler) == 3; count++) {
        size_t size = from_hex(golden, bytes);
        uint8_t *packed = kin_alloc(size);
        memcpy(packed, bytes, size);
        one_stream(count, packed, size, unpacked, crc, adler);
        kin_free(packed);
    }
    if (golden) fclose(golden);
    CHECK(count == 12);
    check_end();
}

int main(void)
{
    checksums();
    streams();
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
