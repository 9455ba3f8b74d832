/* Applying an op: its inputs are checked, its result gets a shape and a place, its forward runs, and the
 * tape notes it where a gradient is wanted or a segment will run it again. */
#include "autograd/deferred.h"
#include "autograd/plan.h"
#include "autograd/tape.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

kin_arena *kin_value_arena(kin_ctx *ctx)
{
    return ctx->segment_depth || ctx->replaying ? &ctx->segment_arena : &ctx->arena;
}

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
        if (!in[i]->dropped) continue;
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
static bool materialise_inputs(kin_call *c)
{
    for (int i = 0; i < c->n_in; i++)
        if (c->in[i]->deferred && !(c->op->reads_deferred && c->op->reads_deferred(c, i)) &&
            !kin_materialise(c->in[i]))
            return false;
    return true;
}

static bool run_forward(kin_call *c)
{
    if (!c->ctx->dry) return materialise_inputs(c) && kin_call_run(c);
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
