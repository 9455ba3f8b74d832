/* Maps at another size: enlarged by repeating pixels, and averaged to a size that is asked for. Both are sums over
 * pixels, so that their gradients are the same sums the other way round. */
#include "autograd/op_options.h"
#include "autograd/tape.h"
#include "base/parallel.h"

static bool need_map(kin_call *c)
{
    return kin_ndim(c->in[0]) == 4 || kin_call_fail(c, "expected [n, h, w, c]");
}

/* ---- each pixel becomes factor × factor (nearest neighbour) ---- */

static int64_t factor_of(const kin_call *c) { return *(const int64_t *)c->opt; }

static bool upsample_infer(kin_call *c, kin_shape *out)
{
    int64_t factor = factor_of(c);
    if (!need_map(c)) return false;
    if (factor < 1 || factor > 4096) return kin_call_fail(c, "the factor must be from 1 to 4096");
    const kin_tensor *x = c->in[0];
    *out = KIN_SHAPE(kin_dim(x, 0), kin_dim(x, 1) * factor, kin_dim(x, 2) * factor, kin_channels(x));
    return true;
}

static void upsample_row(void *arg, int64_t row, int worker)
{
    (void)worker;
    kin_call *c = arg;
    const kin_tensor *x = c->in[0];
    int64_t factor = factor_of(c), width = kin_dim(x, 2), channels = kin_channels(x);
    kin_real *y = kin_out(c) + row * width * factor * channels;
    for (int64_t j = 0; j < width * factor; j++, y += channels) {
        const kin_real *from = x->data + (row / factor * width + j / factor) * x->ld;
        for (int64_t k = 0; k < channels; k++) y[k] = from[k];
    }
}

static void upsample_forward(kin_call *c)
{
    kin_parallel_for(kin_dim(c->out, 0) * kin_dim(c->out, 1), upsample_row, c);
}

typedef struct gradient {
    kin_call *call;
    kin_real *dx;
    bool accumulate;
} gradient;

static void upsample_back_row(void *arg, int64_t row, int worker)
{
    (void)worker;
    const gradient *g = arg;
    int64_t factor = factor_of(g->call), channels = kin_channels(g->call->out),
            width = kin_dim(g->call->out, 2);
    kin_real *dx = g->dx + row * (width / factor) * channels;
    for (int64_t j = 0; j < width / factor; j++, dx += channels) {
        for (int64_t k = 0; k < channels && !g->accumulate; k++) dx[k] = 0;
        for (int64_t p = 0; p < factor * factor; p++) {
            int64_t pixel = (row * factor + p / factor) * width + j * factor + p % factor;
            const kin_real *dy = kin_grad_out(g->call) + pixel * channels;
            for (int64_t k = 0; k < channels; k++) dx[k] += dy[k];
        }
    }
}

static void upsample_backward(kin_call *c)
{
    gradient g = {.call = c};
    g.dx = kin_grad_write(c, 0, &g.accumulate);
    if (g.dx) kin_parallel_for(kin_dim(c->in[0], 0) * kin_dim(c->in[0], 1), upsample_back_row, &g);
}

const kin_op kin_op_upsample = {"upsample", .infer = upsample_infer, .forward = upsample_forward,
                                .backward = upsample_backward, .saves = KIN_SAVES_NOTHING};

kin_tensor *kin_upsample(kin_tensor *x, int64_t factor)
{
    return kin_apply(&kin_op_upsample, &factor, sizeof factor, x);
}

/* ---- means of windows that share out the map: output i of o sees pixels ⌊i·n/o⌋ .. ⌈(i + 1)·n/o⌉ − 1 ---- */

typedef struct adaptive_opt {
    int64_t height, width;
} adaptive_opt;

typedef struct window {
    int64_t first, end;
} window;

static window window_of(int64_t i, int64_t out, int64_t in)
{
    return (window){i * in / out, ((i + 1) * in + out - 1) / out};
}

static bool adaptive_infer(kin_call *c, kin_shape *out)
{
    const adaptive_opt *o = c->opt;
    if (!need_map(c)) return false;
    if (o->height < 1 || o->width < 1 || o->height > INT32_MAX || o->width > INT32_MAX ||
        kin_dim(c->in[0], 1) > INT32_MAX || kin_dim(c->in[0], 2) > INT32_MAX)
        return kin_call_fail(c, "a size of at least 1 x 1 was expected");
    *out = KIN_SHAPE(kin_dim(c->in[0], 0), o->height, o->width, kin_channels(c->in[0]));
    return true;
}

static void adaptive_row(void *arg, int64_t row, int worker)
{
    (void)worker;
    kin_call *c = arg;
    const kin_tensor *x = c->in[0];
    int64_t in_h = kin_dim(x, 1), in_w = kin_dim(x, 2), out_h = kin_dim(c->out, 1),
            out_w = kin_dim(c->out, 2), channels = kin_channels(x), picture = row / out_h;
    window down = window_of(row % out_h, out_h, in_h);
    kin_real *y = kin_out(c) + row * out_w * channels;
    for (int64_t j = 0; j < out_w; j++, y += channels) {
        window across = window_of(j, out_w, in_w);
        double pixels = (double)((down.end - down.first) * (across.end - across.first));
        for (int64_t k = 0; k < channels; k++) {
            double sum = 0;
            for (int64_t h = down.first; h < down.end; h++)
                for (int64_t w = across.first; w < across.end; w++)
                    sum += (double)x->data[((picture * in_h + h) * in_w + w) * x->ld + k];
            y[k] = (kin_real)(sum / pixels);
        }
    }
}

static void adaptive_forward(kin_call *c)
{
    kin_parallel_for(kin_dim(c->out, 0) * kin_dim(c->out, 1), adaptive_row, c);
}

/* Windows overlap where sizes do not divide: a picture's rows are one task. */
static void adaptive_back_picture(void *arg, int64_t picture, int worker)
{
    (void)worker;
    const gradient *g = arg;
    const kin_tensor *x = g->call->in[0], *y = g->call->out;
    int64_t in_h = kin_dim(x, 1), in_w = kin_dim(x, 2), out_h = kin_dim(y, 1), out_w = kin_dim(y, 2),
            channels = kin_channels(y);
    kin_real *dx = g->dx + picture * in_h * in_w * channels;
    const kin_real *dy = kin_grad_out(g->call) + picture * out_h * out_w * channels;
    for (int64_t i = 0; i < in_h * in_w * channels && !g->accumulate; i++) dx[i] = 0;
    for (int64_t i = 0; i < out_h * out_w; i++, dy += channels) {
        window down = window_of(i / out_w, out_h, in_h), across = window_of(i % out_w, out_w, in_w);
        kin_real share = 1 / (kin_real)((down.end - down.first) * (across.end - across.first));
        for (int64_t h = down.first; h < down.end; h++)
            for (int64_t w = across.first; w < across.end; w++)
                for (int64_t k = 0; k < channels; k++) dx[(h * in_w + w) * channels + k] += share * dy[k];
    }
}

static void adaptive_backward(kin_call *c)
{
    gradient g = {.call = c};
    g.dx = kin_grad_write(c, 0, &g.accumulate);
    if (g.dx) kin_parallel_for(kin_dim(c->in[0], 0), adaptive_back_picture, &g);
}

const kin_op kin_op_adaptive_avg_pool = {"adaptive_avg_pool", .infer = adaptive_infer,
                                         .forward = adaptive_forward, .backward = adaptive_backward,
                                         .saves = KIN_SAVES_NOTHING};

kin_tensor *kin_adaptive_avg_pool2d(kin_tensor *x, int64_t height, int64_t width)
{
    adaptive_opt o = {height, width};
    return kin_apply(&kin_op_adaptive_avg_pool, &o, sizeof o, x);
}
