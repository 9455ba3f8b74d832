/* Batch norm's kernels over random shapes: statistics against the plain form (reference/norm.c), what is
 * made of given ones against the line that kernels/norm.h states, on every instruction set and number of
 * threads. */
#include "base/memory.h"
#include "base/parallel.h"
#include "kernels/norm.h"
#include "reference/norm.h"
#include "tests/support/check.h"
#include "tests/support/numbers.h"

#include <math.h>
#include <string.h>

enum { MEAN, VAR, Y, SUM_G, SUM_GX, DX, DADD, RESULTS };
static const char *const names[] = {"mean", "variance", "y", "sum of g", "sum of g x", "dx", "dadd"};

/* One problem, and what one run of all kernels makes of it; sums and results in double, whatever they were
 * computed in. */
typedef struct problem {
    int64_t rows, channels, ld, add_ld, dx_ld;
    kin_norm_act act;
    bool adds, add_dx, add_dadd;
    kin_real *x, *add, *g, *scale, *shift, *mean, *inv, *a, *b, *c, *dx, *dadd;
} problem;

static int64_t count_of(const problem *p, int which)
{
    return which == Y || which == DX || which == DADD ? p->rows * p->channels : p->channels;
}

static double activated(double v, kin_norm_act act)
{
    if (act != KIN_NORM_LINEAR && v < 0) return 0;
    return act == KIN_NORM_RELU6 && v > 6 ? 6 : v;
}

/* The activation's mask is taken from y as the kernel stored it, so both see the same one. */
static double masked(const problem *p, const kin_real *y, int64_t i)
{
    bool through = p->act == KIN_NORM_LINEAR || (y[i] > 0 && (p->act == KIN_NORM_RELU || y[i] < 6));
    return through ? (double)p->g[i] : 0;
}

/* want[which], and in scale[which] the sum of absolute values that rounding is judged by. */
static void reference(const problem *p, const kin_real *y, double **want, double **size)
{
    kin_real *packed = numbers_packed(p->x, p->rows, p->channels, p->ld);
    kin_reference_norm_statistics(packed, p->rows, p->channels, want[MEAN], want[VAR]);
    kin_free(packed);
    for (int64_t k = 0; k < p->channels; k++) {
        double largest = 0;
        for (int64_t r = 0; r < p->rows; r++) largest = fmax(largest, fabs((double)p->x[r * p->ld + k]));
        size[MEAN][k] = largest, size[VAR][k] = largest * largest;
        for (int64_t r = 0; r < p->rows; r++) {
            int64_t i = r * p->channels + k;
            double x = (double)p->x[r * p->ld + k], g = masked(p, y, i),
                   hat = (x - (double)p->mean[k]) * (double)p->inv[k],
                   add = p->adds ? (double)p->add[r * p->add_ld + k] : 0;
            want[Y][i] = activated(x * (double)p->scale[k] + (double)p->shift[k] + add, p->act),
            size[Y][i] = 1 + fabs(x * (double)p->scale[k]) + fabs(add);
            want[SUM_G][k] += g, size[SUM_G][k] += fabs(g);
            want[SUM_GX][k] += g * hat,
                size[SUM_GX][k] += fabs(g) * (fabs(x) + fabs((double)p->mean[k])) * fabs((double)p->inv[k]);
            want[DX][i] = (double)p->a[k] * g + (double)p->b[k] * x + (double)p->c[k] +
                          (p->add_dx ? (double)p->dx[r * p->dx_ld + k] : 0),
            size[DX][i] = 4;
            want[DADD][i] = g + (p->add_dadd ? (double)p->dadd[i] : 0), size[DADD][i] = 2;
        }
    }
}

static void run(const problem *p, int threads, double **got, kin_real *y)
{
    int64_t all = p->rows * p->channels;
    size_t bytes = kin_norm_workspace(p->rows, p->channels);
    void *workspace = numbers_workspace(bytes);
    kin_real *mean = kin_alloc_array((size_t)p->channels, 2 * sizeof *mean),
             *dx = numbers_copy(p->dx, p->rows, p->channels, p->dx_ld),
             *dadd = numbers_copy(p->dadd, 1, all, all);
    kin_set_threads(threads);
    kin_norm_statistics(p->x, p->ld, p->rows, p->channels, mean, mean + p->channels, workspace);
    kin_norm_apply(p->x, p->ld, p->rows, p->channels, p->scale, p->shift, p->adds ? p->add : NULL, p->add_ld,
                   p->act, y);
    /* Without a residual the mask comes from x; where nothing is added to, dx is written over g. */
    kin_real *g = numbers_copy(p->g, 1, all, all);
    kin_norm_flow flow = {.g = g,
                          .y = p->adds ? y : NULL,
                          .x = p->x,
                          .ld = p->ld,
                          .scale = p->scale,
                          .shift = p->shift,
                          .act = p->act};
    kin_norm_to to = {.dx = p->add_dx ? dx : g,
                      .dx_ld = p->add_dx ? p->dx_ld : p->channels,
                      .dadd = dadd,
                      .add_dx = p->add_dx,
                      .add_dadd = p->add_dadd};
    kin_norm_backward_sums(&flow, p->rows, p->channels, p->mean, p->inv, got[SUM_G], got[SUM_GX], workspace);
    kin_norm_backward_apply(&flow, p->rows, p->channels, &(kin_norm_line){p->a, p->b, p->c}, &to);
    kin_set_threads(0);
    CHECK_MSG(numbers_gaps_kept(dx, p->rows, p->channels, p->dx_ld),
              "something was written between the rows of dx");
    CHECK_MSG(numbers_workspace_free(workspace, bytes), "the workspace was overrun");
    for (int64_t k = 0; k < p->channels; k++)
        got[MEAN][k] = (double)mean[k], got[VAR][k] = (double)mean[p->channels + k];
    for (int64_t i = 0; i < all; i++)
        got[Y][i] = (double)y[i], got[DX][i] = (double)to.dx[i / p->channels * to.dx_ld + i % p->channels],
        got[DADD][i] = (double)dadd[i];
    kin_free(mean), kin_free(dx), kin_free(dadd), kin_free(g);
}

static void make(double **arrays, const problem *p)
{
    for (int i = 0; i < RESULTS; i++) arrays[i] = kin_alloc_zero((size_t)count_of(p, i) + 1, sizeof(double));
}

static void compare(const problem *p, double **got, double **want, double **size, unsigned long long seed)
{
    for (int w = 0; w < RESULTS; w++)
        for (int64_t i = 0; i < count_of(p, w); i++)
            CHECK_MSG(fabs(got[w][i] - want[w][i]) <= numbers_tolerance(size[w][i]),
                      "seed %llu: %lld x %lld, ld %lld, act %d: %s[%lld] is %.9g, expected %.9g", seed,
                      (long long)p->rows, (long long)p->channels, (long long)p->ld, p->act, names[w],
                      (long long)i, got[w][i], want[w][i]);
}

static void check_shape(kin_stream *s, unsigned long long seed)
{
    static const int threads[] = {2, 3, 7};
    int64_t rows = numbers_pick(s, 0, 5) ? numbers_pick(s, 1, 40) : numbers_pick(s, 100, 700),
            channels = numbers_pick(s, 1, 70), all;
    if (!numbers_pick(s, 0, 9)) channels = numbers_pick(s, 500, 1100), rows = numbers_pick(s, 1, 40);
    all = rows * channels;
    problem p = {rows,
                 channels,
                 channels + numbers_pick(s, 0, 1) * numbers_pick(s, 1, 20),
                 channels + numbers_pick(s, 0, 1) * numbers_pick(s, 1, 20),
                 channels + numbers_pick(s, 0, 1) * numbers_pick(s, 1, 20),
                 (kin_norm_act)numbers_pick(s, 0, 2),
                 numbers_pick(s, 0, 1),
                 numbers_pick(s, 0, 1),
                 numbers_pick(s, 0, 1)};
    p.x = numbers_random(s, rows, channels, p.ld), p.add = numbers_random(s, rows, channels, p.add_ld);
    kin_real **const whole[] = {&p.g, &p.dadd},
                     **const each[] = {&p.scale, &p.shift, &p.mean, &p.inv, &p.a, &p.b, &p.c};
    p.dx = numbers_random(s, rows, channels, p.dx_ld);
    for (int i = 0; i < 2; i++) *whole[i] = numbers_random(s, 1, all, all);
    for (int i = 0; i < 7; i++) *each[i] = numbers_random(s, 1, channels, channels);
    double *want[RESULTS], *size[RESULTS], *got[RESULTS], *again[RESULTS];
    make(want, &p), make(size, &p), make(got, &p), make(again, &p);
    kin_real *y = kin_alloc_array((size_t)all, sizeof *y);
    run(&p, 1, got, y);
    reference(&p, y, want, size);
    compare(&p, got, want, size, seed);
    for (int t = 0; t < 3; t++) {
        run(&p, threads[t], again, y);
        for (int w = 0; w < RESULTS; w++)
            CHECK_MSG(memcmp(got[w], again[w], (size_t)count_of(&p, w) * sizeof(double)) == 0,
                      "seed %llu: %s has other bits with %d threads", seed, names[w], threads[t]);
    }
    for (int i = 0; i < RESULTS; i++)
        kin_free(want[i]), kin_free(size[i]), kin_free(got[i]), kin_free(again[i]);
    for (int i = 0; i < 2; i++) kin_free(*whole[i]);
    for (int i = 0; i < 7; i++) kin_free(*each[i]);
    kin_free(p.x), kin_free(p.add), kin_free(p.dx), kin_free(y);
}

static void norms(const char *isa)
{
    numbers_seeds seeds = numbers_seeds_of(60);
    check_begin("norm: random shapes, statistics, values and gradients against plain loops, %s (%s)",
                numbers_seeds_shown(seeds), isa);
    for (uint64_t seed = seeds.first; seed < seeds.behind; seed++) {
        kin_stream s = kin_stream_new(kin_key(seed, 30, 0));
        check_shape(&s, seed);
    }
    check_end();
}

int main(void)
{
    numbers_each_isa("norm", norms);
    return check_result();
}
