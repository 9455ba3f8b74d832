#include "autograd/watch.h"

#include "autograd/tape.h"

#include <time.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void kin_ctx_watch(kin_ctx *ctx, const kin_watch *watch) { ctx->watch = watch; }

void kin_watched_run(kin_call *c, bool backward)
{
    const kin_watch *watch = c->ctx->watch;
    double began = watch ? now() : 0;
    if (backward) c->op->backward(c);
    else c->op->forward(c);
    if (watch) watch->call(watch->arg, c, backward, now() - began);
}

void kin_watched_name(const kin_tensor *t, const char *path)
{
    const kin_watch *watch = t->ctx->watch;
    if (watch && watch->named) watch->named(watch->arg, t, path);
}
