#include "kernels/conv/few.h"

#include "base/parallel.h"
#include "kernels/cut.h"

#include <string.h>

enum { FEW = 4 };

bool kin_conv_has_few(const kin_conv_shape *s)
{
    return s->in_c <= FEW && s->groups == 1 && s->kernel_w > 1 && s->dilation_w == 1;
}

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

/* ---- the padded picture ---- */

/* Row y of the picture, which may lie in the padding. */
static void copy_row(const kin_conv_shape *s, const kin_real *picture, int64_t y, int64_t width, kin_real *to)
{
    int64_t channels = s->in_c, left = kin_min(s->pad_left, width), inside = kin_min(s->in_w, width - left);
    if (y < 0 || y >= s->in_h) {
        memset(to, 0, (size_t)(width * channels) * sizeof *to);
        return;
    }
    const kin_real *from = picture + y * s->in_w * s->in_ld;
    memset(to, 0, (size_t)(left * channels) * sizeof *to);
    to += left * channels;
    if (s->in_ld == channels) memcpy(to, from, (size_t)(inside * channels) * sizeof *to);
    for (int64_t x = 0; s->in_ld != channels && x < inside; x++)
        memcpy(to + x * channels, from + x * s->in_ld, (size_t)channels * sizeof *to);
    memset(to + inside * channels, 0, (size_t)((width - left - inside) * channels) * sizeof *to);
}

typedef struct copying {
    const kin_conv_shape *from;
    kin_conv_shape to;
    const kin_real *x;
    kin_real *padded;
} copying;

static void copy_one(void *arg, int64_t row, int worker)
{
    (void)worker;
    const copying *c = arg;
    const kin_conv_shape *s = c->from;
    copy_row(s, c->x + row / c->to.in_h * s->in_h * s->in_w * s->in_ld, row % c->to.in_h - s->pad_top,
             c->to.in_w, c->padded + row * c->to.in_w * s->in_c);
}

void kin_conv_few_copy(const kin_conv_shape *s, const kin_real *x, kin_real *padded)
{
    copying c = {s, kin_conv_few(s), x, padded};
    kin_parallel_for(s->batch * c.to.in_h, copy_one, &c);
}

/* ---- forward: a task is some rows of one picture, whose padded input stays near ---- */

enum { TOGETHER = 8 };

typedef struct forward {
    const kin_conv_shape *s;
    const kin_real *x, *packed, *bias;
    const kin_conv_end *end;
    kin_real *y, *buffers;
} forward;

static int64_t bias_numbers(const kin_conv_shape *s) { return kin_round_up(s->out_c, KIN_NR_MAX); }
static int64_t place_numbers(const kin_conv_shape *s)
{
    return kin_round_up(s->out_w * (int64_t)(sizeof(int64_t) / sizeof(float)), 16);
}
static int64_t input_rows(const kin_conv_shape *s, int64_t rows)
{
    return (rows - 1) * s->stride_h + (s->kernel_h - 1) * s->dilation_h + 1;
}

static int64_t line_of(const kin_conv_shape *s) { return kin_conv_few(s).in_w * s->in_c; }

int64_t kin_conv_few_near(const kin_conv_shape *s, int64_t rows)
{
    return kin_round_up(input_rows(s, rows) * line_of(s), 16);
}

static int64_t worker_numbers(const kin_conv_shape *s)
{
    return place_numbers(s) + kin_conv_few_near(s, kin_min(TOGETHER, s->out_h));
}

int64_t kin_conv_few_forward_numbers(const kin_conv_shape *s, int64_t threads)
{
    return bias_numbers(s) + threads * worker_numbers(s);
}

void kin_conv_few_bring(const kin_conv_shape *s, const kin_real *x, int64_t n, int64_t first, int64_t rows,
                        kin_real *near)
{
    const kin_real *picture = x + n * s->in_h * s->in_w * s->in_ld;
    int64_t width = kin_conv_few(s).in_w, top = first * s->stride_h - s->pad_top;
    for (int64_t i = 0; rows > 0 && i < input_rows(s, rows); i++)
        copy_row(s, picture, top + i, width, near + i * width * s->in_c);
}

kin_strided_product kin_conv_few_product(const kin_conv_shape *s, const kin_real *near, int64_t *step)
{
    *step = s->stride_h * line_of(s);
    return (kin_strided_product){.rows = s->out_w,
                                 .columns = s->out_c,
                                 .k = s->kernel_w * s->in_c,
                                 .segments = s->kernel_h,
                                 .apart = s->dilation_h * line_of(s),
                                 .a = near,
                                 .a_ld = s->stride_w * s->in_c,
                                 .panel_k = s->kernel_h * s->kernel_w * s->in_c};
}

static void some_rows(void *arg, int64_t task, int worker)
{
    const forward *f = arg;
    const kin_conv_shape *s = f->s;
    int64_t tasks = kin_blocks(s->out_h, TOGETHER), n = task / tasks, first = task % tasks * TOGETHER,
            rows = kin_min(TOGETHER, s->out_h - first), step;
    int64_t *place = (int64_t *)(void *)(f->buffers + worker * worker_numbers(s));
    kin_real *near = f->buffers + worker * worker_numbers(s) + place_numbers(s);
    kin_conv_few_bring(s, f->x, n, first, rows, near);
    for (int64_t i = 0; i < s->out_w; i++) place[i] = i * s->out_ld;
    kin_strided_product p = kin_conv_few_product(s, near, &step);
    p.panels = f->packed, p.place = place, p.bias = f->bias, p.add_ld = f->end->add_ld, p.act = f->end->act;
    for (int64_t i = 0; i < rows; i++, p.a += step) {
        int64_t pixel = (n * s->out_h + first + i) * s->out_w;
        p.c = f->y + pixel * s->out_ld, p.add = f->end->add ? f->end->add + pixel * f->end->add_ld : NULL;
        kin_strided_kernels_get()->product(&p);
    }
}

void kin_conv_few_forward(const kin_conv_shape *s, const kin_real *x, const kin_real *packed,
                          const kin_conv_end *end, kin_real *y, kin_real *workspace)
{
    forward f = {
        .s = s, .x = x, .packed = packed, .end = end, .y = y, .buffers = workspace + bias_numbers(s)};
    if (end->bias) {
        memset(workspace, 0, (size_t)bias_numbers(s) * sizeof *workspace);
        f.bias = memcpy(workspace, end->bias, (size_t)s->out_c * sizeof *workspace);
    }
    kin_parallel_for(s->batch * kin_blocks(s->out_h, TOGETHER), some_rows, &f);
}
