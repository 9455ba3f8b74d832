#include "nn/cost.h"

#include "autograd/tape.h"
#include "nn/attention.h"

typedef struct watched { kin_net net; void *arg; kin_cost *cost; } watched;

static void add_call(void *arg, const kin_call *call)
{
    kin_cost *cost = arg;
    if (call->op->flops) cost->macs += call->op->flops(call) / 2;
}

static kin_tensor *run(kin_scope *s, kin_tensor *x, void *arg)
{
    const watched *w = arg;
    kin_tensor *y = w->net(s, x, w->arg);
    w->cost->out = kin_shape_of(y);
    return y;
}

bool kin_cost_of(kin_net net, void *arg, kin_shape input, kin_cost *out, kin_error *err)
{
    *out = (kin_cost){0};
    kin_ctx *ctx = kin_ctx_new();
    if (!ctx) return kin_fail_memory(err, "a dry run", sizeof *ctx);
    ctx->observe = add_call;
    ctx->observe_arg = out;
    watched w = {net, arg, out};
    kin_module *m = kin_module_new(ctx, run, &w, input, 0);
    if (m) out->parameters = kin_module_parameters(m);
    else kin_fail(err, kin_ctx_error(ctx)->code, "%s", kin_ctx_error(ctx)->message);
    kin_module_free(m);
    kin_ctx_free(ctx);
    return m != NULL;
}

static kin_tensor *attention(kin_scope *s, kin_tensor *x, void *arg) { return kin_attention(s, x, arg); }

bool kin_attention_cost(const char *kind, int64_t h, int64_t w, int64_t c, kin_cost *out, kin_error *err)
{
    return kin_cost_of(attention, (void *)kind, KIN_SHAPE(1, h, w, c), out, err);
}
