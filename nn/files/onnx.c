#include "nn/files/onnx.h"

#include "autograd/tape.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/version.h"
#include "nn/files/onnx_graph.h"
#include "nn/files/protobuf.h"

#include <string.h>

enum {
    MODEL_IR = 1,
    MODEL_PRODUCER = 2,
    MODEL_PRODUCER_VERSION = 3,
    MODEL_GRAPH = 7,
    MODEL_OPSET = 8,
    MODEL_PROPERTY = 14
};
enum {
    GRAPH_NAME = 2,
    GRAPH_INPUT = 11,
    GRAPH_OUTPUT = 12,
    VALUE_NAME = 1,
    VALUE_TYPE = 2,
    TYPE_TENSOR = 1,
    TENSOR_ELEMENT = 1,
    TENSOR_SHAPE = 2
};
enum {
    SHAPE_DIM = 1,
    DIM_VALUE = 1,
    DIM_PARAM = 2,
    OPSET_VERSION = 2,
    PROPERTY_KEY = 1,
    PROPERTY_VALUE = 2,
    FLOAT_ELEMENT = 1
};
enum { IR_VERSION = 8, OPSET = 17, SAMPLE_BATCH = 3 };
static const size_t largest = (size_t)2047 << 20; /* of a protocol buffer */

/* ---- which calls ---- */

typedef struct call_list {
    const kin_call **calls;
    size_t count, capacity;
    bool failed;
} call_list;

static void observe(void *arg, const kin_call *call)
{
    call_list *l = arg;
    if (!l->failed && kin_grow((void **)&l->calls, l->count, &l->capacity, sizeof *l->calls))
        l->calls[l->count++] = call;
    else l->failed = true;
}

/* Drops the calls that nothing needs: from the last to the first, a call is kept when its output is
 * wanted. */
static bool keep_needed(call_list *l, const kin_tensor *output, kin_error *err)
{
    const kin_tensor **wanted = NULL;
    size_t n = 0, capacity = 0, kept = l->count;
    bool ok = kin_grow((void **)&wanted, n, &capacity, sizeof *wanted);
    if (ok) wanted[n++] = output;
    for (size_t i = l->count; ok && i-- > 0;) {
        const kin_call *c = l->calls[i];
        bool needed = false;
        for (size_t k = n; !needed && k-- > 0;) needed = wanted[k] == c->out;
        if (!needed) continue;
        l->calls[--kept] = c;
        for (int k = 0; ok && k < c->n_in; k++)
            if ((ok = kin_grow((void **)&wanted, n, &capacity, sizeof *wanted))) wanted[n++] = c->in[k];
    }
    kin_free(wanted);
    if (!ok) return kin_fail_memory(err, "an ONNX graph", n * sizeof *wanted);
    memmove(l->calls, l->calls + kept, (l->count - kept) * sizeof *l->calls);
    l->count -= kept;
    return true;
}

/* ---- the model around the nodes ---- */

static void add_value(kin_text *to, int field, const char *name, const kin_tensor *t, bool any_batch)
{
    kin_text value = {0}, type = {0}, tensor = {0}, shape = {0};
    int64_t dims[KIN_MAX_DIMS];
    for (int i = 0; i < kin_ndim(t); i++) dims[kin_onnx_axis(t, i)] = kin_dim(t, i);
    for (int i = 0; i < kin_ndim(t); i++) {
        kin_text dim = {0};
        if (i == 0 && any_batch) kin_pb_text(&dim, DIM_PARAM, "batch");
        else kin_pb_int(&dim, DIM_VALUE, dims[i]);
        kin_pb_message(&shape, SHAPE_DIM, &dim);
    }
    kin_pb_int(&tensor, TENSOR_ELEMENT, FLOAT_ELEMENT);
    kin_pb_message(&tensor, TENSOR_SHAPE, &shape);
    kin_pb_message(&type, TYPE_TENSOR, &tensor);
    kin_pb_text(&value, VALUE_NAME, name);
    kin_pb_message(&value, VALUE_TYPE, &type);
    kin_pb_message(to, field, &value);
}

static void add_model(kin_text *model, kin_onnx_graph *g, const kin_onnx_opt *opt)
{
    kin_text graph = {0}, opset = {0};
    if (g->nodes.size) kin_text_add_bytes(&graph, g->nodes.data, g->nodes.size);
    kin_pb_text(&graph, GRAPH_NAME, opt->name ? opt->name : "network");
    if (g->initializers.size) kin_text_add_bytes(&graph, g->initializers.data, g->initializers.size);
    add_value(&graph, GRAPH_INPUT, "input", g->input, g->any_batch);
    add_value(&graph, GRAPH_OUTPUT, "output", g->output, g->any_batch);
    kin_pb_int(model, MODEL_IR, IR_VERSION);
    kin_pb_text(model, MODEL_PRODUCER, "kin");
    kin_pb_text(model, MODEL_PRODUCER_VERSION, KIN_VERSION);
    kin_pb_message(model, MODEL_GRAPH, &graph);
    kin_pb_int(&opset, OPSET_VERSION, OPSET);
    kin_pb_message(model, MODEL_OPSET, &opset);
    for (int i = 0; i < opt->n_notes; i++) {
        kin_text note = {0};
        kin_pb_text(&note, PROPERTY_KEY, opt->notes[i].key);
        kin_pb_text(&note, PROPERTY_VALUE, opt->notes[i].value);
        kin_pb_message(model, MODEL_PROPERTY, &note);
    }
}

static bool write_model(const char *path, kin_onnx_graph *g, const kin_onnx_opt *opt)
{
    kin_text model = {0};
    add_model(&model, g, opt);
    bool ok = !model.failed || kin_fail_memory(g->err, "an ONNX file", model.size);
    if (ok && model.size > largest)
        ok = kin_onnx_fail(g, "the network takes %zu bytes; a file holds at most %zu", model.size, largest);
    ok = ok && kin_write_file(path, model.data, model.size, g->err);
    kin_text_free(&model);
    return ok;
}

/* The output must follow the batch where that is open. */
static bool check_output(kin_onnx_graph *g)
{
    if (!g->output->producer) return kin_onnx_fail(g, "the network is no function of its input");
    if (g->any_batch && kin_dim(g->output, 0) != g->batch)
        return kin_onnx_fail(
            g, "the network's output does not have the batch as its first axis; export with a fixed batch");
    return true;
}

static bool export(const char *path, kin_onnx_graph *g, call_list *l, const kin_onnx_opt *opt)
{
    if (l->failed) return kin_fail_memory(g->err, "an ONNX graph", l->count * sizeof *l->calls);
    bool ok = check_output(g) && keep_needed(l, g->output, g->err) && kin_onnx_set_name(g, g->input, "input");
    for (size_t i = 0; ok && i < l->count; i++) ok = kin_onnx_emit(g, l->calls[i]);
    return ok && write_model(path, g, opt);
}

bool kin_onnx_write(const char *path, kin_module *m, const kin_onnx_opt *opt, kin_error *err)
{
    kin_ctx *ctx = kin_module_ctx(m);
    kin_error inner = {0};
    call_list l = {0};
    kin_onnx_graph g = {.module = m, .any_batch = opt->any_batch, .err = &inner};
    kin_shape shape = opt->input;
    if (opt->any_batch) shape.dim[0] = SAMPLE_BATCH;
    g.batch = shape.dim[0];
    void (*old)(void *, const kin_call *) = ctx->observe;
    void *old_arg = ctx->observe_arg;
    bool recording = kin_record(ctx, false);
    g.input = kin_input(ctx, shape, NULL);
    ctx->observe = observe;
    ctx->observe_arg = &l;
    g.output = kin_module_forward(m, (kin_tensor *)(uintptr_t)g.input, KIN_EVAL);
    ctx->observe = old;
    ctx->observe_arg = old_arg;
    kin_record(ctx, recording);
    bool ok = g.output && kin_ok(ctx);
    if (!ok) kin_take_error(ctx, &inner);
    ok = ok && export(path, &g, &l, opt);
    kin_end_step(ctx);
    kin_text_free(&g.nodes);
    kin_text_free(&g.initializers);
    kin_free(g.values);
    kin_free(l.calls);
    kin_arena_free(&g.arena);
    return ok || kin_fail(err, inner.code, "%s", inner.message);
}
