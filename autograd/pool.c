/* Pooling. A maximum passes its gradient to the pixel that won; an average spreads it evenly. */
#include "autograd/ops.h"
#include "autograd/tape.h"
#include "kernels/pool.h"

static kin_pool_shape geometry(const kin_call *c)
{
    const kin_pool2d_opt *o = c->opt;
    const kin_tensor *x = c->in[0], *y = c->out;
    return (kin_pool_shape){.batch = kin_dim(x, 0), .in_h = kin_dim(x, 1), .in_w = kin_dim(x, 2), .channels = kin_dim(x, 3), .in_ld = x->ld, .out_h = kin_dim(y, 1),
                            .out_w = kin_dim(y, 2), .kernel = o->kernel, .stride = o->stride ? o->stride : o->kernel, .pad = o->pad, .exclude_pad = o->exclude_pad};
}

static bool pool_infer(kin_call *c, kin_shape *out)
{
    const kin_pool2d_opt *o = c->opt;
    kin_tensor *x = c->in[0];
    int64_t stride = o->stride ? o->stride : o->kernel;
    if (kin_ndim(x) != 4) return kin_call_fail(c, "expected [n, h, w, c]");
    if (o->kernel < 1 || o->kernel > 4096 || stride < 1 || o->pad < 0 || o->pad > o->kernel / 2)
        return kin_call_fail(c, "kernel and stride must be positive, and padding at most half the kernel");
    int64_t h = kin_dim(x, 1) + 2 * o->pad - o->kernel, w = kin_dim(x, 2) + 2 * o->pad - o->kernel;
    if (h < 0 || w < 0) return kin_call_fail(c, "a window of %lld does not fit into the padded input", (long long)o->kernel);
    *out = KIN_SHAPE(kin_dim(x, 0), h / stride + 1, w / stride + 1, kin_dim(x, 3));
    return true;
}

static void max_forward(kin_call *c)
{
    kin_pool_shape s = geometry(c);
    int32_t *winner = kin_save(c, (size_t)kin_count(c->out) * sizeof *winner);
    if (winner) kin_max_pool_forward(&s, c->in[0]->data, kin_out(c), winner);
}

static void max_backward(kin_call *c)
{
    kin_pool_shape s = geometry(c);
    kin_real *dx = kin_grad_add(c, 0);
    if (dx) kin_max_pool_backward(&s, kin_grad_out(c), c->saved, dx);
}

static void avg_forward(kin_call *c)
{
    kin_pool_shape s = geometry(c);
    kin_avg_pool_forward(&s, c->in[0]->data, kin_out(c));
}

static void avg_backward(kin_call *c)
{
    kin_pool_shape s = geometry(c);
    kin_real *dx = kin_grad_add(c, 0);
    if (dx) kin_avg_pool_backward(&s, kin_grad_out(c), dx);
}

static const kin_op max_pool2d = {"max_pool2d", .infer = pool_infer, .forward = max_forward, .backward = max_backward, .saves = KIN_SAVES_NOTHING};
static const kin_op avg_pool2d = {"avg_pool2d", .infer = pool_infer, .forward = avg_forward, .backward = avg_backward, .saves = KIN_SAVES_NOTHING};

kin_tensor *kin_max_pool2d(kin_tensor *x, const kin_pool2d_opt *opt) { return kin_apply(&max_pool2d, opt, sizeof *opt, x); }
kin_tensor *kin_avg_pool2d(kin_tensor *x, const kin_pool2d_opt *opt) { return kin_apply(&avg_pool2d, opt, sizeof *opt, x); }

static kin_tensor *without_pixels(kin_tensor *pooled) { return pooled ? kin_reshape(pooled, KIN_SHAPE(kin_dim(pooled, 0), kin_channels(pooled))) : NULL; }
kin_tensor *kin_global_avg_pool(kin_tensor *x) { return without_pixels(kin_mean(x, 6)); }
kin_tensor *kin_global_max_pool(kin_tensor *x) { return without_pixels(kin_max(x, 6)); }
