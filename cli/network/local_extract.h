/* Local features of pictures: a network's map at several scales, each pixel a feature with its place and
 * score [Noh et al. 2017]. */
#ifndef KIN_CLI_NETWORK_LOCAL_EXTRACT_H
#define KIN_CLI_NETWORK_LOCAL_EXTRACT_H

#include "cli/network/local_file.h"
#include "train/encoder.h"

typedef struct kin_extract_opt {
    int64_t side, most;        /* the longer side at scale 1; features a picture at most */
    double smallest, largest;  /* scales, a factor √2 apart */
    double least, radius;      /* of the score; of the suppression, in pixels */
    int64_t dim;               /* of the descriptors, by principal components */
    const char *tap;           /* of the map, as kin show names it; NULL: "features" */
    const kin_whitening *like; /* another file's components; NULL: fitted on these pictures */
    kin_image_limits limits;
    bool (*progress)(void *user, int64_t done, int64_t total); /* may be NULL; false stops */
    void *user;
} kin_extract_opt;

typedef struct kin_extracted {
    int64_t broken;         /* pictures left out ... */
    kin_error first_broken; /* ... and what the first of them said */
} kin_extracted;

/* Scores are the head's where it is delf, else the features' lengths. Fills in set, items and projection of
 * `out`. */
bool kin_local_extract(kin_module *module, const kin_network *network, const kin_dataset *set,
                       const kin_extract_opt *opt, kin_local_file *out, kin_extracted *told, kin_error *err);

#endif
