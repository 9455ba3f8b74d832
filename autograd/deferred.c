#include "autograd/deferred.h"

bool kin_may_defer(const kin_call *c)
{
    return c->out->wants_grad && !c->ctx->dry && !c->ctx->segment_depth && !c->ctx->replaying &&
           !c->ctx->frame;
}

void kin_defer(kin_call *c, const kin_tensor *of, kin_conv_begin by)
{
    kin_deferred *d = kin_arena_alloc(&c->ctx->arena, sizeof *d);
    if (!d) {
        kin_fail_memory(&c->ctx->error, c->op->name, sizeof *d);
        return;
    }
    *d = (kin_deferred){of, by};
    c->out->deferred = d;
}

/* On the tape itself, whatever block the reader belongs to. */
bool kin_materialise(kin_tensor *t)
{
    const kin_deferred *d = t->deferred;
    if (!d) return true;
    int64_t rows = kin_rows(t), channels = kin_channels(t);
    size_t bytes = (size_t)(rows * channels) * sizeof(kin_real);
    kin_real *data = kin_arena_alloc(&t->ctx->arena, bytes);
    if (!data) return kin_fail_memory(&t->ctx->error, t->producer->op->name, bytes);
    kin_norm_apply(d->of->data, d->of->ld, rows, channels, d->by.scale, d->by.shift, NULL, 0, d->by.act,
                   data);
    t->data = data, t->ld = channels;
    t->deferred = NULL;
    return true;
}

kin_source kin_source_of(const kin_tensor *t)
{
    const kin_deferred *d = t->deferred;
    return d ? (kin_source){d->of->data, d->of->ld, &d->by} : (kin_source){t->data, t->ld, NULL};
}
