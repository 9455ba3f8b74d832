/* The overlays of an index's pictures, so many in memory at once. What does not stay there is kept in a scratch file
 * without a name, or where there is none, made again. */
#ifndef KIN_PHOTOS_CANDIDATES_H
#define KIN_PHOTOS_CANDIDATES_H

#include "photos/overlay.h"

/* What stays of each picture. */
typedef struct kin_candidate {
    bool looked, unread; /* its overlay was asked for; it could not be made */
    bool coloured, framed;
    int32_t slot;    /* of its overlay in memory; -1: none */
    int64_t scratch; /* its place in the scratch file; -1: none */
} kin_candidate;

/* Decodes a picture, by many threads at once. */
typedef bool kin_candidate_reader(void *user, int64_t item, kin_image *out, kin_error *err);

typedef struct kin_candidates {
    kin_candidate *of; /* [items] */
    int64_t looked, unread;
    int64_t made; /* overlays, also again */

    kin_candidate_reader *read;
    void *user;
    kin_overlay *overlay;      /* [most] */
    int64_t *owner, *asked;    /* [most]: whose overlay it is, -1: none's; by which call it was last wanted */
    int64_t *missing;          /* [most]: of this call */
    kin_error *errors;         /* [most]: theirs */
    int64_t most, hand, calls; /* hand: the slot that is looked at next */
    int file;                  /* -1: none, or no room */
    int64_t written;
} kin_candidates;

/* `most` overlays are in memory at most. `folder`: where the scratch file is; NULL, or where no file can be made or its
 * disk has no room: none. kin_candidates_end is to be called whatever comes of it. */
bool kin_candidates_begin(kin_candidates *c, int64_t items, int64_t most, const char *folder,
                          kin_candidate_reader *read, void *user, kin_error *err);
void kin_candidates_end(kin_candidates *c);

/* Has the overlays of these items in memory, `most` different ones at most, until the next call. One that cannot be read
 * is no error. */
bool kin_candidates_want(kin_candidates *c, const int64_t *item, int64_t count, kin_error *err);
/* NULL: it could not be read. */
const kin_overlay *kin_candidates_overlay(const kin_candidates *c, int64_t item);
/* It is wanted no more. */
void kin_candidates_drop(kin_candidates *c, int64_t item);

#endif
