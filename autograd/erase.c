/* A rectangle of zeros, the same in every picture and channel: what batch feature erasing puts over a map
 * [Dai, Chen, Gu, Zhu, Tan 2019]. Nothing is scaled. y = x·m with a mask m of 0 and 1, so dx = g·m. */
#include "autograd/ops.h"
#include "autograd/tape.h"

#include <string.h>

static bool erase_infer(kin_call *c, kin_shape *out)
{
    const kin_rectangle *r = c->opt;
    const kin_tensor *x = c->in[0];
    if (kin_ndim(x) != 4) return kin_call_fail(c, "a map [n, h, w, c] is needed");
    if (r->top < 0 || r->left < 0 || r->height < 0 || r->width < 0 || r->height > kin_dim(x, 1) - r->top ||
        r->width > kin_dim(x, 2) - r->left)
        return kin_call_fail(c, "the rectangle does not lie in the map");
    return kin_same_shape(c, out);
}

static bool erased(const kin_rectangle *r, int64_t row, int64_t column)
{
    return row >= r->top && row < r->top + r->height && column >= r->left && column < r->left + r->width;
}

static void erase_forward(kin_call *c)
{
    const kin_tensor *x = c->in[0];
    int64_t h = kin_dim(x, 1), w = kin_dim(x, 2), channels = kin_channels(x), pixels = kin_rows(x);
    size_t bytes = (size_t)channels * sizeof(kin_real);
    for (int64_t i = 0; i < pixels; i++) {
        kin_real *y = kin_out(c) + i * channels;
        if (erased(c->opt, i / w % h, i % w)) memset(y, 0, bytes);
        else memcpy(y, x->data + i * x->ld, bytes);
    }
}

static void erase_backward(kin_call *c)
{
    bool accumulate;
    kin_real *dx = kin_grad_write(c, 0, &accumulate);
    const kin_real *g = kin_grad_out(c);
    int64_t h = kin_dim(c->out, 1), w = kin_dim(c->out, 2), channels = kin_channels(c->out);
    for (int64_t i = 0; dx && i < kin_rows(c->out); i++) {
        kin_real keeps = erased(c->opt, i / w % h, i % w) ? 0 : 1;
        for (int64_t k = i * channels; k < (i + 1) * channels; k++)
            dx[k] = (accumulate ? dx[k] : 0) + keeps * g[k];
    }
}

static const kin_op erase = {"erase", .infer = erase_infer, .forward = erase_forward,
                             .backward = erase_backward, .saves = KIN_SAVES_NOTHING};

kin_tensor *kin_erase(kin_tensor *x, const kin_rectangle *rectangle)
{
    return kin_apply(&erase, rectangle, sizeof *rectangle, x);
}
