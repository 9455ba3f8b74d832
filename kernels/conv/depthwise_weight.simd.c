/* The gradient of a depthwise convolution's weights for one row of output pixels. The lanes are channels:
 * for each tap, the products along the row are summed in registers, WIDTH vectors side by side. */
#include "kernels/conv/depthwise_kernels.h"
#include "kernels/isa.h"
#include "kernels/vector.h"

enum { WIDTH = 4 };

/* sum[0 .. width·LANES) += Σ over pixels of x·dy; `width` is a constant where this is called. */
static inline __attribute__((always_inline)) void along_row(const kin_real *x, int64_t x_step,
                                                            const kin_real *dy, int64_t dy_step,
                                                            int64_t pixels, int width, kin_real *sum)
{
    vector acc[WIDTH] = {{0}};
    for (; pixels > 0; pixels--, x += x_step, dy += dy_step)
        UNROLLED for (int v = 0; v < width; v++) acc[v] += load(x + v * LANES) * load(dy + v * LANES);
    UNROLLED for (int v = 0; v < width; v++) store(sum + v * LANES, load(sum + v * LANES) + acc[v]);
}

static void one_by_one(const kin_real *x, int64_t x_step, const kin_real *dy, int64_t dy_step, int64_t pixels,
                       int64_t channels, kin_real *sum)
{
    for (int64_t c = 0; c < channels; c++) {
        kin_real acc = 0;
        for (int64_t p = 0; p < pixels; p++) acc += x[p * x_step + c] * dy[p * dy_step + c];
        sum[c] += acc;
    }
}

/* The outputs o with 0 ≤ o·stride + at < size, of `count`. */
static void reached(int64_t at, int64_t stride, int64_t size, int64_t count, int64_t *first, int64_t *end)
{
    *first = at < 0 ? (-at + stride - 1) / stride : 0;
    *end = at < size ? (size - at + stride - 1) / stride : 0;
    if (*end > count) *end = count;
}

/* All taps for channels c .. c+count. */
static void some_channels(const kin_conv_shape *s, int64_t row, const kin_real *x, const kin_real *dy,
                          int64_t c, int64_t count, kin_real *sums)
{
    int64_t top = row % s->out_h * s->stride_h - s->pad_top, step = s->stride_w * s->in_ld;
    const kin_real *picture = x + row / s->out_h * s->in_h * s->in_w * s->in_ld + c,
                   *from = dy + row * s->out_w * s->out_ld + c;
    for (int64_t kh = 0; kh < s->kernel_h; kh++) {
        int64_t ih = top + kh * s->dilation_h;
        if (ih < 0 || ih >= s->in_h) continue;
        for (int64_t kw = 0; kw < s->kernel_w; kw++) {
            int64_t at = kw * s->dilation_w - s->pad_left, first, end;
            reached(at, s->stride_w, s->in_w, s->out_w, &first, &end);
            if (first >= end) continue;
            const kin_real *a = picture + (ih * s->in_w + at + first * s->stride_w) * s->in_ld,
                           *b = from + first * s->out_ld;
            kin_real *sum = sums + (kh * s->kernel_w + kw) * s->in_c + c;
            if (count == WIDTH * LANES) along_row(a, step, b, s->out_ld, end - first, WIDTH, sum);
            else if (count == LANES) along_row(a, step, b, s->out_ld, end - first, 1, sum);
            else one_by_one(a, step, b, s->out_ld, end - first, count, sum);
        }
    }
}

static void weight(const kin_conv_shape *s, int64_t row, const kin_real *x, const kin_real *dy,
                   kin_real *sums)
{
    int64_t c = 0, channels = s->in_c;
    for (; c + WIDTH * LANES <= channels; c += WIDTH * LANES)
        some_channels(s, row, x, dy, c, WIDTH * LANES, sums);
    for (; c + LANES <= channels; c += LANES) some_channels(s, row, x, dy, c, LANES, sums);
    if (c < channels) some_channels(s, row, x, dy, c, channels - c, sums);
}

extern const kin_depthwise_weight KIN_ISA_NAME(kin_depthwise_weight);
const kin_depthwise_weight KIN_ISA_NAME(kin_depthwise_weight) = {weight};
