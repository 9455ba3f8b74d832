/* Plain loops along channels, which the compiler turns into vectors of this instruction set. `restrict` tells it
 * that the arrays do not overlap. */
#include "kernels/isa.h"
#include "kernels/norm_lines.h"

#include <string.h>

/* What FLUSH rows have summed is added to the sums in double: an error of float's sums grows with the square root of their
 * length, and the gradients of a deep network carry that of every layer (with sums of thousands of rows, twice PyTorch's). */
enum { FLUSH = 16 };

static void flush(kin_real *restrict part, int64_t numbers, double *restrict sums)
{
    for (int64_t i = 0; i < numbers; i++) sums[i] += (double)part[i];
    memset(part, 0, (size_t)numbers * sizeof *part);
}

static void start(kin_real *part, double *sums, int64_t numbers)
{
    memset(part, 0, (size_t)numbers * sizeof *part);
    memset(sums, 0, (size_t)numbers * sizeof *sums);
}

static void moments(const kin_real *x, int64_t ld, int64_t rows, int64_t channels, const kin_real *restrict pivot, kin_real *restrict part, double *sums)
{
    kin_real *restrict squares = part + channels;
    start(part, sums, channels * 2);
    for (int64_t r = 0; r < rows; r++, x += ld) {
        for (int64_t c = 0; c < channels; c++) {
            kin_real d = x[c] - pivot[c];
            part[c] += d;
            squares[c] += d * d;
        }
        if (r % FLUSH == FLUSH - 1 || r == rows - 1) flush(part, channels * 2, sums);
    }
}

static inline kin_real activated(kin_real v, kin_norm_act act)
{
    if (act == KIN_NORM_LINEAR) return v;
    v = v < 0 ? 0 : v; /* NaN stays */
    return act == KIN_NORM_RELU6 && v > 6 ? 6 : v;
}

/* g where the activation's slope is 1, else 0; the slope is read off the output. */
static inline kin_real masked(kin_real g, kin_real y, kin_norm_act act)
{
    if (act == KIN_NORM_LINEAR) return g;
    if (act == KIN_NORM_RELU) return y > 0 ? g : 0;
    return y > 0 && y < 6 ? g : 0;
}

static inline void apply_with(const kin_real *x, int64_t ld, int64_t rows, int64_t channels, const kin_real *restrict scale, const kin_real *restrict shift, const kin_real *add,
                              int64_t add_ld, kin_norm_act act, kin_real *restrict y)
{
    for (int64_t r = 0; r < rows; r++, x += ld, y += channels) {
        if (add)
            for (int64_t c = 0; c < channels; c++) y[c] = activated(x[c] * scale[c] + shift[c] + add[r * add_ld + c], act);
        else
            for (int64_t c = 0; c < channels; c++) y[c] = activated(x[c] * scale[c] + shift[c], act);
    }
}

static void apply(const kin_real *x, int64_t ld, int64_t rows, int64_t channels, const kin_real *scale, const kin_real *shift, const kin_real *add, int64_t add_ld,
                  kin_norm_act act, kin_real *y)
{
    if (act == KIN_NORM_LINEAR) apply_with(x, ld, rows, channels, scale, shift, add, add_ld, KIN_NORM_LINEAR, y);
    else if (act == KIN_NORM_RELU) apply_with(x, ld, rows, channels, scale, shift, add, add_ld, KIN_NORM_RELU, y);
    else apply_with(x, ld, rows, channels, scale, shift, add, add_ld, KIN_NORM_RELU6, y);
}

static inline void sums_with(const kin_real *g, const kin_real *y, kin_norm_act act, const kin_real *x, int64_t ld, int64_t rows, int64_t channels, const kin_real *restrict mean,
                             const kin_real *restrict inv, kin_real *restrict part, double *sums)
{
    kin_real *restrict products = part + channels;
    start(part, sums, channels * 2);
    for (int64_t r = 0; r < rows; r++, x += ld, g += channels, y += channels) {
        for (int64_t c = 0; c < channels; c++) {
            kin_real m = masked(g[c], y[c], act);
            part[c] += m;
            products[c] += m * ((x[c] - mean[c]) * inv[c]);
        }
        if (r % FLUSH == FLUSH - 1 || r == rows - 1) flush(part, channels * 2, sums);
    }
}

static void backward_sums(const kin_real *g, const kin_real *y, kin_norm_act act, const kin_real *x, int64_t ld, int64_t rows, int64_t channels, const kin_real *mean,
                          const kin_real *inv, kin_real *part, double *sums)
{
    if (act == KIN_NORM_LINEAR) sums_with(g, y, KIN_NORM_LINEAR, x, ld, rows, channels, mean, inv, part, sums);
    else if (act == KIN_NORM_RELU) sums_with(g, y, KIN_NORM_RELU, x, ld, rows, channels, mean, inv, part, sums);
    else sums_with(g, y, KIN_NORM_RELU6, x, ld, rows, channels, mean, inv, part, sums);
}

static inline void backward_with(const kin_real *g, const kin_real *y, kin_norm_act act, const kin_real *x, int64_t ld, int64_t rows, int64_t channels,
                                 const kin_real *restrict a, const kin_real *restrict b, const kin_real *restrict c, kin_real *restrict dx, bool add_dx,
                                 kin_real *restrict dadd, bool add_dadd)
{
    for (int64_t r = 0; r < rows; r++, x += ld, g += channels, y += channels) {
        kin_real *to = dx ? dx + r * channels : NULL, *too = dadd ? dadd + r * channels : NULL;
        if (to && add_dx)
            for (int64_t i = 0; i < channels; i++) to[i] += a[i] * masked(g[i], y[i], act) + (b[i] * x[i] + c[i]);
        else if (to)
            for (int64_t i = 0; i < channels; i++) to[i] = a[i] * masked(g[i], y[i], act) + (b[i] * x[i] + c[i]);
        if (too && add_dadd)
            for (int64_t i = 0; i < channels; i++) too[i] += masked(g[i], y[i], act);
        else if (too)
            for (int64_t i = 0; i < channels; i++) too[i] = masked(g[i], y[i], act);
    }
}

static void backward_apply(const kin_real *g, const kin_real *y, kin_norm_act act, const kin_real *x, int64_t ld, int64_t rows, int64_t channels, const kin_real *a,
                           const kin_real *b, const kin_real *c, kin_real *dx, bool add_dx, kin_real *dadd, bool add_dadd)
{
    if (act == KIN_NORM_LINEAR) backward_with(g, y, KIN_NORM_LINEAR, x, ld, rows, channels, a, b, c, dx, add_dx, dadd, add_dadd);
    else if (act == KIN_NORM_RELU) backward_with(g, y, KIN_NORM_RELU, x, ld, rows, channels, a, b, c, dx, add_dx, dadd, add_dadd);
    else backward_with(g, y, KIN_NORM_RELU6, x, ld, rows, channels, a, b, c, dx, add_dx, dadd, add_dadd);
}

extern const kin_norm_lines KIN_ISA_NAME(kin_norm_lines);
const kin_norm_lines KIN_ISA_NAME(kin_norm_lines) = {moments, apply, backward_sums, backward_apply};
