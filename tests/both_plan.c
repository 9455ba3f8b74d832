/* Planned memory: the same numbers as without a plan although dead buffers are poisoned, less memory, taps
 * that were asked for, and networks that do not do the same thing twice. */
#include "autograd/plan.h"
#include "autograd/ops.h"
#include "base/memory.h"
#include "nn/layers.h"
#include "tests/support/check.h"
#include "tests/support/hashed.h"

#include <math.h>
#include <string.h>

typedef struct net_arg {
    bool other_op, other_input, extra, looks; /* what a network may do differently from the plan */
    kin_tensor *early;                        /* kept outside, without a word */
} net_arg;

/* Branches, views, a detached tensor, a tensor that is never read, and a long skip. */
static kin_tensor *network(kin_scope *s, kin_tensor *x, void *arg)
{
    net_arg *a = arg;
    kin_tensor *first = kin_tap(kin_sub(s, "first"), kin_scale(x, 2, 1)), *y = kin_relu(first);
    a->early = first;
    kin_sigmoid(y);
    if (a->looks && y && !kin_data(y)) return NULL;
    kin_tensor *left = kin_slice(y, 0, 3), *right = kin_slice(y, 3, 4), *cut = kin_detach(kin_tanh(y));
    left = kin_tap(kin_sub(s, "left"),
                   kin_conv(kin_sub(s, "conv"), left, &(kin_conv_opt){.out = 4, .kernel = 3, .pad = 1}));
    y = kin_concat((kin_tensor *[]){left, kin_mul(right, kin_scale(right, 3, 0))}, 2);
    for (int i = 0; i < 3; i++) y = a->other_op && i == 1 ? kin_softplus(y) : kin_silu(y);
    if (a->extra) y = kin_square(y);
    y = kin_slice(kin_concat((kin_tensor *[]){y, cut, a->other_input ? first : y}, 3), 2, 9);
    return y ? kin_reshape(y, KIN_SHAPE(kin_dim(y, 0), kin_count(y) / kin_dim(y, 0))) : NULL;
}

typedef struct fixture {
    kin_ctx *ctx;
    kin_module *m;
    net_arg arg;
} fixture;

static kin_shape shape_of(int64_t n, int64_t h) { return KIN_SHAPE(n, h, 5, 7); }

static void open(fixture *f)
{
    *f = (fixture){.ctx = kin_ctx_new()};
    f->m = kin_module_new(f->ctx, network, &f->arg, shape_of(2, 6), 1);
    CHECK_MSG(f->m, "%s", kin_ctx_error(f->ctx)->message);
    kin_record(f->ctx, false);
    f->ctx->poison = true;
}

static void close(fixture *f)
{
    kin_module_free(f->m);
    kin_ctx_free(f->ctx);
}

enum { MOST = 1 << 12 };

/* The output without a plan: nothing is evaluated by plan in training. */
static int64_t expected(fixture *f, kin_shape shape, kin_real *out)
{
    kin_tensor *y = kin_module_forward(f->m, hashed_input(f->ctx, "x", shape), KIN_TRAIN);
    CHECK_MSG(y && kin_count(y) <= MOST && kin_read(y, out), "%s", kin_ctx_error(f->ctx)->message);
    int64_t count = kin_count(y);
    kin_end_step(f->ctx);
    return count;
}

static void same(fixture *f, kin_shape shape)
{
    kin_real want[MOST], got[MOST];
    int64_t count = expected(f, shape, want);
    kin_tensor *y = kin_module_forward(f->m, hashed_input(f->ctx, "x", shape), KIN_EVAL);
    CHECK_MSG(y && kin_count(y) == count && kin_read(y, got), "%s", kin_ctx_error(f->ctx)->message);
    CHECK(memcmp(want, got, (size_t)count * sizeof *got) == 0);
    kin_end_step(f->ctx);
}

static void values(void)
{
    check_begin("plan: the same numbers with poisoned buffers, in turn over more shapes than are kept (%s)",
                KIN_REAL_NAME);
    fixture f;
    open(&f);
    for (int round = 0; round < 2; round++)
        for (int64_t h = 1; h < 12; h++) same(&f, shape_of(2, h));
    same(&f, shape_of(1, 6));
    close(&f);
    check_end();
}

static void memory(void)
{
    check_begin("plan: memory is what the widest place needs, not the sum (%s)", KIN_REAL_NAME);
    fixture f;
    open(&f);
    kin_module_forward(f.m, hashed_input(f.ctx, "x", shape_of(64, 6)), KIN_TRAIN);
    size_t without = f.ctx->arena.used, planned;
    kin_end_step(f.ctx);
    kin_module_forward(f.m, hashed_input(f.ctx, "x", shape_of(64, 6)), KIN_EVAL);
    kin_end_step(f.ctx);
    kin_module_forward(f.m, hashed_input(f.ctx, "x", shape_of(64, 6)), KIN_EVAL);
    planned = kin_module_planned_bytes(f.m, shape_of(64, 6));
    size_t one = 64 * 6 * 5 * 7 * sizeof(kin_real);
    CHECK_MSG(planned >= 5 * one && planned <= 7 * one, "%zu bytes; one tensor of seven channels has %zu",
              planned, one);
    CHECK_MSG(f.ctx->arena.used < without / 2, "%zu bytes with a plan, %zu without", f.ctx->arena.used,
              without);
    kin_record(f.ctx, true);
    CHECK(kin_module_planned_bytes(f.m, shape_of(64, 6)) == 0);
    close(&f);
    check_end();
}

static void taps(void)
{
    check_begin("plan: taps keep their numbers when asked for, and say so when not (%s)", KIN_REAL_NAME);
    fixture f;
    open(&f);
    kin_real want[MOST], had[MOST];
    kin_module_forward(f.m, hashed_input(f.ctx, "x", shape_of(2, 6)), KIN_TRAIN);
    CHECK(kin_read(kin_module_tapped(f.m, "left"), want));
    kin_end_step(f.ctx);
    kin_module_forward(f.m, hashed_input(f.ctx, "x", shape_of(2, 6)), KIN_EVAL);
    CHECK(kin_module_tapped(f.m, "left") && !kin_data(kin_module_tapped(f.m, "left")));
    CHECK_TEXT(kin_ctx_error(f.ctx)->message, "kin_module_retain");
    kin_error_clear(kin_ctx_error(f.ctx));
    CHECK(!kin_relu(f.arg.early) && !kin_ok(f.ctx));
    CHECK_TEXT(kin_ctx_error(f.ctx)->message, "relu: input 0's memory was used again");
    kin_error_clear(kin_ctx_error(f.ctx));
    kin_end_step(f.ctx);
    CHECK(kin_module_retain(f.m, "left"));
    kin_tensor *y = kin_module_forward(f.m, hashed_input(f.ctx, "x", shape_of(2, 6)), KIN_EVAL),
               *left = kin_module_tapped(f.m, "left");
    CHECK(y && kin_read(left, had) && memcmp(want, had, (size_t)kin_count(left) * sizeof *had) == 0);
    kin_tensor *again = kin_module_forward(f.m, y ? hashed_input(f.ctx, "other", shape_of(2, 6)) : NULL,
                                           KIN_EVAL); /* in the same step */
    CHECK(again && kin_read(left, had) && memcmp(want, had, (size_t)kin_count(left) * sizeof *had) == 0);
    CHECK(kin_ok(f.ctx) && kin_data(y) != kin_data(again) && kin_data(kin_add(y, again)));
    close(&f);
    check_end();
}

static void departures(void)
{
    check_begin("plan: a network that departs from it computes the same (%s)", KIN_REAL_NAME);
    for (int what = 0; what < 4; what++) {
        fixture f;
        open(&f);
        for (int round = 0; round < 2; round++) {
            same(&f, shape_of(2, 6)); /* as planned */
            bool *change = (bool *[]){&f.arg.other_op, &f.arg.other_input, &f.arg.extra, &f.arg.looks}[what];
            *change = true;
            same(&f, shape_of(2, 6));
            same(&f, shape_of(2, 4)); /* planned so */
            *change = false;
            same(&f, shape_of(2, 4));
        }
        close(&f);
    }
    check_end();
}

static void slices(void)
{
    check_begin("plan: pictures that are computed apart, some at a time, give the same tensor (%s)",
                KIN_REAL_NAME);
    for (int what = 0; what < 3; what++) {
        fixture f;
        open(&f);
        kin_shape shape = shape_of(20, 6000); /* more than what is computed at a time */
        kin_tensor *y = kin_module_forward(f.m, hashed_input(f.ctx, "x", shape), KIN_EVAL);
        int64_t count = kin_count(y);
        kin_real *want = kin_alloc_zero((size_t)count, sizeof *want);
        CHECK(y && kin_read(y, want));
        kin_end_step(f.ctx);
        size_t whole = kin_module_planned_bytes(f.m, shape);
        kin_module_pictures_apart(f.m);
        kin_end_step(f.ctx);
        CHECK(kin_module_planned_bytes(f.m, shape) < whole);
        kin_end_step(f.ctx);
        for (int round = 0; round < 2; round++) {
            f.arg.other_input = what == 1 && round > 0; /* departs: a tensor that is gone is read */
            f.arg.looks = what == 2;                    /* cannot be planned */
            y = kin_module_forward(f.m, hashed_input(f.ctx, "x", shape), KIN_EVAL);
            CHECK_MSG(y && kin_count(y) == count, "%s", kin_ctx_error(f.ctx)->message);
            if (y && !f.arg.other_input) CHECK(memcmp(want, kin_data(y), (size_t)count * sizeof *want) == 0);
            kin_end_step(f.ctx);
        }
        kin_free(want);
        close(&f);
    }
    check_end();
}

static void out_of_memory(void)
{
    check_begin("plan: any allocation may fail (%s)", KIN_REAL_NAME);
    int without = 0;
    for (long at = 1; without < 2; at++) {
        fixture f;
        open(&f);
        if (at % 2) kin_module_pictures_apart(f.m);
        kin_tensor *x = hashed_input(f.ctx, "x", shape_of(20, at % 2 ? 1500 : 100));
        kin_alloc_fail_at(at);
        kin_tensor *y = kin_module_forward(f.m, x, KIN_EVAL);
        bool failed = kin_alloc_pending() == 0;
        kin_alloc_fail_at(0);
        CHECK(failed == !y && failed == !kin_ok(f.ctx));
        if (failed) kin_error_clear(kin_ctx_error(f.ctx));
        CHECK(kin_module_forward(f.m, x, KIN_EVAL));
        close(&f);
        without += !failed;
    }
    check_end();
}

int main(void)
{
    values();
    memory();
    taps();
    departures();
    slices();
    out_of_memory();
    return check_result();
}
