#include "autograd/plan.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static const size_t forever = SIZE_MAX;
enum { poison_byte = 0xff }; /* all bits set is a NaN */

void kin_plan_free(kin_plan *plan)
{
    kin_free(plan->calls);
    *plan = (kin_plan){0};
}

/* ---- noting ---- */

void kin_plan_begin(kin_ctx *ctx, kin_plan *plan)
{
    *plan = (kin_plan){0};
    ctx->planning = plan;
}

/* Where the tensor's memory is noted; NULL for leaves. */
static kin_planned *root_of(kin_plan *plan, const kin_tensor *t)
{
    return t->plan_index ? &plan->calls[plan->calls[t->plan_index - 1].root] : NULL;
}

bool kin_plan_note(kin_ctx *ctx, kin_call *c)
{
    kin_plan *plan = ctx->planning;
    size_t at = plan->count;
    if (!kin_grow((void **)&plan->calls, at, &plan->capacity, sizeof *plan->calls))
        return kin_fail_memory(&ctx->error, "the plan of a network's memory", sizeof *plan->calls);
    const kin_tensor *base = c->op->alias ? c->in[0] : NULL;
    plan->calls[plan->count++] = (kin_planned){
        .op = c->op,
        .shape = c->out->shape,
        .root = base && base->plan_index ? plan->calls[base->plan_index - 1].root : at,
        .last = at};
    if (!base)
        plan->calls[at].bytes = ((size_t)(kin_rows(c->out) * c->out->ld) * sizeof(kin_real) + 63) / 64 * 64;
    for (int i = 0; i < c->n_in; i++) {
        kin_planned *root = root_of(plan, c->in[i]);
        if (root && root->last != forever) root->last = at;
    }
    c->out->plan_index = at + 1;
    return true;
}

void kin_retain(kin_tensor *t)
{
    if (t) t->retained = true;
    kin_planned *root = t && t->ctx->planning ? root_of(t->ctx->planning, t) : NULL;
    if (root) root->last = forever;
}

/* ---- placing ---- */

typedef struct item {
    size_t bytes, call;
} item;

/* Largest first; of equals the earlier. */
static int by_size(const void *a, const void *b)
{
    const item *x = a, *y = b;
    if (x->bytes != y->bytes) return x->bytes > y->bytes ? -1 : 1;
    return x->call < y->call ? -1 : 1;
}

static bool alive_together(const kin_planned *a, size_t a_made, const kin_planned *b, size_t b_made)
{
    return a_made <= b->last && b_made <= a->last;
}

/* The lowest offset at which call c meets none of the n placed ones, which are held by rising offset. */
static size_t lowest(const kin_plan *plan, size_t c, const size_t *placed, size_t n)
{
    const kin_planned *one = &plan->calls[c];
    size_t offset = 0;
    for (size_t k = 0; k < n; k++) {
        const kin_planned *p = &plan->calls[placed[k]];
        if (!alive_together(one, c, p, placed[k])) continue;
        if (p->offset >= offset && p->offset - offset >= one->bytes) break;
        if (p->offset + p->bytes > offset) offset = p->offset + p->bytes;
    }
    return offset;
}

static void place_all(kin_plan *plan, item *items, size_t *placed)
{
    size_t n = 0;
    for (size_t i = 0; i < plan->count; i++) items[i] = (item){plan->calls[i].bytes, i};
    qsort(items, plan->count, sizeof *items, by_size);
    for (size_t i = 0; i < plan->count && items[i].bytes; i++) {
        kin_planned *c = &plan->calls[items[i].call];
        c->offset = lowest(plan, items[i].call, placed, n);
        if (c->offset + c->bytes > plan->bytes) plan->bytes = c->offset + c->bytes;
        size_t k = n++;
        for (; k > 0 && plan->calls[placed[k - 1]].offset > c->offset; k--) placed[k] = placed[k - 1];
        placed[k] = items[i].call;
    }
}

bool kin_plan_end(kin_ctx *ctx, kin_tensor *result)
{
    kin_plan *plan = ctx->planning;
    kin_retain(result);
    ctx->planning = NULL;
    if (!result || !kin_ok(ctx)) return false;
    item *items = kin_alloc_array(plan->count + 1, sizeof *items);
    size_t *placed = kin_alloc_array(plan->count + 1, sizeof *placed);
    bool ok = items && placed;
    if (ok) place_all(plan, items, placed);
    else kin_fail_memory(&ctx->error, "the plan of a network's memory", plan->count * sizeof *items);
    kin_free(items), kin_free(placed);
    return ok;
}

/* ---- following ---- */

kin_frame *kin_frame_begin(kin_ctx *ctx, const kin_plan *plan, void *base)
{
    kin_frame *f = kin_arena_alloc(&ctx->arena, sizeof *f);
    size_t *last = kin_arena_alloc(&ctx->arena, (plan->count + 1) * sizeof *last);
    if (!base) base = kin_arena_alloc(&ctx->arena, plan->bytes);
    if (!f || !last || !base) return kin_fail_memory(&ctx->error, "a network's memory", plan->bytes), NULL;
    for (size_t i = 0; i < plan->count; i++) last[i] = plan->calls[plan->calls[i].root].last;
    *f = (kin_frame){.last = last, .count = plan->count, .plan = plan, .base = base};
    if (ctx->poison) memset(base, poison_byte, plan->bytes);
    return ctx->frame = f;
}

/* Nothing that the plan lets die is read from now on. */
void kin_frame_end(kin_ctx *ctx)
{
    ctx->frame->plan = NULL;
    if (!ctx->frame->departed) ctx->frame->at = ctx->frame->count;
    ctx->frame = NULL;
}

kin_real *kin_frame_place(kin_ctx *ctx, kin_call *c)
{
    kin_frame *f = ctx->frame;
    const kin_planned *p = f->departed || f->at >= f->count ? NULL : &f->plan->calls[f->at];
    if (!p || p->op != c->op || !kin_shape_equal(p->shape, c->out->shape)) {
        f->departed = true;
        return NULL;
    }
    c->out->frame = f;
    c->out->plan_index = f->at + 1;
    return c->op->alias ? NULL : (kin_real *)(void *)(f->base + p->offset);
}

void kin_frame_done(kin_ctx *ctx)
{
    kin_frame *f = ctx->frame;
    if (f->departed) return;
    for (size_t i = 0; ctx->poison && i <= f->at; i++) {
        const kin_planned *p = &f->plan->calls[i];
        if (p->root == i && p->last == f->at) memset(f->base + p->offset, poison_byte, p->bytes);
    }
    f->at++;
}

/* A tensor is gone when a call after its last one has begun. */
bool kin_tensor_gone(const kin_tensor *t)
{
    return t->frame && t->frame->last[t->plan_index - 1] < t->frame->at;
}
