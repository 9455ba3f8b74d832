/* Depthwise convolution: as many groups as channels. The channels run innermost, so every loop over them is
 * a plain vector loop. Rows of pixels are the parallel blocks. */
#include "base/parallel.h"
#include "kernels/conv_inside.h"
#include "kernels/depthwise_lines.h"
#include "kernels/isa.h"

#include <string.h>

enum { PARTS = 16 };

extern const kin_depthwise_lines kin_depthwise_lines_generic, kin_depthwise_lines_avx2, kin_depthwise_lines_avx512;

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

static void forward_row(void *arg, int64_t row, int worker)
{
    (void)worker;
    const depthwise *d = arg;
    d->lines->forward(d->s, row, d->x, d->w, d->end, d->out);
}

void kin_depthwise_forward(const kin_conv_shape *s, const kin_real *x, const kin_real *w, const kin_conv_end *end, kin_real *y)
{
    depthwise d = {.s = s, .lines = lines(), .x = x, .w = w, .end = end, .out = y};
    kin_parallel_for(s->batch * s->out_h, forward_row, &d);
}

static void input_row(void *arg, int64_t row, int worker)
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

void kin_depthwise_backward_input(const kin_conv_shape *s, const kin_real *dy, const kin_real *w, kin_real *dx, bool accumulate)
{
    depthwise d = {.s = s, .dy = dy, .w = w, .out = dx, .accumulate = accumulate};
    kin_parallel_for(s->batch * s->in_h, input_row, &d);
}

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
    for (int64_t row = part * each; row < kin_min(rows, (part + 1) * each); row++) {
        int64_t n = row / s->out_h, oh = row % s->out_h;
        for (int64_t kh = 0; kh < s->kernel_h; kh++) {
            int64_t ih = oh * s->stride_h - s->pad_top + kh * s->dilation_h;
            if (ih < 0 || ih >= s->in_h) continue;
            for (int64_t ow = 0; ow < s->out_w; ow++)
                for (int64_t kw = 0; kw < s->kernel_w; kw++) {
                    int64_t iw = ow * s->stride_w - s->pad_left + kw * s->dilation_w;
                    if (iw < 0 || iw >= s->in_w) continue;
                    multiply_add(sums + (kh * s->kernel_w + kw) * s->in_c, d->x + ((n * s->in_h + ih) * s->in_w + iw) * s->in_ld, d->dy + (row * s->out_w + ow) * s->out_ld, s->in_c);
                }
        }
    }
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
