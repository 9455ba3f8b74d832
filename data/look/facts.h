/* What a picture's file tells without decoding it: how large the picture is, and when it was taken. */
#ifndef KIN_DATA_LOOK_FACTS_H
#define KIN_DATA_LOOK_FACTS_H

#include <stddef.h>
#include <stdint.h>

typedef struct kin_picture_facts {
    int64_t width, height; /* as stored, before it is turned; 0: not found */
    int64_t date;          /* EXIF's DateTimeOriginal, else its DateTime, as 20260131235959; 0: not told */
} kin_picture_facts;

/* Of JPEG (EXIF and the frame's header), PNG (IHDR and eXIf) and WebP (VP8X and EXIF); of others nothing. Never fails: what is
 * broken tells nothing. */
kin_picture_facts kin_facts(const uint8_t *bytes, size_t size);

#endif
