/* What an index would find for a picture whose thing is not in it, told without labels: a thousand of its own
 * pictures, spread over all, are each taken for a stranger, by leaving out their own group (what kin_cluster takes
 * for the same thing). */
#ifndef KIN_PHOTOS_STRANGERS_H
#define KIN_PHOTOS_STRANGERS_H

#include "photos/index.h"
#include "retrieval/search/search.h"

/* Fills photos->nearest and photos->nearests: how far (1 - cosine) each of the sample is from the nearest picture of
 * another group, rising. Grows with the square of the pictures: 100,000 take a minute of one core. Both stay empty
 * where there are fewer than two pictures; KIN_ERR_INTERRUPTED where `progress` says so. */
bool kin_photos_measure(kin_photos *photos, kin_progress progress, kin_error *err);

/* The distance up to which a picture counts as found: a part `rate` of the sample find something as near as that,
 * and so would strangers like them. False where there are too few pictures to tell. */
bool kin_photos_threshold(const kin_photos *photos, double rate, double *distance);

#endif
