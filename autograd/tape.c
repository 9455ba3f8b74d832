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

void kin_grad_settle(kin_tensor *t)
{
    grad_pack(t);
    if (t->stale_grad) memset(t->grad, 0, grad_bytes(t));
    t->stale_grad = false;
}

const kin_real *kin_grad(const kin_tensor *t)
{
    if (t && (t->stale_grad || t->grad_ld)) kin_grad_settle((kin_tensor *)t);
    return t ? t->grad : NULL;
}

void kin_end_step(kin_ctx *ctx)
{
    /* After a failed backward any tensor may still hold a gradient. */
    for (size_t i = 0; i < ctx->n_calls; i++) grad_give(ctx->calls[i]->out);
    for (size_t i = 0; i < ctx->n_kept; i++) grad_give(ctx->kept[i]);
    kin_heap_settle(&ctx->gradients);
    ctx->n_calls = ctx->n_kept = 0;
    kin_segments_forget(ctx);
    kin_arena_reset(&ctx->arena);
}

/* ---- applying an op ---- */

bool kin_same_shape(kin_call *c, kin_shape *out)
{
    *out = kin_shape_of(c->in[0]);
    return true;
}

bool kin_call_fail(kin_call *c, const char *format, ...)
{
    char message[512], shapes[256] = "", one[64];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    for (int i = 0; i < c->n_in && i < 4; i++) {
        size_t used = strlen(shapes);
        snprintf(shapes + used, sizeof shapes - used, "%s%s", i ? ", " : "",
                 kin_shape_text(kin_shape_of(c->in[i]), one, sizeof one));
    }
    return kin_fail(&c->ctx->error, KIN_ERR_ARGUMENT, "%s: %s (inputs %s)", c->op->name, message, shapes);
}

static kin_ctx *context_of(const kin_op *op, kin_tensor *const *in, int n_in)
{
    kin_ctx *ctx = NULL;
    for (int i = 0; i < n_in; i++)
        if (in[i]) ctx = in[i]->ctx;
    if (!ctx || !kin_ok(ctx)) return NULL;
    for (int i = 0; i < n_in; i++) {
        if (in[i] && in[i]->ctx == ctx) continue;
        kin_fail(&ctx->error, KIN_ERR_ARGUMENT, "%s: input %d %s", op->name, i,
                 in[i] ? "belongs to another context" : "is missing");
        return NULL;
    }
    for (int i = 0; i < n_in; i++) {
        if (!kin_segment_dropped(in[i])) continue;
        kin_fail(&ctx->error, KIN_ERR_ARGUMENT,
                 "%s: input %d was made inside a block that is recomputed, which keeps only what it returns; "
                 "kin_retain keeps it",
                 op->name, i);
        return NULL;
    }
    for (int i = 0; i < n_in; i++) {
        if (!kin_tensor_gone(in[i])) continue;
        if (ctx->frame) ctx->frame->lost = true;
        kin_fail(&ctx->error, KIN_ERR_ARGUMENT,
                 "%s: input %d's memory was used again after its last use in the network; kin_retain or "
                 "kin_module_retain keeps it",
                 op->name, i);
        return NULL;
    }
    return ctx;
}

static kin_call *call_new(kin_ctx *ctx, const kin_op *op, const void *opt, size_t opt_size,
                          kin_tensor *const *in, int n_in)
{
    kin_call *c = kin_arena_alloc_zero(&ctx->arena, sizeof *c);
    kin_tensor **inputs = kin_arena_alloc(&ctx->arena, (size_t)n_in * sizeof *inputs);
    kin_tensor *out = kin_arena_alloc_zero(&ctx->arena, sizeof *out);
    void *copy = opt_size ? kin_arena_alloc(&ctx->arena, opt_size) : NULL;
    if (!c || !inputs || !out || (opt_size && !copy)) {
        kin_fail_memory(&ctx->error, op->name, sizeof *c + opt_size);
        return NULL;
    }
    memcpy(inputs, in, (size_t)n_in * sizeof *inputs);
    if (opt_size) memcpy(copy, opt, opt_size);
    *c = (kin_call){
        .op = op, .ctx = ctx, .opt = opt_size ? copy : opt, .n_in = n_in, .in = inputs, .out = out};
    out->ctx = ctx;
    out->producer = c;
    for (int i = 0; i < n_in; i++) out->wants_grad |= ctx->record && op->backward && in[i]->wants_grad;
    return c;
}

static bool record_call(kin_call *c)
{
    kin_ctx *ctx = c->ctx;
    if (!c->out->wants_grad && !ctx->segment_depth) return true; /* a segment runs all its calls again */
    if (!kin_grow((void **)&ctx->calls, ctx->n_calls, &ctx->cap_calls, sizeof *ctx->calls))
        return kin_fail_memory(&ctx->error, "the tape", sizeof c);
    ctx->calls[ctx->n_calls++] = c;
    return true;
}

int64_t kin_pitch_of(const kin_call *c) { return c->op->pitch ? c->op->pitch(c) : kin_channels(c->out); }

bool kin_call_run(kin_call *c)
{
    kin_tensor *out = c->out;
    out->ld = kin_pitch_of(c);
    kin_real *planned = c->ctx->frame ? kin_frame_place(c->ctx, c) : NULL;
    if (c->op->alias) {
        c->op->alias(c);
        if (c->op->forward) kin_watched_run(c, false);
        return kin_ok(c->ctx);
    }
    if (c->op->defers && c->op->defers(c)) {
        kin_watched_run(c, false);
        return kin_ok(c->ctx);
    }
    size_t bytes = (size_t)(kin_rows(out) * out->ld) * sizeof(kin_real);
    out->data = planned ? planned : kin_arena_alloc(kin_value_arena(c->ctx), bytes);
    if (!out->data) return kin_fail_memory(&c->ctx->error, c->op->name, bytes);
    kin_watched_run(c, false);
    return kin_ok(c->ctx);
}

/* What the op cannot read as it is. */
static bool settle_inputs(kin_call *c)
{
    for (int i = 0; i < c->n_in; i++)
        if (c->in[i]->deferred && !(c->op->reads_deferred && c->op->reads_deferred(c, i)) &&
            !kin_settle(c->in[i]))
            return false;
    return true;
}

static bool run_forward(kin_call *c)
{
    if (!c->ctx->dry) return settle_inputs(c) && kin_call_run(c);
    c->out->ld = kin_pitch_of(c);
    return !c->ctx->planning || kin_plan_note(c->ctx, c);
}

kin_tensor *kin_apply_n(const kin_op *op, const void *opt, size_t opt_size, kin_tensor *const *in, int n_in)
{
    kin_ctx *ctx = context_of(op, in, n_in);
    kin_call *c = ctx ? call_new(ctx, op, opt, opt_size, in, n_in) : NULL;
    if (!c || !op->infer(c, &c->out->shape)) return NULL;
    if (!kin_count(c->out)) {
        char text[128];
        kin_call_fail(c, "the result would have the shape %s",
                      kin_shape_text(c->out->shape, text, sizeof text));
        return NULL;
    }
    if (!run_forward(c) || !record_call(c)) return NULL;
    if (ctx->frame) kin_frame_done(ctx);
    if (ctx->observe) ctx->observe(ctx->observe_arg, c);
    return c->out;
}

void *kin_tape_copy(kin_ctx *ctx, const void *data, size_t bytes)
{
    void *copy = kin_arena_alloc(&ctx->arena, bytes);
    if (copy) memcpy(copy, data, bytes);
    else kin_fail_memory(&ctx->error, "an op's options", bytes);
    return copy;
}

kin_real *kin_out(kin_call *c) { return c->out->data; }

/* *block has at least `bytes`; NULL when out of memory (recorded). */
static void *reused(kin_call *c, void **block, size_t *had, size_t bytes)
{
    if (bytes <= *had && *block) return *block;
    kin_free(*block);
    *block = kin_alloc(bytes);
    *had = *block ? bytes : 0;
    if (!*block) kin_fail_memory(&c->ctx->error, c->op->name, bytes);
    return *block;
}

void *kin_save(kin_call *c, size_t bytes)
{
    kin_ctx *ctx = c->ctx;
    if (!c->out->wants_grad) return c->saved = reused(c, &ctx->spare, &ctx->spare_bytes, bytes);
    c->saved = kin_arena_alloc(kin_value_arena(ctx), bytes);
    if (!c->saved) kin_fail_memory(&ctx->error, c->op->name, bytes);
    return c->saved;
}

void *kin_scratch(kin_call *c, size_t bytes)
{
    return reused(c, &c->ctx->scratch, &c->ctx->scratch_bytes, bytes);
}

void kin_alias(kin_call *c, const kin_real *data, int64_t ld)
{
    c->out->data = (kin_real *)data;
    c->out->ld = ld;
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
