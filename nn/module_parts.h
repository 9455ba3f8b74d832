/* What a module is made of, for its files alone: parameters by name and scopes (scope.c), forwards and
 * evaluation within planned memory (evaluate.c), its making and its slabs (module.c). */
#ifndef KIN_NN_MODULE_PARTS_H
#define KIN_NN_MODULE_PARTS_H

#include "autograd/inside.h"
#include "autograd/plan.h"
#include "nn/folded.h"
#include "nn/module.h"

enum { KIN_SCOPE_PATH = 200, KIN_MODULE_PLANS = 8 };

/* A parameter or a buffer. */
typedef struct kin_parameter {
    kin_entry entry;
    kin_tensor tensor;
    kin_param_opt opt;
    int64_t offset;
    uint64_t seen; /* the forward that asked for it last */
    kin_module *module;
    kin_folded folded; /* of a convolution's weight */
} kin_parameter;

/* How an evaluation of this input shape uses memory. */
typedef struct kin_shape_plan {
    kin_shape input;
    kin_plan plan;
    bool unfit; /* the network does other things from time to time, or cannot be run dry */
} kin_shape_plan;

struct kin_module {
    kin_ctx *ctx;
    kin_net net;
    void *arg;
    uint64_t seed, forward;
    kin_parameter **records;
    size_t n_records, cap_records;
    int *table; /* open addressing: index + 1 of the parameter with this name's hash */
    size_t table_size;
    kin_real *values, *grads, *buffers;
    int64_t slab_count, buffer_count, parameters;
    kin_arena names, packed; /* the latter: folded weights */
    const kin_tapped *taps;
    const char **retained;
    size_t n_retained, cap_retained;
    kin_shape_plan plans[KIN_MODULE_PLANS];
    int n_plans, next_plan; /* the one to be replaced next */
    bool stale;             /* some gradients may count as zeros without being so */
    bool apart, recompute, sealed;
    double norm_momentum;
    bool building;
};

struct kin_scope {
    kin_module *module;
    kin_mode mode;
    bool shared;
    char path[KIN_SCOPE_PATH];
};

static inline kin_error *kin_module_error(kin_module *m) { return kin_ctx_error(m->ctx); }

/* NULL: there is none of this name. */
kin_parameter *kin_module_lookup(const kin_module *m, const char *name);
/* The network as it is written, in a scope without a name. */
kin_tensor *kin_module_run(kin_module *m, kin_tensor *x, kin_mode mode);
/* The same within planned memory, in evaluation without recording; a few pictures at a time where they are
 * apart. */
kin_tensor *kin_module_evaluate(kin_module *m, kin_tensor *x);
void kin_module_forget_plans(kin_module *m);

#endif
