/* What a network makes of single pictures, kept to be shown: what it saw, its maps, masks, weights and
 * descriptor. */
#ifndef KIN_CLI_NETWORK_EXPLAINED_H
#define KIN_CLI_NETWORK_EXPLAINED_H

#include "train/encoder.h"

enum { KIN_EXPLAINED_PICTURES = 24 };

/* A map of one picture [h, w, c]. */
typedef struct kin_seen_map {
    int h, w;
    int64_t c;
    float *data; /* NULL: this network has no such map */
} kin_seen_map;

typedef struct kin_seen {
    const char *path;  /* borrowed */
    kin_image image;   /* as the network sees it */
    float *descriptor; /* [dim] */
    kin_seen_map map;  /* the last one */
    float *changed; /* [map.h, map.w] how much attention at the end changes each place; NULL: it has none */
    kin_seen_map mask[KIN_BRANCHES]; /* ABE's, averaged over the channels (c 1) */
    kin_image remade; /* what the auto-encoder's decoder makes of its code; no data: the head is another */
    float *weight; /* [weights] how much each channel counts to channel attention at the end, largest first */
    int64_t *channel; /* [weights] which one that is */
    int64_t weights;
} kin_seen;

typedef struct kin_explained {
    const kin_network *network;
    kin_seen *seen;
    int count;
    int64_t dim;
    double entropy; /* of self channel attention, the mean over the pictures; NaN: there is none */
} kin_explained;

/* What a picture is called: its file and the folder that this lies in. A part of `path`. */
const char *kin_explain_name(const char *path);

/* Looks at every picture once. */
bool kin_explain(kin_module *module, const kin_network *network, char *const *paths, int count,
                 const kin_image_limits *limits, kin_explained *out, kin_error *err);
void kin_explained_free(kin_explained *e);

/* The cosine of two pictures' descriptors, of the numbers from .. to-1 alone. */
double kin_explained_alike(const kin_explained *e, int a, int b, int64_t from, int64_t to);
/* The others, the most alike first; `order` [count - 1]. */
void kin_explained_order(const kin_explained *e, int a, int64_t from, int64_t to, int *order);
/* Fills in `order` by the whole descriptors; true where the picture most like `a` comes before it and has
 * `a` as the most like itself, so that the pair was told. */
bool kin_explained_told(const kin_explained *e, int a, int *order);

#endif
