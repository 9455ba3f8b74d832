/* Softmax and its relatives, over channels. The row's maximum is taken out first, so nothing overflows:
 *
 *   lse(x) = m + log Σ e^{x_j − m},   log softmax(x)_i = x_i − lse(x),   softmax(x)_i = e^{x_i − lse(x)}
 *
 * With s = softmax(x) the gradients are
 *   softmax:      dx_i = κ s_i (g_i − Σ_j g_j s_j)   (of κ·x)
 *   log softmax:  dx_i = g_i − s_i Σ_j g_j
 *   lse:          dx_i = g s_i */
#include "autograd/op_options.h"
#include "autograd/ops.h"
#include "autograd/tape.h"
#include "base/parallel.h"

#include <math.h>
#include <tgmath.h>

static double row_lse(const kin_real *x, int64_t n)
{
    kin_real most = x[0];
    for (int64_t i = 1; i < n; i++)
        if (x[i] > most) most = x[i];
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += (double)exp(x[i] - most);
    return (double)most + log(sum);
}

static const kin_real *row_of(const kin_tensor *t, int64_t r) { return t->data + r * t->ld; }

/* e^{κ(x_i − m)} over their sum, m the largest where κ > 0, the smallest where κ < 0. Not e^{κ x_i − lse}:
 * where the x are large, rounding lse to kin_real would make whole rows too large or too small. */
static void softmax_row(const kin_real *x, int64_t n, kin_real scale, kin_real *y)
{
    kin_real most = x[0];
    for (int64_t i = 1; i < n; i++)
        if (scale < 0 ? x[i] < most : x[i] > most) most = x[i];
    double sum = 0;
    for (int64_t i = 0; i < n; i++) {
        y[i] = exp(scale * (x[i] - most));
        sum += (double)y[i];
    }
    kin_real share = (kin_real)(1 / sum);
    for (int64_t i = 0; i < n; i++) y[i] *= share;
}

enum { BLOCK = 1 << 12 }; /* numbers a block of a parallel loop */
typedef struct softmax_loop {
    kin_call *call;
    kin_real *dx;
    kin_real scale;
    int64_t rows_per_block;
} softmax_loop;

static softmax_loop softmax_of(kin_call *c)
{
    int64_t n = kin_channels(c->out);
    return (softmax_loop){.call = c,
                          .scale = (kin_real) * (const double *)c->opt,
                          .rows_per_block = n >= BLOCK ? 1 : BLOCK / n};
}

static int64_t last_row(const softmax_loop *l, int64_t block)
{
    int64_t last = (block + 1) * l->rows_per_block, rows = kin_rows(l->call->out);
    return last < rows ? last : rows;
}

static void softmax_forward_block(void *arg, int64_t block, int worker)
{
    (void)worker;
    const softmax_loop *l = arg;
    int64_t n = kin_channels(l->call->out);
    for (int64_t r = block * l->rows_per_block; r < last_row(l, block); r++)
        softmax_row(row_of(l->call->in[0], r), n, l->scale, kin_out(l->call) + r * n);
}

static void softmax_forward(kin_call *c)
{
    softmax_loop l = softmax_of(c);
    kin_parallel_for(kin_blocks(kin_rows(c->out), l.rows_per_block), softmax_forward_block, &l);
}

static void softmax_backward_block(void *arg, int64_t block, int worker)
{
    (void)worker;
    const softmax_loop *l = arg;
    int64_t n = kin_channels(l->call->out);
    for (int64_t r = block * l->rows_per_block; r < last_row(l, block); r++) {
        const kin_real *g = kin_grad_out(l->call) + r * n, *s = row_of(l->call->out, r);
        double dot = 0;
        for (int64_t i = 0; i < n; i++) dot += (double)(g[i] * s[i]);
        for (int64_t i = 0; i < n; i++) l->dx[r * n + i] += l->scale * s[i] * (g[i] - (kin_real)dot);
    }
}

static void softmax_backward(kin_call *c)
{
    softmax_loop l = softmax_of(c);
    l.dx = kin_grad_add(c, 0);
    if (l.dx) kin_parallel_for(kin_blocks(kin_rows(c->out), l.rows_per_block), softmax_backward_block, &l);
}

static void log_softmax_forward(kin_call *c)
{
    int64_t rows = kin_rows(c->out), n = kin_channels(c->out);
    for (int64_t r = 0; r < rows; r++) {
        const kin_real *x = row_of(c->in[0], r);
        double lse = row_lse(x, n);
        for (int64_t i = 0; i < n; i++) kin_out(c)[r * n + i] = (kin_real)((double)x[i] - lse);
    }
}

static void log_softmax_backward(kin_call *c)
{
    kin_real *dx = kin_grad_add(c, 0);
    int64_t rows = dx ? kin_rows(c->out) : 0, n = kin_channels(c->out);
    for (int64_t r = 0; r < rows; r++) {
        const kin_real *g = kin_grad_out(c) + r * n, *y = row_of(c->out, r);
        double sum = 0;
        for (int64_t i = 0; i < n; i++) sum += (double)g[i];
        for (int64_t i = 0; i < n; i++) dx[r * n + i] += g[i] - exp(y[i]) * (kin_real)sum;
    }
}

static bool lse_infer(kin_call *c, kin_shape *out)
{
    *out = kin_shape_of(c->in[0]);
    out->dim[out->ndim - 1] = 1;
    return true;
}

static void lse_forward(kin_call *c)
{
    int64_t rows = kin_rows(c->in[0]);
    for (int64_t r = 0; r < rows; r++)
        kin_out(c)[r] = (kin_real)row_lse(row_of(c->in[0], r), kin_channels(c->in[0]));
}

static void lse_backward(kin_call *c)
{
    kin_real *dx = kin_grad_add(c, 0);
    int64_t rows = dx ? kin_rows(c->in[0]) : 0, n = kin_channels(c->in[0]);
    for (int64_t r = 0; r < rows; r++) {
        const kin_real *x = row_of(c->in[0], r);
        for (int64_t i = 0; i < n; i++) dx[r * n + i] += kin_grad_out(c)[r] * exp(x[i] - c->out->data[r]);
    }
}

const kin_op kin_op_softmax = {"softmax", .infer = kin_same_shape, .forward = softmax_forward,
                               .backward = softmax_backward, .saves = KIN_SAVES_OUTPUT};
const kin_op kin_op_log_softmax = {"log_softmax", .infer = kin_same_shape, .forward = log_softmax_forward,
                                   .backward = log_softmax_backward, .saves = KIN_SAVES_OUTPUT};
const kin_op kin_op_log_sum_exp = {"log_sum_exp", .infer = lse_infer, .forward = lse_forward,
                                   .backward = lse_backward, .saves = KIN_SAVES_INPUTS | KIN_SAVES_OUTPUT};

kin_tensor *kin_softmax_scaled(kin_tensor *x, double scale)
{
    return kin_apply(&kin_op_softmax, &scale, sizeof scale, x);
}
kin_tensor *kin_softmax(kin_tensor *x) { return kin_softmax_scaled(x, 1); }
kin_tensor *kin_log_softmax(kin_tensor *x) { return kin_apply(&kin_op_log_softmax, NULL, 0, x); }
kin_tensor *kin_log_sum_exp(kin_tensor *x) { return kin_apply(&kin_op_log_sum_exp, NULL, 0, x); }

/* Cross-entropy with label smoothing: targets t_i = (1 − ε)·[i = label] + ε/C, so per row
 *   L = lse(x) − (1 − ε)·x_label − (ε/C)·Σ x_i,   dL/dx_i = s_i − t_i,
 * and the mean over the rows. */
typedef struct cross_entropy_opt {
    const int *labels;
    double smoothing;
} cross_entropy_opt;

static bool cross_entropy_infer(kin_call *c, kin_shape *out)
{
    const cross_entropy_opt *o = c->opt;
    kin_tensor *x = c->in[0];
    if (kin_ndim(x) != 2) return kin_call_fail(c, "expected logits [n, classes]");
    if (!(o->smoothing >= 0 && o->smoothing < 1))
        return kin_call_fail(c, "label smoothing must lie in 0 .. 1");
    for (int64_t r = 0; r < kin_rows(x); r++)
        if (o->labels[r] < 0 || o->labels[r] >= kin_channels(x))
            return kin_call_fail(c, "label %d of row %lld is outside 0 .. %lld", o->labels[r], (long long)r,
                                 (long long)kin_channels(x) - 1);
    *out = KIN_SHAPE(1);
    return true;
}

static void cross_entropy_forward(kin_call *c)
{
    const cross_entropy_opt *o = c->opt;
    int64_t rows = kin_rows(c->in[0]), n = kin_channels(c->in[0]);
    double total = 0;
    for (int64_t r = 0; r < rows; r++) {
        const kin_real *x = row_of(c->in[0], r);
        double sum = 0;
        for (int64_t i = 0; i < n; i++) sum += (double)x[i];
        total += row_lse(x, n) - (1 - o->smoothing) * (double)x[o->labels[r]] -
                 o->smoothing / (double)n * sum;
    }
    kin_out(c)[0] = (kin_real)(total / (double)rows);
}

static void cross_entropy_backward(kin_call *c)
{
    const cross_entropy_opt *o = c->opt;
    kin_real *dx = kin_grad_add(c, 0);
    int64_t rows = dx ? kin_rows(c->in[0]) : 0, n = kin_channels(c->in[0]);
    kin_real g = kin_grad_out(c)[0] / (kin_real)kin_rows(c->in[0]);
    for (int64_t r = 0; r < rows; r++) {
        const kin_real *x = row_of(c->in[0], r);
        kin_real lse = (kin_real)row_lse(x, n), rest = (kin_real)(o->smoothing / (double)n);
        for (int64_t i = 0; i < n; i++)
            dx[r * n + i] += g * (exp(x[i] - lse) - rest -
                                  (i == o->labels[r] ? (kin_real)(1 - o->smoothing) : 0));
    }
}

static const kin_op cross_entropy = {"cross_entropy", .infer = cross_entropy_infer,
                                     .forward = cross_entropy_forward, .backward = cross_entropy_backward,
                                     .saves = KIN_SAVES_INPUTS};

kin_tensor *kin_cross_entropy(kin_tensor *logits, const int *labels, double smoothing)
{
    kin_ctx *ctx = kin_ctx_of(logits);
    if (!ctx || !kin_ok(ctx)) return NULL;
    cross_entropy_opt o = {kin_tape_copy(ctx, labels, (size_t)kin_rows(logits) * sizeof *labels), smoothing};
    return o.labels ? kin_apply(&cross_entropy, &o, sizeof o, logits) : NULL;
}
