/* Sums, differences, products and quotients with NumPy's broadcasting.
 *
 * Both shapes are aligned at the last axis and extended to four axes by 1s; an axis of 1 repeats. The
 * gradient of a repeated number is the sum over its repetitions. */
#include "autograd/op_options.h"
#include "autograd/tape.h"
#include "base/parallel.h"

#include <string.h>

/* A tensor seen with the output's four axes: strides of 0 where it repeats. */
typedef struct view {
    kin_real *data;
    int64_t stride[KIN_MAX_DIMS];
} view;

typedef struct binary_loop {
    int64_t dim[KIN_MAX_DIMS];
    view a, b, y;
    void (*line)(const kin_real *a, int64_t sa, const kin_real *b, int64_t sb, kin_real *y, int64_t n);
} binary_loop;

static view view_of(kin_shape shape, int64_t ld, kin_real *data)
{
    view v = {.data = data};
    int64_t stride = 1;
    for (int axis = shape.ndim - 1, at = KIN_MAX_DIMS - 1; axis >= 0; axis--, at--) {
        if (shape.dim[axis] > 1) v.stride[at] = stride;
        stride = axis == shape.ndim - 1 ? ld : stride * shape.dim[axis];
    }
    return v;
}

static void extend(kin_shape s, int64_t dim[KIN_MAX_DIMS])
{
    for (int at = 0; at < KIN_MAX_DIMS; at++) {
        int axis = at - (KIN_MAX_DIMS - s.ndim);
        dim[at] = axis < 0 ? 1 : s.dim[axis];
    }
}

static bool broadcast_infer(kin_call *c, kin_shape *out)
{
    kin_shape a = kin_shape_of(c->in[0]), b = kin_shape_of(c->in[1]);
    out->ndim = a.ndim > b.ndim ? a.ndim : b.ndim;
    for (int i = 1; i <= out->ndim; i++) {
        int64_t da = i <= a.ndim ? a.dim[a.ndim - i] : 1, db = i <= b.ndim ? b.dim[b.ndim - i] : 1;
        if (da != db && da != 1 && db != 1)
            return kin_call_fail(c, "the shapes do not broadcast: axes must be equal or 1");
        out->dim[out->ndim - i] = da > db ? da : db;
    }
    return true;
}

#define LINE(NAME, EXPRESSION) \
    static void NAME(const kin_real *a, int64_t sa, const kin_real *b, int64_t sb, kin_real *y, int64_t n) \
    { \
        if (sa == 1 && sb == 1) \
            for (int64_t i = 0; i < n; i++) { \
                kin_real p = a[i], q = b[i]; \
                y[i] = (EXPRESSION); \
            } \
        else \
            for (int64_t i = 0; i < n; i++) { \
                kin_real p = a[i * sa], q = b[i * sb]; \
                y[i] = (EXPRESSION); \
            } \
    }
LINE(add_line, p + q)
LINE(sub_line, p - q)
LINE(mul_line, p *q)
LINE(div_line, p / q)

static const kin_real *at(const view *v, int64_t i, int64_t j, int64_t k)
{
    return v->data + i * v->stride[0] + j * v->stride[1] + k * v->stride[2];
}

static void forward_block(void *arg, int64_t block, int worker)
{
    (void)worker;
    const binary_loop *l = arg;
    int64_t i = block / l->dim[1], j = block % l->dim[1];
    for (int64_t k = 0; k < l->dim[2]; k++)
        l->line(at(&l->a, i, j, k), l->a.stride[3], at(&l->b, i, j, k), l->b.stride[3],
                (kin_real *)at(&l->y, i, j, k), l->dim[3]);
}

static void forward(kin_call *c,
                    void (*line)(const kin_real *, int64_t, const kin_real *, int64_t, kin_real *, int64_t))
{
    kin_tensor *a = c->in[0], *b = c->in[1], *y = c->out;
    binary_loop l = {.a = view_of(a->shape, a->ld, a->data),
                     .b = view_of(b->shape, b->ld, b->data),
                     .y = view_of(y->shape, y->ld, y->data),
                     .line = line};
    extend(y->shape, l.dim);
    kin_parallel_for(l.dim[0] * l.dim[1], forward_block, &l);
}

/* The slope with respect to one input, ∂y/∂a or ∂y/∂b from the values p and q of both: of one number, and
 * along a line. */
typedef struct slope {
    kin_real (*of)(kin_real p, kin_real q);
    void (*line)(const kin_real *g, const kin_real *a, int64_t sa, const kin_real *b, int64_t sb,
                 bool accumulate, kin_real *to, int64_t n);
} slope;

#define SLOPE(NAME, EXPRESSION) \
    static kin_real NAME##_of(kin_real p, kin_real q) \
    { \
        (void)p, (void)q; \
        return (EXPRESSION); \
    } \
    static void NAME##_line(const kin_real *g, const kin_real *a, int64_t sa, const kin_real *b, int64_t sb, \
                            bool accumulate, kin_real *to, int64_t n) \
    { \
        (void)a, (void)b; \
        if (sa == 1 && sb == 1 && !accumulate) \
            for (int64_t i = 0; i < n; i++) to[i] = g[i] * NAME##_of(a[i], b[i]); \
        else \
            for (int64_t i = 0; i < n; i++) \
                to[i] = (accumulate ? to[i] : 0) + g[i] * NAME##_of(a[i * sa], b[i * sb]); \
    } \
    static const slope NAME = {NAME##_of, NAME##_line};
SLOPE(one, 1)
SLOPE(minus_one, -1)
SLOPE(first, p)
SLOPE(second, q)
SLOPE(reciprocal, 1 / q)
SLOPE(quotient_slope, -p / (q * q))

typedef struct gradient_loop {
    int64_t dim[KIN_MAX_DIMS];
    view a, b, g, to;
    const slope *slope;
    bool accumulate;
} gradient_loop;

static void gradient_block(void *arg, int64_t block, int worker)
{
    (void)worker;
    const gradient_loop *l = arg;
    int64_t i = block / l->dim[1], j = block % l->dim[1];
    for (int64_t k = 0; k < l->dim[2]; k++)
        l->slope->line(at(&l->g, i, j, k), at(&l->a, i, j, k), l->a.stride[3], at(&l->b, i, j, k),
                       l->b.stride[3], l->accumulate, (kin_real *)at(&l->to, i, j, k), l->dim[3]);
}

/* Adds in the order of memory, which is the sum over repetitions. They are summed in double: a scale that
 * is shared by every pixel must not drown in rounding. */
static void repeated_gradient(kin_call *c, const gradient_loop *l, int64_t count)
{
    double *sums = kin_scratch(c, (size_t)count * sizeof *sums);
    if (!sums) return;
    memset(sums, 0, (size_t)count * sizeof *sums);
    for (int64_t i = 0; i < l->dim[0]; i++)
        for (int64_t j = 0; j < l->dim[1]; j++)
            for (int64_t k = 0; k < l->dim[2]; k++) {
                const kin_real *pa = at(&l->a, i, j, k), *pb = at(&l->b, i, j, k), *pg = at(&l->g, i, j, k);
                double *ps = sums + (at(&l->to, i, j, k) - l->to.data);
                for (int64_t n = 0; n < l->dim[3]; n++)
                    ps[n * l->to.stride[3]] += (double)(pg[n] * l->slope->of(pa[n * l->a.stride[3]],
                                                                             pb[n * l->b.stride[3]]));
            }
    for (int64_t n = 0; n < count; n++)
        l->to.data[n] = (kin_real)(l->accumulate ? (double)l->to.data[n] + sums[n] : sums[n]);
}

/* The last input to be asked may be given the memory of the output's gradient. */
static void input_gradient(kin_call *c, int which, const slope *of)
{
    kin_tensor *a = c->in[0], *b = c->in[1], *y = c->out, *t = c->in[which];
    bool whole = kin_count(t) == kin_count(y), last = which == 1 || !kin_wants_grad(c, 1);
    gradient_loop l = {.slope = of};
    l.g = view_of(y->shape, kin_channels(y), (kin_real *)kin_grad_out(c));
    kin_real *grad = whole && last ? kin_grad_take_over(c, which, &l.accumulate)
                                   : kin_grad_write(c, which, &l.accumulate);
    if (!grad || (grad == l.g.data && of == &one)) return;
    l.a = view_of(a->shape, a->ld, a->data), l.b = view_of(b->shape, b->ld, b->data),
    l.to = view_of(t->shape, kin_channels(t), grad);
    extend(y->shape, l.dim);
    if (whole) kin_parallel_for(l.dim[0] * l.dim[1], gradient_block, &l);
    else repeated_gradient(c, &l, kin_count(t));
}

static void add_forward(kin_call *c) { forward(c, add_line); }
static void sub_forward(kin_call *c) { forward(c, sub_line); }
static void mul_forward(kin_call *c) { forward(c, mul_line); }
static void div_forward(kin_call *c) { forward(c, div_line); }
static void add_backward(kin_call *c) { input_gradient(c, 0, &one), input_gradient(c, 1, &one); }
static void sub_backward(kin_call *c) { input_gradient(c, 0, &one), input_gradient(c, 1, &minus_one); }
static void mul_backward(kin_call *c) { input_gradient(c, 0, &second), input_gradient(c, 1, &first); }
static void div_backward(kin_call *c)
{
    input_gradient(c, 0, &reciprocal), input_gradient(c, 1, &quotient_slope);
}

const kin_op kin_op_add = {"add", .infer = broadcast_infer, .forward = add_forward, .backward = add_backward,
                           .saves = KIN_SAVES_NOTHING};
const kin_op kin_op_sub = {"sub", .infer = broadcast_infer, .forward = sub_forward, .backward = sub_backward,
                           .saves = KIN_SAVES_NOTHING};
const kin_op kin_op_mul = {"mul", .infer = broadcast_infer, .forward = mul_forward, .backward = mul_backward,
                           .saves = KIN_SAVES_INPUTS};
const kin_op kin_op_div = {"div", .infer = broadcast_infer, .forward = div_forward, .backward = div_backward,
                           .saves = KIN_SAVES_INPUTS};

kin_tensor *kin_add(kin_tensor *a, kin_tensor *b) { return kin_apply(&kin_op_add, NULL, 0, a, b); }
kin_tensor *kin_sub_tensor(kin_tensor *a, kin_tensor *b) { return kin_apply(&kin_op_sub, NULL, 0, a, b); }
kin_tensor *kin_mul(kin_tensor *a, kin_tensor *b) { return kin_apply(&kin_op_mul, NULL, 0, a, b); }
kin_tensor *kin_div(kin_tensor *a, kin_tensor *b) { return kin_apply(&kin_op_div, NULL, 0, a, b); }

/* x·scale + shift with constants. */
typedef kin_scale_call scale_opt;

static void scale_forward(kin_call *c)
{
    const scale_opt *o = c->opt;
    kin_tensor *x = c->in[0], *y = c->out;
    int64_t rows = kin_rows(x), channels = kin_channels(x);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t i = 0; i < channels; i++)
            y->data[r * channels + i] = x->data[r * x->ld + i] * (kin_real)o->scale + (kin_real)o->shift;
}

static void scale_backward(kin_call *c)
{
    const scale_opt *o = c->opt;
    bool accumulate;
    kin_real *dx = kin_grad_write(c, 0, &accumulate);
    const kin_real *g = kin_grad_out(c);
    int64_t count = dx ? kin_count(c->out) : 0;
    for (int64_t i = 0; i < count; i++) dx[i] = (accumulate ? dx[i] : 0) + g[i] * (kin_real)o->scale;
}

const kin_op kin_op_scale = {"scale", .infer = kin_same_shape, .forward = scale_forward,
                             .backward = scale_backward, .saves = KIN_SAVES_NOTHING};

kin_tensor *kin_scale(kin_tensor *x, double scale, double shift)
{
    scale_opt o = {scale, shift};
    return kin_apply(&kin_op_scale, &o, sizeof o, x);
}
