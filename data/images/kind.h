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

/* RIFF holds other things too. */
static inline bool kin_kind_is_webp(const uint8_t *b, size_t size)
{
    return kin_bytes_at(b, size, 0, "RIFF", 4) && kin_bytes_at(b, size, 8, "WEBP", 4);
}

/* A JPEG, PNG, WebP, GIF, BMP or PNM/PAM picture. */
bool kin_kind_is_read(const uint8_t *bytes, size_t size);
/* A picture of another kind, and what makes one of it that is read; NULL: it is none that is known. */
typedef struct kin_other_kind {
    const char *name, *converter;
} kin_other_kind;
const kin_other_kind *kin_kind_of_others(const uint8_t *bytes, size_t size);

#endif
