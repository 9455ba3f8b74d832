/* Sums, means and maxima over axes. Each input row (a run of channels) belongs to one output row; the
 * sums run in double and in the order of memory. */
#include "autograd/op_options.h"
#include "autograd/tape.h"

#include <math.h>
#include <string.h>

typedef kin_reduce_call reduce_opt;

static unsigned axes_of(const kin_call *c)
{
    unsigned all = (1u << kin_ndim(c->in[0])) - 1, axes = ((const reduce_opt *)c->opt)->axes;
    return axes ? axes & all : all;
}

static bool reduce_infer(kin_call *c, kin_shape *out)
{
    kin_shape s = kin_shape_of(c->in[0]);
    unsigned all = (1u << s.ndim) - 1, axes = axes_of(c);
    if (((const reduce_opt *)c->opt)->axes & ~all) return kin_call_fail(c, "an axis is outside the shape");
    *out = s;
    for (int i = 0; i < s.ndim; i++)
        if (axes >> i & 1) out->dim[i] = 1;
    if (axes == all) *out = KIN_SHAPE(1);
    return true;
}

/* How many numbers go into one of the output. */
static double reduced(const kin_call *c) { return (double)kin_count(c->in[0]) / (double)kin_count(c->out); }

static bool channels_reduced(const kin_call *c) { return axes_of(c) >> (kin_ndim(c->in[0]) - 1) & 1; }

/* The output row that input row r goes to: its index over the axes that stay, channels aside. */
static int64_t out_row(const kin_call *c, int64_t r)
{
    const kin_tensor *x = c->in[0];
    unsigned axes = axes_of(c);
    int64_t row = 0, stride = 1;
    for (int i = kin_ndim(x) - 2; i >= 0; i--) {
        int64_t index = r % kin_dim(x, i);
        r /= kin_dim(x, i);
        if (axes >> i & 1) continue;
        row += index * stride;
        stride *= kin_dim(x, i);
    }
    return row;
}

/* Element (r, k) of the input goes to this element of the output. */
static int64_t out_at(const kin_call *c, int64_t row, int64_t k)
{
    return channels_reduced(c) ? row : row * kin_channels(c->in[0]) + k;
}

static void sum_scaled(kin_call *c, double scale)
{
    const kin_tensor *x = c->in[0];
    int64_t rows = kin_rows(x), channels = kin_channels(x), count = kin_count(c->out);
    bool whole = channels_reduced(c);
    double *sums = kin_scratch(c, (size_t)count * sizeof *sums);
    if (!sums) return;
    memset(sums, 0, (size_t)count * sizeof *sums);
    for (int64_t r = 0; r < rows; r++) {
        double *to = sums + out_at(c, out_row(c, r), 0);
        for (int64_t k = 0; k < channels; k++) to[whole ? 0 : k] += (double)x->data[r * x->ld + k];
    }
    for (int64_t i = 0; i < count; i++) kin_out(c)[i] = (kin_real)(sums[i] * scale);
}

static void spread_scaled(kin_call *c, double scale)
{
    bool accumulate, whole = channels_reduced(c);
    kin_real *dx = kin_grad_write(c, 0, &accumulate);
    const kin_real *g = kin_grad_out(c);
    int64_t rows = dx ? kin_rows(c->in[0]) : 0, channels = kin_channels(c->in[0]);
    for (int64_t r = 0; r < rows; r++) {
        const kin_real *from = g + out_at(c, out_row(c, r), 0);
        for (int64_t k = 0; k < channels; k++) {
            kin_real *to = dx + r * channels + k;
            *to = (accumulate ? *to : 0) + from[whole ? 0 : k] * (kin_real)scale;
        }
    }
}

static void sum_forward(kin_call *c) { sum_scaled(c, 1); }
static void sum_backward(kin_call *c) { spread_scaled(c, 1); }
static void mean_forward(kin_call *c) { sum_scaled(c, 1 / reduced(c)); }
static void mean_backward(kin_call *c) { spread_scaled(c, 1 / reduced(c)); }

/* Remembers where each maximum was found; NaN counts as larger than all, so that it is seen. */
static void max_forward(kin_call *c)
{
    const kin_tensor *x = c->in[0];
    int64_t rows = kin_rows(x), channels = kin_channels(x), count = kin_count(c->out);
    int64_t *winner = kin_save(c, (size_t)count * sizeof *winner);
    if (!winner) return;
    for (int64_t i = 0; i < count; i++) winner[i] = -1;
    for (int64_t r = 0; r < rows; r++) {
        int64_t row = out_row(c, r);
        for (int64_t k = 0; k < channels; k++) {
            int64_t to = out_at(c, row, k);
            kin_real value = x->data[r * x->ld + k], *best = kin_out(c) + to;
            if (winner[to] >= 0 && !(value > *best) && !(isnan(value) && !isnan(*best))) continue;
            winner[to] = r * channels + k;
            *best = value;
        }
    }
}

static void max_backward(kin_call *c)
{
    kin_real *dx = kin_grad_add(c, 0);
    const int64_t *winner = c->saved;
    for (int64_t i = 0; dx && i < kin_count(c->out); i++) dx[winner[i]] += kin_grad_out(c)[i];
}

const kin_op kin_op_sum = {"sum", .infer = reduce_infer, .forward = sum_forward, .backward = sum_backward,
                           .saves = KIN_SAVES_NOTHING};
const kin_op kin_op_mean = {"mean", .infer = reduce_infer, .forward = mean_forward, .backward = mean_backward,
                            .saves = KIN_SAVES_NOTHING};
const kin_op kin_op_max = {"max", .infer = reduce_infer, .forward = max_forward, .backward = max_backward,
                           .saves = KIN_SAVES_NOTHING};

static kin_tensor *reduce(const kin_op *op, kin_tensor *x, unsigned axes)
{
    reduce_opt o = {axes};
    return kin_apply(op, &o, sizeof o, x);
}
kin_tensor *kin_sum(kin_tensor *x, unsigned axes) { return reduce(&kin_op_sum, x, axes); }
kin_tensor *kin_mean(kin_tensor *x, unsigned axes) { return reduce(&kin_op_mean, x, axes); }
kin_tensor *kin_max(kin_tensor *x, unsigned axes) { return reduce(&kin_op_max, x, axes); }
