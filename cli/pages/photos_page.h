/* Pages on one's own photographs: what was found, what is one picture, what shows one thing. */
#ifndef KIN_CLI_PAGES_PHOTOS_PAGE_H
#define KIN_CLI_PAGES_PHOTOS_PAGE_H

#include "cli/pages/page.h"
#include "cli/photos/album.h"

/* kin_page_begin, whose lead then says which model the album's index was made by. */
void kin_photos_page_begin(kin_page *page, const char *path, const kin_album *album, const char *title,
                           const char *lead);

/* Writes it, and says how many pictures it could not show. */
bool kin_photos_page_write(const kin_cli *cli, kin_page *page, kin_error *err);

/* Adds a picture of the album to the row that is open: its name and folder, when it was taken, its size, and what `note`
 * says before that (NULL: nothing). */
void kin_photos_tile(kin_page *page, const kin_album *album, int64_t item, kin_tile_kind kind,
                     const char *badge, const char *note);

/* How alike in words: "the same", "very alike", "alike", "somewhat alike", "hardly alike". */
const char *kin_alike(double similarity);

#endif
