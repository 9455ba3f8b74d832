/* The tape: define by run. Creation order is topological order, so backward is a loop from the end.
 *
 * Memory: values live in an arena until the step ends. Gradients come from a heap: the first consumer of
 * a tensor to run its backward takes a block, and it goes back when the tensor's producer has run. So no
 * more gradients are alive than the widest cut through the network needs. */
#include "autograd/deferred.h"
#include "autograd/plan.h"
#include "autograd/recompute.h"
#include "autograd/tape.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

kin_ctx *kin_ctx_new(void)
{
    kin_ctx *ctx = kin_alloc_zero(1, sizeof *ctx);
    if (!ctx) return NULL;
    ctx->record = true;
#ifndef NDEBUG
    ctx->poison = true;
#endif
    return ctx;
}

void kin_ctx_free(kin_ctx *ctx)
{
    if (!ctx) return;
    kin_end_step(ctx);
    kin_heap_free(&ctx->gradients);
    kin_free(ctx->calls);
    kin_free(ctx->kept);
    kin_free(ctx->segments);
    kin_free(ctx->scratch);
    kin_free(ctx->spare);
    kin_arena_free(&ctx->segment_arena);
    kin_arena_free(&ctx->arena);
    kin_free(ctx);
}

bool kin_take_error(kin_ctx *ctx, kin_error *err)
{
    if (!ctx) return kin_fail_memory(err, "a context", 1);
    return kin_fail(err, ctx->error.code, "%s", ctx->error.message);
}
bool kin_is_dry(const kin_ctx *ctx) { return ctx->dry; }
size_t kin_peak_bytes(const kin_ctx *ctx)
{
    return ctx->arena.peak + ctx->segment_arena.peak + ctx->gradients.peak + ctx->scratch_bytes +
           ctx->spare_bytes;
}

bool kin_record(kin_ctx *ctx, bool on)
{
    bool old = ctx->record;
    ctx->record = on;
    return old;
}

void kin_set_random(kin_ctx *ctx, uint64_t seed, uint64_t step)
{
    ctx->seed = seed;
    ctx->step = step;
}

/* ---- gradients ---- */

static size_t grad_bytes(const kin_tensor *t) { return (size_t)kin_count(t) * sizeof(kin_real); }

static int64_t grad_ld(const kin_tensor *t) { return t->grad_ld ? t->grad_ld : kin_channels(t); }

/* Moves the rows together; the memory stays what it is. */
static void grad_pack(kin_tensor *t)
{
    int64_t channels = kin_channels(t), rows = t->grad && t->grad_ld > channels ? kin_rows(t) : 0;
    for (int64_t r = 1; r < rows; r++)
        memmove(t->grad + r * channels, t->grad + r * t->grad_ld, (size_t)channels * sizeof *t->grad);
    t->grad_ld = 0;
}

static kin_real *grad_take(kin_ctx *ctx, size_t bytes)
{
    kin_real *data = kin_heap_take(&ctx->gradients, bytes);
    if (!data) kin_fail_memory(&ctx->error, "a gradient", bytes);
    return data;
}

static void grad_give(kin_tensor *t)
{
    if (!t->grad || t->owned_grad) return;
    kin_heap_give(&t->ctx->gradients, t->grad);
    t->grad = NULL;
    t->grad_ld = 0;
}

void kin_grad_materialise(kin_tensor *t)
{
    grad_pack(t);
    if (t->stale_grad) memset(t->grad, 0, grad_bytes(t));
    t->stale_grad = false;
}

const kin_real *kin_grad(const kin_tensor *t)
{
    if (t && (t->stale_grad || t->grad_ld)) kin_grad_materialise((kin_tensor *)t);
    return t ? t->grad : NULL;
}

void kin_end_step(kin_ctx *ctx)
{
    /* After a failed backward any tensor may still hold a gradient. */
    for (size_t i = 0; i < ctx->n_calls; i++) grad_give(ctx->calls[i]->out);
    for (size_t i = 0; i < ctx->n_kept; i++) grad_give(ctx->kept[i]);
    kin_heap_enlarge(&ctx->gradients);
    ctx->n_calls = ctx->n_kept = 0;
    kin_segments_forget(ctx);
    kin_arena_reset(&ctx->arena);
}

/* ---- backward ---- */

const kin_real *kin_grad_out(const kin_call *c) { return c->out->grad; }

const kin_real *kin_grad_rows(const kin_tensor *t, int64_t *ld)
{
    *ld = grad_ld(t);
    return t->grad;
}

bool kin_wants_grad(const kin_call *c, int i) { return c->in[i]->wants_grad; }

/* In whatever rows it has, or packed ones. */
static kin_real *grad_write_rows(kin_call *c, int i, bool *accumulate, int64_t *ld)
{
    kin_tensor *t = c->in[i];
    if (!t->wants_grad) return NULL;
    *accumulate = t->grad != NULL && !t->stale_grad;
    t->stale_grad = false;
    if (!t->grad) t->grad = grad_take(c->ctx, grad_bytes(t));
    *ld = grad_ld(t);
    return t->grad;
}

kin_real *kin_grad_write(kin_call *c, int i, bool *accumulate)
{
    int64_t ld;
    grad_pack(c->in[i]);
    return grad_write_rows(c, i, accumulate, &ld);
}

static bool takes_over(const kin_call *c, int i)
{
    const kin_tensor *t = c->in[i], *out = c->out;
    return t->wants_grad && !t->grad && !out->keep_grad && !out->owned_grad;
}

static void take_over(kin_call *c, int i)
{
    kin_tensor *t = c->in[i], *out = c->out;
    t->grad = out->grad, t->grad_ld = out->grad_ld;
    out->grad = NULL, out->grad_ld = 0;
}

kin_real *kin_grad_take_over_rows(kin_call *c, int i, bool *accumulate, int64_t *ld)
{
    if (!takes_over(c, i)) return grad_write_rows(c, i, accumulate, ld);
    *accumulate = false;
    take_over(c, i);
    return (kin_real *)kin_grad_rows(c->in[i], ld);
}

kin_real *kin_grad_take_over(kin_call *c, int i, bool *accumulate)
{
    int64_t ld;
    grad_pack(c->in[i]);
    grad_pack(c->out);
    return kin_grad_take_over_rows(c, i, accumulate, &ld);
}

kin_real *kin_grad_hand_on(kin_call *c, int i, bool *accumulate, int64_t *ld)
{
    if (!takes_over(c, i)) return grad_write_rows(c, i, accumulate, ld);
    int64_t whole = grad_ld(c->out);
    take_over(c, i);
    c->in[i]->grad_ld = whole;
    return NULL;
}

kin_real *kin_grad_add(kin_call *c, int i)
{
    bool accumulate;
    kin_real *grad = kin_grad_write(c, i, &accumulate);
    if (grad && !accumulate) memset(grad, 0, grad_bytes(c->in[i]));
    return grad;
}

bool kin_backward(kin_tensor *loss)
{
    if (!loss || !kin_ok(loss->ctx)) return false;
    kin_ctx *ctx = loss->ctx;
    char text[128];
    if (kin_count(loss) != 1)
        return kin_fail(
            &ctx->error, KIN_ERR_ARGUMENT,
            "backward: the loss has the shape %s; a single number was expected (take its mean or sum)",
            kin_shape_text(loss->shape, text, sizeof text));
    if (!loss->wants_grad)
        return kin_fail(&ctx->error, KIN_ERR_ARGUMENT,
                        "backward: the loss depends on no parameter or variable (was recording off?)");
    if (!loss->grad && !(loss->grad = grad_take(ctx, grad_bytes(loss)))) return false;
    loss->grad[0] = 1;
    for (size_t i = ctx->n_calls; i-- > 0 && kin_ok(ctx);) {
        if (!kin_segment_enter(ctx, i)) break;
        kin_call *c = ctx->calls[i];
        if (c->out->grad) {
            if (!c->op->grad_rows) grad_pack(c->out);
            kin_watched_run(c, true);
            if (!c->out->keep_grad) grad_give(c->out);
        }
        kin_segment_leave(ctx, i);
    }
    return kin_ok(ctx);
}
