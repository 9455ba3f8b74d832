/* A tensor's numbers: put in, and read, in whatever state they are (autograd/inside.h). */
#include "autograd/deferred.h"
#include "autograd/plan.h"
#include "autograd/tape.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

static size_t tensor_bytes(kin_shape shape) { return (size_t)kin_shape_count(shape) * sizeof(kin_real); }

static kin_tensor *tensor_new(kin_ctx *ctx, kin_shape shape)
{
    if (!ctx || !kin_ok(ctx)) return NULL;
    if (!kin_shape_count(shape)) {
        char text[128];
        kin_fail(&ctx->error, KIN_ERR_ARGUMENT,
                 "a tensor of shape %s cannot be made: 1 to %d dimensions of at least 1 are possible",
                 kin_shape_text(shape, text, sizeof text), KIN_MAX_DIMS);
        return NULL;
    }
    kin_tensor *t = kin_arena_alloc_zero(&ctx->arena, sizeof *t);
    if (!t) {
        kin_fail_memory(&ctx->error, "a tensor", sizeof *t);
        return NULL;
    }
    t->ctx = ctx;
    t->shape = shape;
    t->ld = shape.dim[shape.ndim - 1];
    return t;
}

static kin_tensor *filled(kin_ctx *ctx, kin_shape shape, const kin_real *data)
{
    kin_tensor *t = tensor_new(ctx, shape);
    if (!t) return NULL;
    t->data = kin_arena_alloc(&ctx->arena, tensor_bytes(shape));
    if (!t->data) {
        kin_fail_memory(&ctx->error, "an input", tensor_bytes(shape));
        return NULL;
    }
    if (data) memcpy(t->data, data, tensor_bytes(shape));
    else memset(t->data, 0, tensor_bytes(shape));
    return t;
}

kin_tensor *kin_input(kin_ctx *ctx, kin_shape shape, const kin_real *data)
{
    return filled(ctx, shape, data);
}

static void keep(kin_tensor *t)
{
    kin_ctx *ctx = t->ctx;
    if (t->keep_grad) return;
    if (!kin_grow((void **)&ctx->kept, ctx->n_kept, &ctx->cap_kept, sizeof *ctx->kept)) {
        kin_fail_memory(&ctx->error, "a kept gradient", sizeof *ctx->kept);
        return;
    }
    ctx->kept[ctx->n_kept++] = t;
    t->keep_grad = true;
}

kin_tensor *kin_variable(kin_ctx *ctx, kin_shape shape, const kin_real *data)
{
    kin_tensor *t = filled(ctx, shape, data);
    if (!t) return NULL;
    t->wants_grad = ctx->record;
    keep(t);
    return t;
}

/* Of a tensor whose numbers will be dropped. */
static kin_tensor *detached_copy(const kin_tensor *x)
{
    kin_tensor *copy = filled(x->ctx, x->shape, NULL);
    return copy && kin_read(x, copy->data) ? copy : NULL;
}

kin_tensor *kin_detach(kin_tensor *x)
{
    if (x && x->ctx->segment_depth && (x->data || x->deferred)) return detached_copy(x);
    kin_tensor *t = x && kin_materialise(x) ? tensor_new(x->ctx, x->shape) : NULL;
    if (!t) return NULL;
    t->data = x->data;
    t->ld = x->ld;
    t->plan_index = x->plan_index;
    t->frame = x->frame;
    return t;
}

kin_tensor *kin_dry_input(kin_ctx *ctx, kin_shape shape) { return tensor_new(ctx, shape); }

const kin_real *kin_data(const kin_tensor *t)
{
    if (!t) return NULL;
    if (kin_tensor_gone(t)) {
        kin_fail(&t->ctx->error, KIN_ERR_ARGUMENT,
                 "a tensor's numbers were read after its last use in the network, where its memory is used "
                 "again; kin_retain or kin_module_retain keeps them");
        return NULL;
    }
    if (t->dropped) {
        kin_fail(&t->ctx->error, KIN_ERR_ARGUMENT,
                 "a tensor's numbers were read that a recomputed block has dropped; kin_retain or "
                 "kin_module_retain keeps them");
        return NULL;
    }
    if (!kin_materialise((kin_tensor *)t)) return NULL;
    if (!t->data)
        kin_fail(&t->ctx->error, KIN_ERR_ARGUMENT,
                 "a tensor's numbers were read in a dry run, which only infers shapes");
    return t->data;
}

double kin_item(const kin_tensor *t)
{
    const kin_real *data = kin_data(t);
    return data ? (double)data[0] : NAN;
}

bool kin_read(const kin_tensor *t, kin_real *out)
{
    const kin_real *data = kin_data(t);
    if (!data) return false;
    int64_t rows = kin_rows(t), channels = kin_channels(t);
    for (int64_t r = 0; r < rows; r++)
        memcpy(out + r * channels, data + r * t->ld, (size_t)channels * sizeof *out);
    return true;
}

void kin_keep_grad(kin_tensor *t)
{
    if (t && !t->owned_grad) keep(t);
}
