/* Depthwise convolution: as many groups as channels. The channels run innermost, so every loop over them is
 * a plain vector loop. Rows of pixels are the parallel blocks. */
#include "kernels/conv/depthwise.h"

#include "base/parallel.h"
#include "kernels/conv/cut.h"
#include "kernels/conv/depthwise_kernels.h"
#include "kernels/isa.h"
#include "kernels/norm_kernels.h"

#include <string.h>

enum { TOGETHER = 8 /* rows of a task: those that neighbours share are read once */ };

KIN_ISA_DECLARE(kin_depthwise_kernels, kin_depthwise_kernels);
KIN_ISA_DECLARE(kin_depthwise_weight, kin_depthwise_weight);

typedef struct depthwise {
    const kin_conv_shape *s;
    const kin_depthwise_kernels *lines;
    const kin_real *x, *w, *dy;
    const kin_conv_begin *begin;
    const kin_conv_end *end;
    kin_real *out, *buffers; /* one for each worker, where there is a begin */
    kin_depthwise_cut cut;
    bool accumulate;
} depthwise;

static void multiply_add(kin_real *restrict to, const kin_real *restrict a, const kin_real *restrict b,
                         int64_t n)
{
    for (int64_t c = 0; c < n; c++) to[c] += a[c] * b[c];
}

static const kin_depthwise_kernels *lines(void)
{
    static const kin_depthwise_kernels *const tables[KIN_ISA_COUNT] = KIN_ISA_TABLES(kin_depthwise_kernels);
    return tables[kin_isa()];
}

static const kin_depthwise_weight *weight_lines(void)
{
    static const kin_depthwise_weight *const tables[KIN_ISA_COUNT] = KIN_ISA_TABLES(kin_depthwise_weight);
    return tables[kin_isa()];
}

/* ---- through `begin`: the input rows of some output rows are put into a buffer, which is convolved as a
 * picture of its own ---- */

static int64_t reach(const kin_conv_shape *s) { return s->dilation_h * (s->kernel_h - 1) + 1; }

/* `count` output rows of one picture, from `row` on: fills the buffer and returns their shape. */
static kin_conv_shape excerpt(const depthwise *d, int64_t row, int64_t count, kin_real *buffer)
{
    const kin_conv_shape *s = d->s;
    int64_t top = row % s->out_h * s->stride_h - s->pad_top, first = kin_min(top < 0 ? 0 : top, s->in_h),
            end = kin_min(s->in_h, top + (count - 1) * s->stride_h + reach(s));
    int64_t rows = end > first ? end - first : 0;
    kin_norm_kernels_get()->apply(d->x + (row / s->out_h * s->in_h + first) * s->in_w * s->in_ld, s->in_ld,
                                  rows * s->in_w, s->in_c, d->begin->scale, d->begin->shift, NULL, 0,
                                  d->begin->act, buffer, s->in_c);
    kin_conv_shape part = *s;
    part.batch = 1, part.in_h = rows, part.in_ld = s->in_c, part.out_h = count, part.pad_top = first - top;
    return part;
}

/* How many of the rows up to `end` are taken at a time. */
static int64_t some_rows(const depthwise *d, int64_t row, int64_t end)
{
    int64_t left = kin_min(end - row, d->s->out_h - row % d->s->out_h);
    return kin_min(d->cut.rows, left);
}

static void forward_through(void *arg, int64_t task, int worker)
{
    const depthwise *d = arg;
    const kin_conv_shape *s = d->s;
    kin_real *buffer = d->buffers + worker * d->cut.buffer;
    int64_t each = d->cut.rows, end = kin_min(s->batch * s->out_h, (task + 1) * each);
    for (int64_t row = task * each, some; row < end; row += some) {
        some = some_rows(d, row, end);
        kin_conv_shape part = excerpt(d, row, some, buffer);
        kin_conv_end after = *d->end;
        if (after.add) after.add += row * s->out_w * after.add_ld;
        for (int64_t r = 0; r < some; r++)
            d->lines->forward(&part, r, buffer, d->w, &after, d->out + row * s->out_w * s->out_ld);
    }
}

/* ---- forward ---- */

static void forward_rows(void *arg, int64_t task, int worker)
{
    (void)worker;
    const depthwise *d = arg;
    for (int64_t row = task * TOGETHER; row < kin_min(d->s->batch * d->s->out_h, (task + 1) * TOGETHER);
         row++)
        d->lines->forward(d->s, row, d->x, d->w, d->end, d->out);
}

int64_t kin_depthwise_forward_numbers(const kin_conv_shape *s, int64_t threads)
{
    return threads * kin_depthwise_cut_of(s).buffer;
}

void kin_depthwise_forward(const kin_conv_shape *s, const kin_real *x, const kin_real *w,
                           const kin_conv_begin *begin, const kin_conv_end *end, kin_real *y,
                           kin_real *workspace)
{
    depthwise d = {
        .s = s, .lines = lines(), .x = x, .w = w, .begin = begin, .end = end, .out = y, .buffers = workspace};
    d.cut = kin_depthwise_cut_of(s);
    if (begin) kin_parallel_for(kin_blocks(s->batch * s->out_h, d.cut.rows), forward_through, &d);
    else kin_parallel_for(kin_blocks(s->batch * s->out_h, TOGETHER), forward_rows, &d);
}

/* ---- the gradient of the input ---- */

/* With both stride and dilation, pixel by pixel. */
static void plain_input_row(void *arg, int64_t row, int worker)
{
    (void)worker;
    const depthwise *d = arg;
    const kin_conv_shape *s = d->s;
    int64_t n = row / s->in_h, ih = row % s->in_h, channels = s->in_c;
    for (int64_t iw = 0; iw < s->in_w; iw++) {
        kin_real *dx = d->out + ((n * s->in_h + ih) * s->in_w + iw) * s->in_ld;
        if (!d->accumulate) memset(dx, 0, (size_t)channels * sizeof *dx);
        for (int64_t kh = 0; kh < s->kernel_h; kh++) {
            int64_t y = ih + s->pad_top - kh * s->dilation_h;
            if (y < 0 || y % s->stride_h || y / s->stride_h >= s->out_h) continue;
            for (int64_t kw = 0; kw < s->kernel_w; kw++) {
                int64_t x = iw + s->pad_left - kw * s->dilation_w;
                if (x < 0 || x % s->stride_w || x / s->stride_w >= s->out_w) continue;
                multiply_add(
                    dx, d->dy + ((n * s->out_h + y / s->stride_h) * s->out_w + x / s->stride_w) * s->out_ld,
                    d->w + (kh * s->kernel_w + kw) * channels, channels);
            }
        }
    }
}

/* Otherwise a forward convolution of dY with the kernel turned around: with stride s the pixels of each
 * phase (ih mod s, iw mod s) see the taps kh = first, first + s, ... alone, and lie s apart. */
typedef struct phase {
    int64_t first, count, from;
} phase;

/* Along one axis: input `at` sees tap first + s·i in output from + count − 1 − i. */
static phase phase_of(int64_t at, int64_t pad, int64_t stride, int64_t kernel)
{
    int64_t first = (at + pad) % stride, count = first < kernel ? (kernel - first + stride - 1) / stride : 0;
    return (phase){first, count, (at + pad - first) / stride - (count - 1)};
}

/* The kernels of all phases lie one behind the other, each turned around: where that of a phase begins. */
static int64_t turned(const kin_conv_shape *s, const phase *y, const phase *x)
{
    int64_t before = 0;
    for (int64_t i = 0; i < y->first; i++)
        before += (s->kernel_h - i + s->stride_h - 1) / s->stride_h * s->kernel_w;
    for (int64_t i = 0; i < x->first; i++)
        before += y->count * ((s->kernel_w - i + s->stride_w - 1) / s->stride_w);
    return before * s->in_c;
}

static void turn(const kin_conv_shape *s, const kin_real *w, kin_real *packed)
{
    for (int64_t kh = 0; kh < s->kernel_h; kh++)
        for (int64_t kw = 0; kw < s->kernel_w; kw++) {
            phase y = phase_of(kh, 0, s->stride_h, s->kernel_h),
                  x = phase_of(kw, 0, s->stride_w, s->kernel_w);
            int64_t at = (y.count - 1 - kh / s->stride_h) * x.count + x.count - 1 - kw / s->stride_w;
            memcpy(packed + turned(s, &y, &x) + at * s->in_c, w + (kh * s->kernel_w + kw) * s->in_c,
                   (size_t)s->in_c * sizeof *w);
        }
}

static void input_row(const depthwise *d, int64_t row)
{
    const kin_conv_shape *s = d->s;
    int64_t n = row / s->in_h, ih = row % s->in_h;
    phase y = phase_of(ih, s->pad_top, s->stride_h, s->kernel_h);
    for (int64_t px = 0; px < kin_min(s->stride_w, s->in_w); px++) {
        phase x = phase_of(px, s->pad_left, s->stride_w, s->kernel_w);
        kin_real *dx = d->out + ((n * s->in_h + ih) * s->in_w + px) * s->in_ld;
        kin_conv_end end = {.add = d->accumulate ? dx : NULL, .add_ld = s->stride_w * s->in_ld};
        kin_conv_shape one = {.batch = 1,
                              .in_h = s->out_h,
                              .in_w = s->out_w,
                              .in_c = s->in_c,
                              .in_ld = s->out_ld,
                              .out_h = 1,
                              .out_w = kin_blocks(s->in_w - px, s->stride_w),
                              .out_c = s->in_c,
                              .out_ld = s->stride_w * s->in_ld,
                              .kernel_h = y.count,
                              .kernel_w = x.count,
                              .stride_h = 1,
                              .stride_w = 1,
                              .pad_top = -y.from,
                              .pad_left = -x.from,
                              .dilation_h = 1,
                              .dilation_w = 1,
                              .groups = s->groups};
        if (s->dilation_h > 1)
            one.dilation_h = s->dilation_h, one.pad_top = s->dilation_h * (s->kernel_h - 1) - s->pad_top - ih;
        if (s->dilation_w > 1)
            one.dilation_w = s->dilation_w, one.pad_left = s->dilation_w * (s->kernel_w - 1) - s->pad_left;
        d->lines->forward(&one, 0, d->dy + n * s->out_h * s->out_w * s->out_ld, d->w + turned(s, &y, &x),
                          &end, dx);
    }
}

static void input_rows(void *arg, int64_t task, int worker)
{
    (void)worker;
    const depthwise *d = arg;
    for (int64_t row = task * TOGETHER; row < kin_min(d->s->batch * d->s->in_h, (task + 1) * TOGETHER); row++)
        input_row(d, row);
}

int64_t kin_depthwise_input_numbers(const kin_conv_shape *s) { return kin_conv_taps(s) * s->in_c; }

void kin_depthwise_backward_input(const kin_conv_shape *s, const kin_real *dy, const kin_real *w,
                                  kin_real *dx, bool accumulate, kin_real *workspace)
{
    depthwise d = {.s = s, .lines = lines(), .dy = dy, .w = w, .out = dx, .accumulate = accumulate};
    if ((s->dilation_h > 1 && s->stride_h > 1) || (s->dilation_w > 1 && s->stride_w > 1)) {
        kin_parallel_for(s->batch * s->in_h, plain_input_row, &d);
        return;
    }
    turn(s, w, workspace);
    d.w = workspace;
    kin_parallel_for(kin_blocks(s->batch * s->in_h, TOGETHER), input_rows, &d);
}

/* ---- the gradient of the weights ---- */

int64_t kin_depthwise_weight_numbers(const kin_conv_shape *s, int64_t threads)
{
    kin_depthwise_cut c = kin_depthwise_cut_of(s);
    return c.sums + threads * c.buffer;
}

/* One part: some rows of output pixels, with sums of its own. */
static void weight_part(void *arg, int64_t part, int worker)
{
    const depthwise *d = arg;
    const kin_conv_shape *s = d->s;
    int64_t each = d->cut.each, end = kin_min(s->batch * s->out_h, (part + 1) * each), size = d->cut.size;
    kin_real *sums = d->out + part * size, *buffer = d->buffers + worker * d->cut.buffer;
    memset(sums, 0, (size_t)size * sizeof *sums);
    for (int64_t row = part * each, some; d->begin && row < end; row += some) {
        some = some_rows(d, row, end);
        kin_conv_shape from = excerpt(d, row, some, buffer);
        for (int64_t r = 0; r < some; r++)
            weight_lines()->row(&from, r, buffer, d->dy + row * s->out_w * s->out_ld, sums);
    }
    for (int64_t row = part * each; !d->begin && row < end; row++)
        weight_lines()->row(s, row, d->x, d->dy, sums);
}

void kin_depthwise_backward_weight(const kin_conv_shape *s, const kin_real *x, const kin_conv_begin *begin,
                                   const kin_real *dy, kin_real *dw, bool accumulate, kin_real *workspace)
{
    depthwise d = {
        .s = s, .x = x, .begin = begin, .dy = dy, .out = workspace, .cut = kin_depthwise_cut_of(s)};
    int64_t parts = d.cut.parts, size = d.cut.size;
    d.buffers = workspace + d.cut.sums;
    kin_parallel_for(parts, weight_part, &d);
    for (int64_t i = 0; i < size; i++) {
        kin_real sum = accumulate ? dw[i] : 0;
        for (int64_t part = 0; part < parts; part++) sum += workspace[part * size + i];
        dw[i] = sum;
    }
}
