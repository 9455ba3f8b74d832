/* Each function asks for the choice (kernels/conv/choose.h), tells it, and hands the work to the kernel. */
#include "kernels/conv/conv.h"

#include "kernels/conv/choose.h"
#include "kernels/conv/depthwise.h"
#include "kernels/conv/few.h"
#include "kernels/conv/product.h"
#include "kernels/conv/winograd.h"
#include "kernels/tile.h"
#include "kernels/trace.h"

#include <string.h>

static kin_conv_choice chosen(const kin_conv_shape *s, kin_conv_direction direction)
{
    kin_conv_machine machine = kin_conv_this_machine();
    return kin_conv_choose(s, direction, &machine);
}

size_t kin_conv_workspace(const kin_conv_shape *s)
{
    size_t most = 0;
    for (int d = KIN_CONV_FORWARD; d < KIN_CONV_DIRECTIONS; d++) {
        size_t bytes = chosen(s, (kin_conv_direction)d).workspace;
        if (bytes > most) most = bytes;
    }
    return most;
}

size_t kin_conv_packed_workspace(const kin_conv_shape *s) { return chosen(s, KIN_CONV_PACKED).workspace; }

/* ---- weights ---- */

int kin_conv_form(const kin_conv_shape *s) { return chosen(s, KIN_CONV_PACKED).tile; }

static int64_t plain_count(const kin_conv_shape *s)
{
    return kin_is_depthwise(s) ? kin_conv_taps(s) * s->in_c : kin_conv_product_packed(s, kin_tiles_get()->nr);
}

int64_t kin_conv_packed_count(const kin_conv_shape *s)
{
    int m = kin_conv_form(s);
    return m ? kin_winograd_packed_count(s, m) : plain_count(s);
}

static void scale_depthwise(const kin_conv_shape *s, const kin_real *w, const kin_real *scale,
                            kin_real *packed)
{
    for (int64_t i = 0; i < plain_count(s); i++) packed[i] = scale ? w[i] * scale[i % s->in_c] : w[i];
}

void kin_conv_pack(const kin_conv_shape *s, const kin_real *w, const kin_real *scale, kin_real *packed)
{
    int m = kin_conv_form(s);
    if (m) kin_winograd_pack(s, m, w, scale, packed);
    else if (kin_is_depthwise(s)) scale_depthwise(s, w, scale, packed);
    else kin_conv_product_pack(s, w, scale, packed);
}

/* ---- forward ---- */

static void tell_forward(const kin_conv_shape *s, const kin_conv_choice *c, const kin_conv_begin *begin)
{
    bool ahead = begin && c->kind == KIN_CONV_PRODUCT;
    kin_trace_conv("convolution", s, ahead ? "implicit product, norm ahead" : kin_conv_choice_name(c));
}

static void forward(const kin_conv_shape *s, const kin_conv_choice *c, const kin_real *x,
                    const kin_real *packed, const kin_conv_begin *begin, const kin_conv_end *end, kin_real *y,
                    kin_real *workspace)
{
    switch (c->kind) {
    case KIN_CONV_WINOGRAD: kin_winograd_run(s, c->tile, x, packed, end, false, y, workspace); break;
    case KIN_CONV_DEPTHWISE: kin_depthwise_forward(s, x, packed, begin, end, y, workspace); break;
    case KIN_CONV_FEW: kin_conv_few_forward(s, x, packed, end, y, workspace); break;
    case KIN_CONV_PIXELS:
    case KIN_CONV_PRODUCT:
        kin_conv_product(s, x, packed, begin, end, c->kind == KIN_CONV_PIXELS, y, workspace);
        break;
    }
}

void kin_conv_forward_packed(const kin_conv_shape *s, const kin_real *x, const kin_real *packed,
                             const kin_conv_begin *begin, const kin_conv_end *end, kin_real *y,
                             void *workspace)
{
    static const kin_conv_end plain = {0};
    if (kin_conv_is_empty(s)) return;
    kin_conv_choice c = chosen(s, KIN_CONV_PACKED);
    tell_forward(s, &c, begin);
    forward(s, &c, x, packed, begin, end ? end : &plain, y, workspace);
}

void kin_conv_forward(const kin_conv_shape *s, const kin_real *x, const kin_conv_begin *begin,
                      const kin_real *w, const kin_real *bias, kin_real *y, void *workspace)
{
    if (kin_conv_is_empty(s)) return;
    kin_conv_choice c = chosen(s, KIN_CONV_FORWARD);
    kin_conv_end end = {.bias = bias};
    kin_real *packed = workspace;
    tell_forward(s, &c, begin);
    if (c.kind == KIN_CONV_WINOGRAD) {
        kin_winograd_once(s, c.tile, x, w, false, &end, false, y, workspace);
        return;
    }
    if (c.kind == KIN_CONV_DEPTHWISE) { /* its weights stay as they are */
        kin_depthwise_forward(s, x, w, begin, &end, y, workspace);
        return;
    }
    kin_conv_product_pack(s, w, NULL, packed);
    forward(s, &c, x, packed, begin, &end, y, packed + kin_round_up(plain_count(s), KIN_CUT_LINE));
}

/* ---- gradients ---- */

void kin_conv_backward_input(const kin_conv_shape *s, const kin_real *dy, const kin_real *w, kin_real *dx,
                             bool accumulate, void *workspace)
{
    if (kin_conv_is_empty(s)) { /* nothing flows back */
        for (int64_t i = 0; !accumulate && i < s->batch * s->in_h * s->in_w; i++)
            memset(dx + i * s->in_ld, 0, (size_t)s->in_c * sizeof *dx);
        return;
    }
    kin_conv_choice c = chosen(s, KIN_CONV_INPUT);
    kin_trace_conv("gradient of its input", s, kin_conv_choice_name(&c));
    if (c.kind == KIN_CONV_WINOGRAD) {
        kin_conv_shape back = kin_winograd_backward(s);
        kin_winograd_once(&back, c.tile, dy, w, true, NULL, accumulate, dx, workspace);
    } else if (c.kind == KIN_CONV_DEPTHWISE) {
        kin_depthwise_backward_input(s, dy, w, dx, accumulate, workspace);
    } else {
        kin_conv_product_input(s, dy, w, c.kind == KIN_CONV_PIXELS, dx, accumulate, workspace);
    }
}

static void few_weight(const kin_conv_shape *s, const kin_real *x, const kin_real *dy, kin_real *dw,
                       bool accumulate, kin_real *workspace)
{
    kin_conv_shape wide = kin_conv_few(s);
    kin_conv_few_copy(s, x, workspace);
    kin_conv_product_weight(&wide, workspace, NULL, dy, dw, accumulate, workspace + kin_conv_few_numbers(s));
}

void kin_conv_backward_weight(const kin_conv_shape *s, const kin_real *x, const kin_conv_begin *begin,
                              const kin_real *dy, kin_real *dw, bool accumulate, void *workspace)
{
    if (kin_conv_is_empty(s)) { /* a sum over nothing */
        int64_t weights = kin_conv_taps(s) * (s->in_c / s->groups) * s->out_c;
        if (!accumulate) memset(dw, 0, (size_t)weights * sizeof *dw);
        return;
    }
    kin_conv_choice c = chosen(s, KIN_CONV_WEIGHT);
    kin_trace_conv("gradient of its weights", s, kin_conv_choice_name(&c));
    if (c.kind == KIN_CONV_WINOGRAD) kin_winograd_weight(s, c.tile, x, dy, dw, accumulate, workspace);
    else if (c.kind == KIN_CONV_DEPTHWISE)
        kin_depthwise_backward_weight(s, x, begin, dy, dw, accumulate, workspace);
    else if (c.kind == KIN_CONV_FEW) few_weight(s, x, dy, dw, accumulate, workspace);
    else kin_conv_product_weight(s, x, begin, dy, dw, accumulate, workspace);
}
