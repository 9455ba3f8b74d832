/* One function for each op that has an ONNX form, and the table of them. */
#include "autograd/op_options.h"
#include "autograd/tape.h"
#include "nn/files/onnx_graph.h"

#include <string.h>

const char *kin_onnx_out(const kin_onnx_graph *g, const kin_call *c)
{
    return c->out == g->output ? "output" : NULL;
}
static int64_t or_one(int64_t n) { return n ? n : 1; }

/* ---- convolution, pooling, normalisation ---- */

static const char *emit_conv2d(kin_onnx_graph *g, const kin_call *c)
{
    const kin_conv2d_opt *o = c->opt;
    const kin_tensor *w = c->in[1];
    kin_conv2d_pads p = o->pads;
    if (!p.top && !p.left && !p.bottom && !p.right) p = (kin_conv2d_pads){o->pad, o->pad, o->pad, o->pad};
    kin_text a = {0};
    kin_onnx_int(&a, "group", or_one(o->groups));
    kin_onnx_ints(&a, "kernel_shape", (int64_t[]){kin_dim(w, 0), kin_dim(w, 1)}, 2);
    kin_onnx_ints(&a, "strides", (int64_t[]){or_one(o->stride), or_one(o->stride)}, 2);
    kin_onnx_ints(&a, "dilations", (int64_t[]){or_one(o->dilation), or_one(o->dilation)}, 2);
    kin_onnx_ints(&a, "pads", (int64_t[]){p.top, p.left, p.bottom, p.right}, 4);
    const char *inputs[3] = {kin_onnx_name(g, c->in[0]), kin_onnx_kernel(g, w),
                             c->n_in == 3 ? kin_onnx_name(g, c->in[2]) : NULL};
    return kin_onnx_node(g, "Conv", inputs, c->n_in, &a, kin_onnx_out(g, c));
}

static void pool_attributes(kin_text *a, const kin_pool2d_opt *o)
{
    int64_t stride = o->stride ? o->stride : o->kernel;
    kin_onnx_ints(a, "kernel_shape", (int64_t[]){o->kernel, o->kernel}, 2);
    kin_onnx_ints(a, "strides", (int64_t[]){stride, stride}, 2);
    kin_onnx_ints(a, "pads", (int64_t[]){o->pad, o->pad, o->pad, o->pad}, 4);
}

static const char *emit_max_pool2d(kin_onnx_graph *g, const kin_call *c)
{
    kin_text a = {0};
    pool_attributes(&a, c->opt);
    return KIN_ONNX_NODE(g, "MaxPool", &a, kin_onnx_out(g, c), kin_onnx_name(g, c->in[0]));
}

static const char *emit_avg_pool2d(kin_onnx_graph *g, const kin_call *c)
{
    kin_text a = {0};
    pool_attributes(&a, c->opt);
    kin_onnx_int(&a, "count_include_pad", !((const kin_pool2d_opt *)c->opt)->exclude_pad);
    return KIN_ONNX_NODE(g, "AveragePool", &a, kin_onnx_out(g, c), kin_onnx_name(g, c->in[0]));
}

/* A [out, in], or its transpose: row i has the mean of the pixels that output i sees (autograd/resample.c). */
static const char *window_means(kin_onnx_graph *g, int64_t out, int64_t in, bool transposed)
{
    int64_t dims[2] = {transposed ? in : out, transposed ? out : in};
    float *a = kin_arena_alloc_zero(&g->arena, (size_t)(out * in) * sizeof *a);
    if (!a) return kin_fail_memory(g->err, "a graph", (size_t)(out * in) * sizeof *a), NULL;
    for (int64_t i = 0; i < out; i++) {
        int64_t first = i * in / out, end = ((i + 1) * in + out - 1) / out;
        for (int64_t p = first; p < end; p++)
            a[transposed ? p * out + i : i * in + p] = 1 / (float)(end - first);
    }
    return kin_onnx_numbers(g, kin_onnx_new_name(g, "windows"), a, dims, 2);
}

/* Means of windows are a product with a matrix from either side, and so are repeated pixels. */
static const char *emit_resample(kin_onnx_graph *g, const kin_call *c)
{
    const kin_tensor *x = c->in[0], *y = c->out;
    const char *rows = KIN_ONNX_NODE(
        g, "MatMul", NULL, NULL, window_means(g, kin_dim(y, 1), kin_dim(x, 1), false), kin_onnx_name(g, x));
    return KIN_ONNX_NODE(g, "MatMul", NULL, kin_onnx_out(g, c), rows,
                         window_means(g, kin_dim(y, 2), kin_dim(x, 2), true));
}

static const char *activated(kin_onnx_graph *g, const char *x, kin_act act, const char *out)
{
    if (act == KIN_RELU) return KIN_ONNX_NODE(g, "Relu", NULL, out, x);
    return KIN_ONNX_NODE(g, "Clip", NULL, out, x, kin_onnx_constant(g, 0), kin_onnx_constant(g, 6));
}

static const char *emit_batch_norm(kin_onnx_graph *g, const kin_call *c)
{
    const kin_norm_call *o = c->opt;
    if (!o->given)
        return kin_onnx_fail(g, "batch_norm takes its statistics from the batch; only networks in evaluation "
                                "mode can be exported"),
               NULL;
    bool sequence = kin_ndim(c->in[0]) == 3; /* channels are the second axis in ONNX */
    const char *x = kin_onnx_name(g, c->in[0]), *last = kin_onnx_out(g, c), *out = last;
    kin_text a = {0};
    kin_onnx_float(&a, "epsilon", o->epsilon);
    if (sequence) x = kin_onnx_transpose(g, x, (int64_t[]){0, 2, 1}, 3, NULL);
    if (o->add || o->act != KIN_LINEAR || sequence) out = NULL;
    x = KIN_ONNX_NODE(g, "BatchNormalization", &a, out, x, kin_onnx_name(g, c->in[1]),
                      kin_onnx_name(g, c->in[2]), kin_onnx_name(g, c->in[3]), kin_onnx_name(g, c->in[4]));
    if (sequence)
        x = kin_onnx_transpose(g, x, (int64_t[]){0, 2, 1}, 3, o->add || o->act != KIN_LINEAR ? NULL : last);
    if (o->add)
        x = KIN_ONNX_NODE(g, "Add", NULL, o->act == KIN_LINEAR ? last : NULL, x, kin_onnx_name(g, c->in[5]));
    return o->act == KIN_LINEAR ? x : activated(g, x, o->act, last);
}

static const char *emit_l2_normalize(kin_onnx_graph *g, const kin_call *c)
{
    kin_text a = {0};
    const char *x = kin_onnx_name(g, c->in[0]);
    kin_onnx_ints(&a, "axes", (int64_t[]){kin_onnx_channel_axis(c->in[0])}, 1);
    const char *norm = KIN_ONNX_NODE(g, "ReduceL2", &a, NULL, x);
    return KIN_ONNX_NODE(g, "Div", NULL, kin_onnx_out(g, c), x,
                         KIN_ONNX_NODE(g, "Max", NULL, NULL, norm, kin_onnx_constant(g, 1e-12)));
}

/* ---- products ---- */

/* Maps go through kin's own order, in which the channels are the last axis. */
static const char *emit_affine(kin_onnx_graph *g, const kin_call *c)
{
    const char *w = kin_onnx_name(g, c->in[1]), *b = c->n_in == 3 ? kin_onnx_name(g, c->in[2]) : NULL;
    if (kin_ndim(c->in[0]) == 2) {
        kin_text a = {0};
        kin_onnx_int(&a, "transB", 1);
        return kin_onnx_node(g, "Gemm", (const char *const[]){kin_onnx_name(g, c->in[0]), w, b}, c->n_in, &a,
                             kin_onnx_out(g, c));
    }
    bool map = kin_ndim(c->in[0]) == 4;
    const char *x = KIN_ONNX_NODE(g, "MatMul", NULL, b || map ? NULL : kin_onnx_out(g, c),
                                  kin_onnx_plain(g, c->in[0]),
                                  kin_onnx_transpose(g, w, (int64_t[]){1, 0}, 2, NULL));
    if (c->n_in == 3) x = KIN_ONNX_NODE(g, "Add", NULL, map ? NULL : kin_onnx_out(g, c), x, b);
    return map ? kin_onnx_from_plain(g, c->out, x, kin_onnx_out(g, c)) : x;
}

/* The last two axes exchanged. */
static const char *exchanged(kin_onnx_graph *g, const char *x, int n)
{
    int64_t order[KIN_MAX_DIMS] = {0, 1, 2, 3};
    order[n - 1] = n - 2;
    order[n - 2] = n - 1;
    return kin_onnx_transpose(g, x, order, n, NULL);
}

static const char *emit_matmul(kin_onnx_graph *g, const kin_call *c)
{
    const kin_matmul_opt *o = c->opt;
    const char *a = kin_onnx_plain(g, c->in[0]), *b = kin_onnx_plain(g, c->in[1]);
    if (o->transpose_a) a = exchanged(g, a, kin_ndim(c->in[0]));
    if (o->transpose_b) b = exchanged(g, b, kin_ndim(c->in[1]));
    bool map = kin_ndim(c->out) == 4;
    const char *y = KIN_ONNX_NODE(g, "MatMul", NULL, map ? NULL : kin_onnx_out(g, c), a, b);
    return map ? kin_onnx_from_plain(g, c->out, y, kin_onnx_out(g, c)) : y;
}

/* ---- element-wise ---- */

/* kin aligns shapes at the last axis. In a map that is the second one of the graph's value, so an operand
 * of fewer axes becomes a map itself first; a single number fits everywhere. */
static const char *operand(kin_onnx_graph *g, const kin_call *c, int i)
{
    const kin_tensor *t = c->in[i];
    const char *x = kin_onnx_name(g, t);
    if (kin_ndim(c->out) != 4 || kin_ndim(t) == 4 || kin_count(t) == 1) return x;
    kin_shape shape = {.ndim = 4, .dim = {1, 1, 1, 1}};
    for (int axis = 0; axis < kin_ndim(t); axis++) shape.dim[4 - kin_ndim(t) + axis] = kin_dim(t, axis);
    x = KIN_ONNX_NODE(g, "Reshape", NULL, NULL, x, kin_onnx_integers(g, shape.dim, 4));
    return kin_onnx_transpose(g, x, (int64_t[]){0, 3, 1, 2}, 4, NULL);
}

static const char *binary(kin_onnx_graph *g, const kin_call *c, const char *type)
{
    return KIN_ONNX_NODE(g, type, NULL, kin_onnx_out(g, c), operand(g, c, 0), operand(g, c, 1));
}
static const char *emit_add(kin_onnx_graph *g, const kin_call *c) { return binary(g, c, "Add"); }
static const char *emit_sub(kin_onnx_graph *g, const kin_call *c) { return binary(g, c, "Sub"); }
static const char *emit_mul(kin_onnx_graph *g, const kin_call *c) { return binary(g, c, "Mul"); }
static const char *emit_div(kin_onnx_graph *g, const kin_call *c) { return binary(g, c, "Div"); }

static const char *emit_scale(kin_onnx_graph *g, const kin_call *c)
{
    const kin_scale_call *o = c->opt;
    const char *x = KIN_ONNX_NODE(g, "Mul", NULL, NULL, kin_onnx_name(g, c->in[0]),
                                  kin_onnx_constant(g, o->scale));
    return KIN_ONNX_NODE(g, "Add", NULL, kin_onnx_out(g, c), x, kin_onnx_constant(g, o->shift));
}

static const char *unary(kin_onnx_graph *g, const kin_call *c, const char *type)
{
    return KIN_ONNX_NODE(g, type, NULL, kin_onnx_out(g, c), kin_onnx_name(g, c->in[0]));
}
static const char *emit_relu(kin_onnx_graph *g, const kin_call *c) { return unary(g, c, "Relu"); }
static const char *emit_relu6(kin_onnx_graph *g, const kin_call *c)
{
    return activated(g, kin_onnx_name(g, c->in[0]), KIN_RELU6, kin_onnx_out(g, c));
}
static const char *emit_sigmoid(kin_onnx_graph *g, const kin_call *c) { return unary(g, c, "Sigmoid"); }
static const char *emit_tanh(kin_onnx_graph *g, const kin_call *c) { return unary(g, c, "Tanh"); }
static const char *emit_softplus(kin_onnx_graph *g, const kin_call *c) { return unary(g, c, "Softplus"); }
static const char *emit_exp(kin_onnx_graph *g, const kin_call *c) { return unary(g, c, "Exp"); }
static const char *emit_log(kin_onnx_graph *g, const kin_call *c) { return unary(g, c, "Log"); }
static const char *emit_sqrt(kin_onnx_graph *g, const kin_call *c) { return unary(g, c, "Sqrt"); }
static const char *emit_abs(kin_onnx_graph *g, const kin_call *c) { return unary(g, c, "Abs"); }

static const char *emit_leaky_relu(kin_onnx_graph *g, const kin_call *c)
{
    kin_text a = {0};
    kin_onnx_float(&a, "alpha", 0.01);
    return KIN_ONNX_NODE(g, "LeakyRelu", &a, kin_onnx_out(g, c), kin_onnx_name(g, c->in[0]));
}

static const char *emit_silu(kin_onnx_graph *g, const kin_call *c)
{
    const char *x = kin_onnx_name(g, c->in[0]);
    return KIN_ONNX_NODE(g, "Mul", NULL, kin_onnx_out(g, c), x, KIN_ONNX_NODE(g, "Sigmoid", NULL, NULL, x));
}

/* x/2·(1 + erf(x/√2)) */
static const char *emit_gelu(kin_onnx_graph *g, const kin_call *c)
{
    const char *x = kin_onnx_name(g, c->in[0]),
               *half = KIN_ONNX_NODE(g, "Mul", NULL, NULL, x, kin_onnx_constant(g, 0.5));
    const char *inner = KIN_ONNX_NODE(g, "Erf", NULL, NULL,
                                      KIN_ONNX_NODE(g, "Mul", NULL, NULL, x,
                                                    kin_onnx_constant(g, 0.70710678118654752)));
    return KIN_ONNX_NODE(g, "Mul", NULL, kin_onnx_out(g, c), half,
                         KIN_ONNX_NODE(g, "Add", NULL, NULL, inner, kin_onnx_constant(g, 1)));
}

static const char *emit_square(kin_onnx_graph *g, const kin_call *c)
{
    const char *x = kin_onnx_name(g, c->in[0]);
    return KIN_ONNX_NODE(g, "Mul", NULL, kin_onnx_out(g, c), x, x);
}

static const char *emit_pow(kin_onnx_graph *g, const kin_call *c)
{
    return KIN_ONNX_NODE(g, "Pow", NULL, kin_onnx_out(g, c), kin_onnx_name(g, c->in[0]),
                         kin_onnx_constant(g, *(const double *)c->opt));
}

/* ---- over channels and axes ---- */

static const char *over_channels(kin_onnx_graph *g, const kin_call *c, const char *type)
{
    kin_text a = {0};
    kin_onnx_int(&a, "axis", kin_onnx_channel_axis(c->in[0]));
    return KIN_ONNX_NODE(g, type, &a, kin_onnx_out(g, c), kin_onnx_name(g, c->in[0]));
}

/* Of scale·x. */
static const char *emit_softmax(kin_onnx_graph *g, const kin_call *c)
{
    double scale = *(const double *)c->opt;
    const char *x = kin_onnx_name(g, c->in[0]);
    kin_text a = {0};
    if (scale != 1) x = KIN_ONNX_NODE(g, "Mul", NULL, NULL, x, kin_onnx_constant(g, scale));
    kin_onnx_int(&a, "axis", kin_onnx_channel_axis(c->in[0]));
    return KIN_ONNX_NODE(g, "Softmax", &a, kin_onnx_out(g, c), x);
}

static const char *emit_log_softmax(kin_onnx_graph *g, const kin_call *c)
{
    return over_channels(g, c, "LogSoftmax");
}

static const char *emit_log_sum_exp(kin_onnx_graph *g, const kin_call *c)
{
    kin_text a = {0};
    kin_onnx_ints(&a, "axes", (int64_t[]){kin_onnx_channel_axis(c->in[0])}, 1);
    return KIN_ONNX_NODE(g, "ReduceLogSumExp", &a, kin_onnx_out(g, c), kin_onnx_name(g, c->in[0]));
}

/* Sums take their axes as an input since opset 13, the others still as an attribute; all axes give [1]. */
static const char *reduced(kin_onnx_graph *g, const kin_call *c, const char *type, bool axes_are_input)
{
    int n = kin_ndim(c->in[0]), count = 0;
    unsigned all = (1u << n) - 1, set = ((const kin_reduce_call *)c->opt)->axes;
    int64_t axes[KIN_MAX_DIMS];
    if (!set) set = all;
    for (int i = 0; i < n; i++)
        if (set >> i & 1) axes[count++] = kin_onnx_axis(c->in[0], i);
    const char *x = kin_onnx_name(g, c->in[0]), *out = set == all ? NULL : kin_onnx_out(g, c), *y;
    if (axes_are_input) {
        y = KIN_ONNX_NODE(g, type, NULL, out, x, kin_onnx_integers(g, axes, count));
    } else {
        kin_text a = {0};
        kin_onnx_ints(&a, "axes", axes, count);
        y = KIN_ONNX_NODE(g, type, &a, out, x);
    }
    return set == all ? KIN_ONNX_NODE(g, "Reshape", NULL, kin_onnx_out(g, c), y,
                                      kin_onnx_integers(g, (int64_t[]){1}, 1))
                      : y;
}

static bool is_global(const kin_call *c)
{
    return kin_ndim(c->in[0]) == 4 && ((const kin_reduce_call *)c->opt)->axes == 6;
}
static const char *emit_sum(kin_onnx_graph *g, const kin_call *c) { return reduced(g, c, "ReduceSum", true); }
static const char *emit_mean(kin_onnx_graph *g, const kin_call *c)
{
    return is_global(c) ? unary(g, c, "GlobalAveragePool") : reduced(g, c, "ReduceMean", false);
}
static const char *emit_max(kin_onnx_graph *g, const kin_call *c)
{
    return is_global(c) ? unary(g, c, "GlobalMaxPool") : reduced(g, c, "ReduceMax", false);
}

/* ---- pooling and gates of attention ---- */

static const char *emit_global_max_pool(kin_onnx_graph *g, const kin_call *c)
{
    return KIN_ONNX_NODE(g, "Flatten", NULL, kin_onnx_out(g, c),
                         KIN_ONNX_NODE(g, "GlobalMaxPool", NULL, NULL, kin_onnx_name(g, c->in[0])));
}

/* M·(mean (v/M)^p)^(1/p) with M the largest: no power overflows. */
static const char *emit_gem(kin_onnx_graph *g, const kin_call *c)
{
    const char *p = kin_onnx_name(g, c->in[1]),
               *v = KIN_ONNX_NODE(g, "Clip", NULL, NULL, kin_onnx_name(g, c->in[0]),
                                  kin_onnx_constant(g, 1e-6)),
               *most = KIN_ONNX_NODE(g, "GlobalMaxPool", NULL, NULL, v);
    const char *mean = KIN_ONNX_NODE(g, "GlobalAveragePool", NULL, NULL,
                                     KIN_ONNX_NODE(g, "Pow", NULL, NULL,
                                                   KIN_ONNX_NODE(g, "Div", NULL, NULL, v, most), p));
    const char *root = KIN_ONNX_NODE(g, "Pow", NULL, NULL, mean,
                                     KIN_ONNX_NODE(g, "Reciprocal", NULL, NULL, p));
    return KIN_ONNX_NODE(g, "Flatten", NULL, kin_onnx_out(g, c),
                         KIN_ONNX_NODE(g, "Mul", NULL, NULL, most, root));
}

static const char *emit_channel_pool(kin_onnx_graph *g, const kin_call *c)
{
    kin_text max = {0}, mean = {0}, joined = {0};
    const char *x = kin_onnx_name(g, c->in[0]);
    kin_onnx_ints(&max, "axes", (int64_t[]){1}, 1);
    kin_onnx_ints(&mean, "axes", (int64_t[]){1}, 1);
    kin_onnx_int(&joined, "axis", 1);
    const char *most = KIN_ONNX_NODE(g, "ReduceMax", &max, NULL, x),
               *average = KIN_ONNX_NODE(g, "ReduceMean", &mean, NULL, x);
    return KIN_ONNX_NODE(g, "Concat", &joined, kin_onnx_out(g, c), most, average);
}

static const char *emit_gate(kin_onnx_graph *g, const kin_call *c)
{
    const kin_tensor *a = c->in[1];
    const char *x = kin_onnx_name(g, c->in[0]), *gate = kin_onnx_name(g, a);
    if (kin_ndim(a) == 2)
        gate = kin_onnx_reshape(g, gate, kin_shape_of(a), KIN_SHAPE(kin_dim(a, 0), kin_dim(a, 1), 1, 1),
                                NULL);
    return KIN_ONNX_NODE(g, "Mul", NULL, kin_onnx_out(g, c), x, gate);
}

static const char *emit_add_weighted(kin_onnx_graph *g, const kin_call *c)
{
    return KIN_ONNX_NODE(g, "Add", NULL, kin_onnx_out(g, c), kin_onnx_name(g, c->in[0]),
                         KIN_ONNX_NODE(g, "Mul", NULL, NULL, kin_onnx_name(g, c->in[1]),
                                       kin_onnx_name(g, c->in[2])));
}

/* ---- shapes ---- */

static const char *emit_flatten(kin_onnx_graph *g, const kin_call *c) { return unary(g, c, "Flatten"); }

/* Maps of one pixel, and those that stay as wide as they were, lie alike in both orders. */
static const char *emit_reshape(kin_onnx_graph *g, const kin_call *c)
{
    const kin_tensor *x = c->in[0], *y = c->out;
    bool from_pixel = kin_ndim(x) == 4 && kin_dim(x, 1) * kin_dim(x, 2) == 1,
         to_pixel = kin_ndim(y) == 4 && kin_dim(y, 1) * kin_dim(y, 2) == 1;
    kin_shape from = kin_shape_of(x), to = kin_shape_of(y);
    if (to_pixel) to = KIN_SHAPE(to.dim[0], to.dim[3], 1, 1);
    const char *value = from_pixel ? kin_onnx_name(g, x) : kin_onnx_plain(g, x);
    if (kin_ndim(y) != 4 || to_pixel) return kin_onnx_reshape(g, value, from, to, kin_onnx_out(g, c));
    return kin_onnx_from_plain(g, y, kin_onnx_reshape(g, value, from, to, NULL), kin_onnx_out(g, c));
}

static const char *emit_concat(kin_onnx_graph *g, const kin_call *c)
{
    const char *inputs[KIN_ONNX_INPUTS];
    kin_text a = {0};
    if (c->n_in > KIN_ONNX_INPUTS)
        return kin_onnx_fail(g, "a concat of %d tensors; up to %d are exported", c->n_in, KIN_ONNX_INPUTS),
               NULL;
    for (int i = 0; i < c->n_in; i++) inputs[i] = kin_onnx_name(g, c->in[i]);
    kin_onnx_int(&a, "axis", kin_onnx_channel_axis(c->out));
    return kin_onnx_node(g, "Concat", inputs, c->n_in, &a, kin_onnx_out(g, c));
}

static const char *sliced(kin_onnx_graph *g, const kin_call *c, int axis)
{
    const kin_slice_call *o = c->opt;
    return KIN_ONNX_NODE(g, "Slice", NULL, kin_onnx_out(g, c), kin_onnx_name(g, c->in[0]),
                         kin_onnx_integers(g, (int64_t[]){o->first}, 1),
                         kin_onnx_integers(g, (int64_t[]){o->first + o->count}, 1),
                         kin_onnx_integers(g, (int64_t[]){axis}, 1));
}

static const char *emit_slice(kin_onnx_graph *g, const kin_call *c)
{
    return sliced(g, c, kin_onnx_channel_axis(c->in[0]));
}

static const char *emit_slice_rows(kin_onnx_graph *g, const kin_call *c)
{
    if (g->any_batch && kin_dim(c->in[0], 0) % g->batch == 0)
        return kin_onnx_fail(g, "slice_rows takes some of the batch's rows; export with a fixed batch"), NULL;
    return sliced(g, c, 0);
}

/* ---- the table ---- */

static const struct {
    const kin_op *op;
    kin_onnx_emitter *emit;
} emitters[] = {
    {&kin_op_conv2d, emit_conv2d},
    {&kin_op_max_pool2d, emit_max_pool2d},
    {&kin_op_avg_pool2d, emit_avg_pool2d},
    {&kin_op_adaptive_avg_pool, emit_resample},
    {&kin_op_upsample, emit_resample},
    {&kin_op_batch_norm, emit_batch_norm},
    {&kin_op_l2_normalize, emit_l2_normalize},
    {&kin_op_affine, emit_affine},
    {&kin_op_matmul, emit_matmul},
    {&kin_op_add, emit_add},
    {&kin_op_sub, emit_sub},
    {&kin_op_mul, emit_mul},
    {&kin_op_div, emit_div},
    {&kin_op_scale, emit_scale},
    {&kin_op_relu, emit_relu},
    {&kin_op_relu6, emit_relu6},
    {&kin_op_leaky_relu, emit_leaky_relu},
    {&kin_op_sigmoid, emit_sigmoid},
    {&kin_op_tanh, emit_tanh},
    {&kin_op_softplus, emit_softplus},
    {&kin_op_silu, emit_silu},
    {&kin_op_gelu, emit_gelu},
    {&kin_op_exp, emit_exp},
    {&kin_op_log, emit_log},
    {&kin_op_sqrt, emit_sqrt},
    {&kin_op_square, emit_square},
    {&kin_op_abs, emit_abs},
    {&kin_op_pow, emit_pow},
    {&kin_op_softmax, emit_softmax},
    {&kin_op_log_softmax, emit_log_softmax},
    {&kin_op_log_sum_exp, emit_log_sum_exp},
    {&kin_op_sum, emit_sum},
    {&kin_op_mean, emit_mean},
    {&kin_op_max, emit_max},
    {&kin_op_global_max_pool, emit_global_max_pool},
    {&kin_op_gem, emit_gem},
    {&kin_op_channel_pool, emit_channel_pool},
    {&kin_op_gate, emit_gate},
    {&kin_op_add_weighted, emit_add_weighted},
    {&kin_op_flatten, emit_flatten},
    {&kin_op_reshape, emit_reshape},
    {&kin_op_concat, emit_concat},
    {&kin_op_slice, emit_slice},
    {&kin_op_slice_rows, emit_slice_rows},
};

/* An op is known by its descriptor: another one may have the same name. */
static kin_onnx_emitter *emitter_of(const kin_op *op)
{
    if (op->onnx) return op->onnx;
    for (size_t i = 0; i < sizeof emitters / sizeof *emitters; i++)
        if (emitters[i].op == op) return emitters[i].emit;
    return NULL;
}

bool kin_onnx_emit(kin_onnx_graph *g, const kin_call *c)
{
    kin_onnx_emitter *emit = emitter_of(c->op);
    if (!emit)
        return kin_onnx_fail(
            g, "the op %s has no ONNX form here; the field .onnx gives an op one (autograd/op.h)",
            c->op->name);
    return kin_onnx_set_name(g, c->out, emit(g, c)) && !kin_failed(g->err);
}
