/* The networks by name. A network is one short function; the registry only lists them. */
#ifndef KIN_MODELS_REGISTRY_H
#define KIN_MODELS_REGISTRY_H

#include "nn/module.h"

/* What a person may choose about any network; zero means the network's own default. */
typedef struct kin_model_opt {
    int64_t embedding;  /* numbers in the embedding */
    int64_t width;      /* channels of the first stage */
} kin_model_opt;

typedef struct kin_model {
    const char *name, *about;
    int64_t size, channels, embedding;  /* defaults: input height and width, input channels, embedding */
    /* [n, h, w, c] → [n, embedding], not normalised */
    kin_tensor *(*forward)(kin_scope *s, kin_tensor *x, const kin_model_opt *opt);
} kin_model;

extern const kin_model *const kin_models[]; /* ends with NULL */
const kin_model *kin_model_find(const char *name); /* NULL when there is none */

#endif
