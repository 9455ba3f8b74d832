/* Which pictures of an index kin find lists: of those that are nearest, what is there, once each, and of one label one. */
#ifndef KIN_CLI_PHOTOS_CHOICE_H
#define KIN_CLI_PHOTOS_CHOICE_H

#include "cli/photos/album.h"
#include "data/sets/dataset.h"
#include "photos/present.h"

/* The pictures of the index that --near leaves: their numbers and, unless it is all, their rows. */
typedef struct kin_find_gallery {
    int64_t *item; /* NULL: all */
    float *rows;
    kin_vectors vectors;
} kin_find_gallery;

/* What --group-by makes one of several: a number for each picture of the index, -1 for one that is by itself. */
typedef struct kin_find_labels {
    bool used;
    kin_dataset set; /* the index's pictures, labelled */
    int64_t *place;  /* [set.classes]: where in the results the label stands; -1: not yet */
} kin_find_labels;

typedef struct kin_choice {
    const kin_album *album;
    kin_find_gallery gallery;
    kin_find_labels labels;
    int64_t top;
    bool *stale;                                /* [pictures]: known not to be there as the index says, ... */
    int64_t now[KIN_PHOTO_STATES], first_stale; /* ... how many of them, and the first; -1: none */
} kin_choice;

/* As --near, --group-by, --labels and --top say. To be closed on error, too. */
bool kin_choice_open(const kin_cli *cli, const kin_album *album, kin_choice *out, kin_error *err);
void kin_choice_close(kin_choice *c);
/* NULL: it has none, or labels are not asked for. */
const char *kin_choice_label(const kin_choice *c, int64_t item);

/* One query. */
typedef struct kin_asked {
    const float *row;
    const struct stat *file; /* [files]: what was asked with */
    int64_t files;
    double within; /* the distance up to which results are wanted */
} kin_asked;

/* What was found of one query, the nearest first. */
typedef struct kin_found {
    int64_t count, *item; /* of the index */
    double *distance;
    int64_t *more;     /* how many others of its label are behind it; 0 without --group-by */
    double nearest;    /* how far the nearest of all is, listed or not */
    struct stat *info; /* of what was gone through */
} kin_found;

/* Of the k nearest of the gallery, by similarity, those that are to be listed. To be freed on error, too. */
bool kin_choice_make(kin_choice *c, const kin_asked *asked, const float *value, const int64_t *index,
                     int64_t k, kin_found *out, kin_error *err);
void kin_found_free(kin_found *f);

#endif
