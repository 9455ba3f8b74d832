/* The input as a raw stream, as zlib's and as gzip's; then as the raw stream within the latter two, whose
 * heads and checksums are put around it. */
#include "data/images/inflate.h"

#include "tests/fuzz/long.h"

#include <stdlib.h>
#include <string.h>

enum { LIMIT = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put(uint8_t *to, uint32_t value, bool big_endian)
{
    for (int i = 0; i < 4; i++) to[i] = (uint8_t)(value >> (big_endian ? 24 - 8 * i : 8 * i));
}

/* What unpacks raw must unpack within both, where nothing follows the stream. */
static void within(const uint8_t *data, size_t size, const kin_bytes *raw)
{
    static const uint8_t gzip[10] = {0x1f, 0x8b, 8};
    uint8_t *b = kin_alloc(size + 18);
    kin_bytes out;
    kin_error err = {0};
    if (!b) return;
    memcpy(b, "\x78\x01", 2);
    memcpy(b + 2, data, size);
    put(b + 2 + size, kin_adler32(raw->data, raw->size), true);
    if (kin_zlib_unpack(b, size + 6, LIMIT, &out, &err)) {
        if (out.size != raw->size || memcmp(out.data, raw->data, out.size) != 0) abort();
        kin_bytes_free(&out);
    }
    kin_error_clear(&err);
    memcpy(b, gzip, sizeof gzip);
    memcpy(b + 10, data, size);
    put(b + 10 + size, kin_crc32(0, raw->data, raw->size), false);
    put(b + 14 + size, (uint32_t)raw->size, false);
    if (kin_gunzip(b, size + 18, LIMIT, &out, &err)) {
        if (out.size != raw->size || memcmp(out.data, raw->data, out.size) != 0) abort();
        kin_bytes_free(&out);
    }
    kin_free(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kin_error err = {0};
    kin_bytes out, b = kin_lengthened(data, size, 1 << 20);
    if (kin_inflate(b.data, b.size, LIMIT, &out, &err)) {
        within(b.data, b.size, &out);
        kin_bytes_free(&out);
    }
    kin_error_clear(&err);
    if (kin_zlib_unpack(b.data, b.size, LIMIT, &out, &err)) kin_bytes_free(&out);
    kin_error_clear(&err);
    if (kin_gunzip(b.data, b.size, LIMIT, &out, &err)) kin_bytes_free(&out);
    static const size_t wanted[] = {0, 1, 16, 5000};
    for (int i = 0; i < 4; i++) {
        bool surplus, unsure;
        kin_error_clear(&err);
        if (kin_zlib_unpack_first(b.data, b.size, wanted[i], &out, &surplus, &unsure, &err)) {
            if (kin_failed(&err) || out.size > wanted[i]) abort();
            kin_bytes_free(&out);
        }
        kin_error_clear(&err);
        if (kin_gunzip_first(b.data, b.size, wanted[i], &out, &err)) {
            if (kin_failed(&err) || out.size > wanted[i]) abort();
            kin_bytes_free(&out);
        }
    }
    kin_bytes_free(&b);
    return 0;
}
