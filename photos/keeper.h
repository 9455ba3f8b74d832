/* Which of a group of copies is to be kept. */
#ifndef KIN_PHOTOS_KEEPER_H
#define KIN_PHOTOS_KEEPER_H

#include "data/images/image.h"
#include "photos/index.h"

/* What tells it, beside the index. */
typedef struct kin_worth {
    bool grey, paletted, framed;
} kin_worth;

typedef struct kin_keeper {
    const kin_photos *photos;
    const char *folder;
    const kin_image_limits *limits;
    kin_worth *worth; /* [photos->count] */
} kin_keeper;

/* Looks whether the file has 256 colours at most; one that cannot be read has not. What is not the file's own fault is
 * an error. */
bool kin_keeper_palette(const kin_keeper *k, int64_t item, kin_error *err);

/* Whether a is to be kept rather than b, of items in the order of their paths; false on an error, too. Nothing is lost
 * first: colours, then all of them, then detail; only then what else a file has. */
bool kin_keeper_better(const kin_keeper *k, int64_t a, int64_t b, kin_error *err);

#endif
