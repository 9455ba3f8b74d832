/* BLAKE2b with 256 bits, the hash of RFC 7693: names things by their content. `b2sum -l 256` prints the
 * same. */
#ifndef KIN_BASE_BLAKE2B_H
#define KIN_BASE_BLAKE2B_H

#include <stddef.h>
#include <stdint.h>

enum { KIN_BLAKE2B_BYTES = 32 };

typedef struct kin_blake2b {
    uint64_t h[8], count; /* bytes compressed so far */
    uint8_t block[128];
    size_t used;
} kin_blake2b;

void kin_blake2b_begin(kin_blake2b *b);
void kin_blake2b_add(kin_blake2b *b, const void *bytes, size_t size);
void kin_blake2b_end(kin_blake2b *b, uint8_t hash[KIN_BLAKE2B_BYTES]);

#endif
