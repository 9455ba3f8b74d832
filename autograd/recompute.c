#include "autograd/recompute.h"

#include "autograd/plan.h"
#include "autograd/tape.h"
#include "base/memory.h"

void kin_segment_begin(kin_ctx *ctx)
{
    if (!ctx || !ctx->record || ctx->dry) return;
    if (ctx->segment_depth++ == 0) ctx->segment_first = ctx->n_calls;
}

static void drop(kin_tensor *t)
{
    t->data = t->copy;
    t->ld = kin_channels(t);
    t->dropped = !t->copy;
}

static void drop_all(kin_ctx *ctx, const kin_segment *s)
{
    for (size_t i = s->first; i < s->behind; i++) drop(ctx->calls[i]->out);
    kin_arena_reset(&ctx->segment_arena);
}

/* On the tape itself. False when out of memory (recorded). */
static bool copy_out(kin_tensor *t)
{
    size_t bytes = (size_t)kin_count(t) * sizeof(kin_real);
    kin_real *copy = kin_arena_alloc(&t->ctx->arena, bytes);
    if (!copy) return kin_fail_memory(&t->ctx->error, "a recomputed block's result", bytes);
    kin_read(t, copy);
    t->copy = copy;
    return true;
}

static bool note(kin_ctx *ctx, kin_segment s)
{
    if (!kin_grow((void **)&ctx->segments, ctx->n_segments, &ctx->cap_segments, sizeof *ctx->segments))
        return kin_fail_memory(&ctx->error, "the tape", sizeof s);
    ctx->segments[ctx->n_segments++] = s;
    return true;
}

kin_tensor *kin_segment_end(kin_ctx *ctx, kin_tensor *result)
{
    if (!ctx || !ctx->segment_depth || --ctx->segment_depth) return result;
    kin_segment s = {ctx->segment_first, ctx->n_calls};
    bool good = result && kin_ok(ctx);
    for (size_t i = s.first; i < s.behind && good; i++) {
        kin_tensor *t = ctx->calls[i]->out;
        if (t == result || t->retained) good = copy_out(t);
    }
    if (good && result->wants_grad && s.first < s.behind) good = note(ctx, s);
    drop_all(ctx, &s);
    if (good && !result->wants_grad) ctx->n_calls = s.first; /* nothing will flow back into it */
    return good ? result : NULL;
}

/* The numbers, and what was saved for backward, are where they were after the first forward. */
static bool replay(kin_ctx *ctx, const kin_segment *s)
{
    ctx->replaying = true;
    for (size_t i = s->first; i < s->behind && kin_ok(ctx); i++) kin_call_run(ctx->calls[i]);
    ctx->replaying = false;
    for (size_t i = s->first; i < s->behind; i++) ctx->calls[i]->out->dropped = false;
    return kin_ok(ctx);
}

static bool gradient_arrived(const kin_ctx *ctx, const kin_segment *s)
{
    for (size_t i = s->first; i < s->behind; i++)
        if (ctx->calls[i]->out->grad) return true;
    return false;
}

bool kin_segment_enter(kin_ctx *ctx, size_t call)
{
    for (size_t i = ctx->n_segments; i-- > 0;)
        if (ctx->segments[i].behind == call + 1)
            return !gradient_arrived(ctx, &ctx->segments[i]) || replay(ctx, &ctx->segments[i]);
    return true;
}

void kin_segment_leave(kin_ctx *ctx, size_t call)
{
    for (size_t i = 0; i < ctx->n_segments; i++)
        if (ctx->segments[i].first == call) drop_all(ctx, &ctx->segments[i]);
}

void kin_segments_forget(kin_ctx *ctx)
{
    ctx->n_segments = 0;
    ctx->segment_depth = 0;
    kin_arena_reset(&ctx->segment_arena);
}
