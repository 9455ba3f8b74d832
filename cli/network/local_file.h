/* Local features as a file: safetensors with "descriptors" [n, dim], "places" [n, 4] (x, y, scale, score),
 * "first" [images + 1] and "ids" (bytes, each id ended by a zero), and the projection that made the
 * descriptors out of the network's features, "mean" [in] and "projection" [dim, in], so that queries can
 * be made alike. */
#ifndef KIN_CLI_NETWORK_LOCAL_FILE_H
#define KIN_CLI_NETWORK_LOCAL_FILE_H

#include "retrieval/describe/whiten.h"
#include "retrieval/lists/items.h"
#include "retrieval/local/local.h"

typedef struct kin_local_file {
    kin_local_set set;
    kin_items items; /* ids alone */
    kin_whitening projection;
    char model[1024]; /* the network that made them, as named then */
} kin_local_file;

bool kin_local_file_save(const kin_local_file *f, const char *path, kin_error *err);
/* Refuses files without these arrays, shapes that do not fit together, places that go down, NaN or
 * infinity. */
bool kin_local_file_load(const char *path, kin_local_file *out, kin_error *err);
void kin_local_file_free(kin_local_file *f);

#endif
