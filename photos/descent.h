/* Which of two files of one picture was written from the other.
 *
 * A JPEG rounds each coefficient of its blocks' cosine transform to a multiple of a step. A copy with coarser steps
 * differs from what it was written from by anything up to half a coarse step; a copy with finer steps by half a fine one
 * at most. So of two that differ in their steps, the difference tells which was there first: a copy that was written
 * again in better quality is the larger file, and no better. What was written upon a copy spoils some blocks alone. */
#ifndef KIN_PHOTOS_DESCENT_H
#define KIN_PHOTOS_DESCENT_H

#include "data/images/image.h"

typedef enum {
    KIN_DESCENT_UNKNOWN,
    KIN_DESCENT_FIRST /* is the one that was there first */,
    KIN_DESCENT_SECOND
} kin_descent;

/* The steps of a file's grey coefficients, in rows of eight frequencies. A PNG's, which rounds nothing but pixels, are 1.
 * False for what is neither a PNG nor a JPEG of steps that can be told. */
bool kin_descent_steps(const uint8_t *bytes, size_t size, int steps[64]);

/* Of two grey pictures of one size, of these steps. */
kin_descent kin_descent_of(const kin_image *a, const int a_steps[64], const kin_image *b,
                           const int b_steps[64]);

#endif
