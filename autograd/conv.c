/* Two-dimensional convolution, forward and backward side by side.
 *
 *   y[n, oh, ow, o] = b[o] + Σ_{kh, kw, i} x[n, oh·s − p + kh·d, ow·s − p + kw·d, i] · w[kh, kw, i, o]
 *
 * It is linear in x, in w and in b, so with g = ∂L/∂y:
 *
 *   ∂L/∂x[n, ih, iw, i]   = Σ g[n, oh, ow, o] · w[kh, kw, i, o]   over all (oh, kh), (ow, kw) on the pixel
 *   ∂L/∂w[kh, kw, i, o]   = Σ_{n, oh, ow} x[n, oh·s − p + kh·d, …, i] · g[n, oh, ow, o]
 *   ∂L/∂b[o]              = Σ_{n, oh, ow} g[n, oh, ow, o]
 *
 * The sums themselves are kernels/conv/conv.h's; reference/conv.c has them as plain loops. */
#include "autograd/conv_folded.h"
#include "autograd/conv_shape.h"
#include "autograd/deferred.h"
#include "autograd/op_options.h"
#include "autograd/tape.h"
#include "kernels/conv/conv.h"
#include "kernels/conv/inverted.h"

static int64_t or_one(int64_t n) { return n ? n : 1; }

static kin_conv2d_pads pads_of(const kin_conv2d_opt *o)
{
    if (o->pads.top || o->pads.left || o->pads.bottom || o->pads.right) return o->pads;
    return (kin_conv2d_pads){o->pad, o->pad, o->pad, o->pad};
}

/* How many outputs fit: ⌊(in + pads − reach) / stride⌋ + 1 with reach = dilation·(kernel − 1) + 1. */
static int64_t outputs(int64_t in, int64_t pads, int64_t kernel, int64_t dilation, int64_t stride)
{
    int64_t room = in + pads - (dilation * (kernel - 1) + 1);
    return room < 0 ? 0 : room / stride + 1;
}

bool kin_conv2d_fits(kin_call *c, const kin_conv2d_opt *o, kin_shape weight, kin_shape *out)
{
    const kin_tensor *x = c->in[0];
    const int64_t *w = weight.dim;
    kin_conv2d_pads p = pads_of(o);
    int64_t stride = or_one(o->stride), dilation = or_one(o->dilation), groups = or_one(o->groups),
            limit = 1 << 20;
    if (kin_ndim(x) != 4 || weight.ndim != 4)
        return kin_call_fail(c, "expected x [n, h, w, c] and weights [kh, kw, c/groups, out]");
    if (stride < 1 || dilation < 1 || groups < 1 || p.top < 0 || p.left < 0 || p.bottom < 0 || p.right < 0)
        return kin_call_fail(c, "stride, dilation and groups must be positive, padding not negative");
    if (stride > limit || dilation > limit || p.top > limit || p.left > limit || p.bottom > limit ||
        p.right > limit)
        return kin_call_fail(c, "stride, dilation and padding are limited to %lld", (long long)limit);
    if (kin_dim(x, 3) % groups || w[3] % groups || kin_dim(x, 3) / groups != w[2])
        return kin_call_fail(c, "%lld input channels in %lld groups do not fit these weights",
                             (long long)kin_dim(x, 3), (long long)groups);
    int64_t oh = outputs(kin_dim(x, 1), p.top + p.bottom, w[0], dilation, stride);
    int64_t ow = outputs(kin_dim(x, 2), p.left + p.right, w[1], dilation, stride);
    if (oh < 1 || ow < 1) return kin_call_fail(c, "the kernel does not fit into the padded input");
    *out = KIN_SHAPE(kin_dim(x, 0), oh, ow, w[3]);
    return true;
}

static bool conv2d_infer(kin_call *c, kin_shape *out)
{
    if (!kin_conv2d_fits(c, c->opt, kin_shape_of(c->in[1]), out)) return false;
    int64_t channels = out->dim[3];
    return c->n_in < 3 || kin_count(c->in[2]) == channels ||
           kin_call_fail(c, "the bias needs one number for each of %lld outputs", (long long)channels);
}

static kin_conv_shape geometry(const kin_tensor *x, kin_shape weight, const kin_tensor *y,
                               const kin_conv2d_opt *o)
{
    const int64_t *w = weight.dim;
    kin_conv2d_pads p = pads_of(o);
    return (kin_conv_shape){.batch = kin_dim(x, 0),
                            .in_h = kin_dim(x, 1),
                            .in_w = kin_dim(x, 2),
                            .in_c = kin_dim(x, 3),
                            .in_ld = x->ld,
                            .out_h = kin_dim(y, 1),
                            .out_w = kin_dim(y, 2),
                            .out_c = kin_dim(y, 3),
                            .out_ld = y->ld,
                            .kernel_h = w[0],
                            .kernel_w = w[1],
                            .stride_h = or_one(o->stride),
                            .stride_w = or_one(o->stride),
                            .pad_top = p.top,
                            .pad_left = p.left,
                            .dilation_h = or_one(o->dilation),
                            .dilation_w = or_one(o->dilation),
                            .groups = or_one(o->groups)};
}

kin_conv_shape kin_conv2d_shape(const kin_tensor *x, kin_shape weight, const kin_conv2d_opt *o)
{
    const int64_t *w = weight.dim, stride = or_one(o->stride), dilation = or_one(o->dilation);
    kin_conv2d_pads p = pads_of(o);
    kin_tensor y = {.ld = w[3]}; /* no numbers: a shape alone */
    y.shape = KIN_SHAPE(kin_dim(x, 0), outputs(kin_dim(x, 1), p.top + p.bottom, w[0], dilation, stride),
                        outputs(kin_dim(x, 2), p.left + p.right, w[1], dilation, stride), w[3]);
    return geometry(x, weight, &y, o);
}

static bool conv2d_reads_deferred(const kin_call *c, int i)
{
    kin_conv_shape shape = geometry(c->in[0], kin_shape_of(c->in[1]), c->out, c->opt);
    return i == 0 && kin_conv_begins(&shape);
}

static void conv2d_forward(kin_call *c)
{
    kin_conv_shape shape = geometry(c->in[0], kin_shape_of(c->in[1]), c->out, c->opt);
    void *workspace = kin_scratch(c, kin_conv_workspace(&shape));
    kin_source x = kin_source_of(c->in[0]);
    shape.in_ld = x.ld;
    if (workspace)
        kin_conv_forward(&shape, x.data, x.begin, c->in[1]->data, c->n_in == 3 ? c->in[2]->data : NULL,
                         kin_out(c), workspace);
}

static void bias_gradient(kin_call *c, const kin_real *g)
{
    kin_real *db = kin_grad_add(c, 2);
    int64_t rows = kin_rows(c->out), channels = kin_channels(c->out);
    double *sum = db ? kin_scratch(c, (size_t)channels * sizeof *sum) : NULL;
    if (!sum) return;
    for (int64_t o = 0; o < channels; o++) sum[o] = 0;
    for (int64_t r = 0; r < rows; r++)
        for (int64_t o = 0; o < channels; o++) sum[o] += (double)g[r * channels + o];
    for (int64_t o = 0; o < channels; o++) db[o] += (kin_real)sum[o];
}

static void conv2d_backward(kin_call *c)
{
    kin_conv_shape shape = geometry(c->in[0], kin_shape_of(c->in[1]), c->out, c->opt);
    const kin_real *g = kin_grad_out(c);
    bool accumulate;
    void *workspace = kin_scratch(c, kin_conv_workspace(&shape));
    if (!workspace) return;
    kin_real *dw = kin_grad_write(c, 1, &accumulate);
    kin_source x = kin_source_of(c->in[0]);
    shape.in_ld = x.ld;
    if (dw) kin_conv_backward_weight(&shape, x.data, x.begin, g, dw, accumulate, workspace);
    kin_real *dx = kin_grad_write(c, 0, &accumulate);
    shape.in_ld = shape.in_c; /* gradients are packed */
    if (dx) kin_conv_backward_input(&shape, g, c->in[1]->data, dx, accumulate, workspace);
    if (c->n_in == 3) bias_gradient(c, g);
}

/* Two operations for each product of a weight and a number. */
static double flops(const kin_tensor *y, kin_shape w)
{
    return 2.0 * (double)kin_rows(y) * (double)(w.dim[0] * w.dim[1] * w.dim[2] * w.dim[3]);
}

static double conv2d_flops(const kin_call *c) { return flops(c->out, kin_shape_of(c->in[1])); }

const kin_op kin_op_conv2d = {"conv2d",
                              .infer = conv2d_infer,
                              .forward = conv2d_forward,
                              .backward = conv2d_backward,
                              .flops = conv2d_flops,
                              .reads_deferred = conv2d_reads_deferred,
                              .saves = KIN_SAVES_INPUTS};

kin_tensor *kin_conv2d(kin_tensor *x, kin_tensor *w, kin_tensor *b, const kin_conv2d_opt *opt)
{
    kin_conv2d_opt none = {0};
    return kin_apply_n(&kin_op_conv2d, opt ? opt : &none, sizeof none, (kin_tensor *[]){x, w, b}, b ? 3 : 2);
}

/* ---- with folded weights: no gradient flows ---- */

static bool folded_infer(kin_call *c, kin_shape *out)
{
    const kin_conv2d_folded_opt *o = c->opt;
    if (!kin_conv2d_fits(c, &o->conv, o->weight, out)) return false;
    return c->n_in < 2 || kin_shape_equal(kin_shape_of(c->in[1]), *out) ||
           kin_call_fail(c, "the residual must have the output's shape");
}

static void folded_forward(kin_call *c)
{
    const kin_conv2d_folded_opt *o = c->opt;
    const kin_tensor *x = c->in[0], *add = c->n_in > 1 ? c->in[1] : NULL;
    kin_conv_shape shape = geometry(x, o->weight, c->out, &o->conv);
    kin_conv_end end = {.bias = o->bias,
                        .add = add ? add->data : NULL,
                        .add_ld = add ? add->ld : 0,
                        .act = (kin_norm_act)o->act};
    kin_conv_begin begin = {o->before_scale, o->before_shift, (kin_norm_act)o->before_act};
    void *workspace = kin_scratch(c, kin_conv_packed_workspace(&shape));
    if (workspace)
        kin_conv_forward_packed(&shape, x->data, o->packed, o->before_scale ? &begin : NULL, &end, kin_out(c),
                                workspace);
}

static double folded_flops(const kin_call *c)
{
    return flops(c->out, ((const kin_conv2d_folded_opt *)c->opt)->weight);
}

static const kin_op conv2d_folded = {"conv2d_folded", .infer = folded_infer, .forward = folded_forward,
                                     .flops = folded_flops};
kin_tensor *kin_conv2d_folded(kin_tensor *x, kin_tensor *add, const kin_conv2d_folded_opt *opt)
{
    return kin_apply_n(&conv2d_folded, opt, sizeof *opt, (kin_tensor *[]){x, add}, add ? 2 : 1);
}

/* ---- an inverted residual block ---- */

static bool pointwise(const kin_conv2d_folded_opt *o)
{
    return kin_conv2d_can_begin(o->weight, &o->conv) && !o->before_scale;
}

bool kin_inverted_can_expand(kin_shape weight, const kin_conv2d_opt *o)
{
    kin_conv_shape s = kin_conv2d_weights(weight, o);
    return kin_conv2d_can_begin(weight, o) || (weight.dim[1] > 1 && kin_inverted_expands(&s));
}

/* What the depthwise convolution reads: a map without numbers, which is never whole. */
static kin_tensor wide_map(const kin_tensor *x, const kin_inverted_folded_opt *o)
{
    kin_tensor wide = *x;
    if (!o->expands) return wide;
    kin_conv_shape s = kin_conv2d_shape(x, o->expand.weight, &o->expand.conv);
    wide.shape = KIN_SHAPE(s.batch, s.out_h, s.out_w, s.out_c);
    wide.ld = s.out_c;
    return wide;
}

static bool inverted_infer(kin_call *c, kin_shape *out)
{
    const kin_inverted_folded_opt *o = c->opt;
    const int64_t *d = o->depthwise.weight.dim;
    kin_conv2d_pads p = pads_of(&o->depthwise.conv);
    kin_shape first;
    if (kin_ndim(c->in[0]) != 4) return kin_call_fail(c, "expected x [n, h, w, c]");
    if (o->expands && !kin_conv2d_fits(c, &o->expand.conv, o->expand.weight, &first)) return false;
    kin_tensor map = wide_map(c->in[0], o);
    int64_t stride = or_one(o->depthwise.conv.stride), wide = kin_channels(&map);
    if (o->expands && (o->expand.before_scale || !kin_inverted_can_expand(o->expand.weight, &o->expand.conv)))
        return kin_call_fail(c, "the first convolution must be 1x1 or of few channels");
    if (!pointwise(&o->project) || o->project.weight.dim[2] != wide)
        return kin_call_fail(c, "the last convolution must be 1x1 and its channels fit");
    if (d[2] != 1 || d[3] != wide || or_one(o->depthwise.conv.groups) != wide ||
        or_one(o->depthwise.conv.dilation) != 1)
        return kin_call_fail(c, "the inner convolution must be depthwise, without dilation");
    int64_t oh = outputs(kin_dim(&map, 1), p.top + p.bottom, d[0], 1, stride),
            ow = outputs(kin_dim(&map, 2), p.left + p.right, d[1], 1, stride);
    if (oh < 1 || ow < 1) return kin_call_fail(c, "the kernel does not fit into the padded input");
    *out = KIN_SHAPE(kin_dim(&map, 0), oh, ow, o->project.weight.dim[3]);
    return c->n_in < 2 || kin_shape_equal(kin_shape_of(c->in[1]), *out) ||
           kin_call_fail(c, "the residual must have the output's shape");
}

static kin_conv_end end_of(const kin_conv2d_folded_opt *o)
{
    return (kin_conv_end){.bias = o->bias, .act = (kin_norm_act)o->act};
}

static void inverted_forward(kin_call *c)
{
    const kin_inverted_folded_opt *o = c->opt;
    const kin_tensor *x = c->in[0], *add = c->n_in > 1 ? c->in[1] : NULL;
    kin_inverted b = {.expand_packed = o->expands ? o->expand.packed : NULL,
                      .depthwise_packed = o->depthwise.packed,
                      .project_packed = o->project.packed,
                      .expand_end = end_of(&o->expand),
                      .depthwise_end = end_of(&o->depthwise),
                      .project_end = end_of(&o->project)};
    kin_tensor before = wide_map(x, o), after = *c->out;
    after.shape.dim[3] = after.ld = kin_channels(&before);
    b.depthwise = geometry(&before, o->depthwise.weight, &after, &o->depthwise.conv);
    b.project = geometry(&after, o->project.weight, c->out, &o->project.conv);
    if (o->expands) b.expand = geometry(x, o->expand.weight, &before, &o->expand.conv);
    if (add) b.project_end.add = add->data, b.project_end.add_ld = add->ld;
    void *workspace = kin_scratch(c, kin_inverted_workspace(&b));
    if (workspace) kin_inverted_forward(&b, x->data, kin_out(c), workspace);
}

static double inverted_flops(const kin_call *c)
{
    const kin_inverted_folded_opt *o = c->opt;
    kin_tensor map = wide_map(c->in[0], o);
    double wide = (double)kin_channels(&map), rows = (double)kin_rows(c->out);
    return (o->expands ? flops(&map, o->expand.weight) : 0) +
           2 * rows * wide *
               (double)(o->depthwise.weight.dim[0] * o->depthwise.weight.dim[1] + o->project.weight.dim[3]);
}

static const kin_op inverted_folded = {"inverted_folded", .infer = inverted_infer,
                                       .forward = inverted_forward, .flops = inverted_flops};
kin_tensor *kin_inverted_folded(kin_tensor *x, kin_tensor *add, const kin_inverted_folded_opt *opt)
{
    return kin_apply_n(&inverted_folded, opt, sizeof *opt, (kin_tensor *[]){x, add}, add ? 2 : 1);
}

bool kin_conv2d_can_begin(kin_shape weight, const kin_conv2d_opt *o)
{
    kin_conv2d_pads p = pads_of(o);
    return weight.dim[0] == 1 && weight.dim[1] == 1 && or_one(o->stride) == 1 && or_one(o->groups) == 1 &&
           !p.top && !p.left && !p.bottom && !p.right;
}

kin_conv_shape kin_conv2d_weights(kin_shape weight, const kin_conv2d_opt *o)
{
    const int64_t *w = weight.dim, groups = or_one(o->groups), stride = or_one(o->stride),
                  dilation = or_one(o->dilation);
    return (kin_conv_shape){.in_c = w[2] * groups,
                            .out_c = w[3],
                            .kernel_h = w[0],
                            .kernel_w = w[1],
                            .stride_h = stride,
                            .stride_w = stride,
                            .dilation_h = dilation,
                            .dilation_w = dilation,
                            .groups = groups};
}
