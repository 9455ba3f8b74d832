/* What a network is made of, from a dry run in evaluation mode: every op with its shape, parameters and
 * cost, and what it reads. */
#ifndef KIN_NN_SUMMARY_H
#define KIN_NN_SUMMARY_H

#include "base/arena.h"
#include "nn/module.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kin_layer {
    const char *name;   /* the path under which it can be tapped; "" when it has none */
    const char *op;     /* "conv2d" */
    kin_shape shape;    /* of its output */
    int64_t parameters; /* trainable numbers, counted where they are used first */
    /* multiply-adds of products and convolutions; nothing else is counted, as in torchvision's tables */
    double macs;
    size_t bytes; /* of its output; 0 for a view */
    int n_in;
    const int *in; /* the layers it reads, parameters left out; −1: the network's input */
} kin_layer;

typedef struct kin_summary {
    kin_layer *layers;
    int count;
    int64_t parameters;
    double macs;
    size_t bytes; /* of all outputs together, which training keeps */
    kin_shape input, output;
    kin_arena memory;
} kin_summary;

/* Computes nothing and makes no parameters. False on error, in ctx. Owned by the caller, kin_summary_free. */
bool kin_summarize(kin_ctx *ctx, kin_net net, void *arg, kin_shape input, kin_summary *out);
void kin_summary_free(kin_summary *s);

/* The same with neighbours made one whose paths agree in the first `depth` parts: layer1.0, layer1.1, ...
 * for depth 2. A layer without a name belongs to the next one that has one. The result has memory of its
 * own. */
bool kin_summary_fold(const kin_summary *s, int depth, kin_summary *out, kin_error *err);

#ifdef __cplusplus
}
#endif

#endif
