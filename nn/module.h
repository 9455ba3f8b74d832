/* Modules and scopes: a network is a function, and a scope names its parameters as PyTorch would.
 *
 *   static kin_tensor *mlp(kin_scope *s, kin_tensor *x, void *arg)
 *   {
 *       x = kin_relu(kin_linear(kin_sub(s, "0"), x, &(kin_linear_opt){.out = 64}));
 *       return kin_linear(kin_sub(s, "2"), x, &(kin_linear_opt){.out = 10});
 *   }
 *   kin_module *net = kin_module_new(ctx, mlp, NULL, KIN_SHAPE(1, 28), seed);
 *   kin_tensor *y = kin_module_forward(net, x, KIN_TRAIN);
 *
 * kin_module_new runs the function once, dry and in training mode: shapes are inferred, every parameter
 * asked for is noted under its path ("0.weight"), and then all of them get their place in two contiguous
 * slabs (values and gradients) and their first values, which depend on (seed, path) alone. Later forwards
 * look the parameters up by the same paths. A path entered twice in one forward is an error unless it was
 * opened with kin_sub_shared (the three branches of a TripletNet). */
#ifndef KIN_NN_MODULE_H
#define KIN_NN_MODULE_H

#include "autograd/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kin_module kin_module;
typedef struct kin_scope kin_scope;
typedef kin_tensor *(*kin_net)(kin_scope *s, kin_tensor *x, void *arg);

typedef enum { KIN_EVAL, KIN_TRAIN } kin_mode;

/* ---- modules ---- */

/* Dry-runs `net` on an input of this shape and makes its parameters. NULL on error (in ctx). `arg` is
 * passed to every forward. Free before the context. */
kin_module *kin_module_new(kin_ctx *ctx, kin_net net, void *arg, kin_shape input, uint64_t seed);
/* The same with all values zero: for those that a checkpoint is about to fill. */
kin_module *kin_module_new_zero(kin_ctx *ctx, kin_net net, void *arg, kin_shape input);
/* The same without any numbers: names and shapes only, for dry forwards (nn/summary.h). */
kin_module *kin_module_outline(kin_ctx *ctx, kin_net net, void *arg, kin_shape input);
void kin_module_free(kin_module *m);
kin_tensor *kin_module_forward(kin_module *m, kin_tensor *x, kin_mode mode);
kin_ctx *kin_module_ctx(kin_module *m);

/* What left a scope in the last forward, by the scope's path ("layer1.0.conv1", "layer4"): see kin_tap.
 * NULL when nothing did. Both are valid until kin_end_step. In evaluation without recording, only a path
 * that was asked for beforehand is sure to have its tensor, and the tensor its numbers: what is computed
 * as one leaves nothing between its parts, and memory is used again. */
/* for all later forwards; false when out of memory (in the context) */
bool kin_module_retain(kin_module *m, const char *path);
kin_tensor *kin_module_tapped(const kin_module *m, const char *path);
typedef struct kin_tapped {
    const char *path;
    kin_tensor *tensor;
    const struct kin_tapped *earlier;
} kin_tapped;
const kin_tapped *kin_module_taps(const kin_module *m); /* the latest one */

/* Promises that the network computes each entry of its input's first axis by itself. Evaluation without
 * recording then takes as many at a time as stay in the processor's caches, which is faster and needs less
 * memory; the result is the same tensor. Not with retained taps. */
void kin_module_pictures_apart(kin_module *m);

/* Training then keeps of each block of the network (kin_block_begin) only its result and computes the rest
 * a second time in backward: far less memory, the same bits, up to a third more time [Chen et al. 2016].
 * Off at first. */
void kin_module_recompute(kin_module *m, bool on);

/* In training the batch norms' running statistics move by this share towards each batch's, whatever the network says;
 * 0 (at first): by the network's own, mostly .1. */
void kin_module_norm_momentum(kin_module *m, double momentum);
double kin_scope_norm_momentum(const kin_scope *s);

/* Bytes that an evaluation of this input without recording will need for what it computes, beside scratch
 * memory: the network is run dry, last uses are found, and tensors that are never alive together share
 * memory (autograd/plan.h). 0 while recording, on error, and for a network that cannot be planned because
 * it looks at numbers. */
size_t kin_module_planned_bytes(kin_module *m, kin_shape input);
/* Promises that from now on the network is evaluated only, without recording, with the parameters and the
 * retained taps that it has. Where weights are folded and packed, their originals are given back to the
 * system: evaluation then needs the packed weights alone. Training, reading or writing parameters, saving
 * and asking for further taps are over; where this can be noticed it is an error. */
void kin_module_seal(kin_module *m);
bool kin_module_is_sealed(const kin_module *m);

/* Bytes of the weights that were folded and packed where no gradients are recorded. */
size_t kin_module_packed_bytes(const kin_module *m);

/* Sets all gradients to zero (before each step's backward): backward then writes where it would add, and
 * no pass over memory is made. A pointer from kin_module_grads shows the zeros after it is asked for
 * again. */
void kin_module_zero_grad(kin_module *m);

/* ---- parameters and buffers, in the order of their making ---- */

typedef enum {
    KIN_LAYOUT_PLAIN, /* stored as in PyTorch */
    KIN_LAYOUT_HWIO,  /* a convolution's weight: [kh, kw, in/groups, out] in memory, OIHW in files */
} kin_layout;

typedef struct kin_entry {
    const char *name;   /* full path, "layer1.0.conv1.weight" */
    kin_tensor *tensor; /* its numbers may be written through kin_entry_data, which raises `version` */
    kin_layout layout;
    bool buffer;              /* running statistics: no gradient, no optimiser */
    bool no_decay;            /* norm's and bias's: weight decay leaves them alone */
    bool frozen, never_decay; /* set by kin_module_tune (nn/tuning.h), with the next */
    double lr_scale;          /* factor of the learning rate */
    double lr_warmup;         /* steps over which the rate rises to that; 0: none */
    uint64_t version;         /* raised by every write: packed and folded copies are keyed by it */
} kin_entry;

/* Parameters and buffers in the order in which the network makes them; the module owns them. */
int kin_module_entries(const kin_module *m);
kin_entry *kin_module_entry(kin_module *m, int i);
kin_entry *kin_module_find(kin_module *m, const char *name); /* NULL when there is none */
/* Its numbers, to be written: what was packed or folded of them is made anew. */
kin_real *kin_entry_data(kin_entry *e);
int64_t kin_module_parameters(const kin_module *m); /* trainable numbers */

/* The slabs of all trainable parameters, values and gradients, kin_module_parameters() numbers each (with
 * padding between entries that stays zero: kin_module_slab_count() in all). */
int64_t kin_module_slab_count(const kin_module *m);
kin_real *kin_module_values(kin_module *m);
/* made by the first forward that records, or here; NULL when out of memory (in the context) */
kin_real *kin_module_grads(kin_module *m);
/* of an entry's first number in the slabs */
int64_t kin_entry_offset(const kin_module *m, const kin_entry *e);
/* after writing the values' slab: raises all versions */
void kin_module_touched(kin_module *m);

/* ---- scopes ---- */

/* The scope "parent.name"; it lives as long as the forward. */
kin_scope *kin_sub(kin_scope *s, const char *name);
/* "parent.name.index"; name "" gives "parent.index" */
kin_scope *kin_sub_index(kin_scope *s, const char *name, int index);
/* The same, but may be entered again in the same forward: the parameters are shared. */
kin_scope *kin_sub_shared(kin_scope *s, const char *name);
bool kin_training(const kin_scope *s);
kin_ctx *kin_scope_ctx(kin_scope *s);
const char *kin_scope_path(const kin_scope *s);

/* Names x by the scope's path, for kin_module_tapped; returns x. Layers do it for themselves; a block or a
 * stage does it with what it returns. What is fused has one name, the last one's: the output of a norm
 * with activation is activated. */
kin_tensor *kin_tap(kin_scope *s, kin_tensor *x);

/* Between the two is a block whose inner tensors nobody reads afterwards, so that they can be recomputed
 * (kin_module_recompute). begin returns the scope, end returns x. A block within a block belongs to it. */
kin_scope *kin_block_begin(kin_scope *s);
kin_tensor *kin_block_end(kin_scope *s, kin_tensor *x);

typedef enum {
    KIN_INIT_ZEROS,
    KIN_INIT_ONES,
    KIN_INIT_CONSTANT,        /* .scale */
    KIN_INIT_UNIFORM,         /* in ±scale */
    KIN_INIT_NORMAL,          /* standard deviation scale */
    KIN_INIT_KAIMING_UNIFORM, /* bound gain·√(3/fan_in); gain .scale, 0 means √2 */
    KIN_INIT_KAIMING_NORMAL,  /* deviation gain/√fan_in */
    KIN_INIT_KAIMING_NORMAL_FAN_OUT,
    KIN_INIT_XAVIER_UNIFORM, /* bound gain·√(6/(fan_in+fan_out)); gain 0 means 1 */
    KIN_INIT_XAVIER_NORMAL,
} kin_init;

typedef struct kin_param_opt {
    kin_shape shape;
    kin_init init;
    double scale;
    double fan_in, fan_out; /* 0: from the shape and layout */
    kin_layout layout;
    bool buffer, no_decay;
} kin_param_opt;

/* The parameter (or buffer) `name` of this scope. In the dry run it is noted; later it is looked up and its
 * shape checked. NULL on error. Works in any function that has a scope: this is how layers are made. */
kin_tensor *kin_param(kin_scope *s, const char *name, const kin_param_opt *opt);

/* Whether kin_module_tune froze the parameter or buffer `name` of this scope. */
bool kin_param_frozen(const kin_scope *s, const char *name);

/* A key for random numbers of this place in this step: (seed, step, path). */
uint64_t kin_scope_key(kin_scope *s, const char *name);

#ifdef __cplusplus
}
#endif

#endif
