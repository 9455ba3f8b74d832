#include "kernels/pool.h"

#include "base/parallel.h"
#include "kernels/isa.h"
#include "kernels/norm_kernels.h"
#include "kernels/pool_kernels.h"

#include <string.h>

KIN_ISA_DECLARE(kin_pool_kernels, kin_pool_kernels);

static const kin_pool_kernels *lines(void)
{
    static const kin_pool_kernels *const tables[KIN_ISA_COUNT] = KIN_ISA_TABLES(kin_pool_kernels);
    return tables[kin_isa()];
}

typedef struct pool_loop {
    const kin_pool_kernels *lines;
    const kin_pool_shape *s;
    const kin_real *from;
    kin_real *to;
    int32_t *winner;
    const int32_t *winners;
    const kin_conv_begin *begin;
    kin_real *buffers; /* one for each worker */
    bool accumulate;
} pool_loop;

/* The part of a window that lies inside the picture: kernel positions first .. last-1 along one axis. */
typedef struct span {
    int64_t first, last, at;
} span;

static span inside(const kin_pool_shape *s, int64_t out, int64_t size)
{
    int64_t at = out * s->stride - s->pad;
    return (span){at < 0 ? -at : 0, at + s->kernel > size ? size - at : s->kernel, at};
}

static double divisor(const kin_pool_shape *s, span y, span x)
{
    return s->exclude_pad ? (double)((y.last - y.first) * (x.last - x.first))
                          : (double)(s->kernel * s->kernel);
}

static int64_t buffer_numbers(const kin_pool_shape *s)
{
    return (s->kernel * s->in_w * s->channels + 15) / 16 * 16;
}

/* The window's rows of a picture, from where they lie, or from the buffer that they went into through
 * `begin`. */
static const kin_real *rows_of(const pool_loop *l, int64_t picture, span y, kin_real *buffer)
{
    const kin_pool_shape *s = l->s;
    const kin_real *rows = l->from + (picture * s->in_h + y.at + y.first) * s->in_w * s->in_ld;
    const kin_conv_begin *b = l->begin;
    if (!b) return rows;
    kin_norm_kernels_get()->apply(rows, s->in_ld, (y.last - y.first) * s->in_w, s->channels, b->scale,
                                  b->shift, NULL, 0, b->act, buffer, s->channels);
    return buffer;
}

static void max_row(void *arg, int64_t row, int worker)
{
    const pool_loop *l = arg;
    const kin_pool_shape *s = l->s;
    span y = inside(s, row % s->out_h, s->in_h);
    const kin_real *rows = rows_of(l, row / s->out_h, y,
                                   l->begin ? l->buffers + worker * buffer_numbers(s) : NULL);
    int64_t ld = l->begin ? s->channels : s->in_ld;
    for (int64_t ow = 0; ow < s->out_w; ow++) {
        span x = inside(s, ow, s->in_w);
        kin_real *best = l->to + (row * s->out_w + ow) * s->channels;
        int32_t *winner = l->winner + (row * s->out_w + ow) * s->channels;
        const kin_pool_window w = {.first = rows + (x.at + x.first) * ld,
                                   .rows = y.last - y.first,
                                   .columns = x.last - x.first,
                                   .row_step = s->in_w * ld,
                                   .column_step = ld,
                                   .place = y.first * s->kernel + x.first,
                                   .kernel = s->kernel};
        l->lines->maximum(&w, s->channels, best, winner);
    }
}

size_t kin_max_pool_workspace(const kin_pool_shape *s)
{
    return (size_t)(kin_threads() * buffer_numbers(s)) * sizeof(kin_real);
}

void kin_max_pool_forward(const kin_pool_shape *s, const kin_real *x, const kin_conv_begin *begin,
                          kin_real *y, int32_t *winner, void *workspace)
{
    pool_loop l = {
        .lines = lines(), .s = s, .from = x, .to = y, .winner = winner, .begin = begin, .buffers = workspace};
    kin_parallel_for(s->batch * s->out_h, max_row, &l);
}

/* Windows may overlap, so one block is a whole picture; it stays in the caches from its clearing on. */
static void max_back(void *arg, int64_t n, int worker)
{
    (void)worker;
    const pool_loop *l = arg;
    const kin_pool_shape *s = l->s;
    kin_real *picture = l->to + n * s->in_h * s->in_w * s->channels;
    if (!l->accumulate) memset(picture, 0, (size_t)(s->in_h * s->in_w * s->channels) * sizeof *picture);
    for (int64_t oh = 0; oh < s->out_h; oh++)
        for (int64_t ow = 0; ow < s->out_w; ow++) {
            span y = inside(s, oh, s->in_h), x = inside(s, ow, s->in_w);
            int64_t at = ((n * s->out_h + oh) * s->out_w + ow) * s->channels;
            for (int64_t kh = y.first; kh < y.last; kh++)
                for (int64_t kw = x.first; kw < x.last; kw++)
                    l->lines->spread(l->from + at, l->winners + at, (int32_t)(kh * s->kernel + kw),
                                     s->channels,
                                     picture + ((y.at + kh) * s->in_w + x.at + kw) * s->channels);
        }
}

void kin_max_pool_backward(const kin_pool_shape *s, const kin_real *dy, const int32_t *winner, kin_real *dx,
                           bool accumulate)
{
    pool_loop l = {
        .lines = lines(), .s = s, .from = dy, .to = dx, .winners = winner, .accumulate = accumulate};
    kin_parallel_for(s->batch, max_back, &l);
}

static void avg_row(void *arg, int64_t row, int worker)
{
    (void)worker;
    const pool_loop *l = arg;
    const kin_pool_shape *s = l->s;
    span y = inside(s, row % s->out_h, s->in_h);
    const kin_real *picture = l->from + row / s->out_h * s->in_h * s->in_w * s->in_ld;
    for (int64_t ow = 0; ow < s->out_w; ow++) {
        span x = inside(s, ow, s->in_w);
        kin_real *restrict mean = l->to + (row * s->out_w + ow) * s->channels;
        memset(mean, 0, (size_t)s->channels * sizeof *mean);
        for (int64_t kh = y.first; kh < y.last; kh++)
            for (int64_t kw = x.first; kw < x.last; kw++) {
                const kin_real *pixel = picture + ((y.at + kh) * s->in_w + x.at + kw) * s->in_ld;
                for (int64_t c = 0; c < s->channels; c++) mean[c] += pixel[c];
            }
        kin_real share = (kin_real)(1 / divisor(s, y, x));
        for (int64_t c = 0; c < s->channels; c++) mean[c] *= share;
    }
}

void kin_avg_pool_forward(const kin_pool_shape *s, const kin_real *x, kin_real *y)
{
    pool_loop l = {.s = s, .from = x, .to = y};
    kin_parallel_for(s->batch * s->out_h, avg_row, &l);
}

static void norm_row(void *arg, int64_t row, int worker)
{
    (void)worker;
    const pool_loop *l = arg;
    const kin_pool_shape *s = l->s;
    const kin_real *first = l->from +
                            (row / s->out_h * s->in_h + row % s->out_h * s->stride) * s->in_w * s->in_ld;
    for (int64_t ow = 0; ow < s->out_w; ow++) {
        const kin_pool_window w = {.first = first + ow * s->stride * s->in_ld,
                                   .rows = s->kernel,
                                   .columns = s->kernel,
                                   .row_step = s->in_w * s->in_ld,
                                   .column_step = s->in_ld};
        l->lines->norm_mean(&w, s->channels, l->begin, (kin_real)(1 / (double)(s->kernel * s->kernel)),
                            l->to + (row * s->out_w + ow) * s->channels);
    }
}

void kin_norm_avg_pool(const kin_pool_shape *s, const kin_real *x, const kin_conv_begin *begin, kin_real *y)
{
    pool_loop l = {.lines = lines(), .s = s, .from = x, .to = y, .begin = begin};
    kin_parallel_for(s->batch * s->out_h, norm_row, &l);
}

static void avg_back(void *arg, int64_t n, int worker)
{
    (void)worker;
    const pool_loop *l = arg;
    const kin_pool_shape *s = l->s;
    kin_real *picture = l->to + n * s->in_h * s->in_w * s->channels;
    if (!l->accumulate) memset(picture, 0, (size_t)(s->in_h * s->in_w * s->channels) * sizeof *picture);
    for (int64_t oh = 0; oh < s->out_h; oh++)
        for (int64_t ow = 0; ow < s->out_w; ow++) {
            span y = inside(s, oh, s->in_h), x = inside(s, ow, s->in_w);
            kin_real share = (kin_real)(1 / divisor(s, y, x));
            const kin_real *g = l->from + ((n * s->out_h + oh) * s->out_w + ow) * s->channels;
            for (int64_t kh = y.first; kh < y.last; kh++)
                for (int64_t kw = x.first; kw < x.last; kw++) {
                    kin_real *pixel = picture + ((y.at + kh) * s->in_w + x.at + kw) * s->channels;
                    for (int64_t c = 0; c < s->channels; c++) pixel[c] += g[c] * share;
                }
        }
}

void kin_avg_pool_backward(const kin_pool_shape *s, const kin_real *dy, kin_real *dx, bool accumulate)
{
    pool_loop l = {.s = s, .from = dy, .to = dx, .accumulate = accumulate};
    kin_parallel_for(s->batch, avg_back, &l);
}
