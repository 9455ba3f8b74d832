/* Brings an index of photographs up to date with its folder: only what is new or changed is read. */
#ifndef KIN_PHOTOS_UPDATE_H
#define KIN_PHOTOS_UPDATE_H

#include "data/images/image.h"
#include "photos/index.h"

typedef struct kin_photos_opt {
    const char *model, *weights, *options; /* of the new index, as in kin_photos */
    const char *root;                      /* as the index is to name the folder */
    int64_t dim;
    /* Descriptors of pictures that can be decoded: rows [count, dim] of unit length; made[i] false where it
     * was not possible after all. KIN_ERR_INTERRUPTED stops as progress does. NULL: kin_look's, of KIN_LOOK_DIM. */
    bool (*describe)(void *user, const char *const *path, int64_t count, float *rows, bool *made,
                     kin_error *err);
    bool by_hand;        /* describe finds kin_look's numbers at the beginning of each row */
    const char *exclude; /* files and folders whose names, or paths below the folder, fit these patterns
                            (kin_glob_any) are passed over; NULL: none */
    /* Asked before the first picture is read, with how many there are: false ends the call; may be NULL. */
    bool (*begins)(void *user, int64_t pictures, kin_error *err);
    bool retry;  /* pictures that could not be read before are tried again */
    bool verify; /* compare the contents of all files, whatever their sizes and times say */
    kin_image_limits limits;
    /* false stops, with KIN_ERR_INTERRUPTED; may be NULL */
    bool (*progress)(void *user, int64_t done, int64_t total);
    /* Asked before every picture, by many threads at once, and during what follows the reading: true ends the call
     * as progress does; may be NULL. */
    bool (*stops)(void *user);
    /* Writes what is done so far and, of what is not reached yet, what was known; before an interruption ends the
     * call and now and then; may be NULL. */
    bool (*keep)(void *user, const kin_photos *so_far, kin_error *err);
    void *user;
} kin_photos_opt;

typedef struct kin_photos_told {
    int64_t same, added, changed, moved, removed; /* moved: the content is known under a name that is gone */
    int64_t copied;  /* of those added: the content is known under another name that is still there */
    int64_t decoded; /* pictures that had to be */
    int64_t
        kept; /* of those as before: they may not be opened now, or their folder; what is known of them stays */
    int64_t went; /* were there when the folder was listed, and went or changed before they were read */
    char first_kept[256], first_went[256]; /* the first of each; "" */
    int64_t broken; /* pictures of the folder that cannot be read, those known to be so among them ... */
    char first_broken[1000]; /* ... and what the first of those tried now said; "" */
    char remark[1000];       /* of what the walk passed over; "" */
} kin_photos_told;

/* `known` may be empty (zeroed); it stays as it is. Same result for any number of threads, and whether or not
 * an update before it was interrupted; but an interrupted one counts twice in `since` what it found moved. */
bool kin_photos_update(const kin_photos *known, const char *folder, const kin_photos_opt *opt,
                       kin_photos *out, kin_photos_told *told, kin_error *err);

/* One picture as kin_photos_update reads it: all of `photo` but path and change. With `row`, its descriptor
 * by kin_look [KIN_LOOK_DIM]. JPEGs are decoded at a part of their size, where that is large enough. */
bool kin_photo_read(const uint8_t *bytes, size_t size, const kin_image_limits *limits, kin_photo *photo,
                    float *row, kin_error *err);

#endif
