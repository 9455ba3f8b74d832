/* Ops that move numbers without changing them. Their gradients move back the same way. */
#include "autograd/op_options.h"
#include "autograd/rows.h"
#include "autograd/tape.h"
#include "base/parallel.h"

#include <string.h>

/* ---- reshape: a view of a packed tensor ---- */

static bool reshape_infer(kin_call *c, kin_shape *out)
{
    *out = *(const kin_shape *)c->opt;
    char text[128];
    if (kin_shape_count(*out) != kin_count(c->in[0]))
        return kin_call_fail(c, "cannot become %s: the counts differ",
                             kin_shape_text(*out, text, sizeof text));
    return true;
}

static void copy_rows(const kin_real *from, int64_t from_ld, kin_real *to, int64_t to_ld, int64_t rows,
                      int64_t channels)
{
    for (int64_t r = 0; r < rows; r++)
        memcpy(to + r * to_ld, from + r * from_ld, (size_t)channels * sizeof *to);
}

static void pack(kin_call *c)
{
    copy_rows(c->in[0]->data, c->in[0]->ld, kin_out(c), kin_channels(c->in[0]), kin_rows(c->in[0]),
              kin_channels(c->in[0]));
}

static void pass_back(kin_call *c)
{
    bool accumulate;
    kin_real *dx = kin_grad_write(c, 0, &accumulate);
    const kin_real *g = kin_grad_out(c);
    int64_t count = dx ? kin_count(c->out) : 0;
    for (int64_t i = 0; i < count; i++) dx[i] = accumulate ? dx[i] + g[i] : g[i];
}

const kin_op kin_op_reshape = {"reshape", .infer = reshape_infer, .forward = pack, .backward = pass_back,
                               .saves = KIN_SAVES_NOTHING};
kin_tensor *kin_reshape(kin_tensor *x, kin_shape shape)
{
    return kin_apply(&kin_op_reshape, &shape, sizeof shape, x);
}

/* ---- flatten: [n, h, w, c] → [n, c·h·w], channel by channel ---- */

static bool flatten_infer(kin_call *c, kin_shape *out)
{
    if (kin_ndim(c->in[0]) != 4) return kin_call_fail(c, "expected [n, h, w, c]");
    *out = KIN_SHAPE(kin_dim(c->in[0], 0),
                     kin_dim(c->in[0], 1) * kin_dim(c->in[0], 2) * kin_dim(c->in[0], 3));
    return true;
}

static void flatten_forward(kin_call *c)
{
    kin_tensor *x = c->in[0];
    int64_t batch = kin_dim(x, 0), pixels = kin_dim(x, 1) * kin_dim(x, 2), channels = kin_dim(x, 3);
    kin_real *y = kin_out(c);
    for (int64_t n = 0; n < batch; n++)
        for (int64_t p = 0; p < pixels; p++)
            for (int64_t i = 0; i < channels; i++)
                y[(n * channels + i) * pixels + p] = x->data[(n * pixels + p) * x->ld + i];
}

static void flatten_backward(kin_call *c)
{
    kin_tensor *x = c->in[0];
    bool accumulate;
    kin_real *dx = kin_grad_write(c, 0, &accumulate);
    const kin_real *g = kin_grad_out(c);
    int64_t batch = dx ? kin_dim(x, 0) : 0, pixels = kin_dim(x, 1) * kin_dim(x, 2), channels = kin_dim(x, 3);
    for (int64_t n = 0; n < batch; n++)
        for (int64_t p = 0; p < pixels; p++)
            for (int64_t i = 0; i < channels; i++) {
                int64_t at = (n * pixels + p) * channels + i;
                dx[at] = (accumulate ? dx[at] : 0) + g[(n * channels + i) * pixels + p];
            }
}

const kin_op kin_op_flatten = {"flatten", .infer = flatten_infer, .forward = flatten_forward,
                               .backward = flatten_backward, .saves = KIN_SAVES_NOTHING};
kin_tensor *kin_flatten(kin_tensor *x) { return kin_apply(&kin_op_flatten, NULL, 0, x); }

/* ---- concat along channels ---- */

static bool concat_infer(kin_call *c, kin_shape *out)
{
    *out = kin_shape_of(c->in[0]);
    for (int i = 1; i < c->n_in; i++) {
        kin_shape s = kin_shape_of(c->in[i]);
        out->dim[out->ndim - 1] += kin_channels(c->in[i]);
        s.dim[s.ndim - 1] = out->dim[out->ndim - 1];
        if (!kin_shape_equal(s, *out))
            return kin_call_fail(c, "all axes but the channels must be equal; input %d differs", i);
    }
    return true;
}

enum { CONCAT_ROWS = 64 };

/* Some rows of the output, each written from its first channel to its last. */
static void concat_block(void *arg, int64_t block, int worker)
{
    (void)worker;
    const kin_call *c = arg;
    int64_t width = kin_channels(c->out), row = block * CONCAT_ROWS, left = kin_rows(c->out) - row,
            rows = left < CONCAT_ROWS ? left : CONCAT_ROWS, first = 0;
    for (int i = 0; i < c->n_in; first += kin_channels(c->in[i++])) {
        const kin_tensor *x = c->in[i];
        copy_rows(x->data + row * x->ld, x->ld, c->out->data + row * width + first, width, rows,
                  kin_channels(x));
    }
}

static void concat_forward(kin_call *c)
{
    kin_parallel_for(kin_blocks(kin_rows(c->out), CONCAT_ROWS), concat_block, c);
}

static void concat_backward(kin_call *c)
{
    int64_t first = 0;
    for (int i = 0; i < c->n_in; first += kin_channels(c->in[i++])) {
        kin_rows_move m = {.from = kin_grad_out(c) + first,
                           .from_ld = kin_channels(c->out),
                           .rows = kin_rows(c->out),
                           .channels = kin_channels(c->in[i])};
        m.to = kin_grad_write(c, i, &m.add), m.to_ld = m.channels;
        if (m.to) kin_move_rows(&m);
    }
}

const kin_op kin_op_concat = {"concat", .infer = concat_infer, .forward = concat_forward,
                              .backward = concat_backward, .saves = KIN_SAVES_NOTHING};
kin_tensor *kin_concat(kin_tensor *const *xs, int count)
{
    return count > 0 ? kin_apply_n(&kin_op_concat, NULL, 0, xs, count) : NULL;
}

/* ---- slices: views ---- */

typedef kin_slice_call slice_opt;

static bool slice_check(kin_call *c, int64_t size)
{
    const slice_opt *o = c->opt;
    if (o->first < 0 || o->count < 1 || o->first > size - o->count)
        return kin_call_fail(c, "%lld from %lld on is outside the axis of %lld", (long long)o->count,
                             (long long)o->first, (long long)size);
    return true;
}

static bool slice_infer(kin_call *c, kin_shape *out)
{
    *out = kin_shape_of(c->in[0]);
    out->dim[out->ndim - 1] = ((const slice_opt *)c->opt)->count;
    return slice_check(c, kin_channels(c->in[0]));
}

static void slice_alias(kin_call *c)
{
    kin_alias(c, c->in[0]->data + ((const slice_opt *)c->opt)->first, c->in[0]->ld);
}

static void slice_backward(kin_call *c)
{
    const slice_opt *o = c->opt;
    kin_real *dx = kin_grad_add(c, 0);
    const kin_real *g = kin_grad_out(c);
    int64_t rows = dx ? kin_rows(c->out) : 0, width = kin_channels(c->in[0]);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t k = 0; k < o->count; k++) dx[r * width + o->first + k] += g[r * o->count + k];
}

const kin_op kin_op_slice = {"slice", .infer = slice_infer, .alias = slice_alias, .backward = slice_backward,
                             .saves = KIN_SAVES_NOTHING};
kin_tensor *kin_slice(kin_tensor *x, int64_t first, int64_t count)
{
    slice_opt o = {first, count};
    return kin_apply(&kin_op_slice, &o, sizeof o, x);
}

static bool slice_rows_infer(kin_call *c, kin_shape *out)
{
    *out = kin_shape_of(c->in[0]);
    int64_t size = out->dim[0];
    if (out->ndim < 2) return kin_call_fail(c, "expected at least two axes");
    out->dim[0] = ((const slice_opt *)c->opt)->count;
    return slice_check(c, size);
}

/* Rows of the matrix view for each index of the first axis. */
static int64_t rows_each(const kin_tensor *x) { return kin_rows(x) / kin_dim(x, 0); }

static void slice_rows_alias(kin_call *c)
{
    kin_tensor *x = c->in[0];
    kin_alias(c, x->data + ((const slice_opt *)c->opt)->first * rows_each(x) * x->ld, x->ld);
}

static void slice_rows_backward(kin_call *c)
{
    kin_real *dx = kin_grad_add(c, 0);
    const kin_real *g = kin_grad_out(c);
    if (!dx) return;
    dx += ((const slice_opt *)c->opt)->first * rows_each(c->in[0]) * kin_channels(c->in[0]);
    for (int64_t i = 0; i < kin_count(c->out); i++) dx[i] += g[i];
}

const kin_op kin_op_slice_rows = {"slice_rows", .infer = slice_rows_infer, .alias = slice_rows_alias,
                                  .backward = slice_rows_backward, .saves = KIN_SAVES_NOTHING};
kin_tensor *kin_slice_rows(kin_tensor *x, int64_t first, int64_t count)
{
    slice_opt o = {first, count};
    return kin_apply(&kin_op_slice_rows, &o, sizeof o, x);
}

/* ---- gather: single elements of a matrix ---- */

typedef struct gather_opt {
    const int64_t *rows, *columns;
    int64_t count;
} gather_opt;

static bool gather_infer(kin_call *c, kin_shape *out)
{
    const gather_opt *o = c->opt;
    kin_tensor *x = c->in[0];
    if (o->count < 1) return kin_call_fail(c, "no element was asked for");
    for (int64_t i = 0; i < o->count; i++)
        if (o->rows[i] < 0 || o->rows[i] >= kin_rows(x) || o->columns[i] < 0 ||
            o->columns[i] >= kin_channels(x))
            return kin_call_fail(c, "element %lld, (%lld, %lld), is outside the matrix", (long long)i,
                                 (long long)o->rows[i], (long long)o->columns[i]);
    *out = KIN_SHAPE(o->count);
    return true;
}

static void gather_forward(kin_call *c)
{
    const gather_opt *o = c->opt;
    for (int64_t i = 0; i < o->count; i++)
        kin_out(c)[i] = c->in[0]->data[o->rows[i] * c->in[0]->ld + o->columns[i]];
}

static void gather_backward(kin_call *c)
{
    const gather_opt *o = c->opt;
    kin_real *dx = kin_grad_add(c, 0);
    int64_t width = kin_channels(c->in[0]);
    for (int64_t i = 0; dx && i < o->count; i++) dx[o->rows[i] * width + o->columns[i]] += kin_grad_out(c)[i];
}

static const kin_op gather = {"gather", .infer = gather_infer, .forward = gather_forward,
                              .backward = gather_backward, .saves = KIN_SAVES_NOTHING};

kin_tensor *kin_gather(kin_tensor *x, const int64_t *rows, const int64_t *columns, int64_t count)
{
    kin_ctx *ctx = kin_ctx_of(x);
    if (!ctx || !kin_ok(ctx)) return NULL;
    size_t bytes = (size_t)(count > 0 ? count : 0) * sizeof *rows;
    gather_opt o = {kin_tape_copy(ctx, rows, bytes), kin_tape_copy(ctx, columns, bytes), count};
    return kin_apply(&gather, &o, sizeof o, x);
}
