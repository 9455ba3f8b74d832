/* A module's forward: the network run in a scope of its own, and its evaluation within memory that a dry
 * run planned. */
#include "autograd/ops.h"
#include "autograd/tape.h"
#include "base/memory.h"
#include "nn/module_parts.h"

/* What a network evaluated a few pictures at a time takes between its layers, at most. Each such slice
 * reads all packed weights again, which for ResNet-50 are several times this: with a quarter of it the
 * benchmarks' networks were up to a third slower. */
static const size_t slice_bytes = (size_t)64 << 20;

/* ---- forwards ---- */

kin_tensor *kin_module_run(kin_module *m, kin_tensor *x, kin_mode mode)
{
    kin_scope *root = kin_ok(m->ctx) ? kin_arena_alloc_zero(&m->ctx->arena, sizeof *root) : NULL;
    if (!root) return NULL;
    *root = (kin_scope){.module = m, .mode = mode};
    m->forward++;
    m->taps = NULL;
    return m->net(root, x, m->arg);
}

/* ---- plans ---- */

void kin_module_forget_plans(kin_module *m)
{
    for (int i = 0; i < m->n_plans; i++) kin_plan_free(&m->plans[i].plan);
    m->n_plans = m->next_plan = 0;
}

static void make_plan(kin_module *m, kin_shape_plan *p, kin_shape input)
{
    kin_ctx *ctx = m->ctx;
    *p = (kin_shape_plan){.input = input};
    kin_plan_begin(ctx, &p->plan);
    ctx->dry = true;
    p->unfit = !kin_plan_end(ctx, kin_module_run(m, kin_dry_input(ctx, input), KIN_EVAL));
    ctx->dry = false;
    /* Whatever else is wrong will be said again, or not be wrong, with numbers. */
    if (!kin_ok(ctx) && kin_ctx_error(ctx)->code != KIN_ERR_MEMORY) kin_error_clear(kin_ctx_error(ctx));
}

/* The plan for this input; NULL when out of memory (recorded). */
static kin_shape_plan *plan_for(kin_module *m, kin_shape input)
{
    for (int i = 0; i < m->n_plans; i++)
        if (kin_shape_equal(m->plans[i].input, input)) return &m->plans[i];
    kin_shape_plan *p = &m->plans[m->next_plan];
    m->next_plan = (m->next_plan + 1) % KIN_MODULE_PLANS;
    if (m->n_plans < KIN_MODULE_PLANS) m->n_plans++;
    kin_plan_free(&p->plan);
    make_plan(m, p, input);
    if (kin_ok(m->ctx)) return p;
    kin_module_forget_plans(m);
    return NULL;
}

/* False when the forward read what its plan let go, or the plan is unfit: then it must be run without one. */
static bool follow(kin_module *m, kin_shape_plan *p, kin_tensor *x, void *base, kin_tensor **y)
{
    *y = NULL;
    if (p->unfit) return false;
    kin_frame *frame = kin_frame_begin(m->ctx, &p->plan, base);
    if (!frame) return true;
    *y = kin_module_run(m, x, KIN_EVAL);
    kin_frame_end(m->ctx);
    if (!frame->lost) return true;
    p->unfit = true;
    kin_error_clear(kin_ctx_error(m->ctx));
    return false;
}

static kin_shape with_pictures(kin_shape s, int64_t n)
{
    s.dim[0] = n;
    return s;
}

/* ---- evaluation ---- */

/* How many pictures are evaluated at a time: all, or as many as fit. 0 on error. */
static int64_t at_a_time(kin_module *m, kin_shape input)
{
    int64_t all = input.dim[0];
    if (!m->apart || m->n_retained || all == 1) return all;
    const kin_shape_plan *one = plan_for(m, with_pictures(input, 1));
    if (!one || one->unfit || !one->plan.bytes) return one ? all : 0;
    int64_t fit = (int64_t)(slice_bytes / one->plan.bytes);
    return fit < 1 ? 1 : fit < all ? fit : all;
}

static kin_tensor *evaluate_whole(kin_module *m, kin_tensor *x)
{
    kin_tensor *y;
    kin_shape_plan *p = plan_for(m, kin_shape_of(x));
    return !p ? NULL : follow(m, p, x, NULL, &y) ? y : kin_module_run(m, x, KIN_EVAL);
}

/* Pictures `each` at a time, in the same memory; results are copied together. False: it must be done in
 * one. */
static bool evaluate_slices(kin_module *m, kin_tensor *x, int64_t each, kin_tensor **out)
{
    kin_shape input = kin_shape_of(x);
    int64_t all = input.dim[0], numbers = 0;
    size_t room = 0;
    void *base = NULL;
    *out = NULL;
    for (int64_t first = 0, count; first < all; first += count) {
        count = all - first < each ? all - first : each;
        kin_shape_plan *p = plan_for(m, with_pictures(input, count));
        if (p && room < p->plan.bytes) {
            room = p->plan.bytes;
            base = kin_arena_alloc(&m->ctx->arena, room);
            if (!base) return kin_fail_memory(kin_module_error(m), "a network's memory", room), true;
        }
        kin_tensor *part = p ? kin_slice_rows(x, first, count) : NULL, *y = NULL;
        if (part && !follow(m, p, part, base, &y)) return false;
        if (y && kin_dim(y, 0) != count) return false;
        if (y && !*out)
            *out = kin_input(m->ctx, with_pictures(kin_shape_of(y), all), NULL),
            numbers = kin_count(y) / count;
        if (!y || !*out || !kin_read(y, (*out)->data + first * numbers)) return *out = NULL, true;
    }
    m->taps = NULL; /* the last slice's */
    return true;
}

kin_tensor *kin_module_evaluate(kin_module *m, kin_tensor *x)
{
    kin_tensor *y;
    int64_t each = kin_ok(m->ctx) ? at_a_time(m, kin_shape_of(x)) : 0;
    if (!each) return NULL;
    return each < kin_dim(x, 0) && evaluate_slices(m, x, each, &y) ? y : evaluate_whole(m, x);
}

void kin_module_pictures_apart(kin_module *m) { m->apart = true; }

size_t kin_module_planned_bytes(kin_module *m, kin_shape input)
{
    int64_t each = kin_ok(m->ctx) && !m->ctx->record && m->values && kin_shape_count(input)
                       ? at_a_time(m, input)
                       : 0;
    const kin_shape_plan *p = each ? plan_for(m, with_pictures(input, each)) : NULL;
    m->taps = NULL; /* a dry run's have no numbers */
    return p && !p->unfit ? p->plan.bytes : 0;
}
