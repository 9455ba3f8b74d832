/* What an index says beside what is there now: a picture that is gone or has another content since is no copy of
 * anything, and a file under two names is one picture, not two. */
#ifndef KIN_PHOTOS_PRESENT_H
#define KIN_PHOTOS_PRESENT_H

#include "photos/index.h"

#include <sys/stat.h>

typedef enum {
    KIN_PHOTO_THERE,
    KIN_PHOTO_CHANGED,
    KIN_PHOTO_GONE,
    KIN_PHOTO_UNREADABLE, /* it, or its folder, may not be opened: what it is now cannot be told */
    KIN_PHOTO_STATES
} kin_photo_state;

/* As kin_photo.change has it. */
int64_t kin_photo_change(const struct stat *info);
/* Whether this errno says of a file, or its folder, that it may not be opened. */
bool kin_photo_closed(int why);

/* Of one picture below `folder`: there where size and time of change are those of the index, or the content is.
 * `info` receives the stat of a file that is there. Fails where the machine is the reason that it cannot be told. */
bool kin_photo_now(const kin_photo *photo, const char *folder, kin_photo_state *state, struct stat *info,
                   kin_error *err);

typedef struct kin_present {
    int64_t now[KIN_PHOTO_STATES]; /* pictures by state; all but those that are there are left out, ... */
    char first_stale[256];         /* ... the first of them; "" */
    int64_t hard,
        symbolic; /* further names of pictures that stay: hard links, and through symbolic links ... */
    char first_link[256]; /* ... the first of them; "" */
} kin_present;

/* Leaves in the index what is there as it says, each file under one name: the first that leads through no symbolic
 * link, of links alone the first. Tells kin_photo.link. What could not be read is dropped. */
bool kin_photos_present(kin_photos *photos, const char *folder, kin_present *told, kin_error *err);

#endif
