/* An index of one's own photographs: what is known of every file of a folder, and its descriptor, in one file
 * that is written aside and renamed.
 *
 * The file is safetensors: "descriptors" F32 [count, dim] of unit length, "hashes" U64 [count], "digests" U8
 * [files, 32], "numbers" I64 [files, 5] (bytes, nanoseconds of the last change, date taken, width, height),
 * "paths" U8 (each below the folder, ended by a zero), "nearest" F32 (see photos/strangers.h); in its notes
 * the version, the folder, what made the descriptors, and "since" (see kin_photos.since; 0 where it is not told). Pictures that could not be read stand behind the
 * others, without a descriptor, so that they are not tried again before they change. */
#ifndef KIN_PHOTOS_INDEX_H
#define KIN_PHOTOS_INDEX_H

#include "base/arena.h"
#include "base/blake2b.h"
#include "base/error.h"
#include "retrieval/vectors.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct kin_photo {
    const char *path;      /* below the folder */
    int64_t bytes, change; /* the file's size and the time of its last change, in nanoseconds */
    int64_t date;          /* taken, as 20260131235959; 0: not told */
    int64_t width, height; /* upright */
    uint64_t hash;         /* data/look/hash.h */
    uint8_t digest[KIN_BLAKE2B_BYTES];
    bool link; /* reached through a symbolic link, as kin_photos_present tells; no index has it */
} kin_photo;

typedef struct kin_photos {
    int64_t count;   /* pictures, by path; item[count ..] could not be read: */
    int64_t broken;  /* so many more, without a row */
    kin_photo *item; /* [count + broken], owned */
    float *rows;     /* [count, dim], of unit length, owned */
    int64_t dim;
    /* [nearests], rising, owned: of pictures spread over all, how far the nearest of another group is */
    float *nearest;
    int64_t nearests;
    int64_t since; /* pictures that came, changed or went since those distances were measured */
    /* the folder, with no slash behind it, or "." for the one that the index lies in; what made the
     * descriptors, the digest of its weights, and the options it was opened with, a line "NAME=VALUE" each */
    const char *root, *model, *weights, *options;
    kin_arena arena; /* texts */
} kin_photos;

static inline kin_vectors kin_photos_vectors(const kin_photos *p)
{
    return (kin_vectors){p->rows, p->count, p->dim};
}

bool kin_photos_write(const kin_photos *photos, const char *file, kin_error *err);
/* Refuses what is no such file, another version, arrays that do not fit together, rows that are not of unit
 * length, paths that lead out of the folder. */
bool kin_photos_read(const char *file, kin_photos *out, kin_error *err);
/* The same from memory; errors do not name a file. */
bool kin_photos_parse(const uint8_t *bytes, size_t size, kin_photos *out, kin_error *err);
void kin_photos_free(kin_photos *photos);

#endif
