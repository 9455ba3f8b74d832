/* Batch norm folded into the convolution before it, and into the reading of the one behind it:
 *
 *   γ·(conv(x, w) + b − μ)·s + β = conv(x, w·γs) + (b − μ)·γs + β,   s = 1/√(σ² + ε)
 *
 * Only where no gradients are recorded. The folded weights are packed for the kernels and kept with the
 * parameter, keyed by the versions of all that went into them. For nn/ alone. */
#ifndef KIN_NN_FOLDED_H
#define KIN_NN_FOLDED_H

#include "autograd/ops.h"
#include "base/arena.h"
#include "nn/module.h"

/* A batch norm's parameters; all NULL for none. */
typedef struct kin_norm_params {
    kin_tensor *gamma, *beta, *mean, *var;
    double epsilon;
} kin_norm_params;

enum { KIN_FOLD_TENSORS = 10 };

typedef struct kin_folded {
    const kin_tensor *from[KIN_FOLD_TENSORS];
    uint64_t version[KIN_FOLD_TENSORS];
    double epsilon[2];
    int isa, form; /* what the weights are packed for: kin_conv_form */
    size_t bytes;
    bool alone; /* the weight itself was given back: it cannot be folded anew */
    /* one block of the module's memory, the first of them its start */
    kin_real *packed, *bias, *before_scale, *before_shift;
} kin_folded;

/* What is computed as one: act(norm(conv(before_act(before(x)))) + add). */
typedef struct kin_fold {
    kin_tensor *weight, *bias; /* bias may be NULL */
    kin_norm_params norm, before;
    kin_act act, before_act;
    kin_tensor *add;
    kin_conv2d_opt conv;
} kin_fold;

kin_tensor *kin_fold_apply(kin_tensor *x, const kin_fold *f);
/* Three of them as one pass, whose maps between are never whole in memory: 1×1, depthwise, 1×1; expand
 * NULL: the first is left out. */
kin_tensor *kin_fold_inverted(kin_tensor *x, const kin_fold *expand, const kin_fold *depthwise,
                              const kin_fold *project);

/* ---- module.c's ---- */

/* gradients are not recorded, nobody observes, and there are numbers to fold */
bool kin_scope_folds(const kin_scope *s);
bool kin_scope_observed(const kin_scope *s); /* somebody looks at each call: export, the layer table */
bool kin_scope_retained(const kin_scope *s); /* its tap was asked for */
kin_folded *kin_param_folded(const kin_tensor *weight);
kin_arena *kin_param_arena(const kin_tensor *weight); /* where its folded copy lives */
bool kin_param_sealed(const kin_tensor *weight);      /* nobody wants the weight itself once it is folded */
uint64_t kin_param_version(const kin_tensor *parameter);
void kin_param_touched(kin_tensor *parameter); /* after writing a parameter's or buffer's numbers */

#endif
