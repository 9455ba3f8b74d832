/* Field numbers are those of onnx.proto3. */
#include "nn/files/onnx_graph.h"

#include "autograd/tape.h"
#include "base/memory.h"
#include "nn/files/protobuf.h"

#include <stdio.h>
#include <string.h>

enum { NODE_INPUT = 1, NODE_OUTPUT = 2, NODE_NAME = 3, NODE_TYPE = 4, NODE_ATTRIBUTE = 5 };
enum {
    ATTRIBUTE_NAME = 1,
    ATTRIBUTE_FLOAT = 2,
    ATTRIBUTE_INT = 3,
    ATTRIBUTE_INTS = 8,
    ATTRIBUTE_KIND = 20,
    KIND_FLOAT = 1,
    KIND_INT = 2,
    KIND_INTS = 7
};
enum { TENSOR_DIMS = 1, TENSOR_TYPE = 2, TENSOR_NAME = 8, TENSOR_RAW = 9, TYPE_FLOAT = 1, TYPE_INT64 = 7 };
enum { GRAPH_NODE = 1, GRAPH_INITIALIZER = 5 };

bool kin_onnx_fail(kin_onnx_graph *g, const char *format, ...)
{
    char message[400];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return kin_fail(g->err, KIN_ERR_ARGUMENT, "ONNX: %s", message);
}

static const char *no_memory(kin_onnx_graph *g)
{
    kin_fail_memory(g->err, "an ONNX graph", KIN_ONNX_NAME);
    return NULL;
}

/* ---- attributes ---- */

static void add_attribute(kin_text *attributes, const char *name, int kind, kin_text *value)
{
    kin_text a = {0};
    kin_pb_text(&a, ATTRIBUTE_NAME, name);
    if (value->size) kin_text_add_bytes(&a, value->data, value->size);
    a.failed = a.failed || value->failed;
    kin_text_free(value);
    kin_pb_int(&a, ATTRIBUTE_KIND, kind);
    kin_pb_message(attributes, NODE_ATTRIBUTE, &a);
}

void kin_onnx_int(kin_text *attributes, const char *name, int64_t value)
{
    kin_text v = {0};
    kin_pb_int(&v, ATTRIBUTE_INT, value);
    add_attribute(attributes, name, KIND_INT, &v);
}

void kin_onnx_float(kin_text *attributes, const char *name, double value)
{
    kin_text v = {0};
    kin_pb_float(&v, ATTRIBUTE_FLOAT, (float)value);
    add_attribute(attributes, name, KIND_FLOAT, &v);
}

void kin_onnx_ints(kin_text *attributes, const char *name, const int64_t *values, int count)
{
    kin_text v = {0};
    for (int i = 0; i < count; i++) kin_pb_int(&v, ATTRIBUTE_INTS, values[i]);
    add_attribute(attributes, name, KIND_INTS, &v);
}

/* ---- nodes and names ---- */

const char *kin_onnx_new_name(kin_onnx_graph *g, const char *hint)
{
    char name[KIN_ONNX_NAME];
    snprintf(name, sizeof name, "%.100s_%d", hint, ++g->made);
    char *copy = kin_arena_strdup(&g->arena, name);
    return copy ? copy : no_memory(g);
}

const char *kin_onnx_node(kin_onnx_graph *g, const char *type, const char *const *inputs, int n_inputs,
                          kin_text *attributes, const char *out)
{
    kin_text node = {0}, none = {0};
    if (!attributes) attributes = &none;
    bool ok = !kin_failed(g->err);
    for (int i = 0; i < n_inputs; i++) ok = ok && inputs[i];
    if (ok && !out) ok = (out = kin_onnx_new_name(g, type)) != NULL;
    if (ok) {
        for (int i = 0; i < n_inputs; i++) kin_pb_text(&node, NODE_INPUT, inputs[i]);
        kin_pb_text(&node, NODE_OUTPUT, out);
        kin_pb_text(&node, NODE_NAME, out);
        kin_pb_text(&node, NODE_TYPE, type);
        if (attributes->size) kin_text_add_bytes(&node, attributes->data, attributes->size);
        node.failed = node.failed || attributes->failed;
        kin_pb_message(&g->nodes, GRAPH_NODE, &node);
    }
    kin_text_free(attributes);
    if (g->nodes.failed) return no_memory(g);
    return ok ? out : NULL;
}

bool kin_onnx_set_name(kin_onnx_graph *g, const kin_tensor *t, const char *name)
{
    if (!name) return false;
    if (!kin_grow((void **)&g->values, g->n_values, &g->cap_values, sizeof *g->values))
        return no_memory(g), false;
    g->values[g->n_values++] = (kin_onnx_value){t, false, (char *)(uintptr_t)name};
    return true;
}

/* ---- initializers ---- */

/* Float numbers are written little-endian whatever the machine. */
static void add_floats(kin_text *to, const float *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        uint8_t bytes[4] = {(uint8_t)bits, (uint8_t)(bits >> 8), (uint8_t)(bits >> 16),
                            (uint8_t)(bits >> 24)};
        kin_text_add_bytes(to, bytes, sizeof bytes);
    }
}

static const char *add_initializer(kin_onnx_graph *g, const char *name, int type, const int64_t *dims,
                                   int ndim, kin_text *raw)
{
    kin_text t = {0};
    for (int i = 0; i < ndim; i++) kin_pb_int(&t, TENSOR_DIMS, dims[i]);
    kin_pb_int(&t, TENSOR_TYPE, type);
    kin_pb_text(&t, TENSOR_NAME, name);
    kin_pb_message(&t, TENSOR_RAW, raw);
    kin_pb_message(&g->initializers, GRAPH_INITIALIZER, &t);
    return g->initializers.failed ? no_memory(g) : name;
}

const char *kin_onnx_numbers(kin_onnx_graph *g, const char *name, const float *values, const int64_t *dims,
                             int ndim)
{
    kin_text raw = {0};
    size_t count = 1;
    for (int i = 0; i < ndim; i++) count *= (size_t)dims[i];
    if (!name && !(name = kin_onnx_new_name(g, "constant"))) return NULL;
    add_floats(&raw, values, count);
    return add_initializer(g, name, TYPE_FLOAT, dims, ndim, &raw);
}

const char *kin_onnx_constant(kin_onnx_graph *g, double value)
{
    return kin_onnx_numbers(g, NULL, &(float){(float)value}, NULL, 0);
}

const char *kin_onnx_integers(kin_onnx_graph *g, const int64_t *values, int64_t count)
{
    kin_text raw = {0};
    const char *name = kin_onnx_new_name(g, "constant");
    for (int64_t i = 0; name && i < count; i++)
        for (int k = 0; k < 8; k++)
            kin_text_add_bytes(&raw, &(uint8_t){(uint8_t)((uint64_t)values[i] >> (8 * k))}, 1);
    return name ? add_initializer(g, name, TYPE_INT64, &count, 1, &raw) : NULL;
}

/* ---- leaves ---- */

int kin_onnx_axis(const kin_tensor *t, int axis)
{
    static const int maps[] = {0, 2, 3, 1};
    return kin_ndim(t) == 4 ? maps[axis] : axis;
}

int kin_onnx_channel_axis(const kin_tensor *t) { return kin_onnx_axis(t, kin_ndim(t) - 1); }

/* A leaf's numbers with its axes in another order. Owned by the caller (kin_free). */
static float *reordered(kin_onnx_graph *g, const kin_tensor *t, const int *order, int64_t *dims)
{
    int64_t stride[KIN_MAX_DIMS], size[KIN_MAX_DIMS] = {1, 1, 1, 1}, step[KIN_MAX_DIMS] = {0};
    int n = kin_ndim(t);
    stride[n - 1] = 1;
    for (int i = n - 2; i >= 0; i--) stride[i] = i == n - 2 ? t->ld : stride[i + 1] * kin_dim(t, i + 1);
    for (int i = 0; i < n; i++) dims[i] = size[i] = kin_dim(t, order[i]), step[i] = stride[order[i]];
    float *out = kin_alloc_array((size_t)kin_count(t), sizeof *out), *to = out;
    if (!out) return no_memory(g), NULL;
    for (int64_t a = 0; a < size[0]; a++)
        for (int64_t b = 0; b < size[1]; b++)
            for (int64_t c = 0; c < size[2]; c++)
                for (int64_t d = 0; d < size[3]; d++)
                    *to++ = (float)t->data[a * step[0] + b * step[1] + c * step[2] + d * step[3]];
    return out;
}

static const char *entry_name(kin_onnx_graph *g, const kin_tensor *t)
{
    for (int i = 0; i < kin_module_entries(g->module); i++)
        if (kin_module_entry(g->module, i)->tensor == t) return kin_module_entry(g->module, i)->name;
    return NULL;
}

/* A constant that the network made for each picture of the batch: one picture's, repeated as often as the
 * input has pictures. */
static const char *repeated(kin_onnx_graph *g, const kin_tensor *t, const float *values, int64_t *dims)
{
    size_t one = (size_t)(kin_count(t) / dims[0]);
    kin_text shape = {0};
    for (int64_t i = 1; i < dims[0]; i++)
        if (memcmp(values, values + (size_t)i * one, one * sizeof *values) != 0)
            return kin_onnx_fail(g, "a constant differs from picture to picture; export with a fixed batch"),
                   NULL;
    dims[0] = 1;
    const char *single = kin_onnx_numbers(g, NULL, values, dims, kin_ndim(t));
    kin_onnx_int(&shape, "start", 0);
    kin_onnx_int(&shape, "end", 1);
    const char *batch = KIN_ONNX_NODE(g, "Shape", &shape, NULL, "input"),
               *rest = kin_onnx_integers(g, dims + 1, kin_ndim(t) - 1);
    kin_text joined = {0};
    kin_onnx_int(&joined, "axis", 0);
    return KIN_ONNX_NODE(g, "Expand", NULL, NULL, single,
                         KIN_ONNX_NODE(g, "Concat", &joined, NULL, batch, rest));
}

static const char *leaf(kin_onnx_graph *g, const kin_tensor *t, const int *order)
{
    int64_t dims[KIN_MAX_DIMS];
    if (!t->data) return kin_onnx_fail(g, "a constant has no numbers"), NULL;
    float *values = reordered(g, t, order, dims);
    if (!values) return NULL;
    const char *name = entry_name(g, t);
    bool repeats = !name && g->any_batch && kin_ndim(t) > 1 && kin_dim(t, order[0]) == g->batch;
    const char *made = repeats ? repeated(g, t, values, dims)
                               : kin_onnx_numbers(g, name, values, dims, kin_ndim(t));
    kin_free(values);
    return made;
}

static const char *find(const kin_onnx_graph *g, const kin_tensor *t, bool kernel)
{
    for (size_t i = g->n_values; i-- > 0;)
        if (g->values[i].tensor == t && g->values[i].kernel == kernel) return g->values[i].name;
    return NULL;
}

const char *kin_onnx_name(kin_onnx_graph *g, const kin_tensor *t)
{
    static const int maps[] = {0, 3, 1, 2}, plain[] = {0, 1, 2, 3};
    const char *name = find(g, t, false);
    if (name || kin_failed(g->err)) return name;
    if (t->producer) return kin_onnx_fail(g, "a value is used before it is made"), NULL;
    if (find(g, t, true))
        return kin_onnx_fail(g, "a parameter is used both as a convolution's weight and otherwise"), NULL;
    name = leaf(g, t, kin_ndim(t) == 4 ? maps : plain);
    return kin_onnx_set_name(g, t, name) ? name : NULL;
}

const char *kin_onnx_kernel(kin_onnx_graph *g, const kin_tensor *t)
{
    static const int order[] = {3, 2, 0, 1};
    const char *name = find(g, t, true);
    if (name || kin_failed(g->err)) return name;
    if (t->producer) return kin_onnx_transpose(g, kin_onnx_plain(g, t), (int64_t[]){3, 2, 0, 1}, 4, NULL);
    if (find(g, t, false))
        return kin_onnx_fail(g, "a parameter is used both as a convolution's weight and otherwise"), NULL;
    name = leaf(g, t, order);
    if (!kin_onnx_set_name(g, t, name)) return NULL;
    g->values[g->n_values - 1].kernel = true;
    return name;
}

/* ---- orders of axes ---- */

const char *kin_onnx_transpose(kin_onnx_graph *g, const char *x, const int64_t *order, int n, const char *out)
{
    kin_text a = {0};
    kin_onnx_ints(&a, "perm", order, n);
    return KIN_ONNX_NODE(g, "Transpose", &a, out, x);
}

const char *kin_onnx_plain(kin_onnx_graph *g, const kin_tensor *t)
{
    static const int64_t order[] = {0, 2, 3, 1};
    const char *x = kin_onnx_name(g, t);
    return kin_ndim(t) == 4 ? kin_onnx_transpose(g, x, order, 4, NULL) : x;
}

const char *kin_onnx_from_plain(kin_onnx_graph *g, const kin_tensor *t, const char *plain, const char *out)
{
    static const int64_t order[] = {0, 3, 1, 2};
    if (kin_ndim(t) == 4) return kin_onnx_transpose(g, plain, order, 4, out);
    return out ? KIN_ONNX_NODE(g, "Identity", NULL, out, plain) : plain;
}

const char *kin_onnx_reshape(kin_onnx_graph *g, const char *x, kin_shape from, kin_shape to, const char *out)
{
    if (g->any_batch && from.dim[0] % g->batch == 0) {
        if (from.dim[0] == to.dim[0]) to.dim[0] = 0; /* as in the input */
        else if (to.dim[0] % g->batch == 0) to.dim[0] = -1;
    }
    return KIN_ONNX_NODE(g, "Reshape", NULL, out, x, kin_onnx_integers(g, to.dim, to.ndim));
}
