#include "base/parallel.h"
#include "kernels/conv_inside.h"

#include <string.h>

enum { FEW = 4 };

bool kin_conv_has_few(const kin_conv_shape *s) { return s->in_c <= FEW && s->groups == 1 && s->kernel_w > 1 && s->dilation_w == 1; }

kin_conv_shape kin_conv_few(const kin_conv_shape *s)
{
    kin_conv_shape wide = *s;
    wide.in_h = (s->out_h - 1) * s->stride_h + (s->kernel_h - 1) * s->dilation_h + 1;
    wide.in_w = (s->out_w - 1) * s->stride_w + s->kernel_w;
    wide.in_c = s->kernel_w * s->in_c;
    wide.in_ld = s->in_c; /* neighbours overlap */
    wide.kernel_w = 1;
    wide.pad_top = wide.pad_left = 0;
    return wide;
}

int64_t kin_conv_few_numbers(const kin_conv_shape *s)
{
    kin_conv_shape wide = kin_conv_few(s);
    return kin_round_up(wide.batch * wide.in_h * wide.in_w * wide.in_ld, 16);
}

typedef struct copying {
    const kin_conv_shape *from;
    kin_conv_shape to;
    const kin_real *x;
    kin_real *padded;
} copying;

static void copy_row(void *arg, int64_t row, int worker)
{
    (void)worker;
    const copying *c = arg;
    const kin_conv_shape *s = c->from;
    int64_t y = row % c->to.in_h - s->pad_top, channels = s->in_c, width = c->to.in_w, left = kin_min(s->pad_left, width), inside = kin_min(s->in_w, width - left);
    kin_real *to = c->padded + row * width * channels;
    if (y < 0 || y >= s->in_h) {
        memset(to, 0, (size_t)(width * channels) * sizeof *to);
        return;
    }
    const kin_real *from = c->x + (row / c->to.in_h * s->in_h + y) * s->in_w * s->in_ld;
    memset(to, 0, (size_t)(left * channels) * sizeof *to);
    to += left * channels;
    if (s->in_ld == channels) memcpy(to, from, (size_t)(inside * channels) * sizeof *to);
    for (int64_t x = 0; s->in_ld != channels && x < inside; x++) memcpy(to + x * channels, from + x * s->in_ld, (size_t)channels * sizeof *to);
    memset(to + inside * channels, 0, (size_t)((width - left - inside) * channels) * sizeof *to);
}

void kin_conv_few_copy(const kin_conv_shape *s, const kin_real *x, kin_real *padded)
{
    copying c = {s, kin_conv_few(s), x, padded};
    kin_parallel_for(s->batch * c.to.in_h, copy_row, &c);
}
