/* Winograd's convolution of random shapes, with each tile size, against the plain form (reference/conv.c),
 * within the bound that kernels/conv/winograd.h states; forward with all that follows it, as the gradient of
 * the input, and the gradient of the weights. */
#include "base/memory.h"
#include "base/parallel.h"
#include "kernels/conv/choose.h"
#include "kernels/conv/winograd.h"
#include "tests/support/check.h"
#include "tests/support/numbers.h"
#include "tests/support/plain_conv.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const double epsilon = sizeof(kin_real) == 4 ? (double)FLT_EPSILON : DBL_EPSILON;

/* ---- the transforms' absolute values, made from the points; n = m + 2 ---- */

typedef struct transforms {
    int m, n;
    double g[6][3], b[6][6], a[4][6];
} transforms;

static transforms transforms_of(int m)
{
    static const double points_2[] = {0, 1, -1}, points_4[] = {0, 0.70710678118654752, -0.70710678118654752,
                                                               1.41421356237309505, -1.41421356237309505};
    const double *at = m == 2 ? points_2 : points_4;
    transforms t = {.m = m, .n = m + 2};
    for (int i = 0; i < t.n; i++) { /* the last point is infinity */
        double poly[7] = {1}, denominator = 1;
        int degree = 0;
        for (int j = 0; j < t.n - 1; j++) { /* Π (x − other points) */
            if (j == i) continue;
            for (int k = ++degree; k >= 0; k--) poly[k] = (k > 0 ? poly[k - 1] : 0) - at[j] * poly[k];
            if (i < t.n - 1) denominator *= at[i] - at[j];
        }
        for (int k = 0; k < t.n; k++) t.b[i][k] = fabs(poly[k]);
        for (int k = 0; k < 3; k++) t.g[i][k] = i == t.n - 1 ? k == 2 : fabs(pow(at[i], k) / denominator);
        for (int k = 0; k < m; k++) t.a[k][i] = i == t.n - 1 ? k == m - 1 : fabs(pow(at[i], k));
    }
    return t;
}

/* out = M · in · Mᵀ with M rows × columns (of 6 or 3 to a line) */
static void both_sides(const double *matrix, int line, int rows, int columns, const double *in, double *out)
{
    double half[36];
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++) {
            half[i * columns + j] = 0;
            for (int k = 0; k < columns; k++)
                half[i * columns + j] += matrix[i * line + k] * in[k * columns + j];
        }
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < rows; j++) {
            out[i * rows + j] = 0;
            for (int k = 0; k < columns; k++)
                out[i * rows + j] += half[i * columns + k] * matrix[j * line + k];
        }
}

/* ---- a problem: y = act(conv(x, w) + bias + add) ---- */

typedef struct problem {
    kin_conv_shape s;
    transforms t;
    bool backward, accumulate; /* as the gradient of the input of kin_winograd_backward(s) */
    kin_norm_act act;
    int64_t in, out; /* pixels */
    kin_real *x, *w, *y, *bias, *add;
    double *want, *bound; /* before the activation; Σ of absolute values */
    unsigned long long seed;
} problem;

/* The weight of tap (i, j) from channel c to channel o, wherever it lies. */
static double weight(const problem *p, int i, int j, int64_t c, int64_t o)
{
    const kin_conv_shape *s = &p->s;
    return p->backward ? (double)p->w[(((2 - i) * 3 + 2 - j) * s->out_c + o) * s->in_c + c]
                       : (double)p->w[((i * 3 + j) * s->in_c + c) * s->out_c + o];
}

static double pixel(const problem *p, int64_t n, int64_t y, int64_t x, int64_t c)
{
    const kin_conv_shape *s = &p->s;
    return y < 0 || x < 0 || y >= s->in_h || x >= s->in_w
               ? 0
               : (double)p->x[((n * s->in_h + y) * s->in_w + x) * s->in_ld + c];
}

/* The bound of the tile whose first output pixel is (y, x), output channel o. */
static void tile(problem *p, int64_t n, int64_t y, int64_t x, int64_t o, const double *u)
{
    const kin_conv_shape *s = &p->s;
    const transforms *t = &p->t;
    double products[36] = {0}, d[36] = {0}, v[36], sums[16];
    for (int64_t c = 0; c < s->in_c; c++) {
        for (int i = 0; i < t->n * t->n; i++)
            d[i] = fabs(pixel(p, n, y - s->pad_top + i / t->n, x - s->pad_left + i % t->n, c));
        both_sides(t->b[0], 6, t->n, t->n, d, v);
        for (int i = 0; i < t->n * t->n; i++) products[i] += v[i] * u[c * 36 + i];
    }
    both_sides(t->a[0], 6, t->m, t->n, products, sums);
    for (int64_t i = y; i < y + t->m && i < s->out_h; i++)
        for (int64_t j = x; j < x + t->m && j < s->out_w; j++) {
            int64_t at = ((n * s->out_h + i) * s->out_w + j) * s->out_c + o;
            p->bound[at] = sums[(i - y) * t->m + j - x];
        }
}

static void bounds(problem *p)
{
    const kin_conv_shape *s = &p->s;
    double *u = kin_alloc_array((size_t)(s->in_c * 36), sizeof *u);
    for (int64_t o = 0; o < s->out_c; o++) {
        for (int64_t c = 0; c < s->in_c; c++) {
            double g[9];
            for (int i = 0; i < 9; i++) g[i] = fabs(weight(p, i / 3, i % 3, c, o));
            both_sides(p->t.g[0], 3, p->t.n, 3, g, u + c * 36);
        }
        for (int64_t n = 0; n < s->batch; n++)
            for (int64_t y = 0; y < s->out_h; y += p->t.m)
                for (int64_t x = 0; x < s->out_w; x += p->t.m) tile(p, n, y, x, o, u);
    }
    kin_free(u);
}

static void reference(problem *p)
{
    const kin_conv_shape *s = &p->s;
    kin_reference_conv plain = plain_conv(s);
    kin_real *x = numbers_packed(p->x, p->in, s->in_c, s->in_ld),
             *w = kin_alloc_array((size_t)(9 * s->in_c * s->out_c), sizeof *w), *to = w;
    for (int k = 0; k < 9; k++)
        for (int64_t c = 0; c < s->in_c; c++)
            for (int64_t o = 0; o < s->out_c; o++) *to++ = (kin_real)weight(p, k / 3, k % 3, c, o);
    kin_reference_conv_forward(&plain, x, w, p->bias, p->want);
    for (int64_t i = 0; i < p->out; i++)
        for (int64_t o = 0; o < s->out_c; o++) {
            if (p->add) p->want[i * s->out_c + o] += (double)p->add[i * s->out_ld + o];
            if (p->accumulate) p->want[i * s->out_c + o] += (double)p->y[i * s->out_ld + o];
        }
    bounds(p);
    kin_free(x), kin_free(w);
}

static kin_real *run(const problem *p, int threads)
{
    const kin_conv_shape *s = &p->s;
    int m = p->t.m;
    kin_set_threads(threads);
    bool once = p->backward || p->seed % 2; /* from weights as they are */
    size_t packed_bytes = (size_t)kin_winograd_packed_count(s, m) * sizeof(kin_real);
    kin_conv_machine machine = kin_conv_this_machine();
    size_t bytes = (size_t)(once ? kin_winograd_once_numbers(s, m, &machine)
                                 : kin_winograd_numbers(s, m, &machine)) *
                   sizeof(kin_real);
    void *packed = numbers_workspace(packed_bytes), *workspace = numbers_workspace(bytes);
    kin_real *y = numbers_copy(p->y, p->out, s->out_c, s->out_ld);
    for (int64_t i = 0; !p->accumulate && i < p->out; i++)
        for (int64_t o = 0; o < s->out_c; o++) y[i * s->out_ld + o] = (kin_real)NAN;
    kin_conv_end end = {.bias = p->bias, .add = p->add, .add_ld = s->out_ld, .act = p->act};
    if (once) {
        kin_winograd_once(s, m, p->x, p->w, p->backward, &end, p->accumulate, y, workspace);
    } else {
        kin_winograd_pack(s, m, p->w, NULL, packed);
        kin_winograd_run(s, m, p->x, packed, &end, p->accumulate, y, workspace);
    }
    CHECK_MSG(numbers_workspace_free(packed, packed_bytes) && numbers_workspace_free(workspace, bytes),
              "seed %llu: memory was overrun", p->seed);
    kin_set_threads(0);
    return y;
}

static double activated(double v, kin_norm_act act)
{
    return act == KIN_NORM_LINEAR ? v : act == KIN_NORM_RELU ? fmax(v, 0) : fmin(fmax(v, 0), 6);
}

static const char *describe(const problem *p)
{
    static char text[200];
    const kin_conv_shape *s = &p->s;
    snprintf(text, sizeof text,
             "seed %llu, tiles of %d: %lldx%lldx%lldx%lld to %lldx%lldx%lld, pad %lld,%lld%s", p->seed,
             p->t.m, (long long)s->batch, (long long)s->in_h, (long long)s->in_w, (long long)s->in_c,
             (long long)s->out_h, (long long)s->out_w, (long long)s->out_c, (long long)s->pad_top,
             (long long)s->pad_left, p->backward ? ", weights turned" : "");
    return text;
}

static void check_one(problem *p, kin_stream *r, bool threads)
{
    const kin_conv_shape *s = &p->s;
    p->in = s->batch * s->in_h * s->in_w, p->out = s->batch * s->out_h * s->out_w;
    p->x = numbers_random(r, p->in, s->in_c, s->in_ld);
    p->w = numbers_random(r, 9 * s->in_c, s->out_c, s->out_c);
    p->y = numbers_random(r, p->out, s->out_c, s->out_ld);
    if (numbers_pick(r, 0, 1)) p->bias = numbers_random(r, 1, s->out_c, s->out_c);
    if (!p->accumulate && numbers_pick(r, 0, 1)) p->add = numbers_random(r, p->out, s->out_c, s->out_ld);
    size_t numbers = (size_t)(p->out * s->out_c);
    p->want = kin_alloc_array(numbers, sizeof *p->want),
    p->bound = kin_alloc_array(numbers, sizeof *p->bound);
    reference(p);
    kin_real *got = run(p, 1);
    for (int64_t i = 0; i < p->out; i++)
        for (int64_t o = 0; o < s->out_c; o++) {
            double want = activated(p->want[i * s->out_c + o], p->act), had = (double)got[i * s->out_ld + o];
            CHECK_MSG(fabs(had - want) <= epsilon * (4 + 8 * p->bound[i * s->out_c + o]),
                      "%s: pixel %lld, channel %lld is %.9g, not %.9g", describe(p), (long long)i,
                      (long long)o, had, want);
        }
    CHECK_MSG(numbers_gaps_kept(got, p->out, s->out_c, s->out_ld), "%s: written between the pixels",
              describe(p));
    for (int t = 2; threads && t <= 7; t += t < 3 ? 1 : 4) {
        kin_real *again = run(p, t);
        CHECK_MSG(numbers_same(got, again, p->out, s->out_c, s->out_ld), "%s: other bits with %d threads",
                  describe(p), t);
        kin_free(again);
    }
    kin_free(got), kin_free(p->x), kin_free(p->w), kin_free(p->y), kin_free(p->bias), kin_free(p->add),
        kin_free(p->want), kin_free(p->bound);
}

static kin_conv_shape random_shape(kin_stream *r, int64_t size, int64_t channels)
{
    kin_conv_shape s = {.batch = numbers_pick(r, 1, 3),
                        .in_h = numbers_pick(r, 1, size),
                        .in_w = numbers_pick(r, 1, size),
                        .kernel_h = 3,
                        .kernel_w = 3,
                        .stride_h = 1,
                        .stride_w = 1,
                        .pad_top = numbers_pick(r, 0, 3),
                        .pad_left = numbers_pick(r, 0, 3),
                        .dilation_h = 1,
                        .dilation_w = 1,
                        .groups = 1};
    s.in_c = numbers_pick(r, 1, channels), s.out_c = numbers_pick(r, 1, channels);
    int64_t h = s.in_h + s.pad_top + numbers_pick(r, 0, 3) - 2,
            w = s.in_w + s.pad_left + numbers_pick(r, 0, 3) - 2;
    s.out_h = h < 1 ? 1 : h, s.out_w = w < 1 ? 1 : w;
    s.in_ld = s.in_c + numbers_pick(r, 0, 1) * numbers_pick(r, 1, 9);
    s.out_ld = s.out_c + numbers_pick(r, 0, 1) * numbers_pick(r, 1, 9);
    return s;
}

static void one_shape(const char *isa, int m, uint64_t seed, int64_t size, int64_t channels)
{
    (void)isa;
    kin_stream r = kin_stream_new(kin_key(seed, 30, (uint64_t)m));
    problem p = {.s = random_shape(&r, size, channels), .t = transforms_of(m), .seed = seed};
    p.backward = numbers_pick(&r, 0, 1);
    p.accumulate = numbers_pick(&r, 0, 3) == 0;
    p.act = (kin_norm_act)numbers_pick(&r, 0, 2);
    check_one(&p, &r, seed % 8 == 0);
}

static void random_shapes(const char *isa)
{
    for (int m = 2; m <= 4; m += 2) {
        check_begin("winograd: tiles of %d, 1500 random shapes (seeds 0 ...) against plain loops, in both "
                    "directions (%s, %s)",
                    m, isa, KIN_REAL_NAME);
        for (uint64_t seed = 0; seed < 1500; seed++)
            one_shape(isa, m, seed, seed % 2 ? 9 : 5, seed % 2 ? 6 : 20);
        check_end();
        check_begin("winograd: tiles of %d, several blocks of tiles and columns, long sums, weights "
                    "transformed ahead or by each task (%s, %s)",
                    m, isa, KIN_REAL_NAME);
        static const kin_conv_shape shapes[] = {
            {2, 30, 33, 24, 24, 30, 33, 20, 20, 3, 3, 1, 1, 1, 1, 1, 1, 1},
            {3, 7, 7, 290, 300, 7, 7, 70, 75, 3, 3, 1, 1, 1, 1, 1, 1, 1},
            {1, 24, 52, 330, 330, 22, 50, 5, 5, 3, 3, 1, 1, 0, 0, 1, 1, 1},
            {90, 2, 2, 40, 40, 2, 2, 33, 33, 3, 3, 1, 1, 1, 1, 1, 1, 1},
            {2, 17, 18, 150, 151, 17, 18, 37, 40, 3, 3, 1, 1, 1, 1, 1, 1, 1},
            {3, 4, 5, 170, 170, 4, 5, 270, 272, 3, 3, 1, 1, 1, 1, 1, 1, 1}};
        for (int i = 0; i < (int)(sizeof shapes / sizeof *shapes); i++) {
            kin_stream r = kin_stream_new(kin_key((uint64_t)i, 31, (uint64_t)m));
            for (int once = 0; once < 2; once++)
                check_one(&(problem){.s = shapes[i],
                                     .t = transforms_of(m),
                                     .seed = (unsigned long long)(2 * i + once),
                                     .act = KIN_NORM_RELU},
                          &r, true);
        }
        check_end();
    }
}

/* ---- the gradient of the weights ---- */

/* The transposed matrix: rows × columns of `line` to a row become columns × rows, of `to_line`. */
static void transpose(const double *from, int line, int rows, int columns, double *to, int to_line)
{
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++) to[j * to_line + i] = from[i * line + j];
}

/* The gradient of all weights, p->y being that of the output. */
static double *weight_reference(const problem *p)
{
    const kin_conv_shape *s = &p->s;
    kin_reference_conv plain = plain_conv(s);
    kin_real *x = numbers_packed(p->x, p->in, s->in_c, s->in_ld),
             *dy = numbers_packed(p->y, p->out, s->out_c, s->out_ld);
    double *dw = kin_alloc_array((size_t)(9 * s->in_c * s->out_c), sizeof *dw);
    kin_reference_conv_backward_weight(&plain, x, dy, dw);
    kin_free(x), kin_free(dy);
    return dw;
}

/* Of the nine weights between channels c and o the sum of absolute values. */
static void weight_bound(const problem *p, int64_t c, int64_t o, double *bound)
{
    const kin_conv_shape *s = &p->s;
    const transforms *t = &p->t;
    double at[6][4], gt[3][6], sums[36] = {0}, d[36], v[36], g[16], z[36];
    transpose(t->a[0], 6, t->m, t->n, at[0], 4), transpose(t->g[0], 3, t->n, 3, gt[0], 6);
    for (int64_t n = 0; n < s->batch; n++)
        for (int64_t y = 0; y < s->out_h; y += t->m)
            for (int64_t x = 0; x < s->out_w; x += t->m) {
                for (int i = 0; i < t->n * t->n; i++)
                    d[i] = fabs(pixel(p, n, y - s->pad_top + i / t->n, x - s->pad_left + i % t->n, c));
                for (int i = 0; i < t->m * t->m; i++) {
                    int64_t oy = y + i / t->m, ox = x + i % t->m;
                    int64_t pixel_at = ((n * s->out_h + oy) * s->out_w + ox) * s->out_ld + o;
                    g[i] = oy < s->out_h && ox < s->out_w ? fabs((double)p->y[pixel_at]) : 0;
                }
                both_sides(t->b[0], 6, t->n, t->n, d, v), both_sides(at[0], 4, t->n, t->m, g, z);
                for (int i = 0; i < t->n * t->n; i++) sums[i] += v[i] * z[i];
            }
    both_sides(gt[0], 6, 3, t->n, sums, bound);
}

static kin_real *run_weight(const problem *p, int threads)
{
    const kin_conv_shape *s = &p->s;
    kin_set_threads(threads);
    size_t bytes = (size_t)kin_winograd_weight_numbers(s, p->t.m) * sizeof(kin_real);
    void *workspace = numbers_workspace(bytes);
    kin_real *dw = numbers_copy(p->w, 9 * s->in_c, s->out_c, s->out_c);
    for (int64_t i = 0; !p->accumulate && i < 9 * s->in_c * s->out_c; i++) dw[i] = (kin_real)NAN;
    kin_winograd_weight(s, p->t.m, p->x, p->y, dw, p->accumulate, workspace);
    CHECK_MSG(numbers_workspace_free(workspace, bytes), "seed %llu: memory was overrun", p->seed);
    kin_set_threads(0);
    return dw;
}

static void check_weight(problem *p, kin_stream *r, bool threads)
{
    const kin_conv_shape *s = &p->s;
    p->in = s->batch * s->in_h * s->in_w, p->out = s->batch * s->out_h * s->out_w;
    p->x = numbers_random(r, p->in, s->in_c, s->in_ld);
    p->w = numbers_random(r, 9 * s->in_c, s->out_c, s->out_c);
    p->y = numbers_random(r, p->out, s->out_c, s->out_ld);
    double *want = weight_reference(p);
    kin_real *got = run_weight(p, 1);
    for (int64_t c = 0; c < s->in_c; c++)
        for (int64_t o = 0; o < s->out_c; o++) {
            double bound[9];
            weight_bound(p, c, o, bound);
            for (int k = 0; k < 9; k++) {
                int64_t at = (k * s->in_c + c) * s->out_c + o;
                double had = (double)got[at], exact = want[at] + (p->accumulate ? (double)p->w[at] : 0);
                CHECK_MSG(fabs(had - exact) <= epsilon * (4 + 8 * bound[k]),
                          "%s: weight %d of channels %lld and %lld is %.9g, not %.9g", describe(p), k,
                          (long long)c, (long long)o, had, exact);
            }
        }
    for (int t = 2; threads && t <= 7; t += t < 3 ? 1 : 4) {
        kin_real *again = run_weight(p, t);
        CHECK_MSG(numbers_same(got, again, 9 * s->in_c, s->out_c, s->out_c), "%s: other bits with %d threads",
                  describe(p), t);
        kin_free(again);
    }
    kin_free(got), kin_free(want), kin_free(p->x), kin_free(p->w), kin_free(p->y);
}

static void weights(const char *isa)
{
    for (int m = 2; m <= 4; m += 2) {
        check_begin("winograd: the weights' gradient by tiles of %d, 300 random shapes (seeds 0 ...) and "
                    "several blocks (%s, %s)",
                    m, isa, KIN_REAL_NAME);
        for (uint64_t seed = 0; seed < 300; seed++) {
            kin_stream r = kin_stream_new(kin_key(seed, 33, (uint64_t)m));
            problem p = {.s = random_shape(&r, seed % 2 ? 9 : 5, seed % 2 ? 6 : 20),
                         .t = transforms_of(m),
                         .seed = seed,
                         .accumulate = numbers_pick(&r, 0, 3) == 0};
            check_weight(&p, &r, seed % 8 == 0);
        }
        static const kin_conv_shape shapes[] = {{2, 30, 33, 24, 24, 30, 33, 20, 20, 3, 3, 1, 1, 1, 1, 1, 1,
                                                 1},
                                                {17, 7, 9, 290, 300, 7, 9, 9, 9, 3, 3, 1, 1, 1, 1, 1, 1, 1},
                                                {20, 8, 8, 5, 5, 8, 8, 270, 275, 3, 3, 1, 1, 1, 1, 1, 1, 1}};
        for (int i = 0; i < (int)(sizeof shapes / sizeof *shapes); i++) {
            kin_stream r = kin_stream_new(kin_key((uint64_t)i, 34, (uint64_t)m));
            check_weight(&(problem){.s = shapes[i], .t = transforms_of(m), .seed = (unsigned long long)i}, &r,
                         true);
        }
        check_end();
    }
}

/* ---- the error as a whole ---- */

/* The root mean square error of y, in ε, where the root mean square of y is 1. */
static double error_of(kin_stream *r, int64_t channels, int m)
{
    kin_conv_shape s = {1, 12, 12, channels, channels, 12, 12, 16, 16, 3, 3, 1, 1, 1, 1, 1, 1, 1};
    problem p = {.s = s,
                 .t = transforms_of(m),
                 .in = 144,
                 .out = 144,
                 .x = numbers_random(r, 144, channels, channels),
                 .w = numbers_random(r, 9 * channels, 16, 16),
                 .y = numbers_random(r, 144, 16, 16),
                 .want = kin_alloc_array(144 * 16, sizeof *p.want),
                 .bound = kin_alloc_array(144 * 16, sizeof *p.bound)};
    double error = 0, square = 0;
    reference(&p);
    kin_real *got = run(&p, 0);
    for (int i = 0; i < 144 * 16; i++)
        error += pow((double)got[i] - p.want[i], 2), square += pow(p.want[i], 2);
    kin_free(got), kin_free(p.x), kin_free(p.w), kin_free(p.y), kin_free(p.want), kin_free(p.bound);
    return sqrt(error / square) / epsilon;
}

static void errors(const char *isa)
{
    for (int m = 2; m <= 4; m += 2) {
        check_begin("winograd: tiles of %d, mean square error against double (%s, %s)", m, isa,
                    KIN_REAL_NAME);
        for (int64_t channels = 16; channels <= 512; channels *= 2) {
            kin_stream r = kin_stream_new(kin_key((uint64_t)channels, 32, (uint64_t)m));
            double error = error_of(&r, channels, m),
                   limit = (m == 2 ? 0.35 : 0.8) * sqrt((double)channels) + (m == 2 ? 1 : 2);
            CHECK_MSG(error <= limit, "%lld channels: %.2f epsilon, not below %.2f", (long long)channels,
                      error, limit);
        }
        check_end();
    }
}

int main(void)
{
    numbers_each_isa("winograd", random_shapes);
    numbers_each_isa("winograd's weights", weights);
    if (sizeof(kin_real) == 4)
        numbers_each_isa("winograd's error", errors); /* the reference's own rounding is that of double */
    return check_result();
}
