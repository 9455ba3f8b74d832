/* Descriptors kept by content: a picture that the same network has seen before is not computed again,
 * whatever its file is called.
 *
 * A key is the hash of a picture as the network receives it: after decoding, cutting and scaling. The
 * network's own hash covers its parameters, its shape, and the instruction set, whose roundings differ.
 * What was kept has the bits that computing would give.
 *
 * In the folder lie NETWORK-FIRST.npy, float32 [pictures, 16 + numbers of a descriptor]: the key in 16
 * whole numbers below 65,536, then the descriptor. NumPy reads them; any of them may be deleted at any
 * time. */
#ifndef KIN_TRAIN_EMBED_CACHE_H
#define KIN_TRAIN_EMBED_CACHE_H

#include "train/encoder.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kin_embed_cache kin_embed_cache;

/* What `network` left in `folder`, which is made where it does not exist. Files that are no such thing are
 * an error, by name. NULL on error. */
kin_embed_cache *kin_embed_cache_open(const char *folder, kin_module *module, const kin_network *network,
                                      kin_error *err);
/* Does not keep; call kin_embed_cache_keep before. */
void kin_embed_cache_free(kin_embed_cache *cache);

typedef struct kin_embed_key {
    uint8_t hash[32];
} kin_embed_key;

/* Keys of `count` pictures of `numbers` floats each. On all threads. */
void kin_embed_cache_keys(const float *pixels, int64_t count, int64_t numbers, kin_embed_key *keys);

/* The numbers of a descriptor; 0 while nothing is known. */
int64_t kin_embed_cache_dim(const kin_embed_cache *cache);
/* The descriptor of this picture, or NULL. Valid until the cache is freed or added to. */
const float *kin_embed_cache_find(const kin_embed_cache *cache, const kin_embed_key *key);
bool kin_embed_cache_add(kin_embed_cache *cache, const kin_embed_key *key, const float *row, int64_t dim,
                         kin_error *err);

/* Writes what was added since the last time as one more file; nothing where nothing was. */
bool kin_embed_cache_keep(kin_embed_cache *cache, kin_error *err);

#ifdef __cplusplus
}
#endif

#endif
