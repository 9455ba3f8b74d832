/* Pages on one's own photographs: what was found, what is one picture, what shows one thing. */
#ifndef KIN_CLI_PAGES_PHOTOS_PAGE_H
#define KIN_CLI_PAGES_PHOTOS_PAGE_H

#include "cli/pages/page.h"
#include "cli/photos.h"

/* Adds a picture of the album to the row that is open: its name and folder, when it was taken, its size, and what `note`
 * says before that (NULL: nothing). */
void kin_photos_tile(kin_page *page, const kin_album *album, int64_t item, kin_tile_kind kind,
                     const char *badge, const char *note);

/* How alike in words: "the same", "very alike", "alike", "somewhat alike", "hardly alike". */
const char *kin_alike(double similarity);

#endif
