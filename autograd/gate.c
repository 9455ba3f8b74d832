/* What attention does to a map: every channel or every pixel times a number of its own, and a branch added
 * with a trainable weight.
 *
 *   gate          y = x·a,  a repeated over pixels [n, c] or over channels [n, h, w, 1];
 *                 dx = g·a,  da = Σ g·x over the repetitions
 *   add_weighted  y = x + w·b, w one number;  dx = g,  db = w·g,  dw = Σ g·b
 *
 * kin_mul and kin_add say the same; these run over all cores and keep no product. */
#include "autograd/op_options.h"
#include "autograd/ops.h"
#include "autograd/tape.h"
#include "base/parallel.h"

enum { BLOCK = 1 << 12 }; /* numbers a block of a parallel loop */

static int64_t rows_a_block(const kin_tensor *t)
{
    return kin_channels(t) >= BLOCK ? 1 : BLOCK / kin_channels(t);
}
static int64_t end_of(int64_t block, int64_t rows_per_block, int64_t rows)
{
    return (block + 1) * rows_per_block < rows ? (block + 1) * rows_per_block : rows;
}

/* ---- gate ---- */

typedef struct gate_loop {
    const kin_tensor *x, *a;
    const kin_real *g;
    kin_real *to;
    double *sums; /* [n, c], for the gradient of a gate of channels */
    int64_t rows_per_block, pixels;
    bool channels, accumulate;
} gate_loop;

static bool gates_channels(const kin_call *c)
{
    return kin_count(c->in[1]) == kin_dim(c->in[0], 0) * kin_channels(c->in[0]) &&
           kin_channels(c->in[1]) == kin_channels(c->in[0]);
}

static bool gate_infer(kin_call *c, kin_shape *out)
{
    kin_shape x = kin_shape_of(c->in[0]), a = kin_shape_of(c->in[1]);
    if (x.ndim != 4) return kin_call_fail(c, "expected a map [n, h, w, c]");
    *out = x;
    if (kin_shape_equal(a, KIN_SHAPE(x.dim[0], x.dim[3])) ||
        kin_shape_equal(a, KIN_SHAPE(x.dim[0], 1, 1, x.dim[3])))
        return true;
    if (kin_shape_equal(a, KIN_SHAPE(x.dim[0], x.dim[1], x.dim[2], 1))) return true;
    return kin_call_fail(c, "expected a gate for each channel, [n, c], or for each pixel, [n, h, w, 1]");
}

static gate_loop gate_of(const kin_call *c)
{
    const kin_tensor *x = c->in[0];
    return (gate_loop){.x = x,
                       .a = c->in[1],
                       .rows_per_block = rows_a_block(x),
                       .pixels = kin_dim(x, 1) * kin_dim(x, 2),
                       .channels = gates_channels(c)};
}

/* to = from·a for the block's rows: forward with x, backward with g. */
static void times_gate(const gate_loop *l, const kin_real *from, int64_t ld, int64_t block)
{
    int64_t channels = kin_channels(l->x), last = end_of(block, l->rows_per_block, kin_rows(l->x));
    for (int64_t r = block * l->rows_per_block; r < last; r++) {
        const kin_real *in = from + r * ld, *a = l->a->data + (l->channels ? r / l->pixels : r) * l->a->ld;
        kin_real *to = l->to + r * channels, whole = a[0];
        if (l->channels && l->accumulate)
            for (int64_t k = 0; k < channels; k++) to[k] += in[k] * a[k];
        else if (l->channels)
            for (int64_t k = 0; k < channels; k++) to[k] = in[k] * a[k];
        else
            for (int64_t k = 0; k < channels; k++) to[k] = (l->accumulate ? to[k] : 0) + in[k] * whole;
    }
}

static void gate_forward_block(void *arg, int64_t block, int worker)
{
    (void)worker;
    const gate_loop *l = arg;
    times_gate(l, l->x->data, l->x->ld, block);
}

static void gate_backward_block(void *arg, int64_t block, int worker)
{
    (void)worker;
    const gate_loop *l = arg;
    times_gate(l, l->g, kin_channels(l->x), block);
}

/* One sample's sums over its pixels. */
static void channel_sums(void *arg, int64_t sample, int worker)
{
    (void)worker;
    const gate_loop *l = arg;
    int64_t channels = kin_channels(l->x);
    double *sums = l->sums + sample * channels;
    for (int64_t k = 0; k < channels; k++) sums[k] = 0;
    for (int64_t r = sample * l->pixels; r < (sample + 1) * l->pixels; r++) {
        const kin_real *g = l->g + r * channels, *x = l->x->data + r * l->x->ld;
        for (int64_t k = 0; k < channels; k++) sums[k] += (double)(g[k] * x[k]);
    }
    kin_real *to = l->to + sample * channels;
    for (int64_t k = 0; k < channels; k++)
        to[k] = (kin_real)(l->accumulate ? (double)to[k] + sums[k] : sums[k]);
}

static void pixel_sums(void *arg, int64_t block, int worker)
{
    (void)worker;
    const gate_loop *l = arg;
    int64_t channels = kin_channels(l->x), last = end_of(block, l->rows_per_block, kin_rows(l->x));
    for (int64_t r = block * l->rows_per_block; r < last; r++) {
        const kin_real *g = l->g + r * channels, *x = l->x->data + r * l->x->ld;
        double sum = 0;
        for (int64_t k = 0; k < channels; k++) sum += (double)(g[k] * x[k]);
        l->to[r] = (kin_real)(l->accumulate ? (double)l->to[r] + sum : sum);
    }
}

static void gate_forward(kin_call *c)
{
    gate_loop l = gate_of(c);
    l.to = kin_out(c);
    kin_parallel_for(kin_blocks(kin_rows(l.x), l.rows_per_block), gate_forward_block, &l);
}

static void gate_backward(kin_call *c)
{
    gate_loop l = gate_of(c);
    int64_t blocks = kin_blocks(kin_rows(l.x), l.rows_per_block);
    l.g = kin_grad_out(c);
    l.to = kin_grad_write(c, 0, &l.accumulate);
    if (l.to) kin_parallel_for(blocks, gate_backward_block, &l);
    l.to = kin_grad_write(c, 1, &l.accumulate);
    if (!l.to) return;
    if (!l.channels) {
        kin_parallel_for(blocks, pixel_sums, &l);
        return;
    }
    l.sums = kin_scratch(c, (size_t)kin_count(l.a) * sizeof *l.sums);
    if (l.sums) kin_parallel_for(kin_dim(l.x, 0), channel_sums, &l);
}

const kin_op kin_op_gate = {"gate", .infer = gate_infer, .forward = gate_forward, .backward = gate_backward,
                            .saves = KIN_SAVES_INPUTS};
kin_tensor *kin_gate(kin_tensor *x, kin_tensor *a) { return kin_apply(&kin_op_gate, NULL, 0, x, a); }

/* ---- x + w·b ---- */

typedef struct weighted_loop {
    const kin_tensor *x, *b;
    const kin_real *g;
    kin_real weight, *to;
    double *sums; /* one a block */
    int64_t rows_per_block;
    bool accumulate;
} weighted_loop;

static bool weighted_infer(kin_call *c, kin_shape *out)
{
    *out = kin_shape_of(c->in[0]);
    if (!kin_shape_equal(*out, kin_shape_of(c->in[1])) || kin_count(c->in[2]) != 1)
        return kin_call_fail(c, "expected two tensors of one shape, and one number as weight");
    return true;
}

static weighted_loop weighted_of(const kin_call *c)
{
    return (weighted_loop){
        .x = c->in[0], .b = c->in[1], .weight = c->in[2]->data[0], .rows_per_block = rows_a_block(c->in[0])};
}

static void weighted_forward_block(void *arg, int64_t block, int worker)
{
    (void)worker;
    const weighted_loop *l = arg;
    int64_t channels = kin_channels(l->x), last = end_of(block, l->rows_per_block, kin_rows(l->x));
    for (int64_t r = block * l->rows_per_block; r < last; r++) {
        const kin_real *x = l->x->data + r * l->x->ld, *b = l->b->data + r * l->b->ld;
        for (int64_t k = 0; k < channels; k++) l->to[r * channels + k] = x[k] + l->weight * b[k];
    }
}

static void weighted_backward_block(void *arg, int64_t block, int worker)
{
    (void)worker;
    const weighted_loop *l = arg;
    int64_t channels = kin_channels(l->x), last = end_of(block, l->rows_per_block, kin_rows(l->x)) * channels;
    for (int64_t i = block * l->rows_per_block * channels; i < last; i++)
        l->to[i] = (l->accumulate ? l->to[i] : 0) + l->weight * l->g[i];
}

static void weight_sum_block(void *arg, int64_t block, int worker)
{
    (void)worker;
    const weighted_loop *l = arg;
    int64_t channels = kin_channels(l->x), last = end_of(block, l->rows_per_block, kin_rows(l->x));
    double sum = 0;
    for (int64_t r = block * l->rows_per_block; r < last; r++) {
        const kin_real *g = l->g + r * channels, *b = l->b->data + r * l->b->ld;
        for (int64_t k = 0; k < channels; k++) sum += (double)g[k] * (double)b[k];
    }
    l->sums[block] = sum;
}

static void weighted_forward(kin_call *c)
{
    weighted_loop l = weighted_of(c);
    l.to = kin_out(c);
    kin_parallel_for(kin_blocks(kin_rows(l.x), l.rows_per_block), weighted_forward_block, &l);
}

static void weighted_backward(kin_call *c)
{
    weighted_loop l = weighted_of(c);
    int64_t blocks = kin_blocks(kin_rows(l.x), l.rows_per_block);
    kin_real weight = l.weight;
    l.g = kin_grad_out(c);
    for (int i = 0; i < 2; i++) {
        l.weight = i ? weight : 1;
        l.to = kin_grad_write(c, i, &l.accumulate);
        if (l.to) kin_parallel_for(blocks, weighted_backward_block, &l);
    }
    kin_real *dw = kin_grad_add(c, 2);
    l.sums = dw ? kin_scratch(c, (size_t)blocks * sizeof *l.sums) : NULL;
    if (!l.sums) return;
    kin_parallel_for(blocks, weight_sum_block, &l);
    double sum = 0;
    for (int64_t i = 0; i < blocks; i++) sum += l.sums[i];
    dw[0] += (kin_real)sum;
}

const kin_op kin_op_add_weighted = {"add_weighted", .infer = weighted_infer, .forward = weighted_forward,
                                    .backward = weighted_backward, .saves = KIN_SAVES_INPUTS};
kin_tensor *kin_add_weighted(kin_tensor *x, kin_tensor *b, kin_tensor *weight)
{
    return kin_apply(&kin_op_add_weighted, NULL, 0, x, b, weight);
}
