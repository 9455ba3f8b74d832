/* The rows of the ops that reduce, pool, gate and erase maps. References are written as the
 * definition reads, in double, without regard to speed. */
#include "tests/support/check.h"
#include "tests/support/op_row.h"

#include <math.h>

/* ---- reductions ---- */

typedef struct reduction {
    char kind;
    unsigned axes;
} reduction;
static reduction sum_all = {'s', 0}, sum_rows = {'s', 7}, mean_channels = {'m', 8}, mean_space = {'m', 6},
                 sum_batch = {'s', 1}, max_channels = {'x', 8}, max_space = {'x', 6}, max_all = {'x', 0};
static kin_tensor *build_reduce(kin_tensor **in, void *arg)
{
    reduction *r = arg;
    return r->kind == 's'   ? kin_sum(in[0], r->axes)
           : r->kind == 'm' ? kin_mean(in[0], r->axes)
                            : kin_max(in[0], r->axes);
}
REFERENCE(ref_reduce)
{
    UNUSED;
    reduction *r = arg;
    unsigned axes = r->axes ? r->axes : 15;
    int64_t count = N(s[0]), each = count / N(o);
    for (int64_t i = 0; i < N(o); i++) out[i] = r->kind == 'x' ? -INFINITY : 0;
    for (int64_t i = 0; i < count; i++) {
        int64_t rest = i, at = 0, stride = 1;
        for (int axis = 3; axis >= 0; axis--) {
            if (!(axes >> axis & 1)) at += rest % s[0].dim[axis] * stride, stride *= s[0].dim[axis];
            rest /= s[0].dim[axis];
        }
        out[at] = r->kind == 'x' ? fmax(out[at], in[0][i])
                                 : out[at] + in[0][i] / (r->kind == 'm' ? (double)each : 1);
    }
}

static kin_tensor *build_gem(kin_tensor **in, void *arg)
{
    return kin_gem_pool(in[0], arg ? kin_scale(in[1], *(double *)arg, 0) : in[1]);
}
REFERENCE(ref_gem)
{
    UNUSED;
    int64_t pixels = s[0].dim[1] * s[0].dim[2], channels = COLUMNS(s[0]);
    double p = in[1][0] * (arg ? *(double *)arg : 1);
    for (int64_t n = 0; n < s[0].dim[0]; n++)
        for (int64_t k = 0; k < channels; k++) {
            double sum = 0;
            for (int64_t i = 0; i < pixels; i++)
                sum += pow(fmax(in[0][(n * pixels + i) * channels + k], 1e-6), p);
            *out++ = pow(sum / (double)pixels, 1 / p);
        }
}

typedef struct resized {
    int64_t height, width; /* width 0: both are the factor */
} resized;
static resized thrice = {3, 0}, uneven = {3, 4}, larger = {9, 2}, one_pixel = {1, 1};
static kin_tensor *build_resized(kin_tensor **in, void *arg)
{
    const resized *r = arg;
    return r->width ? kin_adaptive_avg_pool2d(in[0], r->height, r->width) : kin_upsample(in[0], r->height);
}
REFERENCE(ref_resized)
{
    UNUSED;
    const resized *r = arg;
    int64_t in_h = s[0].dim[1], in_w = s[0].dim[2], out_h = o.dim[1], out_w = o.dim[2], channels = COLUMNS(o);
    for (int64_t i = 0; i < N(o); i++) {
        int64_t k = i % channels, x = i / channels % out_w, y = i / channels / out_w % out_h,
                n = i / channels / out_w / out_h;
        int64_t top = y * in_h / out_h, left = x * in_w / out_w,
                bottom = r->width ? ((y + 1) * in_h + out_h - 1) / out_h : top + 1,
                right = r->width ? ((x + 1) * in_w + out_w - 1) / out_w : left + 1;
        out[i] = 0;
        for (int64_t a = top; a < bottom; a++)
            for (int64_t b = left; b < right; b++)
                out[i] += in[0][((n * in_h + a) * in_w + b) * channels + k] /
                          (double)((bottom - top) * (right - left));
    }
}

static kin_tensor *build_channel_pool(kin_tensor **in, void *arg)
{
    (void)arg;
    return kin_channel_pool(in[0]);
}
REFERENCE(ref_channel_pool)
{
    UNUSED;
    int64_t n = COLUMNS(s[0]);
    for (int64_t r = 0; r < ROWS(s[0]); r++, out += 2) {
        out[0] = -INFINITY, out[1] = 0;
        for (int64_t k = 0; k < n; k++)
            out[0] = fmax(out[0], in[0][r * n + k]), out[1] += in[0][r * n + k] / (double)n;
    }
}

static void not_numbers(void)
{
    check_begin("pools: NaN wins, and its channel or pixel is seen (%s)", KIN_REAL_NAME);
    kin_ctx *ctx = kin_ctx_new();
    kin_real numbers[3 * 19];
    for (int i = 0; i < 57; i++) numbers[i] = (kin_real)sin(i);
    numbers[19 + 3] = (kin_real)NAN;
    kin_tensor *x = kin_variable(ctx, KIN_SHAPE(1, 1, 3, 19), numbers), *most = kin_global_max_pool(x),
               *both = kin_channel_pool(x);
    for (int k = 0; k < 19; k++) CHECK(isnan(kin_data(most)[k]) == (k == 3));
    for (int p = 0; p < 3; p++)
        CHECK(isnan(kin_data(both)[2 * p]) == (p == 1) && isnan(kin_data(both)[2 * p + 1]) == (p == 1));
    CHECK(kin_backward(kin_sum(
        kin_concat(
            (kin_tensor *[]){kin_slice(most, 3, 1), kin_slice(kin_reshape(both, KIN_SHAPE(1, 6)), 2, 1)}, 2),
        0)));
    CHECK(kin_grad(x)[19 + 3] == 2);
    kin_ctx_free(ctx);
    check_end();
}

/* ---- gates ---- */

static kin_tensor *build_gate(kin_tensor **in, void *arg)
{
    (void)arg;
    return kin_gate(in[0], in[1]);
}
REFERENCE(ref_gate)
{
    UNUSED;
    int64_t pixels = s[0].dim[1] * s[0].dim[2], channels = COLUMNS(s[0]);
    bool of_pixels = s[1].ndim == 4 && s[1].dim[1] == s[0].dim[1] && s[1].dim[3] == 1;
    for (int64_t i = 0; i < N(o); i++)
        out[i] = in[0][i] * in[1][of_pixels ? i / channels : i / channels / pixels * channels + i % channels];
}

static kin_tensor *build_weighted(kin_tensor **in, void *arg)
{
    (void)arg;
    return kin_add_weighted(in[0], in[1], in[2]);
}
REFERENCE(ref_weighted)
{
    UNUSED;
    for (int64_t i = 0; i < N(o); i++) out[i] = in[0][i] + in[2][0] * in[1][i];
}
static kin_tensor *build_weighted_self(kin_tensor **in, void *arg)
{
    (void)arg;
    return kin_add_weighted(in[0], in[0], in[1]);
}
REFERENCE(ref_weighted_self)
{
    UNUSED;
    for (int64_t i = 0; i < N(o); i++) out[i] = in[0][i] + in[1][0] * in[0][i];
}

/* ---- erasing ---- */

static kin_tensor *build_erase(kin_tensor **in, void *arg) { return kin_erase(in[0], arg); }
REFERENCE(ref_erase)
{
    UNUSED;
    const kin_rectangle *r = arg;
    int64_t height = s[0].dim[1], width = s[0].dim[2], channels = s[0].dim[3];
    for (int64_t i = 0; i < N(o); i++) {
        int64_t pixel = i / channels, row = pixel / width % height - r->top, column = pixel % width - r->left;
        bool inside = row >= 0 && row < r->height && column >= 0 && column < r->width;
        out[i] = inside ? 0 : in[0][i];
    }
}
static kin_rectangle middle = {1, 2, 2, 3}, nothing = {3, 0, 0, 2}, whole = {0, 0, 4, 5};

int main(void)
{
    static double large = 40;
    static const op_row rows[] = {
        {.name = "sum of all",
         .build = build_reduce,
         .reference = ref_reduce,
         .arg = &sum_all,
         .shapes = {S(3, 5, 2, 7)},
         .linear = true,
         .out_shape = S(1),
         .tolerance = 1e-5},
        {.name = "sum over pixels and batch",
         .build = build_reduce,
         .reference = ref_reduce,
         .arg = &sum_rows,
         .shapes = {S(3, 5, 2, 7)},
         .linear = true,
         .out_shape = S(1, 1, 1, 7)},
        {.name = "sum over the batch",
         .build = build_reduce,
         .reference = ref_reduce,
         .arg = &sum_batch,
         .shapes = {S(3, 5, 2, 7)},
         .linear = true,
         .out_shape = S(1, 5, 2, 7)},
        {.name = "mean over channels",
         .build = build_reduce,
         .reference = ref_reduce,
         .arg = &mean_channels,
         .shapes = {S(3, 5, 2, 7)},
         .linear = true,
         .out_shape = S(3, 5, 2, 1)},
        {.name = "mean over pixels",
         .build = build_reduce,
         .reference = ref_reduce,
         .arg = &mean_space,
         .shapes = {S(3, 5, 2, 7)},
         .linear = true,
         .out_shape = S(3, 1, 1, 7)},
        {.name = "max over channels",
         .build = build_reduce,
         .reference = ref_reduce,
         .arg = &max_channels,
         .shapes = {S(3, 5, 2, 7)}},
        {.name = "max over pixels",
         .build = build_reduce,
         .reference = ref_reduce,
         .arg = &max_space,
         .shapes = {S(3, 5, 2, 7)}},
        {.name = "max of all",
         .build = build_reduce,
         .reference = ref_reduce,
         .arg = &max_all,
         .shapes = {S(3, 5, 2, 7)}},
        {.name = "gem",
         .build = build_gem,
         .reference = ref_gem,
         .shapes = {S(3, 4, 5, 7), S(1)},
         .check = {.low = .3, .high = 3},
         .out_shape = S(3, 7),
         .tolerance = 1e-5},
        {.name = "gem with a large p",
         .build = build_gem,
         .reference = ref_gem,
         .arg = &large,
         .shapes = {S(2, 3, 3, 4), S(1)},
         .check = {.low = .9, .high = 1.1},
         .out_shape = S(2, 4),
         .tolerance = 1e-5},
        {.name = "gem of one pixel",
         .build = build_gem,
         .reference = ref_gem,
         .shapes = {S(2, 1, 1, 3), S(1)},
         .check = {.low = .3, .high = 3},
         .out_shape = S(2, 3),
         .tolerance = 1e-5},
        {.name = "erase",
         .build = build_erase,
         .reference = ref_erase,
         .arg = &middle,
         .shapes = {S(3, 4, 5, 7)},
         .linear = true},
        {.name = "erase nothing",
         .build = build_erase,
         .reference = ref_erase,
         .arg = &nothing,
         .shapes = {S(1, 4, 5, 3)},
         .linear = true},
        {.name = "erase all",
         .build = build_erase,
         .reference = ref_erase,
         .arg = &whole,
         .shapes = {S(2, 4, 5, 1)},
         .linear = true},
        {.name = "upsample",
         .build = build_resized,
         .reference = ref_resized,
         .arg = &thrice,
         .shapes = {S(2, 3, 4, 5)},
         .linear = true,
         .out_shape = S(2, 9, 12, 5)},
        {.name = "adaptive_avg_pool2d",
         .build = build_resized,
         .reference = ref_resized,
         .arg = &uneven,
         .shapes = {S(2, 7, 6, 5)},
         .linear = true,
         .out_shape = S(2, 3, 4, 5)},
        {.name = "adaptive_avg_pool2d to a larger map",
         .build = build_resized,
         .reference = ref_resized,
         .arg = &larger,
         .shapes = {S(2, 4, 5, 3)},
         .linear = true,
         .out_shape = S(2, 9, 2, 3)},
        {.name = "adaptive_avg_pool2d to one pixel",
         .build = build_resized,
         .reference = ref_resized,
         .arg = &one_pixel,
         .shapes = {S(3, 4, 5, 7)},
         .linear = true,
         .out_shape = S(3, 1, 1, 7)},
        {.name = "channel_pool",
         .build = build_channel_pool,
         .reference = ref_channel_pool,
         .shapes = {S(3, 4, 5, 7)},
         .out_shape = S(3, 4, 5, 2)},
        {.name = "channel_pool of many rows and lanes",
         .build = build_channel_pool,
         .reference = ref_channel_pool,
         .shapes = {S(2, 9, 8, 19)},
         .out_shape = S(2, 9, 8, 2)},
        {.name = "channel_pool of one channel",
         .build = build_channel_pool,
         .reference = ref_channel_pool,
         .shapes = {S(2, 3, 2, 1)},
         .out_shape = S(2, 3, 2, 2)},
        {.name = "gate of channels",
         .build = build_gate,
         .reference = ref_gate,
         .shapes = {S(3, 4, 5, 7), S(3, 7)},
         .linear = true},
        {.name = "gate of channels as pooled",
         .build = build_gate,
         .reference = ref_gate,
         .shapes = {S(3, 4, 5, 7), S(3, 1, 1, 7)},
         .linear = true},
        {.name = "gate of pixels",
         .build = build_gate,
         .reference = ref_gate,
         .shapes = {S(3, 4, 5, 7), S(3, 4, 5, 1)},
         .linear = true},
        {.name = "gate of many channels",
         .build = build_gate,
         .reference = ref_gate,
         .shapes = {S(2, 3, 1, 997), S(2, 997)},
         .linear = true},
        {.name = "gate of one pixel with one channel",
         .build = build_gate,
         .reference = ref_gate,
         .shapes = {S(3, 1, 1, 1), S(3, 1, 1, 1)},
         .linear = true},
        {.name = "add_weighted",
         .build = build_weighted,
         .reference = ref_weighted,
         .shapes = {S(3, 4, 5, 7), S(3, 4, 5, 7), S(1)},
         .linear = true},
        {.name = "add_weighted to itself",
         .build = build_weighted_self,
         .reference = ref_weighted_self,
         .shapes = {S(5, 997), S(1)},
         .linear = true},
    };
    op_rows_run(rows, (int)(sizeof rows / sizeof *rows));
    not_numbers();
    return check_result();
}
