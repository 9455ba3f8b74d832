/* How an op is made, inside the library and outside it: one const descriptor, and kin_apply().
 *
 *   static bool scale_infer(kin_call *c, kin_shape *out)  { return kin_same_shape(c, out); }
 *   static void scale_forward(kin_call *c)   { ... reads kin_data(c->in[0]), writes kin_out(c) ... }
 *   static void scale_backward(kin_call *c)  { ... reads kin_grad_out(c), adds to kin_grad_add(c, 0) ... }
 *   static const kin_op scale = {"scale", .infer = scale_infer, .forward = scale_forward, .backward = scale_backward, .saves = KIN_SAVES_NOTHING};
 *   kin_tensor *my_scale(kin_tensor *x, double by) { return kin_apply(&scale, &by, sizeof by, x); }
 *
 * kin_apply checks that the inputs are alive, asks `infer` for the output's shape, makes the output on the
 * tape, runs `forward` and records the call; kin_backward() runs `backward` for the recorded calls
 * from the last to the first. Element-wise functions need only KIN_UNARY_OP (autograd/unary.h). */
#ifndef KIN_AUTOGRAD_OP_H
#define KIN_AUTOGRAD_OP_H

#include "autograd/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kin_op kin_op;

typedef struct kin_call {
    const kin_op *op;
    kin_ctx *ctx;
    const void *opt; /* the op's options, copied onto the tape */
    int n_in;
    kin_tensor **in;
    kin_tensor *out;
    void *saved; /* set by forward with kin_save(), for backward */
} kin_call;

/* See kin_op's .onnx. */
struct kin_onnx_graph;
typedef const char *kin_onnx_emitter(struct kin_onnx_graph *g, const kin_call *c);

/* What backward reads besides the gradient of the output: a promise that the tests hold it to. */
enum { KIN_SAVES_NOTHING = 0, KIN_SAVES_INPUTS = 1, KIN_SAVES_OUTPUT = 2 };

struct kin_op {
    const char *name;
    bool (*infer)(kin_call *c, kin_shape *out); /* checks shapes and options; fails with kin_call_fail */
    void (*forward)(kin_call *c);
    void (*backward)(kin_call *c); /* NULL: no gradient flows through */
    /* a view of the first input, made with kin_alias(); then forward, if there is one, writes in the view */
    void (*alias)(kin_call *c);
    /* whether forward leaves the output deferred (autograd/deferred.h), for which no memory is taken;
     * NULL: never */
    bool (*defers)(const kin_call *c);
    bool (*reads_deferred)(const kin_call *c, int i); /* whether input i may be deferred; NULL: none */
    /* numbers from row to row of the output, at least its channels; NULL: packed */
    int64_t (*pitch)(const kin_call *c);
    double (*flops)(const kin_call *c); /* multiply-adds count two; NULL: not counted */
    /* The nodes of the op in an ONNX graph (nn/files/onnx_graph.h), for ops outside of the library: the
     * name of the output's value, NULL on error. NULL: the exporter's own table is asked. */
    kin_onnx_emitter *onnx;
    /* backward takes the output's gradient in the rows it has (kin_grad_rows); else it is packed ahead, */
    bool grad_rows;
    /* so that kin_grad_out() may be called from within a parallel loop */
    unsigned saves;
};

/* Applies an op to its inputs, all of which must be alive. `opt` (of opt_size bytes) may be NULL. */
kin_tensor *kin_apply_n(const kin_op *op, const void *opt, size_t opt_size, kin_tensor *const *in, int n_in);
#ifdef __cplusplus
extern "C++" {
template <typename... Tensors>
kin_tensor *kin_apply(const kin_op *op, const void *opt, size_t opt_size, Tensors *...in)
{
    kin_tensor *const all[] = {in...};
    return kin_apply_n(op, opt, opt_size, all, (int)sizeof...(in));
}
}
#else
#define kin_apply(op, opt, opt_size, ...) \
    kin_apply_n((op), (opt), (opt_size), (kin_tensor *[]){__VA_ARGS__}, \
                (int)(sizeof((kin_tensor *[]){__VA_ARGS__}) / sizeof(kin_tensor *)))
#endif

/* ---- for infer ---- */
bool kin_same_shape(kin_call *c, kin_shape *out); /* the output has the first input's shape */
/* Records "NAME: message (inputs [..], [..])". Returns false. */
bool kin_call_fail(kin_call *c, const char *format, ...) KIN_PRINTF(2, 3);

/* ---- for forward ---- */
kin_real *kin_out(kin_call *c); /* the output's numbers; its rows are packed */
/* memory for backward (until the next op where none can come), sets c->saved; NULL when out of memory
 * (recorded) */
void *kin_save(kin_call *c, size_t bytes);
/* memory until the next op; NULL when out of memory (recorded) */
void *kin_scratch(kin_call *c, size_t bytes);
/* for `alias`: where the view's numbers are */
void kin_alias(kin_call *c, const kin_real *data, int64_t ld);

/* ---- for backward ---- */
const kin_real *kin_grad_out(const kin_call *c); /* the gradient of the output, packed */
bool kin_wants_grad(const kin_call *c, int i);   /* whether input i takes a gradient */
/* The gradient of input i, packed, to be added to; NULL when it takes none (or out of memory, recorded). */
kin_real *kin_grad_add(kin_call *c, int i);
/* The same, but the first consumer finds *accumulate false and must write every number; later ones add. */
kin_real *kin_grad_write(kin_call *c, int i, bool *accumulate);
/* The same for an input of the output's shape; the first consumer is given the memory of the output's
 * gradient itself, if nobody wants that kept: read each number of it before you write it. Asked for last:
 * kin_grad_out(c) may be NULL then. */
kin_real *kin_grad_take_over(kin_call *c, int i, bool *accumulate);

/* A copy on the tape of what an op's options point to (labels, indices); NULL when out of memory
 * (recorded). */
void *kin_tape_copy(kin_ctx *ctx, const void *data, size_t bytes);

/* Whether a dry run is under way: shapes are inferred, nothing is computed. */
bool kin_is_dry(const kin_ctx *ctx);

#ifdef __cplusplus
}
#endif

#endif
