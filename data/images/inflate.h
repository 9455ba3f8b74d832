/* Inflate (RFC 1951) with its wrappers zlib (1950) and gzip (1952), and deflate for writing PNGs. */
#ifndef KIN_DATA_IMAGES_INFLATE_H
#define KIN_DATA_IMAGES_INFLATE_H

#include "base/error.h"
#include "base/file.h"

#include <stddef.h>
#include <stdint.h>

/* Unpacks to a new buffer (owned, kin_bytes_free). More than `limit` bytes is an error; nothing near it is
 * allocated before it is needed. Checksums and lengths are verified. */
bool kin_inflate(const uint8_t *bytes, size_t size, size_t limit, kin_bytes *out, kin_error *err); /* raw */
bool kin_zlib_unpack(const uint8_t *bytes, size_t size, size_t limit, kin_bytes *out, kin_error *err);
bool kin_gunzip(const uint8_t *bytes, size_t size, size_t limit, kin_bytes *out, kin_error *err);

/* For readers whose header says how many bytes are to come: the first `wanted` of them, and no more memory
 * than they take. *surplus tells that there were more, and *unsure that their checksum could not be compared
 * or is not there. Fewer are no error here. */
bool kin_zlib_unpack_first(const uint8_t *bytes, size_t size, size_t wanted, kin_bytes *out, bool *surplus,
                           bool *unsure, kin_error *err);
/* The same for gzip, without any check of what follows. */
bool kin_gunzip_first(const uint8_t *bytes, size_t size, size_t wanted, kin_bytes *out, kin_error *err);

/* Packs as a zlib stream. */
bool kin_zlib_pack(const uint8_t *bytes, size_t size, kin_bytes *out, kin_error *err);

uint32_t kin_crc32(uint32_t crc, const uint8_t *bytes, size_t size); /* start with 0 */
uint32_t kin_adler32(const uint8_t *bytes, size_t size);

#endif
