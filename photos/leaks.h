/* Pictures that two sets share, such as a training and a test set, which ought to share none: figures on a picture that
 * was trained on say nothing of pictures that were not. */
#ifndef KIN_PHOTOS_LEAKS_H
#define KIN_PHOTOS_LEAKS_H

#include "data/sets/dataset.h"
#include "photos/duplicates.h"

/* A picture of the second set, and the one of the first that is most nearly the same. */
typedef struct kin_leak {
    int64_t first, second; /* items of the sets */
    kin_duplicate kind;
    float similarity; /* of their descriptors by hand (data/look/look.h) */
} kin_leak;

typedef struct kin_leaks {
    kin_leak *leak; /* [count], by `second` */
    int64_t count;
    int64_t of_kind[KIN_DUPLICATE_NONE];
    int64_t crowded; /* kin_duplicates.crowded */
    int64_t broken;  /* pictures of both that could not be read, and were not compared ... */
    kin_error first_broken;
} kin_leaks;

/* Compares every picture of one with every one of the other as kin_photos_duplicates does (opt.across and opt.read are
 * set here). Pictures within one set are not compared. Same result for any number of threads. */
bool kin_leaks_find(const kin_dataset *first, const kin_dataset *second, const kin_duplicates_opt *opt,
                    kin_leaks *out, kin_error *err);
void kin_leaks_free(kin_leaks *leaks);

#endif
