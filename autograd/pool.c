/* Pooling. A maximum passes its gradient to the pixel that won; an average spreads it evenly. */
#include "autograd/deferred.h"
#include "autograd/op_options.h"
#include "autograd/ops.h"
#include "autograd/tape.h"
#include "base/parallel.h"
#include "kernels/pool.h"

static kin_pool_shape geometry(const kin_call *c)
{
    const kin_pool2d_opt *o = c->opt;
    const kin_tensor *x = c->in[0], *y = c->out;
    return (kin_pool_shape){.batch = kin_dim(x, 0),
                            .in_h = kin_dim(x, 1),
                            .in_w = kin_dim(x, 2),
                            .channels = kin_dim(x, 3),
                            .in_ld = x->ld,
                            .out_h = kin_dim(y, 1),
                            .out_w = kin_dim(y, 2),
                            .kernel = o->kernel,
                            .stride = o->stride ? o->stride : o->kernel,
                            .pad = o->pad,
                            .exclude_pad = o->exclude_pad};
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
    if (h < 0 || w < 0)
        return kin_call_fail(c, "a window of %lld does not fit into the padded input", (long long)o->kernel);
    *out = KIN_SHAPE(kin_dim(x, 0), h / stride + 1, w / stride + 1, kin_dim(x, 3));
    return true;
}

static bool max_reads_deferred(const kin_call *c, int i) { return (void)c, i == 0; }

static void max_forward(kin_call *c)
{
    kin_pool_shape s = geometry(c);
    int32_t *winner = kin_save(c, (size_t)kin_count(c->out) * sizeof *winner);
    kin_source x = kin_source_of(c->in[0]);
    void *workspace = x.begin ? kin_scratch(c, kin_max_pool_workspace(&s)) : NULL;
    s.in_ld = x.ld;
    if (winner && (workspace || !x.begin))
        kin_max_pool_forward(&s, x.data, x.begin, kin_out(c), winner, workspace);
}

static void max_backward(kin_call *c)
{
    kin_pool_shape s = geometry(c);
    bool accumulate;
    kin_real *dx = kin_grad_write(c, 0, &accumulate);
    if (dx) kin_max_pool_backward(&s, kin_grad_out(c), c->saved, dx, accumulate);
}

static void avg_forward(kin_call *c)
{
    kin_pool_shape s = geometry(c);
    kin_avg_pool_forward(&s, c->in[0]->data, kin_out(c));
}

static void avg_backward(kin_call *c)
{
    kin_pool_shape s = geometry(c);
    bool accumulate;
    kin_real *dx = kin_grad_write(c, 0, &accumulate);
    if (dx) kin_avg_pool_backward(&s, kin_grad_out(c), dx, accumulate);
}

const kin_op kin_op_max_pool2d = {"max_pool2d",
                                  .infer = pool_infer,
                                  .forward = max_forward,
                                  .backward = max_backward,
                                  .reads_deferred = max_reads_deferred,
                                  .saves = KIN_SAVES_NOTHING};
const kin_op kin_op_avg_pool2d = {"avg_pool2d", .infer = pool_infer, .forward = avg_forward,
                                  .backward = avg_backward, .saves = KIN_SAVES_NOTHING};

kin_tensor *kin_max_pool2d(kin_tensor *x, const kin_pool2d_opt *opt)
{
    return kin_apply(&kin_op_max_pool2d, opt, sizeof *opt, x);
}
kin_tensor *kin_avg_pool2d(kin_tensor *x, const kin_pool2d_opt *opt)
{
    return kin_apply(&kin_op_avg_pool2d, opt, sizeof *opt, x);
}

/* ---- averages of what a batch norm with given statistics and its activation make of x, in one pass: no
 * gradient flows ---- */

enum { NORM_X, GAMMA, BETA, MEAN, VAR };

typedef struct norm_pool_opt {
    kin_pool2d_opt pool; /* first: pool_infer's and geometry's */
    double epsilon;
    kin_act act;
    bool add;
} norm_pool_opt;

static bool norm_pool_infer(kin_call *c, kin_shape *out)
{
    const norm_pool_opt *o = c->opt;
    if (o->add) return kin_call_fail(c, "a residual cannot be added ahead of the means");
    for (int i = GAMMA; i <= VAR; i++)
        if (kin_count(c->in[i]) != kin_channels(c->in[NORM_X]))
            return kin_call_fail(c, "expected a number for each channel in scale, shift and statistics");
    return pool_infer(c, out);
}

static void norm_pool_forward(kin_call *c)
{
    const norm_pool_opt *o = c->opt;
    kin_pool_shape s = geometry(c);
    kin_real *scale = kin_scratch(c, (size_t)s.channels * 2 * sizeof *scale),
             *shift = scale ? scale + s.channels : NULL;
    if (!scale) return;
    kin_norm_affine(c->in[GAMMA]->data, c->in[BETA]->data, c->in[MEAN]->data, c->in[VAR]->data, o->epsilon,
                    s.channels, scale, shift);
    kin_norm_avg_pool(&s, c->in[NORM_X]->data, &(kin_conv_begin){scale, shift, (kin_norm_act)o->act},
                      kin_out(c));
}

static const kin_op norm_avg_pool = {"norm_avg_pool", .infer = norm_pool_infer, .forward = norm_pool_forward};

kin_tensor *kin_batch_norm_eval_avg_pool(kin_tensor *x, kin_tensor *gamma, kin_tensor *beta, kin_tensor *mean,
                                         kin_tensor *var, const kin_batch_norm_opt *opt, int64_t kernel)
{
    norm_pool_opt o = {
        .pool = {.kernel = kernel}, .epsilon = opt->epsilon, .act = opt->act, .add = opt->add != NULL};
    return kin_apply(&norm_avg_pool, &o, sizeof o, x, gamma, beta, mean, var);
}

kin_tensor *kin_global_avg_pool(kin_tensor *x)
{
    kin_tensor *pooled = kin_mean(x, 6);
    return pooled ? kin_reshape(pooled, KIN_SHAPE(kin_dim(pooled, 0), kin_channels(pooled))) : NULL;
}

/* ---- the largest number of each channel, [n, h, w, c] → [n, c]; the first of equals wins, and NaN over
 * all ---- */

static int64_t pixels_of(const kin_call *c) { return kin_dim(c->in[0], 1) * kin_dim(c->in[0], 2); }

static bool global_infer(kin_call *c, kin_shape *out)
{
    if (kin_ndim(c->in[0]) != 4 || pixels_of(c) > INT32_MAX) return kin_call_fail(c, "expected [n, h, w, c]");
    *out = KIN_SHAPE(kin_dim(c->in[0], 0), kin_channels(c->in[0]));
    return true;
}

static void global_forward_sample(void *arg, int64_t n, int worker)
{
    (void)worker;
    kin_call *c = arg;
    const kin_tensor *x = c->in[0];
    int64_t channels = kin_channels(x), pixels = pixels_of(c);
    kin_real *best = kin_out(c) + n * channels;
    int32_t *winner = (int32_t *)c->saved + n * channels;
    for (int64_t p = 0; p < pixels; p++) {
        const kin_real *row = x->data + (n * pixels + p) * x->ld;
        for (int64_t k = 0; k < channels; k++) {
            kin_real v = row[k], b = p ? best[k] : v;
            bool wins = !(v <= b) & (b == b);
            best[k] = wins ? v : b;
            winner[k] = wins ? (int32_t)p : p ? winner[k] : 0;
        }
    }
}

static void global_forward(kin_call *c)
{
    if (kin_save(c, (size_t)kin_count(c->out) * sizeof(int32_t)))
        kin_parallel_for(kin_dim(c->in[0], 0), global_forward_sample, c);
}

static void global_backward(kin_call *c)
{
    kin_real *dx = kin_grad_add(c, 0);
    const int32_t *winner = c->saved;
    int64_t channels = kin_channels(c->in[0]), pixels = pixels_of(c);
    for (int64_t i = 0; dx && i < kin_count(c->out); i++)
        dx[(i / channels * pixels + winner[i]) * channels + i % channels] += kin_grad_out(c)[i];
}

const kin_op kin_op_global_max_pool = {"global_max_pool", .infer = global_infer, .forward = global_forward,
                                       .backward = global_backward, .saves = KIN_SAVES_NOTHING};
kin_tensor *kin_global_max_pool(kin_tensor *x) { return kin_apply(&kin_op_global_max_pool, NULL, 0, x); }

/* ---- the largest and the mean of each pixel's channels, [n, h, w, c] → [n, h, w, 2] ---- */

enum { LANES = 8, ROWS_PER_BLOCK = 64 };

static bool channel_infer(kin_call *c, kin_shape *out)
{
    *out = kin_shape_of(c->in[0]);
    if (out->ndim != 4 || kin_channels(c->in[0]) > INT32_MAX)
        return kin_call_fail(c, "expected [n, h, w, c]");
    out->dim[3] = 2;
    return true;
}

/* The place of the row's first NaN, else of its first maximum; *mean in eight sums side by side. */
static int64_t largest_and_mean(const kin_real *row, int64_t n, kin_real *mean)
{
    kin_real most[LANES], best = row[0];
    double sums[LANES] = {0}, sum = 0;
    int64_t i = 0, at = 0;
    for (int lane = 0; lane < LANES; lane++) most[lane] = row[0];
    for (; i + LANES <= n; i += LANES)
        for (int lane = 0; lane < LANES; lane++) {
            kin_real v = row[i + lane];
            most[lane] = v > most[lane] ? v : most[lane];
            sums[lane] += (double)v;
        }
    for (int lane = 0; lane < LANES; lane++) {
        best = most[lane] > best ? most[lane] : best;
        sum += sums[lane];
    }
    for (; i < n; i++) {
        best = row[i] > best ? row[i] : best;
        sum += (double)row[i];
    }
    *mean = (kin_real)(sum / (double)n);
    if (sum != sum)
        for (at = 0; at < n; at++)
            if (row[at] != row[at]) return at;
    for (at = 0; at < n - 1 && row[at] != best; at++) {}
    return at;
}

static void channel_forward_block(void *arg, int64_t block, int worker)
{
    (void)worker;
    kin_call *c = arg;
    const kin_tensor *x = c->in[0];
    for (int64_t r = block * ROWS_PER_BLOCK; r < kin_rows(x) && r < (block + 1) * ROWS_PER_BLOCK; r++) {
        const kin_real *row = x->data + r * x->ld;
        int64_t at = largest_and_mean(row, kin_channels(x), kin_out(c) + 2 * r + 1);
        kin_out(c)[2 * r] = row[at];
        ((int32_t *)c->saved)[r] = (int32_t)at;
    }
}

static void channel_forward(kin_call *c)
{
    if (kin_save(c, (size_t)kin_rows(c->in[0]) * sizeof(int32_t)))
        kin_parallel_for(kin_blocks(kin_rows(c->in[0]), ROWS_PER_BLOCK), channel_forward_block, c);
}

typedef struct channel_loop {
    const kin_call *call;
    kin_real *dx;
    bool accumulate;
} channel_loop;

static void channel_backward_block(void *arg, int64_t block, int worker)
{
    (void)worker;
    const channel_loop *l = arg;
    int64_t channels = kin_channels(l->call->in[0]);
    for (int64_t r = block * ROWS_PER_BLOCK; r < kin_rows(l->call->in[0]) && r < (block + 1) * ROWS_PER_BLOCK;
         r++) {
        const kin_real *g = kin_grad_out(l->call) + 2 * r;
        kin_real *dx = l->dx + r * channels, each = g[1] / (kin_real)channels;
        for (int64_t k = 0; k < channels; k++) dx[k] = (l->accumulate ? dx[k] : 0) + each;
        dx[((const int32_t *)l->call->saved)[r]] += g[0];
    }
}

static void channel_backward(kin_call *c)
{
    channel_loop l = {.call = c};
    l.dx = kin_grad_write(c, 0, &l.accumulate);
    if (l.dx) kin_parallel_for(kin_blocks(kin_rows(c->in[0]), ROWS_PER_BLOCK), channel_backward_block, &l);
}

const kin_op kin_op_channel_pool = {"channel_pool", .infer = channel_infer, .forward = channel_forward,
                                    .backward = channel_backward, .saves = KIN_SAVES_NOTHING};
kin_tensor *kin_channel_pool(kin_tensor *x) { return kin_apply(&kin_op_channel_pool, NULL, 0, x); }
