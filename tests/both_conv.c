/* Convolutions of random shapes, forward and both gradients, against the plain form (reference/conv.c), on
 * every instruction set and number of threads. */
#include "base/memory.h"
#include "base/parallel.h"
#include "kernels/conv/choose.h"
#include "kernels/conv/conv.h"
#include "tests/support/check.h"
#include "tests/support/numbers.h"
#include "tests/support/plain_conv.h"

#include <math.h>
#include <stdio.h>

enum { X, W, Y, BIAS, ARRAYS };
enum { ALL_THREADS = 50 };

typedef struct problem {
    kin_conv_shape s;
    int64_t rows[ARRAYS], cols[ARRAYS], ld[ARRAYS];
    kin_real *data[ARRAYS];
    bool accumulate;
    unsigned long long seed;
} problem;

static void textbook(const problem *p, int which, kin_real *const *data, double *out)
{
    kin_reference_conv c = plain_conv(&p->s);
    if (which == Y) kin_reference_conv_forward(&c, data[X], data[W], NULL, out);
    if (which == X) kin_reference_conv_backward_input(&c, data[Y], data[W], out);
    if (which == W) kin_reference_conv_backward_weight(&c, data[X], data[Y], out);
}

/* The sums, packed, and those of their terms' absolute values, which rounding is judged by. */
static void reference(const problem *p, int which, double *value, double *magnitude)
{
    kin_real *packed[BIAS], *absolute[BIAS];
    for (int i = X; i < BIAS; i++) {
        packed[i] = numbers_packed(p->data[i], p->rows[i], p->cols[i], p->ld[i]);
        absolute[i] = numbers_absolute(packed[i], p->rows[i] * p->cols[i]);
    }
    textbook(p, which, packed, value);
    textbook(p, which, absolute, magnitude);
    for (int i = X; i < BIAS; i++) kin_free(packed[i]), kin_free(absolute[i]);
}

static kin_conv_choice choice_of(const problem *p, int which)
{
    kin_conv_machine machine = kin_conv_this_machine();
    return kin_conv_choose(&p->s,
                           which == Y   ? KIN_CONV_FORWARD
                           : which == X ? KIN_CONV_INPUT
                                        : KIN_CONV_WEIGHT,
                           &machine);
}

static void run(const problem *p, int which, kin_real *out)
{
    size_t bytes = choice_of(p, which).workspace;
    CHECK(bytes <= kin_conv_workspace(&p->s));
    void *workspace = numbers_workspace(bytes);
    if (which == Y) kin_conv_forward(&p->s, p->data[X], NULL, p->data[W], p->data[BIAS], out, workspace);
    if (which == X) kin_conv_backward_input(&p->s, p->data[Y], p->data[W], out, p->accumulate, workspace);
    if (which == W)
        kin_conv_backward_weight(&p->s, p->data[X], NULL, p->data[Y], out, p->accumulate, workspace);
    CHECK_MSG(numbers_workspace_free(workspace, bytes), "seed %llu: the workspace was overrun", p->seed);
}

static kin_real *run_with(const problem *p, int which, int threads)
{
    bool adds = which != Y && p->accumulate;
    kin_real *out = numbers_copy(p->data[which], p->rows[which], p->cols[which], p->ld[which]);
    for (int64_t i = 0; !adds && i < p->rows[which]; i++) {
        for (int64_t j = 0; j < p->cols[which]; j++) out[i * p->ld[which] + j] = (kin_real)NAN;
    }
    kin_set_threads(threads);
    run(p, which, out);
    kin_set_threads(0);
    return out;
}

/* Behind a number that Winograd's method makes stands a whole tile, of which the plain sum's magnitude
 * tells less: its own bound is held by both_winograd.c. */
static double slack(const problem *p, int which)
{
    return choice_of(p, which).kind == KIN_CONV_WINOGRAD ? 4 : 1;
}

static const char *describe(const problem *p)
{
    static char text[300];
    const kin_conv_shape *s = &p->s;
    snprintf(text, sizeof text,
             "seed %llu: %lldx%lldx%lldx%lld to %lldx%lldx%lld, kernel %lldx%lld, stride %lldx%lld, pad "
             "%lld,%lld, dilation %lldx%lld, %lld groups",
             p->seed, (long long)s->batch, (long long)s->in_h, (long long)s->in_w, (long long)s->in_c,
             (long long)s->out_h, (long long)s->out_w, (long long)s->out_c, (long long)s->kernel_h,
             (long long)s->kernel_w, (long long)s->stride_h, (long long)s->stride_w, (long long)s->pad_top,
             (long long)s->pad_left, (long long)s->dilation_h, (long long)s->dilation_w,
             (long long)s->groups);
    return text;
}

static void check_one(const problem *p, int which)
{
    static const char *const names[] = {"dx", "dw", "y"};
    static const int threads[] = {2, 3, 7};
    int64_t ld = p->ld[which], cols = p->cols[which];
    size_t size = (size_t)(p->rows[which] * cols);
    double *want = kin_alloc_array(size, sizeof *want), *magnitude = kin_alloc_array(size, sizeof *magnitude);
    reference(p, which, want, magnitude);
    kin_real *got = run_with(p, which, 1);
    for (int64_t i = 0; i < p->rows[which]; i++) {
        for (int64_t j = 0; j < cols; j++) {
            double base = which == Y      ? (p->data[BIAS] ? (double)p->data[BIAS][j] : 0)
                          : p->accumulate ? (double)p->data[which][i * ld + j]
                                          : 0;
            double value = base + want[i * cols + j], had = (double)got[i * ld + j];
            CHECK_MSG(fabs(had - value) <= slack(p, which) * numbers_tolerance(magnitude[i * cols + j]),
                      "%s: %s[%lld][%lld] is %.9g, expected %.9g", describe(p), names[which], (long long)i,
                      (long long)j, had, value);
        }
    }
    CHECK_MSG(numbers_gaps_kept(got, p->rows[which], p->cols[which], ld),
              "%s: %s was written between its rows", describe(p), names[which]);
    /* Waking threads takes most of the time: the first seeds see all three numbers of them, the others
     * one. */
    for (int t = 0; t < 3; t++) {
        if (p->seed >= ALL_THREADS && p->seed % 3 != (unsigned)t) continue;
        kin_real *again = run_with(p, which, threads[t]);
        CHECK_MSG(numbers_same(got, again, p->rows[which], p->cols[which], ld),
                  "%s: %s has other bits with %d threads", describe(p), names[which], threads[t]);
        kin_free(again);
    }
    kin_free(got), kin_free(want), kin_free(magnitude);
}

static void set_array(problem *p, kin_stream *s, int which, int64_t rows, int64_t cols, int64_t ld)
{
    p->rows[which] = rows, p->cols[which] = cols, p->ld[which] = ld;
    p->data[which] = numbers_random(s, rows, cols, ld);
}

static void check_shape(kin_stream *s, kin_conv_shape shape, unsigned long long seed)
{
    problem p = {.s = shape, .seed = seed, .accumulate = numbers_pick(s, 0, 1)};
    set_array(&p, s, X, shape.batch * shape.in_h * shape.in_w, shape.in_c, shape.in_ld);
    set_array(&p, s, W, shape.kernel_h * shape.kernel_w * (shape.in_c / shape.groups), shape.out_c,
              shape.out_c);
    set_array(&p, s, Y, shape.batch * shape.out_h * shape.out_w, shape.out_c, shape.out_ld);
    if (numbers_pick(s, 0, 1)) set_array(&p, s, BIAS, 1, shape.out_c, shape.out_c);
    for (int which = X; which <= Y; which++) check_one(&p, which);
    for (int i = 0; i < ARRAYS; i++) kin_free(p.data[i]);
}

/* A size whose output has at least one row, padding of the far side included. */
static int64_t out_size(kin_stream *s, int64_t in, int64_t kernel, int64_t stride, int64_t pad,
                        int64_t dilation)
{
    int64_t covered = in + pad + numbers_pick(s, 0, kernel) - dilation * (kernel - 1) - 1;
    return covered < 0 ? 1 : covered / stride + 1;
}

enum { PLAIN, DEPTHWISE, GROUPED, POINTWISE, KINDS };

static kin_conv_shape random_shape(kin_stream *s, int kind)
{
    kin_conv_shape c = {.batch = numbers_pick(s, 1, 4),
                        .in_h = numbers_pick(s, 1, 12),
                        .in_w = numbers_pick(s, 1, 12),
                        .groups = 1};
    bool simple = numbers_pick(s, 0, 1);
    c.kernel_h = kind == POINTWISE ? 1
                 : simple          ? 3
                                   : numbers_pick(s, 1, 5),
    c.kernel_w = kind == POINTWISE ? 1
                 : simple          ? 3
                                   : numbers_pick(s, 1, 5);
    c.stride_h = simple ? 1 : numbers_pick(s, 1, 4), c.stride_w = simple ? 1 : numbers_pick(s, 1, 4);
    c.pad_top = simple ? 1 : numbers_pick(s, 0, c.kernel_h),
    c.pad_left = simple ? 1 : numbers_pick(s, 0, c.kernel_w);
    if (kind == POINTWISE) c.pad_top = c.pad_left = 0;
    c.dilation_h = simple ? 1 : numbers_pick(s, 1, 3), c.dilation_w = simple ? 1 : numbers_pick(s, 1, 3);
    c.in_c = numbers_pick(s, 0, 2) ? numbers_pick(s, 1, 40) : numbers_pick(s, 1, 3),
    c.out_c = numbers_pick(s, 1, 40);
    if (kind == DEPTHWISE) c.groups = c.in_c = c.out_c = numbers_pick(s, 2, 40);
    if (kind == GROUPED)
        c.groups = numbers_pick(s, 2, 4), c.in_c = c.groups * numbers_pick(s, 1, 12),
        c.out_c = c.groups * numbers_pick(s, 1, 12);
    c.out_h = out_size(s, c.in_h, c.kernel_h, c.stride_h, c.pad_top, c.dilation_h);
    c.out_w = out_size(s, c.in_w, c.kernel_w, c.stride_w, c.pad_left, c.dilation_w);
    c.in_ld = c.in_c + numbers_pick(s, 0, 1) * numbers_pick(s, 1, 20);
    c.out_ld = c.out_c + numbers_pick(s, 0, 1) * numbers_pick(s, 1, 20);
    return c;
}

/* Of many pictures, whose pixels are taken one by one. */
static kin_conv_shape tiny_shape(kin_stream *s)
{
    kin_conv_shape c = {.batch = numbers_pick(s, 32, 40),
                        .in_h = numbers_pick(s, 1, 4),
                        .in_w = numbers_pick(s, 1, 4),
                        .dilation_h = 1,
                        .dilation_w = 1,
                        .groups = numbers_pick(s, 1, 2)};
    c.kernel_h = 1 + 2 * numbers_pick(s, 0, 2), c.kernel_w = numbers_pick(s, 0, 1) ? 3 : 5;
    c.pad_top = c.kernel_h / 2, c.pad_left = c.kernel_w / 2;
    c.stride_h = c.stride_w = numbers_pick(s, 1, 2);
    c.out_h = (c.in_h - 1) / c.stride_h + 1, c.out_w = (c.in_w - 1) / c.stride_w + 1;
    c.in_ld = c.in_c = c.groups * numbers_pick(s, 3, 20),
    c.out_ld = c.out_c = c.groups * numbers_pick(s, 1, 20);
    return c;
}

static void convolutions(const char *isa)
{
    static const char *const kinds[KINDS] = {"plain", "depthwise", "grouped", "1x1"};
    for (int kind = 0; kind < KINDS; kind++) {
        numbers_seeds seeds = numbers_seeds_of(kind == PLAIN ? 120 : 50);
        check_begin("conv: %s, random shapes, y, dx and dw against plain loops, %s (%s)", kinds[kind],
                    numbers_seeds_shown(seeds), isa);
        for (uint64_t seed = seeds.first; seed < seeds.behind; seed++) {
            kin_stream s = kin_stream_new(kin_key(seed, 10, (uint64_t)kind));
            check_shape(&s, random_shape(&s, kind), seed);
        }
        check_end();
    }
    check_begin("conv: tiny maps of many pictures, seeds 0 to 39 (%s)", isa);
    for (uint64_t seed = 0; seed < 40; seed++) {
        kin_stream s = kin_stream_new(kin_key(seed, 13, 0));
        check_shape(&s, tiny_shape(&s), seed);
    }
    check_end();
    check_begin("conv: shapes of networks: several blocks, parts of sums (%s)", isa);
    static const kin_conv_shape shapes[] = {{3, 14, 14, 64, 64, 14, 14, 64, 64, 3, 3, 1, 1, 1, 1, 1, 1, 1},
                                            {5, 28, 28, 1, 1, 28, 28, 64, 64, 3, 3, 1, 1, 1, 1, 1, 1, 1},
                                            {2, 32, 32, 3, 3, 16, 16, 32, 40, 7, 7, 2, 2, 3, 3, 1, 1, 1},
                                            {3, 9, 9, 48, 60, 5, 5, 96, 96, 3, 3, 2, 2, 1, 1, 1, 1, 1},
                                            {2, 5, 5, 200, 200, 5, 5, 70, 70, 3, 3, 1, 1, 2, 2, 2, 2, 1},
                                            {24, 3, 3, 130, 130, 3, 3, 20, 20, 3, 3, 1, 1, 1, 1, 1, 1, 1},
                                            {9, 2, 2, 300, 304, 2, 2, 270, 280, 3, 3, 1, 1, 1, 1, 1, 1, 1},
                                            {4, 23, 23, 210, 210, 23, 23, 33, 33, 1, 1, 1, 1, 0, 0, 1, 1, 1}};
    for (uint64_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        kin_stream s = kin_stream_new(kin_key(i, 11, 0));
        check_shape(&s, shapes[i], i);
    }
    check_end();
    check_begin("conv: no images (%s)", isa);
    for (uint64_t seed = 0; seed < 8; seed++) {
        kin_stream s = kin_stream_new(kin_key(seed, 12, 0));
        kin_conv_shape c = random_shape(&s, (int)(seed % KINDS));
        c.batch = 0;
        check_shape(&s, c, seed);
    }
    check_end();
}

int main(void)
{
    numbers_each_isa("conv", convolutions);
    return check_result();
}
