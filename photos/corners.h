/* Local features by hand, so that a crop is known again without a network: corners [Harris, Stephens 1988] at
 * scales a factor of the root of 2 apart, each described by the gradients around it as SIFT does [Lowe 2004]:
 * 4 x 4 cells of 4 pixels, 8 directions, of unit length, cut at .2, of unit length again. Upright: pictures
 * turned by more than some ten degrees are not matched. */
#ifndef KIN_PHOTOS_CORNERS_H
#define KIN_PHOTOS_CORNERS_H

#include "data/images/image.h"
#include "retrieval/local/local.h"

enum {
    KIN_CORNER_DIM = 128,
    KIN_CORNER_SIDE =
        256, /* the longer side that pictures are looked at with, at most; places are in its pixels */
    KIN_CORNERS = 120 /* of a picture at most */
};

/* The corners of one picture; descriptors in bytes: 255 is .5, or more. */
typedef struct kin_corners {
    int32_t count;
    kin_local_place place[KIN_CORNERS];
    uint8_t descriptor[KIN_CORNERS][KIN_CORNER_DIM];
} kin_corners;

/* Of a grey picture whose longer side is KIN_CORNER_SIDE at most. */
bool kin_corners_find(const kin_image *grey, kin_corners *out, kin_error *err);

/* The affine map from a's places to b's that most of the mutual matches agree with, and how many do; 0: none.
 * `workspace`: kin_corners_workspace() bytes, 64-byte aligned. Equal keys give equal results. */
int64_t kin_corners_match(const kin_corners *a, const kin_corners *b, uint64_t key, kin_affine_map *map,
                          void *workspace);
size_t kin_corners_workspace(void);

#endif
