/* ZIP archives in memory, as PyTorch and NumPy write them: entries stored or deflated, with zip64's sizes
 * [PKWARE's APPNOTE 6.3]. Nothing that the directory says is believed before it was compared with the
 * entry's own header and with the size of the file: entries may not overlap, names may not stand twice,
 * nothing may unpack to more than deflate can. */
#ifndef KIN_BASE_ZIP_H
#define KIN_BASE_ZIP_H

#include "base/arena.h"
#include "base/error.h"
#include "base/file.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Deflate lives above this room (data/images/inflate.h): whoever reads archives hands it down. */
typedef struct kin_unpacker {
    /* raw deflate; NULL: deflated entries are refused */
    bool (*inflate)(const uint8_t *bytes, size_t size, size_t limit, kin_bytes *out, kin_error *err);
    /* NULL: checksums are not compared */
    uint32_t (*crc32)(uint32_t crc, const uint8_t *bytes, size_t size);
} kin_unpacker;

typedef struct kin_zip_entry {
    const char *name;    /* zero-terminated; holds no zero itself */
    const uint8_t *data; /* as packed */
    size_t packed, size;
    uint32_t crc;
    bool deflated;
} kin_zip_entry;

typedef struct kin_zip {
    const kin_zip_entry *entries; /* by name */
    size_t count;
    kin_arena arena;
} kin_zip;

/* Whether the bytes begin as an archive does. */
bool kin_zip_is(const uint8_t *bytes, size_t size);
/* Reads the directory; the bytes are borrowed for as long as the archive is used. Free with kin_zip_free,
 * also after a failure. */
bool kin_zip_open(const uint8_t *bytes, size_t size, kin_zip *out, kin_error *err);
void kin_zip_free(kin_zip *zip);
/* NULL when there is none. */
const kin_zip_entry *kin_zip_find(const kin_zip *zip, const char *name);
/* The entry's bytes. Those of a stored entry are left where they are (*owned is then empty), others are
 * unpacked into *owned (kin_bytes_free). */
bool kin_zip_read(const kin_zip_entry *entry, const kin_unpacker *unpacker, const uint8_t **data,
                  kin_bytes *owned, kin_error *err);

#ifdef __cplusplus
}
#endif

#endif
