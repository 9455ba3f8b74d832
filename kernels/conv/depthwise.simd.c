/* The lanes are channels. PIXELS neighbouring outputs of WIDTH vectors are summed in registers over all
 * taps, so that a weight is loaded once for all of them; pixels whose window crosses the left or right
 * edge are taken one by one. */
#include "kernels/conv/depthwise_kernels.h"
#include "kernels/isa.h"
#include "kernels/vector.h"

/* Accumulators fill the registers: six pixels of two vectors, three of four where six do not fit, one of
 * eight at the edges. */
enum { PIXELS = 6, FEWER = 3, WIDTH = 2, WIDE = 4, WIDEST = 8 };

/* The taps of an output pixel that lie inside the picture, and where the first of them reads. */
typedef struct window {
    const kin_real *x, *w;
    int64_t rows, columns;
    int64_t x_row, x_column, w_row, w_column; /* distances from tap to tap */
    int64_t x_pixel;                          /* distance from output to output */
} window;

static inline void finish(vector v, const kin_conv_end *end, int64_t pixel, int64_t c, int64_t lanes,
                          kin_real *y)
{
    if (end->bias) v += load_some(end->bias + c, lanes);
    if (end->add) v += load_some(end->add + pixel * end->add_ld + c, lanes);
    store_some(y, end->act == KIN_NORM_LINEAR ? v : activated(v, end->act), lanes);
}

/* pixels × width vectors from channel c on; both are constants where this is called. */
static inline __attribute__((always_inline)) void sum(const window *t, int pixels, int width, int64_t c,
                                                      int64_t pixel, const kin_conv_end *end, kin_real *y,
                                                      int64_t y_ld)
{
    vector acc[PIXELS][WIDEST] = {{{0}}};
    UNROLLED for (int p = 0; p < pixels; p++) __builtin_prefetch(y + p * y_ld + c, 1),
        __builtin_prefetch(y + p * y_ld + c + (width - 1) * LANES, 1);
    for (int64_t i = 0; i < t->rows; i++)
        for (int64_t j = 0; j < t->columns; j++) {
            const kin_real *w = t->w + i * t->w_row + j * t->w_column + c,
                           *x = t->x + i * t->x_row + j * t->x_column + c;
            UNROLLED for (int v = 0; v < width; v++)
            {
                vector weight = load(w + v * LANES);
                UNROLLED for (int p = 0; p < pixels; p++)
                    acc[p][v] += load(x + p * t->x_pixel + v * LANES) * weight;
            }
        }
    UNROLLED for (int p = 0; p < pixels; p++) UNROLLED for (int v = 0; v < width; v++)
        finish(acc[p][v], end, pixel + p, c + v * LANES, LANES, y + p * y_ld + c + v * LANES);
}

/* The last channels, fewer than a vector. */
static void sum_rest(const window *t, int64_t pixels, int64_t c, int64_t lanes, int64_t pixel,
                     const kin_conv_end *end, kin_real *y, int64_t y_ld)
{
    for (int64_t p = 0; p < pixels; p++) {
        vector acc = {0};
        for (int64_t i = 0; i < t->rows; i++)
            for (int64_t j = 0; j < t->columns; j++)
                acc += load_some(t->x + i * t->x_row + j * t->x_column + p * t->x_pixel + c, lanes) *
                       load_some(t->w + i * t->w_row + j * t->w_column + c, lanes);
        finish(acc, end, pixel + p, c, lanes, y + p * y_ld + c);
    }
}

static void six(const window *t, int64_t channels, int64_t pixel, const kin_conv_end *end, kin_real *y,
                int64_t y_ld)
{
    int64_t c = 0;
    /* What the next six will read first. */
    const kin_real *next = t->x + (t->rows - 1) * t->x_row + (t->columns - 1) * t->x_column + t->x_pixel;
    for (int p = 0; t->rows > 0 && p < PIXELS; p++, next += t->x_pixel)
        for (int64_t i = 0; i < channels; i += 64 / (int64_t)sizeof *next) __builtin_prefetch(next + i);
    for (; c + WIDTH * LANES <= channels; c += WIDTH * LANES) sum(t, PIXELS, WIDTH, c, pixel, end, y, y_ld);
    for (; c + LANES <= channels; c += LANES) sum(t, PIXELS, 1, c, pixel, end, y, y_ld);
    if (c < channels) sum_rest(t, PIXELS, c, channels - c, pixel, end, y, y_ld);
}

static void three(const window *t, int64_t channels, int64_t pixel, const kin_conv_end *end, kin_real *y,
                  int64_t y_ld)
{
    int64_t c = 0;
    for (; c + WIDE * LANES <= channels; c += WIDE * LANES) sum(t, FEWER, WIDE, c, pixel, end, y, y_ld);
    for (; c + LANES <= channels; c += LANES) sum(t, FEWER, 1, c, pixel, end, y, y_ld);
    if (c < channels) sum_rest(t, FEWER, c, channels - c, pixel, end, y, y_ld);
}

static void one(const window *t, int64_t channels, int64_t pixel, const kin_conv_end *end, kin_real *y,
                int64_t y_ld)
{
    int64_t c = 0;
    for (; c + WIDEST * LANES <= channels; c += WIDEST * LANES) sum(t, 1, WIDEST, c, pixel, end, y, y_ld);
    for (; c + WIDTH * LANES <= channels; c += WIDTH * LANES) sum(t, 1, WIDTH, c, pixel, end, y, y_ld);
    for (; c + LANES <= channels; c += LANES) sum(t, 1, 1, c, pixel, end, y, y_ld);
    if (c < channels) sum_rest(t, 1, c, channels - c, pixel, end, y, y_ld);
}

typedef struct span {
    int64_t first, count;
} span;

/* The taps k with 0 ≤ at + k·dilation < size. */
static span inside(int64_t at, int64_t dilation, int64_t kernel, int64_t size)
{
    int64_t first = at < 0 ? (-at + dilation - 1) / dilation : 0,
            end = at < size ? (size - at + dilation - 1) / dilation : 0;
    if (end > kernel) end = kernel;
    return (span){first, end > first ? end - first : 0};
}

static void forward(const kin_conv_shape *s, int64_t row, const kin_real *x, const kin_real *w,
                    const kin_conv_end *end, kin_real *y)
{
    int64_t n = row / s->out_h, top = row % s->out_h * s->stride_h - s->pad_top, channels = s->in_c;
    span rows = inside(top, s->dilation_h, s->kernel_h, s->in_h);
    window t = {.rows = rows.count,
                .x_row = s->dilation_h * s->in_w * s->in_ld,
                .x_column = s->dilation_w * s->in_ld,
                .w_row = s->kernel_w * channels,
                .w_column = channels,
                .x_pixel = s->stride_w * s->in_ld};
    const kin_real *x_row = x + (n * s->in_h + (rows.count ? top + rows.first * s->dilation_h : 0)) *
                                    s->in_w * s->in_ld,
                   *w_row = w + rows.first * t.w_row;
    for (int64_t ow = 0, step; ow < s->out_w; ow += step) {
        int64_t left = ow * s->stride_w - s->pad_left,
                room = left < 0 ? 0
                                : (s->in_w - 1 - left - (s->kernel_w - 1) * s->dilation_w + s->stride_w) /
                                      s->stride_w;
        span columns = inside(left, s->dilation_w, s->kernel_w, s->in_w);
        if (room > s->out_w - ow) room = s->out_w - ow; /* pixels from here on whose windows lie inside */
        step = room >= PIXELS ? PIXELS : room >= FEWER ? FEWER : 1;
        t.columns = columns.count;
        t.x = x_row + (columns.count ? left + columns.first * s->dilation_w : 0) * s->in_ld;
        t.w = w_row + columns.first * channels;
        (step == PIXELS ? six
         : step == FEWER
             ? three
             : one)(&t, channels, row * s->out_w + ow, end, y + (row * s->out_w + ow) * s->out_ld, s->out_ld);
    }
}

extern const kin_depthwise_kernels KIN_ISA_NAME(kin_depthwise_kernels);
const kin_depthwise_kernels KIN_ISA_NAME(kin_depthwise_kernels) = {forward};
