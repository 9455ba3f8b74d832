/* What counts as found, by pairs of pictures that a person marked: the same thing, or not. */
#ifndef KIN_CLI_PHOTOS_MARKED_PAIRS_H
#define KIN_CLI_PHOTOS_MARKED_PAIRS_H

#include "cli/photos/album.h"

typedef struct kin_marked_pairs {
    double threshold;                 /* a distance: between the pairs that it parts best */
    int64_t same, different;          /* pairs of either mark */
    int64_t far_same, near_different; /* those on the wrong side of it */
} kin_marked_pairs;

/* Reads a list with columns `a,b,same` (1 or 0, yes or no) of pictures of the album; the table that kin duplicates --pairs
 * writes serves, too, by its column `kind`. The threshold makes the share of same pairs within it and of different pairs
 * beyond it as large as can be, both counting alike. Fails where no pair of one of the marks is there. */
bool kin_marked_pairs_read(const char *file, const kin_album *album, kin_marked_pairs *out, kin_error *err);

#endif
