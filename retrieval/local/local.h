/* Local features [Noh et al. 2017, DELF]: many descriptors a picture, each with the place it describes,
 * and what follows from them: which of two pictures' features are the same point of the world, and whether
 * one picture is the other seen from elsewhere.
 *
 *   selection   the best by score, near ones of a scale suppressed                           select.c
 *   matching    mutual nearest neighbours under a distance                                    match.c
 *   geometry    the affine map that most matches agree with, by RANSAC                        affine.c
 *   ranking     candidates by how many agree, then by the order they came in                  verify.c
 *
 * Nothing here needs a network: features of any origin (SIFT's too) will do. */
#ifndef KIN_RETRIEVAL_LOCAL_LOCAL_H
#define KIN_RETRIEVAL_LOCAL_LOCAL_H

#include "base/error.h"
#include "retrieval/search/search.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Where a feature is: the centre of what it sees, in pixels of the picture, the scale the picture was seen
 * at, and the score. */
typedef struct kin_local_place {
    float x, y, scale, score;
} kin_local_place;

/* The features of a set of pictures, one after the other. */
typedef struct kin_local_set {
    int64_t images, dim;
    int64_t *first;         /* [images + 1]: features first[i] .. first[i + 1] − 1 are picture i's */
    float *descriptor;      /* [first[images], dim], of unit length */
    kin_local_place *place; /* [first[images]] */
} kin_local_set;
void kin_local_set_free(kin_local_set *s); /* where all of it came from kin_alloc */

/* Chooses at most `most` of the places: those of at least `least` score, best first (ties by index), each
 * unless one chosen before it lies within `radius` pixels and within a factor of 1.5 in scale. Writes
 * their indices to `chosen` [count] and returns how many there are. */
int64_t kin_local_select(const kin_local_place *place, int64_t count, double least, double radius,
                         int64_t most, int64_t *chosen);

typedef struct kin_local_pair {
    int32_t a, b;
} kin_local_pair;

/* Pairs of rows of a and b, unit vectors of one dimension, that are each other's nearest (ties by index) and not
 * farther than `distance` (Euclid). `out` holds min(a.count, b.count); `workspace` kin_local_match_workspace() bytes,
 * 64-byte aligned. Returns their number, in the order of a. */
int64_t kin_local_match(kin_vectors a, kin_vectors b, double distance, kin_local_pair *out, void *workspace);
/* SIZE_MAX: too large. Of these sizes exactly: fewer rows may need more. */
size_t kin_local_match_workspace(int64_t na, int64_t nb, int64_t dim);

/* x' = m[0]·x + m[1]·y + m[2], y' = m[3]·x + m[4]·y + m[5] */
typedef struct kin_affine_map {
    double m[6];
} kin_affine_map;

typedef struct kin_ransac_opt {
    int64_t trials;   /* 0: 1,000 */
    double tolerance; /* pixels; 0: 20 */
    uint64_t key;     /* of the random numbers: equal keys, equal results */
} kin_ransac_opt;

/* The affine map from places `a` to places `b` that most of the pairs agree with [Fischler, Bolles 1981]:
 * three pairs at a time, of triangles that are none in name only; the best is fitted once more to all that
 * agree, and kept where no fewer agree then. Returns how many agree (0 with fewer than three pairs);
 * `agrees` [count] and `out` may be NULL. */
int64_t kin_affine_ransac(const kin_local_place *a, const kin_local_place *b, const kin_local_pair *pairs,
                          int64_t count, const kin_ransac_opt *opt, kin_affine_map *out, uint8_t *agrees);

typedef struct kin_verify_opt {
    int64_t first;   /* of each list so many are looked at; 0: 100 */
    double distance; /* of a match; 0: .8 */
    int64_t least;   /* fewer agreeing matches count as none: chance alone makes some agree */
    kin_ransac_opt ransac;
    kin_progress progress;
} kin_verify_opt;

/* Re-ranks lists: of each the first so many by the number of matches that agree, ties as they stood; the
 * others behind them as they stood. `query` NULL: queries are gallery pictures. List q ends before its
 * first −1. Values become the numbers of agreeing matches (0 for the others). Bit-identical for any number
 * of threads. */
bool kin_verify(const kin_local_set *query, const kin_local_set *gallery, const kin_verify_opt *opt,
                kin_neighbours *lists, kin_error *err);

#ifdef __cplusplus
}
#endif

#endif
