/* The tape at its edges: a chunk of its memory that cannot be had, whatever is to lie in it; who watches. */
#include "autograd/ops.h"
#include "autograd/tape.h"
#include "autograd/watch.h"
#include "base/memory.h"
#include "tests/support/check.h"

#include <math.h>
#include <string.h>
#include <time.h>

enum { STEP = 64, SHIFTS = 24, OPS = 40000 };

/* Ops until the first chunk is full; where the next one fails, the op does, with the error. By the shift it is
 * another part of an op that finds no room. */
static void no_room(void)
{
    check_begin("an op for which the tape has no room fails, whatever part of it lacks room (%s)",
                KIN_REAL_NAME);
    for (int shift = 0; shift < SHIFTS; shift++) {
        kin_ctx *ctx = kin_ctx_new();
        kin_tensor *x = kin_input(ctx, KIN_SHAPE(1), NULL), *y = x;
        int ops = 0;
        if (shift) CHECK(kin_arena_alloc(&ctx->arena, (size_t)shift * STEP));
        kin_alloc_fail_at(1);
        while (y && ops < OPS) y = kin_pow(x, 2), ops++;
        CHECK_MSG(!y && ops > 100 && kin_alloc_pending() == 0, "shift %d: %d ops", shift, ops);
        kin_alloc_fail_at(0);
        CHECK(kin_ctx_error(ctx)->code == KIN_ERR_MEMORY && !kin_pow(x, 2));
        kin_error_clear(kin_ctx_error(ctx));
        CHECK(kin_item(kin_scale(kin_pow(x, 2), 1, 3)) == 3);
        kin_ctx_free(ctx);
    }
    check_end();
}

typedef struct told {
    int forward, backward;
    double seconds, longest;
    char last[32];
} told;

static void call(void *arg, const kin_call *c, bool backward, double seconds)
{
    told *t = arg;
    if (backward) t->backward++;
    else t->forward++;
    t->seconds += seconds, t->longest = fmax(t->longest, seconds);
    strncpy(t->last, c->op->name, sizeof t->last - 1);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void watched(void)
{
    check_begin("who watches is told of each op, forward and backward, and how long it took (%s)",
                KIN_REAL_NAME);
    enum { SIDE = 160 };
    told t = {0};
    const kin_watch watch = {.call = call, .arg = &t};
    kin_ctx *ctx = kin_ctx_new();
    kin_tensor *x = kin_variable(ctx, KIN_SHAPE(SIDE, SIDE), NULL);
    double began = now();
    kin_ctx_watch(ctx, &watch);
    kin_tensor *y = kin_matmul(x, kin_slice(x, 0, SIDE), NULL), *loss = kin_mean(y, 0);
    CHECK_MSG(t.forward == 2 && t.backward == 0 && strcmp(t.last, "mean") == 0, "%d, %d, %s", t.forward,
              t.backward, t.last); /* views are not told */
    CHECK(kin_backward(loss));
    CHECK_MSG(t.forward == 2 && t.backward >= 2, "%d, %d", t.forward, t.backward);
    CHECK_MSG(t.longest > 1e-7 && t.seconds < now() - began, "%g s, the longest %g", t.seconds, t.longest);
    kin_ctx_watch(ctx, NULL);
    kin_square(x);
    CHECK(t.forward == 2);
    kin_ctx_free(ctx);
    check_end();
}

int main(void)
{
    no_room();
    watched();
    check_begin("tape: nothing is kept (%s)", KIN_REAL_NAME);
    CHECK(kin_alloc_live() == 0);
    check_end();
    return check_result();
}
