/* Depthwise convolution: as many groups as channels. The channels run innermost, so every loop over them is
 * a plain vector loop. Rows of pixels are the parallel blocks. */
#include "base/parallel.h"
#include "kernels/conv_inside.h"
#include "kernels/depthwise_lines.h"
#include "kernels/isa.h"

#include <string.h>

enum {
    PARTS = 16,
    TOGETHER = 8, /* rows of a task: those that neighbours share are read once */
};

extern const kin_depthwise_lines kin_depthwise_lines_generic, kin_depthwise_lines_avx2, kin_depthwise_lines_avx512;
extern const kin_depthwise_weight kin_depthwise_weight_generic, kin_depthwise_weight_avx2, kin_depthwise_weight_avx512;

typedef struct depthwise {
    const kin_conv_shape *s;
    const kin_depthwise_lines *lines;
    const kin_real *x, *w, *dy;
    const kin_conv_end *end;
    kin_real *out;
    bool accumulate;
} depthwise;

static void multiply_add(kin_real *restrict to, const kin_real *restrict a, const kin_real *restrict b, int64_t n)
{
    for (int64_t c = 0; c < n; c++) to[c] += a[c] * b[c];
}

static const kin_depthwise_lines *lines(void)
{
    static const kin_depthwise_lines *const tables[KIN_ISA_COUNT] = KIN_ISA_TABLES(kin_depthwise_lines);
    return tables[kin_isa()];
}

static const kin_depthwise_weight *weight_lines(void)
{
    static const kin_depthwise_weight *const tables[KIN_ISA_COUNT] = KIN_ISA_TABLES(kin_depthwise_weight);
    return tables[kin_isa()];
}

static void forward_rows(void *arg, int64_t task, int worker)
{
    (void)worker;
    const depthwise *d = arg;
    for (int64_t row = task * TOGETHER; row < kin_min(d->s->batch * d->s->out_h, (task + 1) * TOGETHER); row++) d->lines->forward(d->s, row, d->x, d->w, d->end, d->out);
}

void kin_depthwise_forward(const kin_conv_shape *s, const kin_real *x, const kin_real *w, const kin_conv_end *end, kin_real *y)
{
    depthwise d = {.s = s, .lines = lines(), .x = x, .w = w, .end = end, .out = y};
    kin_parallel_for(kin_blocks(s->batch * s->out_h, TOGETHER), forward_rows, &d);
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
                multiply_add(dx, d->dy + ((n * s->out_h + y / s->stride_h) * s->out_w + x / s->stride_w) * s->out_ld, d->w + (kh * s->kernel_w + kw) * channels, channels);
            }
        }
    }
}

/* Otherwise a forward convolution of dY with the kernel turned around: with stride s the pixels of each phase (ih mod s, iw mod s) see the taps
 * kh = first, first + s, ... alone, and lie s apart. */
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
    for (int64_t i = 0; i < y->first; i++) before += (s->kernel_h - i + s->stride_h - 1) / s->stride_h * s->kernel_w;
    for (int64_t i = 0; i < x->first; i++) before += y->count * ((s->kernel_w - i + s->stride_w - 1) / s->stride_w);
    return before * s->in_c;
}

static void turn(const kin_conv_shape *s, const kin_real *w, kin_real *packed)
{
    for (int64_t kh = 0; kh < s->kernel_h; kh++)
        for (int64_t kw = 0; kw < s->kernel_w; kw++) {
            phase y = phase_of(kh, 0, s->stride_h, s->kernel_h), x = phase_of(kw, 0, s->stride_w, s->kernel_w);
            int64_t at = (y.count - 1 - kh / s->stride_h) * x.count + x.count - 1 - kw / s->stride_w;
            memcpy(packed + turned(s, &y, &x) + at * s->in_c, w + (kh * s->kernel_w + kw) * s->in_c, (size_t)s->in_c * sizeof *w);
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
        if (s->dilation_h > 1) one.dilation_h = s->dilation_h, one.pad_top = s->dilation_h * (s->kernel_h - 1) - s->pad_top - ih;
        if (s->dilation_w > 1) one.dilation_w = s->dilation_w, one.pad_left = s->dilation_w * (s->kernel_w - 1) - s->pad_left;
        d->lines->forward(&one, 0, d->dy + n * s->out_h * s->out_w * s->out_ld, d->w + turned(s, &y, &x), &end, dx);
    }
}

static void input_rows(void *arg, int64_t task, int worker)
{
    (void)worker;
    const depthwise *d = arg;
    for (int64_t row = task * TOGETHER; row < kin_min(d->s->batch * d->s->in_h, (task + 1) * TOGETHER); row++) input_row(d, row);
}

void kin_depthwise_backward_input(const kin_conv_shape *s, const kin_real *dy, const kin_real *w, kin_real *dx, bool accumulate, kin_real *workspace)
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

static int64_t parts_of(const kin_conv_shape *s) { return kin_min(PARTS, s->batch * s->out_h); }

int64_t kin_depthwise_weight_numbers(const kin_conv_shape *s) { return parts_of(s) * s->kernel_h * s->kernel_w * s->in_c + 64; }

/* One part: some rows of output pixels, with sums of its own. */
static void weight_part(void *arg, int64_t part, int worker)
{
    (void)worker;
    const depthwise *d = arg;
    const kin_conv_shape *s = d->s;
    int64_t rows = s->batch * s->out_h, each = kin_blocks(rows, parts_of(s)), size = s->kernel_h * s->kernel_w * s->in_c;
    kin_real *sums = d->out + part * size;
    memset(sums, 0, (size_t)size * sizeof *sums);
    for (int64_t row = part * each; row < kin_min(rows, (part + 1) * each); row++) weight_lines()->row(s, row, d->x, d->dy, sums);
}

void kin_depthwise_backward_weight(const kin_conv_shape *s, const kin_real *x, const kin_real *dy, kin_real *dw, bool accumulate, kin_real *workspace)
{
    depthwise d = {.s = s, .x = x, .dy = dy, .out = workspace};
    int64_t parts = parts_of(s), size = s->kernel_h * s->kernel_w * s->in_c;
    kin_parallel_for(parts, weight_part, &d);
    for (int64_t i = 0; i < size; i++) {
        kin_real sum = accumulate ? dw[i] : 0;
        for (int64_t part = 0; part < parts; part++) sum += workspace[part * size + i];
        dw[i] = sum;
    }
}
