/* Small pictures inside a page. */
#ifndef KIN_CLI_PAGES_THUMBNAIL_H
#define KIN_CLI_PAGES_THUMBNAIL_H

#include "base/text.h"
#include "data/images/image.h"

/* How a page gets at pictures: fills `out`, which the caller frees, with picture `index`. */
typedef bool (*kin_image_source)(void *arg, int64_t index, kin_image *out, kin_error *err);

enum { KIN_THUMBNAIL_TINY = 64 }; /* up to this side a picture is shown pixel by pixel */

/* Appends the picture in a data: URI, made smaller (Lanczos) where its longer side exceeds `side`: as a PNG
 * where it is tiny or has alpha, else as a PNG or a JPEG, whichever is smaller. */
bool kin_thumbnail_add(kin_text *text, const kin_image *image, int side, kin_error *err);

#endif
