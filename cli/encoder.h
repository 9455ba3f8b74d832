/* A trained network as a function from pictures to descriptors. */
#ifndef KIN_CLI_ENCODER_H
#define KIN_CLI_ENCODER_H

#include "cli/config.h"

/* The network that is trained: the model, and in training (or with `classify`) the loss's head behind it. */
typedef struct kin_network {
    kin_config config;
    const kin_model *model;
    const kin_loss *loss;
    bool classify;
} kin_network;
/* A kin_net whose argument is the kin_network. */
kin_tensor *kin_network_forward(kin_scope *s, kin_tensor *x, void *network);
/* Makes the parameters (first values by config.seed). NULL on error, in ctx. */
kin_module *kin_network_module(kin_network *network, kin_ctx *ctx);

/* Descriptors of all pictures, [p->count, *dim], rows of unit length (unless `raw`). Owned by the caller, kin_free. NULL on
 * error. `progress` may be NULL; false from it stops. */
float *kin_encode(kin_module *module, const kin_network *network, const kin_pictures *p, bool raw, int64_t *dim, bool (*progress)(void *user, int64_t done, int64_t total), void *user,
                  kin_error *err);

/* Reads a run's network: `path` is a run's folder, or a checkpoint. ctx must outlive the module. */
bool kin_network_open(const char *path, kin_ctx *ctx, kin_network *network, kin_module **module, kin_error *err);

/* Descriptors that need no training, for comparison: the pixels themselves, and a joint colour histogram of 8 × 8 × 8
 * bins (8 bins for grey pictures) over the middle half of the picture, where the product is; rows of unit length. */
float *kin_encode_pixels(const kin_pictures *p, int64_t *dim, kin_error *err);
float *kin_encode_histogram(const kin_pictures *p, int64_t *dim, kin_error *err);

#endif
