/* What a network, or a part of one, costs: a function of shapes, found by a dry run that computes nothing. */
#ifndef KIN_NN_COST_H
#define KIN_NN_COST_H

#include "nn/module.h"

typedef struct kin_cost {
    int64_t parameters; /* trainable numbers */
    double macs;        /* multiply-adds of products and convolutions, as is usual; element-wise work and pooling are not counted */
    kin_shape out;
} kin_cost;

/* Of `net` on an input of this shape. */
bool kin_cost_of(kin_net net, void *arg, kin_shape input, kin_cost *out, kin_error *err);

/* What kin_attention(kind) adds to one map of h × w × c. */
bool kin_attention_cost(const char *kind, int64_t h, int64_t w, int64_t c, kin_cost *out, kin_error *err);

#endif
