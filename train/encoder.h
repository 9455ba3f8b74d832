/* A trained network as a function from pictures to descriptors. */
#ifndef KIN_TRAIN_ENCODER_H
#define KIN_TRAIN_ENCODER_H

#include "train/config.h"
#include "train/weights.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The network that is trained: the model, and behind it in training the loss, or with `classify` what its
 * classifier says. */
typedef struct kin_network {
    kin_config config;
    const kin_model *model;
    kin_model_opt opt;
    kin_head_choice head;
    kin_loss_sum loss;
    bool classify;
    const int *labels; /* of the batch, in training: the network then returns the loss */
    /* Of the batch, in training with a teacher (train/teacher.h); NULL: none. */
    const float *teacher, *teacher_pca;
    int64_t teacher_dim, teacher_pca_dim;
    /* Known once the module is made: numbers of the branches that a teacher teaches, the fewest and the most; 0: none. */
    int64_t taught_least, taught_most;
    char told[KIN_WEIGHTS_TOLD]; /* what was taken from published weights, for the user; "" otherwise */
} kin_network;
/* Model, head and loss as the config says. */
bool kin_network_describe(kin_network *network, const kin_config *config, kin_error *err);
/* A kin_net whose argument is the kin_network. */
kin_tensor *kin_network_forward(kin_scope *s, kin_tensor *x, void *network);
/* Makes the parameters (first values by config.seed). NULL on error, in ctx. */
kin_module *kin_network_module(kin_network *network, kin_ctx *ctx);

/* Descriptors of a set's pictures. */
typedef struct kin_encoded {
    float *rows; /* [count, dim], owned; of unit length unless `raw` */
    int64_t count, dim;
    /* [count], owned: which picture of the set a row is of; in order, broken ones left out */
    int64_t *item;
    int64_t known;          /* how many came from the cache */
    int64_t hidden;         /* how many lost an alpha that was not opaque everywhere */
    int64_t broken;         /* how many were left out ... */
    kin_error first_broken; /* ... and what the first of them said */
    int64_t zeros;          /* how many were left out because all numbers are 0, which has no direction ... */
    int64_t first_zero;     /* ... and the first of them, a picture of the set */
} kin_encoded;

enum { KIN_SCALES = 8 };

struct kin_embed_cache;
typedef struct kin_encode_opt {
    bool raw, strict; /* strict: a broken picture fails */
    /* Views: each picture also mirrored, and at these factors of the network's size (0: at its size alone); the unit
     * descriptors of all views are averaged. Not with `raw`. */
    bool flip;
    int n_scales;
    double scales[KIN_SCALES];
    /* NULL, or what is known already, and learns the rest: written now and then, at the end, and when
     * stopped */
    struct kin_embed_cache *cache;
    bool (*progress)(void *user, int64_t done, int64_t total); /* may be NULL; false stops */
    void *user;
    kin_image_limits limits;
} kin_encode_opt;

/* Pictures are read while the network computes, and not kept. opt may be NULL. */
bool kin_encode(kin_module *module, const kin_network *network, const kin_dataset *set,
                const kin_encode_opt *opt, kin_encoded *out, kin_error *err);
void kin_encoded_free(kin_encoded *e);
/* A number for the views, to be kept with the descriptors (kin_item_texts.made): 0 for a picture as it is. */
uint32_t kin_encode_views(const kin_encode_opt *opt);

typedef struct kin_open_opt {
    /* pictures of other sides than it was trained at (the margin around the middle in proportion), where the network
     * takes them; 0: its own */
    int64_t size, across; /* height and width; across 0: as high */
    const kin_catalogue
        *own; /* what this program has beyond kin; borrowed, for as long as the network; NULL: nothing */
} kin_open_opt;

/* Reads a run's network: `path` is a run's folder, or a checkpoint. opt may be NULL. ctx must outlive the module. */
bool kin_network_open(const char *path, const kin_open_opt *opt, kin_ctx *ctx, kin_network *network,
                      kin_module **module, kin_error *err);

/* Takes over the published weights that the config names: the network's own classifier in them is passed
 * over, and what this network has beyond them (an embedding, a neck, attention, the loss's head, and whatever
 * config.allow_missing matches) keeps its first values. */
bool kin_network_load(kin_network *network, kin_module *module, kin_error *err);

/* A network of the zoo with published weights, for use without training: config says which, and how
 * pictures come in. */
bool kin_network_published(const kin_config *config, kin_ctx *ctx, kin_network *network, kin_module **module,
                           kin_error *err);

/* Descriptors that need no training, for comparison: the pixels themselves, and a joint colour histogram
 * of 8 × 8 × 8 bins (8 bins for grey pictures) over the middle half of the picture, where the product is;
 * rows of unit length. */
float *kin_encode_pixels(const kin_pictures *p, int64_t *dim, kin_error *err);
float *kin_encode_histogram(const kin_pictures *p, int64_t *dim, kin_error *err);

#ifdef __cplusplus
}
#endif

#endif
