/* A graph of ONNX being written, for nn/onnx*.c alone: nodes, initializers, and the names of values. */
#ifndef KIN_NN_ONNX_GRAPH_H
#define KIN_NN_ONNX_GRAPH_H

#include "autograd/tape.h"
#include "nn/module.h"
#include "nn/protobuf.h"

enum { ONNX_NAME = 160, ONNX_INPUTS = 64 };

typedef struct onnx_value { const kin_tensor *tensor; bool kernel; char *name; } onnx_value;

typedef struct onnx_graph {
    kin_module *module;
    const kin_tensor *input, *output;
    int64_t batch;
    bool any_batch;
    kin_text nodes, initializers;
    onnx_value *values;      /* tensors that have a name already */
    size_t n_values, cap_values;
    int made;                /* names made up so far */
    kin_arena arena;
    kin_error *err;
} onnx_graph;

/* ---- values: a map [n, h, w, c] is [n, c, h, w] in the graph, everything else is as in kin ---- */

/* The name of a tensor's value; leaves become initializers as they are first asked for. NULL on error, as below. */
const char *onnx_name(onnx_graph *g, const kin_tensor *t);
/* A convolution's weight, OIHW. */
const char *onnx_kernel(onnx_graph *g, const kin_tensor *t);
bool onnx_set_name(onnx_graph *g, const kin_tensor *t, const char *name);
const char *onnx_new_name(onnx_graph *g, const char *hint);
/* The axis of the graph's value that is `axis` of the tensor. */
int onnx_axis(const kin_tensor *t, int axis);
int onnx_channel_axis(const kin_tensor *t);

const char *onnx_constant(onnx_graph *g, double value);                               /* a scalar */
const char *onnx_integers(onnx_graph *g, const int64_t *values, int64_t count);       /* [count] */
const char *onnx_numbers(onnx_graph *g, const char *name, const float *values, const int64_t *dims, int ndim);

/* ---- nodes ---- */

/* An attribute list under construction. */
void onnx_int(kin_text *attributes, const char *name, int64_t value);
void onnx_float(kin_text *attributes, const char *name, double value);
void onnx_ints(kin_text *attributes, const char *name, const int64_t *values, int count);

/* A node; inputs end with NULL (an input that is NULL by error must not be passed on: see ONNX_NODE). Takes `attributes` (may be NULL) over.
 * Its output is named `out`, or anew when that is NULL. Returns that name. */
const char *onnx_node(onnx_graph *g, const char *type, const char *const *inputs, int n_inputs, kin_text *attributes, const char *out);
#define ONNX_NODE(g, type, attributes, out, ...) \
    onnx_node((g), (type), (const char *const[]){__VA_ARGS__}, (int)(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *)), (attributes), (out))

const char *onnx_transpose(onnx_graph *g, const char *x, const int64_t *order, int n, const char *out);
/* A tensor's value in kin's own order, and back into the graph's. */
const char *onnx_plain(onnx_graph *g, const kin_tensor *t);
const char *onnx_from_plain(onnx_graph *g, const kin_tensor *t, const char *plain, const char *out);
/* Reshapes a value to a shape in kin's order; its first axis stays open where it follows the batch. */
const char *onnx_reshape(onnx_graph *g, const char *x, kin_shape from, kin_shape to, const char *out);

bool onnx_fail(onnx_graph *g, const char *format, ...) KIN_PRINTF(2, 3);

/* ---- ops (onnx_ops.c) ---- */

/* Writes what one call computes. */
bool onnx_emit(onnx_graph *g, const kin_call *c);

#endif
