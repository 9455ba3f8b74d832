/* What a file of an unknown name looks like by its first bytes: asked of everything in a folder, where a text
 * that begins with "BM" or "P5" is no picture; so more is looked at than the readers need. */
#ifndef KIN_DATA_IMAGES_KIND_H
#define KIN_DATA_IMAGES_KIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { KIN_KIND_BYTES = 32 }; /* that are enough to tell */

/* Whether these bytes stand there. */
static inline bool kin_bytes_at(const uint8_t *b, size_t size, size_t at, const char *these, size_t length)
{
    return size >= at + length && memcmp(b + at, these, length) == 0;
}

/* A JPEG, PNG, BMP or PNM/PAM picture. */
bool kin_kind_is_read(const uint8_t *bytes, size_t size);
/* A picture of another kind: "GIF"; NULL: it is none that is known. */
const char *kin_kind_of_others(const uint8_t *bytes, size_t size);

#endif
