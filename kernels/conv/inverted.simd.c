/* A row of a depthwise convolution whose pixels are panels: some neighbouring pixels' sums of a vector of
 * channels are kept in registers. */
#include "kernels/conv/inverted_kernels.h"
#include "kernels/isa.h"
#include "kernels/register_tile.h"

enum {
    AT_ONCE = 8,
    AHEAD = 48, /* pixels that are asked for before they are read, of a map that comes from memory */
};

/* `count` pixels from `first` on. Count, stride and the kernel's width are constants where this is called. */
INLINE void filter_pixels(const int count, const int64_t stride, const int64_t kernel,
                          const kin_inverted_filter *f, int64_t first)
{
    const kin_real *bias = f->bias;
    int64_t to_ld = f->to_ld;
    for (int v = 0; v < NR; v += LANES) {
        vector acc[AT_ONCE] = {{0}};
        const kin_real *w = f->w + v, *x = f->panel + f->slot * f->row + first * stride * NR + v;
        kin_real *to = f->to + first * to_ld + v;
        for (int64_t i = 0, left = f->slots - f->slot; i < f->rows; i++, x += f->row, w += kernel * NR) {
            if (i == left) x -= f->slots * f->row;
            UNROLLED_BY(5) for (int64_t j = 0; j < kernel; j++)
            {
                vector weight = load(w + j * NR);
                UNROLLED for (int p = 0; p < count; p++) acc[p] += load(x + (p * stride + j) * NR) * weight;
            }
        }
#define EACH_PIXEL UNROLLED for (int p = 0; p < count; p++)
        if (bias) EACH_PIXEL acc[p] += load(bias + v);
        if (f->act == KIN_NORM_RELU) EACH_PIXEL acc[p] = activated(acc[p], KIN_NORM_RELU);
        else if (f->act == KIN_NORM_RELU6) EACH_PIXEL acc[p] = activated(acc[p], KIN_NORM_RELU6);
        EACH_PIXEL store(to + p * to_ld, acc[p]);
    }
}

/* In steps of equal size. */
INLINE void filter_row(const int64_t stride, const int64_t kernel, const kin_inverted_filter *f)
{
    int64_t steps = (f->pixels + AT_ONCE - 1) / AT_ONCE, step = (f->pixels + steps - 1) / steps;
    for (int64_t first = 0; first < f->pixels; first += step) {
        if (first + step > f->pixels) step = f->pixels - first;
        switch (step) {
#define COUNT(n) \
    case n: filter_pixels(n, stride, kernel, f, first); break;
            COUNT(4)
            COUNT(5)
            COUNT(6)
            COUNT(7)
            COUNT(8)
#undef COUNT
        default:
            for (int64_t i = 0; i < step; i++) filter_pixels(1, stride, kernel, f, first + i);
        }
    }
}

static void filter(const kin_inverted_filter *f)
{
    if (f->stride == 1 && f->kernel_w == 3) filter_row(1, 3, f);
    else if (f->stride == 2 && f->kernel_w == 3) filter_row(2, 3, f);
    else if (f->stride == 1 && f->kernel_w == 5) filter_row(1, 5, f);
    else if (f->stride == 2 && f->kernel_w == 5) filter_row(2, 5, f);
    else
        for (int64_t i = 0; i < f->pixels; i++) filter_pixels(1, f->stride, f->kernel_w, f, i);
}

static void take(const kin_real *x, int64_t ld, int64_t columns, int64_t pixels, kin_real *to)
{
    for (; columns == NR && pixels > 0; pixels--, x += ld, to += NR) {
        __builtin_prefetch(x + AHEAD * ld);
        for (int v = 0; v < NR; v += LANES) store(to + v, load(x + v));
    }
    for (; pixels > 0; pixels--, x += ld, to += NR) memcpy(to, x, (size_t)columns * sizeof *to);
}

extern const kin_inverted_kernels KIN_ISA_NAME(kin_inverted_kernels);
const kin_inverted_kernels KIN_ISA_NAME(kin_inverted_kernels) = {filter, take};
