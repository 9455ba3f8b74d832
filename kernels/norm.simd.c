/* The lanes are channels. What SOME rows have summed is added to the sums in double: an error of float's
 * sums grows with the square root of their length, and the gradients of a deep network carry that of every
 * layer (with sums of thousands of rows, twice PyTorch's). Memory is the limit in large maps, so it is
 * read in its order: TOGETHER rows side by side, a stripe of channels at a time whose sums stay in the
 * first cache. */
#include "kernels/isa.h"
#include "kernels/norm_kernels.h"
#include "kernels/vector.h"

#include <string.h>

enum { SOME = 16, TOGETHER = 4, STRIPE = 512 };

/* The sums of a stripe under way: of numbers and of products. */
typedef struct parts {
    kin_real sum[STRIPE], product[STRIPE];
} parts;

static void flush(const parts *p, int64_t count, double *restrict sums, double *restrict products)
{
    for (int64_t c = 0; c < count; c++) sums[c] += (double)p->sum[c];
    for (int64_t c = 0; c < count; c++) products[c] += (double)p->product[c];
}

/* `rows` is a constant where this is called, and so is `begins`: whether the parts begin with these rows. */
static inline __attribute__((always_inline)) void moments_of(const kin_real *x, int64_t ld, const int rows,
                                                             int64_t count, const kin_real *pivot,
                                                             const bool begins, parts *p)
{
    int64_t c = 0;
    for (; c + LANES <= count; c += LANES) {
        vector sum = {0}, square = {0}, from = load(pivot + c);
        if (!begins) sum = load(p->sum + c), square = load(p->product + c);
        UNROLLED for (int r = 0; r < rows; r++)
        {
            vector d = load(x + r * ld + c) - from;
            sum += d;
            square += d * d;
        }
        store(p->sum + c, sum);
        store(p->product + c, square);
    }
    for (; c < count; c++) {
        kin_real sum = begins ? 0 : p->sum[c], square = begins ? 0 : p->product[c];
        for (int r = 0; r < rows; r++) {
            kin_real d = x[r * ld + c] - pivot[c];
            sum += d;
            square += d * d;
        }
        p->sum[c] = sum;
        p->product[c] = square;
    }
}

static void moments(const kin_real *x, int64_t ld, int64_t rows, int64_t channels, const kin_real *pivot,
                    double *sums)
{
    parts p;
    memset(sums, 0, (size_t)channels * 2 * sizeof *sums);
    for (int64_t some; rows > 0; rows -= some, x += some * ld) {
        some = rows < SOME ? rows : SOME;
        for (int64_t c = 0, count; c < channels; c += count) {
            count = channels - c < STRIPE ? channels - c : STRIPE;
            int64_t r = some % TOGETHER;
            if (!r) moments_of(x + c, ld, TOGETHER, count, pivot + c, true, &p), r = TOGETHER;
            else
                for (int64_t i = 0; i < r; i++)
                    i ? moments_of(x + i * ld + c, ld, 1, count, pivot + c, false, &p)
                      : moments_of(x + c, ld, 1, count, pivot + c, true, &p);
            for (; r < some; r += TOGETHER)
                moments_of(x + r * ld + c, ld, TOGETHER, count, pivot + c, false, &p);
            flush(&p, count, sums + c, sums + channels + c);
        }
    }
}

static inline kin_real activated_one(kin_real v, kin_norm_act act)
{
    if (act == KIN_NORM_LINEAR) return v;
    v = v < 0 ? 0 : v; /* NaN stays */
    return act == KIN_NORM_RELU6 && v > 6 ? 6 : v;
}

static inline __attribute__((always_inline)) void apply_with(const kin_real *x, int64_t ld, int64_t rows,
                                                             int64_t channels, const kin_real *scale,
                                                             const kin_real *shift, const kin_real *add,
                                                             int64_t add_ld, kin_norm_act act, kin_real *y,
                                                             int64_t y_ld)
{
    for (int64_t r = 0; r < rows; r++, x += ld, y += y_ld) {
        int64_t c = 0;
        for (; c + LANES <= channels; c += LANES) {
            vector v = load(x + c) * load(scale + c) + load(shift + c);
            if (add) v += load(add + r * add_ld + c);
            store(y + c, act == KIN_NORM_LINEAR ? v : activated(v, act));
        }
        for (; c < channels; c++) {
            kin_real v = x[c] * scale[c] + shift[c];
            if (add) v += add[r * add_ld + c];
            y[c] = activated_one(v, act);
        }
    }
}

static void apply(const kin_real *x, int64_t ld, int64_t rows, int64_t channels, const kin_real *scale,
                  const kin_real *shift, const kin_real *add, int64_t add_ld, kin_norm_act act, kin_real *y,
                  int64_t y_ld)
{
    if (act == KIN_NORM_LINEAR)
        apply_with(x, ld, rows, channels, scale, shift, add, add_ld, KIN_NORM_LINEAR, y, y_ld);
    else if (act == KIN_NORM_RELU)
        apply_with(x, ld, rows, channels, scale, shift, add, add_ld, KIN_NORM_RELU, y, y_ld);
    else apply_with(x, ld, rows, channels, scale, shift, add, add_ld, KIN_NORM_RELU6, y, y_ld);
}

/* ---- backward ---- */

/* g where the activation's slope is 1, else 0; z is the output, or what the activation was applied to. */
static inline vector masked(vector g, vector z, kin_norm_act act)
{
    vector zero = {0}, six = zero + 6;
    if (act == KIN_NORM_LINEAR) return g;
    vector_mask open = z > zero;
    if (act == KIN_NORM_RELU6) open &= z < six;
    return (vector)((vector_mask)g & open);
}

static inline kin_real masked_one(kin_real g, kin_real z, kin_norm_act act)
{
    return act == KIN_NORM_LINEAR || (z > 0 && (act == KIN_NORM_RELU || z < 6)) ? g : 0;
}

/* The masked gradient at row r, channel c, where x is: with `by_y` the mask is the output's, else what z =
 * x·scale + shift gives again. */
static inline __attribute__((always_inline)) vector gradient(const kin_norm_flow *f, int64_t at, int64_t c,
                                                             vector x, kin_norm_act act, bool by_y)
{
    vector g = load(f->g + at);
    if (act == KIN_NORM_LINEAR) return g;
    if (by_y) return masked(g, load(f->y + at), act);
    return masked(g, x * load(f->scale + c) + load(f->shift + c), act);
}

static inline __attribute__((always_inline)) kin_real gradient_one(const kin_norm_flow *f, int64_t at,
                                                                   int64_t c, kin_real x, kin_norm_act act,
                                                                   bool by_y)
{
    if (act == KIN_NORM_LINEAR) return f->g[at];
    return masked_one(f->g[at], by_y ? f->y[at] : x * f->scale[c] + f->shift[c], act);
}

static inline __attribute__((always_inline)) void sums_of(const kin_norm_flow *f, int64_t row, const int rows,
                                                          int64_t channels, int64_t first, int64_t count,
                                                          const kin_real *mean, const kin_real *inv,
                                                          const bool begins, kin_norm_act act, bool by_y,
                                                          parts *p)
{
    int64_t c = 0, at = row * channels + first;
    const kin_real *x = f->x + row * f->ld + first;
    for (; c + LANES <= count; c += LANES, at += LANES) {
        vector sum = {0}, product = {0}, off = load(mean + first + c), by = load(inv + first + c);
        if (!begins) sum = load(p->sum + c), product = load(p->product + c);
        UNROLLED for (int r = 0; r < rows; r++)
        {
            vector from = load(x + r * f->ld + c),
                   g = gradient(f, at + r * channels, first + c, from, act, by_y);
            sum += g;
            product += g * ((from - off) * by);
        }
        store(p->sum + c, sum);
        store(p->product + c, product);
    }
    for (; c < count; c++, at++) {
        kin_real sum = begins ? 0 : p->sum[c], product = begins ? 0 : p->product[c];
        for (int r = 0; r < rows; r++) {
            kin_real from = x[r * f->ld + c],
                     g = gradient_one(f, at + r * channels, first + c, from, act, by_y);
            sum += g;
            product += g * ((from - mean[first + c]) * inv[first + c]);
        }
        p->sum[c] = sum;
        p->product[c] = product;
    }
}

static inline __attribute__((always_inline)) void sums_with(const kin_norm_flow *f, int64_t rows,
                                                            int64_t channels, const kin_real *mean,
                                                            const kin_real *inv, kin_norm_act act, bool by_y,
                                                            double *sums)
{
    parts p;
    memset(sums, 0, (size_t)channels * 2 * sizeof *sums);
    for (int64_t row = 0, some; row < rows; row += some) {
        some = rows - row < SOME ? rows - row : SOME;
        for (int64_t c = 0, count; c < channels; c += count) {
            count = channels - c < STRIPE ? channels - c : STRIPE;
            int64_t r = some % TOGETHER;
            if (!r)
                sums_of(f, row, TOGETHER, channels, c, count, mean, inv, true, act, by_y, &p), r = TOGETHER;
            else
                for (int64_t i = 0; i < r; i++)
                    i ? sums_of(f, row + i, 1, channels, c, count, mean, inv, false, act, by_y, &p)
                      : sums_of(f, row, 1, channels, c, count, mean, inv, true, act, by_y, &p);
            for (; r < some; r += TOGETHER)
                sums_of(f, row + r, TOGETHER, channels, c, count, mean, inv, false, act, by_y, &p);
            flush(&p, count, sums + c, sums + channels + c);
        }
    }
}

/* The kernel for each activation and each way to its mask: constants, so that nothing is asked in the
 * loops. */
#define WITH_MASK(CALL) \
    do { \
        if (f->act == KIN_NORM_LINEAR) CALL(KIN_NORM_LINEAR, true); \
        else if (f->act == KIN_NORM_RELU && f->y) CALL(KIN_NORM_RELU, true); \
        else if (f->act == KIN_NORM_RELU) CALL(KIN_NORM_RELU, false); \
        else if (f->y) CALL(KIN_NORM_RELU6, true); \
        else CALL(KIN_NORM_RELU6, false); \
    } while (0)

static void backward_sums(const kin_norm_flow *f, int64_t rows, int64_t channels, const kin_real *mean,
                          const kin_real *inv, double *sums)
{
#define SUMS(ACT, BY_Y) sums_with(f, rows, channels, mean, inv, ACT, BY_Y, sums)
    WITH_MASK(SUMS);
#undef SUMS
}

static inline __attribute__((always_inline)) void apply_back(const kin_norm_flow *f, int64_t rows,
                                                             int64_t channels, const kin_norm_line *l,
                                                             const kin_norm_to *to, kin_norm_act act,
                                                             bool by_y)
{
    const kin_real *x = f->x;
    kin_real *to_x = to->dx;
    for (int64_t r = 0, at = 0; r < rows; r++, x += f->ld, to_x += to_x ? to->dx_ld : 0) {
        int64_t c = 0;
        for (; c + LANES <= channels; c += LANES, at += LANES) {
            vector from = load(x + c), g = gradient(f, at, c, from, act, by_y),
                   dx = load(l->a + c) * g + (load(l->b + c) * from + load(l->c + c));
            if (to->dadd && to->add_dadd) g += load(to->dadd + at);
            if (to->dadd) store(to->dadd + at, g);
            if (to_x && to->add_dx) dx += load(to_x + c);
            if (to_x) store(to_x + c, dx);
        }
        for (; c < channels; c++, at++) {
            kin_real g = gradient_one(f, at, c, x[c], act, by_y),
                     dx = l->a[c] * g + (l->b[c] * x[c] + l->c[c]);
            if (to->dadd) to->dadd[at] = to->add_dadd ? to->dadd[at] + g : g;
            if (to_x) to_x[c] = to->add_dx ? to_x[c] + dx : dx;
        }
    }
}

static void backward_apply(const kin_norm_flow *f, int64_t rows, int64_t channels, const kin_norm_line *l,
                           const kin_norm_to *to)
{
#define APPLY(ACT, BY_Y) apply_back(f, rows, channels, l, to, ACT, BY_Y)
    WITH_MASK(APPLY);
#undef APPLY
}

extern const kin_norm_kernels KIN_ISA_NAME(kin_norm_kernels);
const kin_norm_kernels KIN_ISA_NAME(kin_norm_kernels) = {moments, apply, backward_sums, backward_apply};
