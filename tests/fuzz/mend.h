/* Checksums put right again in mutated inputs, which would otherwise be refused before they are
 * understood. */
#ifndef KIN_TESTS_FUZZ_MEND_H
#define KIN_TESTS_FUZZ_MEND_H

#include "base/memory.h"
#include "base/zip.h"
#include "data/images/inflate.h"

#include <string.h>

static inline uint32_t mend_word(const uint8_t *b)
{
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}
static inline void mend_put(uint8_t *b, uint32_t value, bool big_endian)
{
    for (int i = 0; i < 4; i++) b[i] = (uint8_t)(value >> (big_endian ? 24 - 8 * i : 8 * i));
}

/* ---- PNG: the stream's Adler-32, then each chunk's CRC ---- */

/* The next chunk's data, with its length cut to what is there; false at the end. */
static inline bool mend_chunk(uint8_t *b, size_t size, size_t *at, uint8_t **data, size_t *length)
{
    if (size < 12 || *at > size - 12) return false;
    *length = mend_word(b + *at);
    if (*length > size - 12 - *at) {
        *length = size - 12 - *at;
        mend_put(b + *at, (uint32_t)*length, true);
    }
    *data = b + *at + 8;
    *at += 12 + *length;
    return true;
}

static inline void mend_adler(uint8_t *b, size_t size)
{
    uint8_t *data, *place[4] = {0}, *packed = kin_alloc(size + 1);
    size_t length, used = 0;
    kin_bytes out;
    for (size_t at = 8; packed && mend_chunk(b, size, &at, &data, &length);) {
        if (memcmp(data - 4, "IDAT", 4) != 0) continue;
        for (size_t i = 0; i < length; i++) {
            memmove(place, place + 1, sizeof place - sizeof *place);
            place[3] = &data[i];
            packed[used++] = data[i];
        }
    }
    if (used > 6 && kin_inflate(packed + 2, used - 6, 1 << 24, &out, NULL)) {
        uint32_t sum = kin_adler32(out.data, out.size);
        for (int i = 0; i < 4; i++) *place[i] = (uint8_t)(sum >> (24 - 8 * i));
        kin_bytes_free(&out);
    }
    kin_free(packed);
}

static inline void mend_png(uint8_t *b, size_t size)
{
    uint8_t *data;
    size_t length;
    if (size < 8) return;
    memcpy(b, "\x89PNG\r\n\x1a\n", 8);
    mend_adler(b, size);
    for (size_t at = 8; mend_chunk(b, size, &at, &data, &length);)
        mend_put(data + length, kin_crc32(0, data - 4, length + 4), true);
}

/* ---- zip: each record's CRC, of what its entry unpacks to ---- */

static inline void mend_record(uint8_t *b, size_t size, uint8_t *record)
{
    size_t offset = 0, packed = 0;
    for (int i = 3; i >= 0; i--) offset = offset << 8 | record[42 + i], packed = packed << 8 | record[20 + i];
    if (size < 30 || offset > size - 30) return;
    size_t data = offset + 30 + (b[offset + 26] | (size_t)b[offset + 27] << 8) +
                  (b[offset + 28] | (size_t)b[offset + 29] << 8);
    kin_bytes out = {0};
    if (data > size || packed > size - data) return;
    if (record[10] == 0) mend_put(record + 16, kin_crc32(0, b + data, packed), false);
    else if (kin_inflate(b + data, packed, 1 << 24, &out, NULL))
        mend_put(record + 16, kin_crc32(0, out.data, out.size), false);
    kin_bytes_free(&out);
}

static inline void mend_zip(uint8_t *b, size_t size)
{
    for (size_t at = 0; size >= 46 && at <= size - 46; at++)
        if (memcmp(b + at, "PK\1\2", 4) == 0) mend_record(b, size, b + at);
}

#endif
