/* What a batch norm makes of a map is made where a convolution or a maximum reads it: the same bits,
 * values and gradients, as when it is put into memory first; for random shapes, for any number of threads,
 * and where another reader wants the numbers after all. */
#include "autograd/ops.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "tests/support/check.h"
#include "tests/support/numbers.h"

#include <stdio.h>
#include <string.h>

enum { LEAVES = 12 };

/* 1×1, depthwise, 1×1 with a norm ahead of each, and beside the last convolution maxima and a sum of the
 * last norm's result. */
typedef struct problem {
    kin_shape x;
    int64_t wide, narrow, kernel, pool;
    kin_conv2d_opt depthwise;
    kin_act act;
    bool given; /* the statistics are inputs */
    kin_shape shapes[LEAVES];
    kin_real *values[LEAVES];
    int n;
    unsigned long long seed;
} problem;

typedef struct leaves {
    kin_tensor *of[LEAVES];
    int at;
} leaves;

static kin_tensor *next(leaves *l) { return l->of[l->at++]; }

/* `looks`: somebody reads the numbers at once, which puts them into memory. */
static kin_tensor *norm(const problem *p, leaves *l, kin_tensor *x, kin_act act, bool looks)
{
    kin_tensor *gamma = next(l), *beta = next(l),
               *zeros = kin_input(kin_ctx_of(x), KIN_SHAPE(kin_channels(x)), NULL);
    kin_tensor *y = p->given
                        ? kin_batch_norm_eval(x, gamma, beta, zeros, kin_scale(zeros, 0, 1),
                                              &(kin_batch_norm_opt){1e-5, act})
                        : kin_batch_norm_train(x, gamma, beta, &(kin_batch_norm_opt){1e-5, act}, NULL, NULL);
    if (looks) kin_data(y);
    return y;
}

static kin_tensor *network(const problem *p, leaves *l, bool looks)
{
    kin_tensor *x = norm(p, l, next(l), KIN_LINEAR, looks);
    x = norm(p, l, kin_conv2d(x, next(l), NULL, NULL), p->act, looks);
    x = norm(p, l, kin_conv2d(x, next(l), NULL, &p->depthwise), p->act, looks);
    kin_tensor *y = kin_conv2d(x, next(l), NULL, NULL),
               *most = kin_max_pool2d(
                   x, &(kin_pool2d_opt){.kernel = p->pool, .stride = p->pool - p->pool / 3, .pad = 1});
    return kin_add(kin_add(kin_sum(kin_square(y), 0), kin_sum(kin_square(most), 0)),
                   kin_sum(kin_square(x), 0));
}

/* The loss and all gradients, one after the other. */
static kin_real *outcome(const problem *p, bool looks, int threads, int64_t *count)
{
    kin_set_threads(threads);
    kin_ctx *ctx = kin_ctx_new();
    leaves l = {0};
    *count = 1;
    for (int i = 0; i < p->n; i++)
        l.of[i] = kin_variable(ctx, p->shapes[i], p->values[i]), *count += kin_shape_count(p->shapes[i]);
    kin_tensor *loss = network(p, &l, looks);
    CHECK_MSG(kin_backward(loss) && l.at == p->n, "seed %llu: %s", p->seed, kin_ctx_error(ctx)->message);
    kin_real *all = kin_alloc_zero((size_t)*count, sizeof *all), *to = all + 1;
    all[0] = (kin_real)kin_item(loss);
    for (int i = 0; i < p->n; to += kin_shape_count(p->shapes[i++]))
        if (kin_grad(l.of[i]))
            memcpy(to, kin_grad(l.of[i]), (size_t)kin_shape_count(p->shapes[i]) * sizeof *to);
    kin_ctx_free(ctx);
    kin_set_threads(0);
    return all;
}

static void leaf(problem *p, kin_stream *r, kin_shape shape)
{
    p->shapes[p->n] = shape;
    p->values[p->n++] = numbers_random(r, 1, kin_shape_count(shape), kin_shape_count(shape));
}

static void check_one(problem *p, kin_stream *r)
{
    leaf(p, r, p->x);
    for (int i = 0; i < 3; i++) {
        int64_t channels = i ? p->wide : kin_shape_count(p->x) / p->x.dim[0] / p->x.dim[1] / p->x.dim[2];
        leaf(p, r, KIN_SHAPE(channels)), leaf(p, r, KIN_SHAPE(channels));
        if (i == 0) leaf(p, r, KIN_SHAPE(1, 1, channels, p->wide));
        if (i == 1) leaf(p, r, KIN_SHAPE(p->kernel, p->kernel, 1, p->wide));
        if (i == 2) leaf(p, r, KIN_SHAPE(1, 1, p->wide, p->narrow));
    }
    int64_t count, again;
    kin_real *want = outcome(p, true, 1, &count);
    static const int threads[] = {1, 2, 3, 7};
    for (int i = 0; i < 4; i++) {
        if (i && p->seed % 8) break;
        kin_real *got = outcome(p, false, threads[i], &again);
        CHECK_MSG(count == again && numbers_same(got, want, 1, count, count),
                  "seed %llu: other bits with %d threads than with maps in memory", p->seed, threads[i]);
        kin_free(got);
    }
    kin_free(want);
    for (int i = 0; i < p->n; i++) kin_free(p->values[i]);
}

static problem random_problem(kin_stream *r, uint64_t seed)
{
    problem p = {.wide = numbers_pick(r, 2, 40),
                 .narrow = numbers_pick(r, 1, 30),
                 .kernel = numbers_pick(r, 1, 5),
                 .pool = numbers_pick(r, 2, 3),
                 .act = (kin_act)numbers_pick(r, 0, 2),
                 .given = numbers_pick(r, 0, 3) == 0,
                 .seed = seed};
    p.x = KIN_SHAPE(numbers_pick(r, 1, 3), numbers_pick(r, 1, 21), numbers_pick(r, 1, 12),
                    numbers_pick(r, 1, 34));
    p.depthwise = (kin_conv2d_opt){
        .stride = numbers_pick(r, 1, 3), .dilation = numbers_pick(r, 1, 2), .groups = p.wide};
    p.depthwise.pad = p.kernel / 2 * p.depthwise.dilation + numbers_pick(r, 0, 1);
    return p;
}

static void random_shapes(void)
{
    check_begin(
        "deferred: norms read by 1x1 and depthwise convolutions, 160 random shapes (seeds 0 ...) (%s)",
        KIN_REAL_NAME);
    for (uint64_t seed = 0; seed < 160; seed++) {
        kin_stream r = kin_stream_new(kin_key(seed, 40, 0));
        problem p = random_problem(&r, seed);
        check_one(&p, &r);
    }
    check_end();
    check_begin("deferred: rows that fill a buffer, several parts of the sum over pixels (%s)",
                KIN_REAL_NAME);
    for (int64_t stride = 1; stride <= 2; stride++) {
        kin_stream r = kin_stream_new(kin_key((uint64_t)stride, 41, 0));
        check_one(&(problem){.x = KIN_SHAPE(2, 33, 41, 19),
                             .wide = 230,
                             .narrow = 21,
                             .kernel = 5,
                             .pool = 3,
                             .act = KIN_RELU6,
                             .depthwise = {.stride = stride, .pad = 2, .groups = 230}},
                  &r);
    }
    check_end();
}

int main(void)
{
    random_shapes();
    return check_result();
}
