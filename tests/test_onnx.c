/* ONNX files: every op that has a form is written in some small network here, and what is in the file is
 * looked at. With $KIN_ONNX_OUT the files stay there beside the networks' inputs and outputs, for
 * tests/onnx.test.sh to hold ONNX Runtime against. */
#include "autograd/op.h"
#include "autograd/ops.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/npy.h"
#include "nn/layers.h"
#include "nn/files/onnx.h"
#include "nn/files/onnx_graph.h"
#include "tests/support/check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 4, TYPES = 4096 };

/* ---- networks ---- */

static kin_tensor *param(kin_scope *s, const char *name, kin_shape shape)
{
    return kin_param(s, name, &(kin_param_opt){.shape = shape, .init = KIN_INIT_UNIFORM, .scale = 1});
}

static kin_tensor *convolutions(kin_scope *s, kin_tensor *x, void *arg)
{
    (void)arg;
    kin_tensor *y = kin_conv_bn(
        s, "a", "an", x,
        &(kin_conv_bn_opt){
            .out = 8, .kernel = 3, .stride = 2, .pads = {0, 1, 2, 1}, .act = KIN_RELU, .epsilon = 1e-3});
    kin_tensor *z = kin_conv(
        kin_sub(s, "b"), y,
        &(kin_conv_opt){.out = 8, .kernel = 3, .pad = 2, .dilation = 2, .groups = 2, .bias = true});
    z = kin_conv_bn(
        s, "c", "cn", z,
        &(kin_conv_bn_opt){.out = 8, .kernel = 5, .pad = 2, .groups = 8, .add = y, .act = KIN_RELU6});
    return kin_linear(kin_sub(s, "fc"), kin_flatten(kin_batch_norm(kin_sub(s, "n"), z, NULL)),
                      &(kin_linear_opt){.out = 5});
}

static kin_tensor *pools(kin_scope *s, kin_tensor *x, void *arg)
{
    (void)arg, (void)s;
    kin_tensor *a = kin_max_pool2d(x, &(kin_pool2d_opt){.kernel = 3, .stride = 2, .pad = 1});
    kin_tensor *b = kin_avg_pool2d(x, &(kin_pool2d_opt){.kernel = 3, .stride = 2, .pad = 1}),
               *c = kin_avg_pool2d(
                   x, &(kin_pool2d_opt){.kernel = 3, .stride = 2, .pad = 1, .exclude_pad = true});
    kin_tensor *d = kin_concat((kin_tensor *[]){a, b, c}, 3), *e = kin_slice(d, 2, 5);
    return kin_concat((kin_tensor *[]){kin_global_avg_pool(d), kin_global_max_pool(e),
                                       kin_slice(kin_global_avg_pool(d), 1, 2)},
                      3);
}

/* Sizes that do not divide one another, and a result that is larger than the map. */
static kin_tensor *resampled(kin_scope *s, kin_tensor *x, void *arg)
{
    (void)arg, (void)s;
    kin_tensor *small = kin_adaptive_avg_pool2d(x, 3, 4), *large = kin_adaptive_avg_pool2d(small, 5, 4);
    return kin_upsample(large, 3);
}

/* The first argument's shape and broadcasting of a channel vector, a number, a pixel's and a picture's
 * line. */
static kin_tensor *arithmetic(kin_scope *s, kin_tensor *x, void *arg)
{
    (void)arg;
    kin_tensor *c = param(s, "c", KIN_SHAPE(3)), *one = param(s, "one", KIN_SHAPE(1)),
               *line = param(s, "line", KIN_SHAPE(5, 3));
    kin_tensor *y = kin_add(kin_mul(x, c), one);
    y = kin_sub_tensor(y, kin_mean(x, 6));
    y = kin_div(kin_add(line, y), kin_add(kin_square(one), kin_exp(c)));
    return kin_add(y, kin_scale(kin_sum(x, 8), 0.3, -0.7));
}

static kin_tensor *functions(kin_scope *s, kin_tensor *x, void *arg)
{
    (void)arg, (void)s;
    kin_tensor *all[] = {kin_relu(x),       kin_relu6(kin_scale(x, 9, 0)),
                         kin_leaky_relu(x), kin_sigmoid(x),
                         kin_tanh(x),       kin_softplus(x),
                         kin_silu(x),       kin_gelu(x),
                         kin_exp(x),        kin_abs(x),
                         kin_square(x)};
    kin_tensor *y = kin_concat(all, 11), *positive = kin_add(kin_square(x), kin_exp(x));
    return kin_concat((kin_tensor *[]){y, kin_log(positive), kin_sqrt(positive), kin_pow(positive, 1.7)}, 4);
}

static kin_tensor *sequence(kin_scope *s, kin_tensor *x, void *arg)
{
    (void)arg;
    int64_t n = kin_dim(x, 0);
    kin_tensor *t = kin_reshape(x, KIN_SHAPE(n, 20, 3)),
               *q = kin_linear(kin_sub(s, "q"), t, &(kin_linear_opt){.out = 6});
    kin_tensor *k = kin_linear(kin_sub(s, "k"), t, &(kin_linear_opt){.out = 6, .no_bias = true}),
               *v = kin_batch_norm(kin_sub(s, "v"), q, &(kin_norm_opt){.act = KIN_RELU, .add = k});
    kin_tensor *w = kin_softmax_scaled(kin_matmul(q, k, &(kin_matmul_opt){.transpose_b = true}), -0.8);
    kin_tensor *y = kin_matmul(w, v, &(kin_matmul_opt){.transpose_a = true});
    return kin_l2_normalize(kin_reshape(kin_max(y, 2), KIN_SHAPE(n, 6)));
}

static kin_tensor *maps(kin_scope *s, kin_tensor *x, void *arg)
{
    (void)arg;
    int64_t n = kin_dim(x, 0);
    kin_tensor *y = kin_linear(kin_sub(s, "a"), x, &(kin_linear_opt){.out = 4});
    kin_tensor *z = kin_concat(
        (kin_tensor *[]){kin_softmax(y), kin_log_softmax(y), kin_log_sum_exp(y), kin_l2_normalize(y)}, 4);
    z = kin_reshape(kin_reshape(z, KIN_SHAPE(n, 130)), KIN_SHAPE(n, 5, 2, 13));
    kin_tensor *pixel = kin_reshape(kin_mean(z, 6), KIN_SHAPE(n, 13)),
               *back = kin_reshape(pixel, KIN_SHAPE(n, 1, 1, 13));
    return kin_add(z, kin_add(back, kin_mean(z, 2)));
}

static kin_tensor *attention(kin_scope *s, kin_tensor *x, void *arg)
{
    (void)arg;
    kin_tensor *y = kin_gate(
        x, kin_sigmoid(kin_linear(kin_sub(s, "a"), kin_global_avg_pool(x), &(kin_linear_opt){.out = 3})));
    y = kin_gate(y, kin_sigmoid(kin_conv(kin_sub(s, "b"), kin_channel_pool(y),
                                         &(kin_conv_opt){.out = 1, .kernel = 3, .pad = 1})));
    y = kin_add_weighted(y, x, param(s, "w", KIN_SHAPE(1)));
    kin_tensor *computed = kin_reshape(param(s, "k", KIN_SHAPE(1, 3, 4)),
                                       KIN_SHAPE(2, 2, 3, 1)); /* a convolution whose weight is computed */
    y = kin_add(y, kin_conv2d(y, computed, NULL, &(kin_conv2d_opt){.pads = {.top = 1, .right = 1}}));
    return kin_gem_pool(y, kin_scale(kin_square(param(s, "p", KIN_SHAPE(1))), 1, 2));
}

/* Zeros made for each picture, and more of them behind, as shortcuts without parameters do; what nothing
 * reads is left out. */
static kin_tensor *constants(kin_scope *s, kin_tensor *x, void *arg)
{
    (void)arg, (void)s;
    kin_shape shape = kin_shape_of(x);
    shape.dim[3] = 2;
    kin_tensor *zeros = kin_input(kin_ctx_of(x), shape, NULL);
    kin_sigmoid(x);
    return kin_scale(kin_concat((kin_tensor *[]){zeros, x, zeros}, 3), 2, 1);
}

static kin_tensor *vectors(kin_scope *s, kin_tensor *x, void *arg)
{
    (void)arg;
    kin_tensor *y = kin_relu(
        kin_batch_norm(kin_sub(s, "n"), kin_linear(kin_sub(s, "a"), x, &(kin_linear_opt){.out = 6}), NULL));
    return kin_add(kin_softmax(y), kin_mul(kin_sum(y, 2), param(s, "c", KIN_SHAPE(6))));
}

static kin_tensor *whole(kin_scope *s, kin_tensor *x, void *arg)
{
    (void)arg, (void)s;
    return kin_add(kin_slice_rows(x, 1, 2), kin_add(kin_mean(x, 0), kin_max(x, 0)));
}

static const struct {
    const char *name;
    kin_net net;
    kin_shape input;
    bool any_batch;
    const char *types;
} cases[] = {
    {"convolutions",
     convolutions,
     {4, {BATCH, 9, 8, 3}},
     true,
     "Conv BatchNormalization Relu Conv Conv BatchNormalization Add Clip BatchNormalization Flatten Gemm"},
    {"pools", pools, {4, {BATCH, 7, 6, 3}}, true, "MaxPool AveragePool AveragePool Concat Slice"},
    {"arithmetic", arithmetic, {4, {BATCH, 4, 5, 3}}, true, "Reshape Transpose Mul Add"},
    {"functions", functions, {4, {BATCH, 4, 5, 3}}, true, "LeakyRelu"},
    {"sequence", sequence, {4, {BATCH, 4, 5, 3}}, true, "Transpose Reshape"},
    {"maps", maps, {4, {BATCH, 2, 5, 3}}, true, "Transpose"},
    {"attention",
     attention,
     {4, {BATCH, 4, 5, 3}},
     true,
     "GlobalAveragePool Reshape Gemm Sigmoid Reshape Mul ReduceM"},
    {"constants", constants, {4, {BATCH, 4, 5, 3}}, true, "Shape Concat Expand Concat Mul Add"},
    {"vectors", vectors, {2, {BATCH, 7}}, true, "Gemm BatchNormalization Relu"},
    {"whole", whole, {2, {BATCH, 7}}, false, "ReduceMax Reshape"},
    {"resampled", resampled, {4, {BATCH, 7, 6, 3}}, true, "MatMul MatMul MatMul MatMul MatMul MatMul"},
};

/* ---- numbers ---- */

static void fill(kin_module *m)
{
    for (int i = 0; i < kin_module_entries(m); i++) {
        kin_entry *e = kin_module_entry(m, i);
        bool variance = strstr(e->name, "running_var") != NULL;
        kin_real *data = kin_entry_data(e);
        for (int64_t k = 0; k < kin_count(e->tensor); k++)
            data[k] = (kin_real)(variance ? 1 + 0.5 * sin(1.7 * (double)k + i)
                                          : 0.5 * sin(0.9 * (double)k + 0.7 * i));
    }
}

static const char *out_path(const char *name, const char *suffix)
{
    static char path[4][600];
    static int next;
    const char *folder = getenv("KIN_ONNX_OUT");
    char *to = path[next++ % 4];
    snprintf(to, sizeof path[0], "%s/%s%s", folder && *folder ? folder : check_folder(), name, suffix);
    return to;
}

/* As the graph sees it: maps with their channels first. */
static void write_tensor(const char *path, const kin_tensor *t)
{
    kin_shape s = kin_shape_of(t);
    int64_t count = kin_count(t), pixels = s.ndim == 4 ? s.dim[1] * s.dim[2] : 1,
            channels = s.ndim == 4 ? s.dim[3] : count / s.dim[0];
    float *out = kin_alloc_array((size_t)count, sizeof *out);
    kin_real *in = kin_alloc_array((size_t)count, sizeof *in);
    kin_error err = {0};
    kin_read(t, in);
    for (int64_t n = 0; n < s.dim[0]; n++)
        for (int64_t p = 0; p < pixels; p++)
            for (int64_t c = 0; c < channels; c++)
                out[(n * channels + c) * pixels + p] = (float)in[(n * pixels + p) * channels + c];
    if (s.ndim == 4) s = KIN_SHAPE(s.dim[0], s.dim[3], s.dim[1], s.dim[2]);
    CHECK_MSG(kin_npy_write_array(path, out, s.ndim, s.dim, &err), "%s", err.message);
    kin_free(out);
    kin_free(in);
}

static void run_network(kin_module *m, const char *name, kin_shape input)
{
    kin_ctx *ctx = kin_module_ctx(m);
    kin_tensor *x = kin_input(ctx, input, NULL);
    kin_real *data = (kin_real *)kin_data(x);
    for (int64_t i = 0; i < kin_count(x); i++)
        data[i] = (kin_real)sin(0.37 * (double)i * (1 + 0.01 * (double)(i % 7)));
    kin_tensor *y = kin_module_forward(m, x, KIN_EVAL);
    CHECK_MSG(y, "%s", kin_ctx_error(ctx)->message);
    if (y) write_tensor(out_path(name, ".x.npy"), x), write_tensor(out_path(name, ".y.npy"), y);
    kin_end_step(ctx);
}

/* ---- a reader of protocol buffers, as far as the file needs one ---- */

typedef struct field {
    int number;
    const uint8_t *data;
    size_t size;
    uint64_t value;
} field;

static bool varint(const uint8_t **at, const uint8_t *end, uint64_t *out)
{
    *out = 0;
    for (int shift = 0; *at < end && shift < 64; shift += 7) {
        uint8_t byte = *(*at)++;
        *out |= (uint64_t)(byte & 127) << shift;
        if (!(byte & 128)) return true;
    }
    return false;
}

static bool next_field(const uint8_t **at, const uint8_t *end, field *f)
{
    uint64_t tag;
    if (*at == end || !varint(at, end, &tag)) return false;
    *f = (field){.number = (int)(tag >> 3)};
    if ((tag & 7) == 0) return varint(at, end, &f->value);
    uint64_t size = 4;
    if ((tag & 7) == 2 && !varint(at, end, &size)) return false;
    if (((tag & 7) != 2 && (tag & 7) != 5) || size > (uint64_t)(end - *at)) return false;
    f->data = *at;
    f->size = (size_t)size;
    *at += size;
    return true;
}

static bool find_field(const uint8_t *data, size_t size, int number, field *f)
{
    const uint8_t *at = data;
    while (next_field(&at, data + size, f))
        if (f->number == number) return true;
    return false;
}

/* The nodes' types in order, and a named initializer. */
static void read_graph(const kin_bytes *file, char *types, const char *wanted, field *found)
{
    field graph, f, inner;
    size_t used = 0;
    *types = '\0';
    *found = (field){0};
    CHECK(find_field(file->data, file->size, 7, &graph));
    const uint8_t *at = graph.data;
    while (next_field(&at, graph.data + graph.size, &f)) {
        if (f.number == 1 && find_field(f.data, f.size, 4, &inner))
            used += (size_t)snprintf(types + used, TYPES - used, "%s%.*s", used ? " " : "", (int)inner.size,
                                     (const char *)inner.data);
        if (f.number == 5 && wanted && find_field(f.data, f.size, 8, &inner) &&
            inner.size == strlen(wanted) && memcmp(inner.data, wanted, inner.size) == 0)
            *found = f;
        if (used >= TYPES - 100) break;
    }
    CHECK(at == graph.data + graph.size);
}

static kin_module *make(kin_ctx *ctx, size_t i)
{
    kin_module *m = kin_module_new(ctx, cases[i].net, NULL, cases[i].input, 1);
    CHECK_MSG(m, "%s", kin_ctx_error(ctx)->message);
    if (m) fill(m);
    return m;
}

static void written(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_begin("onnx: %s", cases[i].name);
        char types[TYPES];
        kin_ctx *ctx = kin_ctx_new();
        kin_error err = {0};
        kin_bytes file = {0};
        field found;
        kin_module *m = make(ctx, i);
        const char *path = out_path(cases[i].name, ".onnx");
        CHECK_MSG(m &&
                      kin_onnx_write(
                          path, m, &(kin_onnx_opt){.input = cases[i].input, .any_batch = cases[i].any_batch},
                          &err) &&
                      kin_read_file(path, 0, &file, &err),
                  "%s", err.message);
        if (file.size) read_graph(&file, types, NULL, &found), CHECK_TEXT(types, cases[i].types);
        if (m) run_network(m, cases[i].name, cases[i].input);
        kin_bytes_free(&file);
        kin_module_free(m);
        kin_ctx_free(ctx);
        check_end();
    }
}

static void weights(void)
{
    check_begin("onnx: parameters keep their names, convolutions their OIHW order, and what nothing reads is "
                "left out");
    char types[TYPES];
    kin_ctx *ctx = kin_ctx_new();
    kin_error err = {0};
    kin_bytes file = {0};
    field tensor = {0}, raw = {0};
    kin_module *m = make(ctx, 0);
    const char *path = out_path("weights", ".tmp.onnx");
    CHECK_MSG(kin_onnx_write(path, m, &(kin_onnx_opt){.input = cases[0].input, .any_batch = true}, &err) &&
                  kin_read_file(path, 0, &file, &err),
              "%s", err.message);
    read_graph(&file, types, "b.weight", &tensor);
    CHECK(tensor.data && find_field(tensor.data, tensor.size, 9, &raw) &&
          raw.size == 8 * 4 * 9 * sizeof(float));
    const kin_real *w = kin_data(kin_module_find(m, "b.weight")->tensor);
    for (int o = 0; raw.data && o < 8; o++)
        for (int c = 0; c < 4; c++)
            for (int tap = 0; tap < 9; tap++) {
                float number;
                memcpy(&number, raw.data + (size_t)((o * 4 + c) * 9 + tap) * sizeof number, sizeof number);
                CHECK((double)number == (double)w[(tap * 4 + c) * 8 + o]);
            }
    kin_bytes_free(&file);
    remove(path);
    kin_module_free(m);
    m = make(ctx, 7);
    CHECK(kin_onnx_write(path, m, &(kin_onnx_opt){.input = cases[7].input, .any_batch = true}, &err) &&
          kin_read_file(path, 0, &file, &err));
    read_graph(&file, types, NULL, &tensor);
    CHECK_MSG(!strstr(types, "Sigmoid"), "an unused op is in the file: %s", types);
    kin_bytes_free(&file);
    remove(path);
    kin_module_free(m);
    kin_ctx_free(ctx);
    check_end();
}

/* ---- an op of one's own, with the name of one of the library's and no options ---- */

static void negate(kin_call *c)
{
    const kin_real *x = kin_data(c->in[0]);
    kin_real *y = kin_out(c);
    for (int64_t i = 0; i < kin_count(c->out); i++) y[i] = -x[i];
}
static const char *emit_negation(kin_onnx_graph *g, const kin_call *c)
{
    return KIN_ONNX_NODE(g, "Neg", NULL, kin_onnx_out(g, c), kin_onnx_name(g, c->in[0]));
}
static const char *emit_nothing(kin_onnx_graph *g, const kin_call *c)
{
    (void)c;
    return kin_onnx_fail(g, "this one cannot be exported"), NULL;
}
static const kin_op own_scale = {"scale", .infer = kin_same_shape, .forward = negate},
                    own_conv = {"conv2d", .infer = kin_same_shape, .forward = negate},
                    exported = {"scale", .infer = kin_same_shape, .forward = negate, .onnx = emit_negation},
                    refusing = {"relu", .infer = kin_same_shape, .forward = negate, .onnx = emit_nothing};

/* `arg` is the op. */
static kin_tensor *with_own_op(kin_scope *s, kin_tensor *x, void *arg)
{
    (void)s;
    return kin_relu(kin_apply((const kin_op *)arg, NULL, 0, kin_scale(x, 2, 1)));
}

static void own_ops(void)
{
    static const struct {
        const kin_op *op;
        const char *refusal; /* NULL: written */
    } rows[] = {{&own_scale, "the op scale has no ONNX form"},
                {&own_conv, "the op conv2d has no ONNX form"},
                {&exported, NULL},
                {&refusing, "this one cannot be exported"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        check_begin("onnx: an op of one's own called %s is %s", rows[i].op->name,
                    rows[i].refusal ? "refused" : "written by its own hook");
        char types[TYPES] = "";
        kin_ctx *ctx = kin_ctx_new();
        kin_error err = {0};
        kin_bytes file = {0};
        field found;
        kin_module *m = kin_module_new(ctx, with_own_op, (void *)(uintptr_t)rows[i].op, KIN_SHAPE(BATCH, 7),
                                       1);
        const char *path = out_path("own", ".tmp.onnx");
        bool ok = m && kin_onnx_write(path, m, &(kin_onnx_opt){.input = KIN_SHAPE(BATCH, 7)}, &err);
        CHECK_MSG(ok == !rows[i].refusal, "%s", err.message);
        if (rows[i].refusal) CHECK_TEXT(err.message, rows[i].refusal);
        if (ok && kin_read_file(path, 0, &file, &err)) read_graph(&file, types, NULL, &found);
        if (ok) CHECK_MSG(strcmp(types, "Mul Add Neg Relu") == 0, "it says %s", types);
        kin_bytes_free(&file);
        remove(path);
        kin_module_free(m);
        kin_ctx_free(ctx);
        check_end();
    }
}

/* ---- what cannot be written ---- */

static kin_tensor *distances(kin_scope *s, kin_tensor *x, void *arg)
{
    (void)s, (void)arg;
    return kin_distance(x, x);
}
static kin_tensor *nothing(kin_scope *s, kin_tensor *x, void *arg)
{
    (void)s, (void)arg;
    return x;
}
static kin_tensor *batch_statistics(kin_scope *s, kin_tensor *x, void *arg)
{
    (void)arg;
    return kin_batch_norm_train(x, param(s, "a", KIN_SHAPE(7)), param(s, "b", KIN_SHAPE(7)),
                                &(kin_batch_norm_opt){1e-5}, NULL, NULL);
}

static void refused(void)
{
    static const struct {
        kin_net net;
        bool any_batch;
        const char *part;
    } bad[] = {
        {distances, false, "the op distance has no ONNX form"},
        {nothing, false, "no function of its input"},
        {batch_statistics, true, "takes its statistics from the batch"},
        {whole, true, "does not have the batch as its first axis"},
        {distances, true, "the op distance has no ONNX form"},
    };
    check_begin("onnx: what has no form is refused by name, and no file is left");
    kin_ctx *ctx = kin_ctx_new();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        kin_error err = {0};
        kin_module *m = kin_module_new(ctx, bad[i].net, NULL, KIN_SHAPE(BATCH, 7), 1);
        const char *path = out_path("refused", ".tmp.onnx");
        CHECK(m &&
              !kin_onnx_write(path, m,
                              &(kin_onnx_opt){.input = KIN_SHAPE(BATCH, 7), .any_batch = bad[i].any_batch},
                              &err) &&
              !kin_exists(path));
        CHECK_TEXT(err.message, bad[i].part);
        kin_module_free(m);
    }
    kin_ctx_free(ctx);
    check_end();
}

static void memory_ends(void)
{
    check_begin("onnx: when memory ends nothing is written, and nothing leaks");
    kin_ctx *ctx = kin_ctx_new();
    kin_module *m = make(ctx, 7);
    const char *path = out_path("memory", ".tmp.onnx");
    kin_error err = {0};
    CHECK(kin_onnx_write(path, m, &(kin_onnx_opt){.input = cases[7].input, .any_batch = true}, &err));
    long alive = kin_alloc_live();
    for (long n = 1, more = 1; more && n < 1000; n++) {
        remove(path);
        kin_error_clear(&err);
        kin_alloc_fail_at(n);
        bool ok = kin_onnx_write(path, m, &(kin_onnx_opt){.input = cases[7].input, .any_batch = true}, &err);
        more = kin_alloc_pending() == 0;
        kin_alloc_fail_at(0);
        kin_error_clear(kin_ctx_error(ctx));
        CHECK_MSG(ok != kin_failed(&err) && ok == kin_exists(path) && (more || ok),
                  "after allocation %ld failed: %s", n, err.message);
        CHECK_MSG(kin_alloc_live() <= alive + 1, "allocation %ld failed and %ld blocks leaked", n,
                  kin_alloc_live() - alive);
    }
    remove(path);
    kin_module_free(m);
    kin_ctx_free(ctx);
    check_end();
}

int main(void)
{
    written();
    weights();
    own_ops();
    refused();
    memory_ends();
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
