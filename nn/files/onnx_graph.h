/* A graph of ONNX being written, for nn/files/onnx*.c and an op's own .onnx: nodes, initializers, and the
 * names of values. */
#ifndef KIN_NN_FILES_ONNX_GRAPH_H
#define KIN_NN_FILES_ONNX_GRAPH_H

#include "autograd/op.h"
#include "base/arena.h"
#include "base/text.h"
#include "nn/module.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { KIN_ONNX_NAME = 160, KIN_ONNX_INPUTS = 64 };

typedef struct kin_onnx_value {
    const kin_tensor *tensor;
    bool kernel;
    char *name;
} kin_onnx_value;

typedef struct kin_onnx_graph {
    kin_module *module;
    const kin_tensor *input, *output;
    int64_t batch;
    bool any_batch;
    kin_text nodes, initializers;
    kin_onnx_value *values; /* tensors that have a name already */
    size_t n_values, cap_values;
    int made; /* names made up so far */
    kin_arena arena;
    kin_error *err;
} kin_onnx_graph;

/* ---- values: a map [n, h, w, c] is [n, c, h, w] in the graph, everything else is as in kin ---- */

/* The name of a tensor's value; leaves become initializers as they are first asked for. NULL on error, as
 * below. */
const char *kin_onnx_name(kin_onnx_graph *g, const kin_tensor *t);
/* A convolution's weight, OIHW. */
const char *kin_onnx_kernel(kin_onnx_graph *g, const kin_tensor *t);
bool kin_onnx_set_name(kin_onnx_graph *g, const kin_tensor *t, const char *name);
const char *kin_onnx_new_name(kin_onnx_graph *g, const char *hint);
/* The axis of the graph's value that is `axis` of the tensor. */
int kin_onnx_axis(const kin_tensor *t, int axis);
int kin_onnx_channel_axis(const kin_tensor *t);

const char *kin_onnx_constant(kin_onnx_graph *g, double value);                         /* a scalar */
const char *kin_onnx_integers(kin_onnx_graph *g, const int64_t *values, int64_t count); /* [count] */
/* An initialiser of this name and shape. */
const char *kin_onnx_numbers(kin_onnx_graph *g, const char *name, const float *values, const int64_t *dims,
                             int ndim);

/* ---- nodes ---- */

/* An attribute list under construction. */
void kin_onnx_int(kin_text *attributes, const char *name, int64_t value);
void kin_onnx_float(kin_text *attributes, const char *name, double value);
void kin_onnx_ints(kin_text *attributes, const char *name, const int64_t *values, int count);

/* A node; inputs end with NULL (an input that is NULL by error must not be passed on: see KIN_ONNX_NODE).
 * Takes `attributes` (may be NULL) over. Its output is named `out`, or anew when that is NULL. Returns
 * that name. */
const char *kin_onnx_node(kin_onnx_graph *g, const char *type, const char *const *inputs, int n_inputs,
                          kin_text *attributes, const char *out);
#ifdef __cplusplus
extern "C++" {
template <typename... Names>
const char *KIN_ONNX_NODE(kin_onnx_graph *g, const char *type, kin_text *attributes, const char *out,
                          Names... in)
{
    const char *const all[] = {in...};
    return kin_onnx_node(g, type, all, (int)sizeof...(in), attributes, out);
}
}
#else
#define KIN_ONNX_NODE(g, type, attributes, out, ...) \
    kin_onnx_node((g), (type), (const char *const[]){__VA_ARGS__}, \
                  (int)(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *)), (attributes), \
                  (out))
#endif

/* A node that permutes axes: the result's axis i is x's order[i]. */
const char *kin_onnx_transpose(kin_onnx_graph *g, const char *x, const int64_t *order, int n,
                               const char *out);
/* A tensor's value in kin's own order, and back into the graph's. */
const char *kin_onnx_plain(kin_onnx_graph *g, const kin_tensor *t);
const char *kin_onnx_from_plain(kin_onnx_graph *g, const kin_tensor *t, const char *plain, const char *out);
/* Reshapes a value to a shape in kin's order; its first axis stays open where it follows the batch. */
const char *kin_onnx_reshape(kin_onnx_graph *g, const char *x, kin_shape from, kin_shape to, const char *out);

/* Notes why the network cannot be exported; always false. */
bool kin_onnx_fail(kin_onnx_graph *g, const char *format, ...) KIN_PRINTF(2, 3);

/* ---- ops (onnx_ops.c) ---- */

/* The name of a call's last node: given for the result of the whole network, else NULL. */
const char *kin_onnx_out(const kin_onnx_graph *g, const kin_call *c);
/* Writes what one call computes. */
bool kin_onnx_emit(kin_onnx_graph *g, const kin_call *c);

#ifdef __cplusplus
}
#endif

#endif
