/* Pictures of an index that are one picture: the same bytes, the same picture written again (other size,
 * format or quality), or near to it (cropped, framed, greyed, slightly turned, written upon).
 *
 *   candidates    hashes that differ in few bits, as they are or of one picture turned or mirrored, and each picture's nearest by descriptor
 *   verification  of the candidates both pictures are decoded: laid over each other as wholes, or by the
 * affine map
 *                 that corners of both agree on (photos/corners.h), their greys have to correlate and
 *                 their colours to agree (a grey picture: with the other's greys). Where both stand before a plain
 *                 background, what is not background has to. Turned and mirrored ones as wholes alone.
 *   groups        connected components of what is verified, with a check of the bridges (photos/components.h)
 *   keeper        of each group: none behind a symbolic link, none that is grey or of 256 colours or framed where another is not,
 *                 then most pixels, unless they show no more than fewer do (photos/detail.h), then one that tells its
 *                 date, then of two written one from the other the first (photos/descent.h), then most bytes, then the
 *                 first by path
 *
 * Two photographs of one thing are not one picture: what is laid over each other then does not fit. */
#ifndef KIN_PHOTOS_DUPLICATES_H
#define KIN_PHOTOS_DUPLICATES_H

#include "data/images/image.h"
#include "photos/index.h"

typedef enum {
    KIN_DUPLICATE_EXACT,
    KIN_DUPLICATE_SAME,
    KIN_DUPLICATE_NEAR,
    KIN_DUPLICATE_NONE
} kin_duplicate;
extern const char *const kin_duplicate_names[]; /* "exact", "same", "near" */
/* The same with "turned" and "mirrored" for those that are near after a turn (kin_overlay_turn). */
const char *kin_duplicate_name(kin_duplicate kind, int turn);

/* A pair of items that were compared. */
typedef struct kin_duplicate_pair {
    int64_t a, b; /* a < b */
    kin_duplicate kind;
    int bits;          /* that their hashes differ in */
    float similarity;  /* of their descriptors */
    float correlation; /* of their greys, laid over each other; -2: nothing laid them so */
    int32_t agree;     /* corners that agree on the map; 0: they were laid over each other as wholes */
    bool recoloured;   /* the greys fit, and the colours, or what stands before a plain background, do not */
    float grey;        /* of pairs that fit: mean difference of their greys, of 255 */
    int8_t turn;       /* that b is of a, as kin_overlay_turn has it; 0: none */
} kin_duplicate_pair;

typedef struct kin_duplicates_opt {
    int64_t nearest;       /* by descriptor, of each picture; 0: 12 */
    int bits;              /* of hashes, at most; 0: 10 */
    double similarity;     /* of descriptors, at least; 0: .6 */
    double whole;          /* the correlation of wholes, at least; 0: .985 */
    double part;           /* of what is laid over each other by a map; 0: .97 */
    kin_duplicate loosest; /* that makes a group; KIN_DUPLICATE_EXACT decodes nothing */
    kin_image_limits limits;
    kin_progress progress;
    /* Items below it are one set, the others a second one: only pairs across both are compared, and no groups made
     * (group, keeper and kind stay NULL). Of equal contents of the first set, one item is compared. 0: one set */
    int64_t across;
    int64_t kept; /* overlays of 34 KB in memory at most; 0: 2048. Same result whatever it is */
    const char *
        scratch; /* a folder for a file without a name, where the other overlays are; NULL: they are made again */
    /* Decodes an item again, by many threads at once; NULL: the file of its path below `folder`. */
    bool (*read)(void *user, int64_t item, const kin_image_limits *limits, kin_image *out, kin_error *err);
    void *read_user;
} kin_duplicates_opt;

typedef struct kin_duplicates {
    kin_duplicate_pair *pair; /* [pairs], by (a, b): all that were compared, KIN_DUPLICATE_NONE among them */
    int64_t pairs;
    int64_t groups;  /* of two pictures or more */
    int64_t *group;  /* [count]: 0 .. groups - 1 in the order of first pictures, -1: alone */
    int64_t *keeper; /* [groups] */
    kin_duplicate
        *kind;    /* [count]: of a picture that is not its group's keeper, how near it is to it, or where they
                       were not compared to that of the group which it is nearest to */
    int8_t *turn; /* [count]: and how it is turned or mirrored; 0: not at all */
    int64_t broken; /* candidates that could not be decoded again */
    int64_t
        crowded; /* pictures whose hash is like more others' than are compared for it (64, and those nearest by descriptor) */
} kin_duplicates;

/* `folder`: where the paths are. Same result for any number of threads. Pictures are read, never written. */
bool kin_photos_duplicates(const kin_photos *photos, const char *folder, const kin_duplicates_opt *opt,
                           kin_duplicates *out, kin_error *err);
void kin_duplicates_free(kin_duplicates *d);

/* Leaves out the groups of which a picture is gone or another by now (kin_photo_now), for nothing that was said of such a
 * group may be relied on: the one to keep may be what went. How many, and the first such picture (-1: none); -1: an error. */
int64_t kin_duplicates_recheck(kin_duplicates *d, const kin_photos *photos, const char *folder,
                               int64_t *first, kin_error *err);

#endif
