/* The losses by name, for programs. A loss has two parts: a head that may hold parameters (a classifier)
 * and is part of the network, and the formula on the head's output and the labels. */
#ifndef KIN_LOSSES_REGISTRY_H
#define KIN_LOSSES_REGISTRY_H

#include "nn/module.h"

typedef struct kin_loss_opt {
    int64_t classes;  /* of the training data, for losses that classify */
    double margin;    /* 0: the loss's own default */
    double smoothing; /* label smoothing */
} kin_loss_opt;

typedef struct kin_loss {
    const char *name, *about;
    double margin; /* default; 0: none, or the soft margin */
    bool pairs;    /* needs several pictures of a class in the batch (the P×K sampler) */
    /* NULL: the formula works on the embedding itself. */
    kin_tensor *(*head)(kin_scope *s, kin_tensor *embedding, const kin_loss_opt *opt);
    kin_tensor *(*formula)(kin_tensor *output, const int *labels, const kin_loss_opt *opt);
    /* The value at which the loss is stuck when all embeddings are one point; NaN or no function: unknown. */
    double (*collapsed)(const kin_loss_opt *opt);
} kin_loss;

extern const kin_loss *const kin_losses[]; /* ends with NULL */
const kin_loss *kin_loss_find(const char *name);

#endif
