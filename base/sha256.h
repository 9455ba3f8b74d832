/* SHA-256 (FIPS 180-4), by which others publish what their files are. `sha256sum` prints the same. */
#ifndef KIN_BASE_SHA256_H
#define KIN_BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { KIN_SHA256_BYTES = 32, KIN_SHA256_TEXT = 2 * KIN_SHA256_BYTES + 1 };

typedef struct kin_sha256 {
    uint32_t h[8];
    uint64_t count; /* bytes added so far */
    uint8_t block[64];
    size_t used;
} kin_sha256;

void kin_sha256_begin(kin_sha256 *s);
void kin_sha256_add(kin_sha256 *s, const void *bytes, size_t size);
/* in hexadecimal, with a zero behind it */
void kin_sha256_end(kin_sha256 *s, char text[KIN_SHA256_TEXT]);

#endif
