/* Ops and losses against the plain forms of reference/, gradients included. (Those of kernels/ and
 * retrieval/ are held to them in both_conv.c, both_winograd.c, both_norm.c, test_search.c, test_rerank.c and
 * test_metrics.c, the ops' values in both_layers.c.) */
#include "base/memory.h"
#include "losses/triplet.h"
#include "reference/batch_hard.h"
#include "reference/conv.h"
#include "reference/norm.h"
#include "tests/support/check.h"
#include "tests/support/numbers.h"

#include <math.h>
#include <stdlib.h>

static const bool is_double = sizeof(kin_real) == sizeof(double);

/* Within rounding of the largest number of all. */
static void near(const char *what, uint64_t seed, const kin_real *got, const double *want, int64_t count)
{
    double largest = 0, tolerance = is_double ? 1e-12 : 1e-5;
    CHECK_MSG(got, "seed %llu: no %s", (unsigned long long)seed, what);
    for (int64_t i = 0; i < count; i++) largest = fmax(largest, fabs(want[i]));
    for (int64_t i = 0; got && i < count; i++)
        CHECK_MSG(fabs((double)got[i] - want[i]) <= tolerance * (largest + 1),
                  "seed %llu: %s[%lld] is %.9g, not %.9g", (unsigned long long)seed, what, (long long)i,
                  (double)got[i], want[i]);
}

/* The sum of g ∘ y has the gradient g at y. */
static bool flow(kin_tensor *y, const kin_real *g)
{
    kin_tensor *weights = kin_input(kin_ctx_of(y), kin_shape_of(y), g);
    return kin_backward(kin_sum(kin_mul(y, weights), 0));
}

static void one_conv(kin_ctx *ctx, uint64_t seed)
{
    kin_stream s = kin_stream_new(kin_key(seed, 70, 0));
    kin_conv2d_opt opt = {.stride = numbers_pick(&s, 1, 3),
                          .pad = numbers_pick(&s, 0, 2),
                          .dilation = numbers_pick(&s, 1, 2),
                          .groups = numbers_pick(&s, 1, 3)};
    int64_t kernel = numbers_pick(&s, 1, 3), in = numbers_pick(&s, 1, 5),
            out = opt.groups * numbers_pick(&s, 1, 6), n = numbers_pick(&s, 1, 3), h = numbers_pick(&s, 5, 9),
            w = numbers_pick(&s, 5, 9);
    kin_real *x = numbers_random(&s, n * h * w, opt.groups * in, opt.groups * in),
             *weights = numbers_random(&s, kernel * kernel * in, out, out),
             *bias = numbers_random(&s, 1, out, out);
    kin_tensor *tx = kin_variable(ctx, KIN_SHAPE(n, h, w, opt.groups * in), x),
               *tw = kin_variable(ctx, KIN_SHAPE(kernel, kernel, in, out), weights),
               *tb = kin_variable(ctx, KIN_SHAPE(out), bias), *y = kin_conv2d(tx, tw, tb, &opt);
    kin_reference_conv c = {n,
                            h,
                            w,
                            opt.groups * in,
                            kin_dim(y, 1),
                            kin_dim(y, 2),
                            out,
                            kernel,
                            kernel,
                            opt.stride,
                            opt.stride,
                            opt.pad,
                            opt.pad,
                            opt.dilation,
                            opt.dilation,
                            opt.groups};
    kin_real *g = numbers_random(&s, kin_rows(y), out, out),
             *got = kin_alloc_array((size_t)kin_count(y), sizeof *got);
    double *want = kin_alloc_array((size_t)(kin_count(y) + kin_count(tx) + kin_count(tw)), sizeof *want);
    CHECK_MSG(kin_read(y, got) && flow(y, g), "%s", kin_ctx_error(ctx)->message);
    kin_reference_conv_forward(&c, x, weights, bias, want), near("y", seed, got, want, kin_count(y));
    kin_reference_conv_backward_input(&c, g, weights, want),
        near("dx", seed, kin_grad(tx), want, kin_count(tx));
    kin_reference_conv_backward_weight(&c, x, g, want), near("dw", seed, kin_grad(tw), want, kin_count(tw));
    kin_reference_conv_backward_bias(&c, g, want), near("db", seed, kin_grad(tb), want, out);
    kin_free(x), kin_free(weights), kin_free(bias), kin_free(g), kin_free(got), kin_free(want);
    kin_end_step(ctx);
}

static void one_norm(kin_ctx *ctx, uint64_t seed)
{
    static const double epsilon = 1e-5;
    kin_stream s = kin_stream_new(kin_key(seed, 71, 0));
    int64_t n = numbers_pick(&s, 2, 4), h = numbers_pick(&s, 1, 6), channels = numbers_pick(&s, 1, 40),
            rows = n * h;
    kin_real *x = numbers_random(&s, rows, channels, channels),
             *gamma = numbers_random(&s, 1, channels, channels),
             *beta = numbers_random(&s, 1, channels, channels),
             *g = numbers_random(&s, rows, channels, channels),
             *got = kin_alloc_array((size_t)(rows * channels), sizeof *got);
    kin_tensor *tx = kin_variable(ctx, KIN_SHAPE(n, h, 1, channels), x),
               *tg = kin_variable(ctx, KIN_SHAPE(channels), gamma),
               *tb = kin_variable(ctx, KIN_SHAPE(channels), beta),
               *y = kin_batch_norm_train(tx, tg, tb, &(kin_batch_norm_opt){epsilon}, NULL, NULL);
    double *want = kin_alloc_array((size_t)(rows * channels), sizeof *want),
           *each = kin_alloc_array((size_t)channels, 2 * sizeof *each);
    CHECK_MSG(kin_read(y, got) && flow(y, g), "%s", kin_ctx_error(ctx)->message);
    kin_reference_norm_statistics(x, rows, channels, each, each + channels);
    kin_reference_norm_forward(x, gamma, beta, each, each + channels, epsilon, rows, channels, want);
    /* Of two rows that are nearly one the variance is small, and what rounds x is divided by its root. */
    double smallest = INFINITY;
    for (int64_t c = 0; c < channels; c++) smallest = fmin(smallest, each[channels + c]);
    if (smallest > 0.01) {
        near("y", seed, got, want, rows * channels);
        kin_reference_norm_backward(x, gamma, g, epsilon, rows, channels, want, each, each + channels);
        near("dx", seed, kin_grad(tx), want, rows * channels);
        near("dgamma", seed, kin_grad(tg), each, channels),
            near("dbeta", seed, kin_grad(tb), each + channels, channels);
    }
    kin_free(x), kin_free(gamma), kin_free(beta), kin_free(g), kin_free(got), kin_free(want), kin_free(each);
    kin_end_step(ctx);
}

/* The triplets that the miner chose are the hardest ones, and the loss is theirs. */
static void one_batch(kin_ctx *ctx, uint64_t seed)
{
    enum { MOST = 40 };
    kin_stream s = kin_stream_new(kin_key(seed, 72, 0));
    int64_t n = numbers_pick(&s, 1, MOST), dim = numbers_pick(&s, 1, 12), positive[MOST], negative[MOST],
            used = 0;
    int labels[MOST], classes = (int)numbers_pick(&s, 1, 9);
    kin_real *x = numbers_random(&s, n, dim, dim);
    for (int64_t i = 0; i < n; i++) labels[i] = (int)numbers_pick(&s, 0, classes - 1);
    kin_tensor *tx = kin_variable(ctx, KIN_SHAPE(n, dim), x);
    kin_triplets t;
    kin_pairs p;
    CHECK(kin_pairs_new(&p, labels, n, labels, n, 0, NULL) &&
          kin_mine_batch_hard(kin_distance(tx, tx), &p, &t));
    kin_reference_batch_hard(x, labels, n, dim, positive, negative);
    for (int64_t a = 0; a < n; a++) {
        if (positive[a] < 0) continue;
        CHECK_MSG(used < t.count && t.anchor[used] == a && t.positive[used] == positive[a] &&
                      t.negative[used] == negative[a],
                  "seed %llu: anchor %lld", (unsigned long long)seed, (long long)a);
        used++;
    }
    CHECK_MSG(used == t.count, "seed %llu: %lld triplets, not %lld", (unsigned long long)seed,
              (long long)t.count, (long long)used);
    for (int hinge = 0; hinge < 2; hinge++) {
        double margin = hinge ? 0.3 : 0,
               want = kin_reference_batch_hard_loss(x, positive, negative, n, dim, margin);
        CHECK_CLOSE(kin_item(kin_triplet_batch_hard(tx, labels, margin)), want, is_double ? 1e-9 : 1e-5);
    }
    kin_triplets_free(&t), kin_pairs_free(&p), kin_free(x);
    kin_end_step(ctx);
}

int main(void)
{
    static const struct {
        const char *name;
        void (*one)(kin_ctx *ctx, uint64_t seed);
    } rows[] = {{"conv2d: value and all three gradients", one_conv},
                {"batch_norm in training: value and all three gradients", one_norm},
                {"batch-hard: triplets and loss", one_batch}};
    for (int i = 0; i < 3; i++) {
        check_begin("reference: %s, 60 random shapes against the plain form (%s)", rows[i].name,
                    KIN_REAL_NAME);
        kin_ctx *ctx = kin_ctx_new();
        for (uint64_t seed = 0; seed < 60; seed++) rows[i].one(ctx, seed);
        CHECK_MSG(kin_ok(ctx), "%s", kin_ctx_error(ctx)->message);
        kin_ctx_free(ctx);
        check_end();
    }
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
