/* Every instruction set's shapes on whatever machine this is: natively, or lowered to the instructions that
 * it has (kernels/isa.h). All kernels run on fixed shapes and numbers, none of which needs libm. A lowered
 * set must give the same bits as the real one, side by side where the machine has both; and everywhere a
 * checksum of them must be the one that is kept here, of the compilers that it was taken with. */
#include "base/memory.h"
#include "base/parallel.h"
#include "kernels/coarse.h"
#include "kernels/conv/stem.h"
#include "kernels/conv/conv.h"
#include "kernels/conv/inverted.h"
#include "kernels/gemm.h"
#include "kernels/isa.h"
#include "kernels/norm.h"
#include "kernels/pool.h"
#include "tests/support/check.h"
#include "tests/support/numbers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef KIN_DOUBLE
#include "retrieval/search/kernels.h"
#include "retrieval/search/select.h"
#endif

/* ---- a checksum of bits (FNV-1a) ---- */

typedef struct digest {
    uint64_t sum;
} digest;

static void take(digest *d, const void *data, size_t bytes)
{
    const unsigned char *at = data;
    for (size_t i = 0; i < bytes; i++) d->sum = (d->sum ^ at[i]) * UINT64_C(1099511628211);
}

static void take_numbers(digest *d, const kin_real *a, int64_t count)
{
    take(d, a, (size_t)count * sizeof *a);
}

static kin_real *zeros(int64_t count) { return kin_alloc_zero((size_t)count + 1, sizeof(kin_real)); }

/* ---- what is computed ---- */

static void gemm_of(digest *d, kin_stream *s, int64_t m, int64_t n, int64_t k, bool turned)
{
    kin_real *a = numbers_random(s, m, k, k), *b = numbers_random(s, k, n, n),
             *bias = numbers_random(s, 1, n, n), *c = zeros(m * n);
    kin_gemm_args args = {m, n, k, {a, turned ? 1 : k, turned ? m : 1}, {b, n, 1}, c, n, bias, false};
    size_t bytes = kin_gemm_workspace(&args);
    void *workspace = numbers_workspace(bytes);
    kin_gemm(&args, workspace);
    CHECK_MSG(numbers_workspace_free(workspace, bytes), "product: the workspace was overrun");
    take_numbers(d, c, m * n);
    kin_free(a), kin_free(b), kin_free(bias), kin_free(c);
}

static void gemms(digest *d, kin_stream *s)
{
    gemm_of(d, s, 5, 37, 700, false);   /* few rows */
    gemm_of(d, s, 131, 70, 530, false); /* rows in place */
    gemm_of(d, s, 113, 65, 90, true);   /* rows packed */
    gemm_of(d, s, 30, 20, 9000, true);  /* k in parts */
}

static int64_t in_pixels(const kin_conv_shape *s) { return s->batch * s->in_h * s->in_w; }
static int64_t out_pixels(const kin_conv_shape *s) { return s->batch * s->out_h * s->out_w; }

static void conv_of(digest *d, kin_stream *s, const kin_conv_shape *c)
{
    int64_t weights = c->kernel_h * c->kernel_w * (c->in_c / c->groups) * c->out_c,
            in = in_pixels(c) * c->in_c, out = out_pixels(c) * c->out_c;
    kin_real *x = numbers_random(s, 1, in, in), *w = numbers_random(s, 1, weights, weights), *y = zeros(out),
             *dy = numbers_random(s, 1, out, out), *dx = zeros(in), *dw = zeros(weights),
             *bias = numbers_random(s, 1, c->out_c, c->out_c),
             *ahead = numbers_random(s, 2, c->in_c, c->in_c);
    kin_conv_begin begin = {ahead, ahead + c->in_c, KIN_NORM_RELU};
    const kin_conv_begin *b = kin_conv_begins(c) ? &begin : NULL;
    size_t bytes = kin_conv_workspace(c);
    void *workspace = numbers_workspace(bytes);
    kin_conv_forward(c, x, b, w, bias, y, workspace);
    kin_conv_backward_input(c, dy, w, dx, false, workspace);
    kin_conv_backward_weight(c, x, b, dy, dw, false, workspace);
    CHECK_MSG(numbers_workspace_free(workspace, bytes), "convolution: the workspace was overrun");
    take_numbers(d, y, out), take_numbers(d, dx, in), take_numbers(d, dw, weights);
    kin_real *packed = zeros(kin_conv_packed_count(c));
    kin_conv_end end = {.bias = bias, .add = dy, .add_ld = c->out_c, .act = KIN_NORM_RELU6};
    bytes = kin_conv_packed_workspace(c), workspace = numbers_workspace(bytes);
    kin_conv_pack(c, w, bias, packed);
    kin_conv_forward_packed(c, x, packed, kin_conv_can_begin(c) ? &begin : NULL, &end, y, workspace);
    CHECK_MSG(numbers_workspace_free(workspace, bytes), "packed convolution: the workspace was overrun");
    take_numbers(d, y, out);
    kin_free(x), kin_free(w), kin_free(y), kin_free(dy), kin_free(dx), kin_free(dw), kin_free(bias),
        kin_free(ahead);
    kin_free(packed);
}

static kin_conv_shape square(int64_t batch, int64_t side, int64_t in, int64_t out, int64_t kernel,
                             int64_t stride, int64_t groups)
{
    int64_t to = (side - 1) / stride + 1;
    return (kin_conv_shape){batch,  side,   side,   in,     in,         to,         to, out, out,
                            kernel, kernel, stride, stride, kernel / 2, kernel / 2, 1,  1,   groups};
}

static void convs(digest *d, kin_stream *s)
{
    const kin_conv_shape shapes[] = {square(2, 15, 40, 33, 3, 2, 1),  square(2, 9, 64, 90, 1, 1, 1),
                                     square(1, 24, 64, 96, 3, 1, 1),  square(3, 28, 16, 16, 3, 1, 1),
                                     square(1, 20, 300, 48, 3, 1, 1), square(1, 8, 256, 320, 3, 1, 1),
                                     square(1, 30, 3, 40, 5, 2, 1),   square(2, 17, 24, 36, 3, 1, 3),
                                     square(32, 3, 20, 24, 3, 1, 1),  square(2, 13, 50, 50, 3, 1, 50),
                                     square(1, 14, 37, 37, 5, 2, 37)};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) conv_of(d, s, &shapes[i]);
}

static void inverted_of(digest *d, kin_stream *s, kin_conv_shape expand, int64_t stride)
{
    kin_inverted b = {.expand = expand};
    int64_t wide = expand.out_c, out = 24;
    b.depthwise = square(expand.batch, expand.out_h, wide, wide, 3, stride, wide);
    b.project = square(expand.batch, b.depthwise.out_h, wide, out, 1, 1, 1);
    kin_conv_shape *shape[3] = {&b.expand, &b.depthwise, &b.project};
    kin_real *w[3], *packed[3], *bias[3];
    for (int i = 0; i < 3; i++) {
        int64_t count = shape[i]->kernel_h * shape[i]->kernel_w * shape[i]->in_c / shape[i]->groups *
                        shape[i]->out_c;
        w[i] = numbers_random(s, 1, count, count),
        bias[i] = numbers_random(s, 1, shape[i]->out_c, shape[i]->out_c);
        packed[i] = zeros(kin_conv_packed_count(shape[i]));
        kin_conv_pack(shape[i], w[i], NULL, packed[i]);
    }
    b.expand_packed = packed[0], b.depthwise_packed = packed[1], b.project_packed = packed[2];
    b.expand_end = (kin_conv_end){.bias = bias[0], .act = KIN_NORM_RELU6};
    b.depthwise_end = (kin_conv_end){.bias = bias[1], .act = KIN_NORM_RELU6}, b.project_end.bias = bias[2];
    int64_t in = in_pixels(&expand) * expand.in_c, count = out_pixels(&b.project) * out;
    kin_real *x = numbers_random(s, 1, in, in), *y = zeros(count);
    size_t bytes = kin_inverted_workspace(&b);
    void *workspace = numbers_workspace(bytes);
    kin_inverted_forward(&b, x, y, workspace);
    CHECK_MSG(numbers_workspace_free(workspace, bytes), "inverted residual: the workspace was overrun");
    take_numbers(d, y, count);
    for (int i = 0; i < 3; i++) kin_free(w[i]), kin_free(packed[i]), kin_free(bias[i]);
    kin_free(x), kin_free(y);
}

static void inverteds(digest *d, kin_stream *s)
{
    inverted_of(d, s, square(2, 14, 20, 120, 1, 1, 1), 1);
    inverted_of(d, s, square(1, 33, 16, 96, 1, 1, 1), 2);
    inverted_of(d, s, square(1, 40, 3, 32, 3, 2, 1), 1);
}

static void stems(digest *d, kin_stream *s)
{
    kin_conv_shape c = square(3, 20, 3, 40, 3, 1, 1);
    enum { TAPS = 27 };
    int64_t in = in_pixels(&c) * 3, maxima = 3 * 10 * 10 * 40, won = kin_stem_winner_count(&c);
    kin_real *x = numbers_random(s, 1, in, in), *w = numbers_random(s, TAPS, 40, 40),
             *shift = numbers_random(s, 1, 40, 40), *y = zeros(maxima),
             *g = numbers_random(s, 1, maxima, maxima);
    kin_stem_winners *winners = kin_alloc_zero((size_t)won, sizeof *winners);
    double mean[TAPS], covariance[TAPS * TAPS], *products = kin_alloc_zero((TAPS + 1) * 40, sizeof *products);
    size_t bytes = kin_stem_workspace(&c);
    void *workspace = numbers_workspace(bytes);
    kin_stem_moments(&c, x, mean, covariance, workspace);
    kin_stem_forward(&c, x, w, shift, KIN_NORM_RELU, y, winners, workspace);
    kin_stem_backward(&c, x, g, winners, products, workspace);
    CHECK_MSG(numbers_workspace_free(workspace, bytes), "stem: the workspace was overrun");
    take(d, mean, sizeof mean), take(d, covariance, sizeof covariance);
    take_numbers(d, y, maxima), take(d, products, (TAPS + 1) * 40 * sizeof *products);
    kin_free(x), kin_free(w), kin_free(shift), kin_free(y), kin_free(g), kin_free(winners),
        kin_free(products);
}

static void norms(digest *d, kin_stream *s)
{
    enum { ROWS = 700, CHANNELS = 77 };
    int64_t count = ROWS * CHANNELS;
    kin_real *x = numbers_random(s, ROWS, CHANNELS, CHANNELS),
             *g = numbers_random(s, ROWS, CHANNELS, CHANNELS),
             *scale = numbers_random(s, 3, CHANNELS, CHANNELS), *y = zeros(count), *dx = zeros(count),
             mean[CHANNELS], var[CHANNELS];
    double sums[2 * CHANNELS];
    size_t bytes = kin_norm_workspace(ROWS, CHANNELS);
    void *workspace = numbers_workspace(bytes);
    kin_norm_statistics(x, CHANNELS, ROWS, CHANNELS, mean, var, workspace);
    kin_norm_apply(x, CHANNELS, ROWS, CHANNELS, scale, scale + CHANNELS, g, CHANNELS, KIN_NORM_RELU6, y);
    kin_norm_flow flow = {.g = g,
                          .y = y,
                          .x = x,
                          .ld = CHANNELS,
                          .scale = scale,
                          .shift = scale + CHANNELS,
                          .act = KIN_NORM_RELU6};
    kin_norm_backward_sums(&flow, ROWS, CHANNELS, mean, var, sums, sums + CHANNELS, workspace);
    kin_norm_backward_apply(&flow, ROWS, CHANNELS,
                            &(kin_norm_line){scale, scale + CHANNELS, scale + 2 * CHANNELS},
                            &(kin_norm_to){.dx = dx, .dx_ld = CHANNELS});
    CHECK_MSG(numbers_workspace_free(workspace, bytes), "norm: the workspace was overrun");
    take_numbers(d, mean, CHANNELS), take_numbers(d, var, CHANNELS), take_numbers(d, y, count);
    take(d, sums, sizeof sums), take_numbers(d, dx, count);
    kin_free(x), kin_free(g), kin_free(scale), kin_free(y), kin_free(dx);
}

static void pools(digest *d, kin_stream *s)
{
    kin_pool_shape p = {2, 15, 15, 43, 43, 8, 8, 3, 2, 1, false},
                   q = {2, 15, 15, 43, 43, 7, 7, 2, 2, 0, false};
    int64_t in = 2 * 15 * 15 * 43, out = 2 * 8 * 8 * 43;
    kin_real *x = numbers_random(s, 1, in, in), *dy = numbers_random(s, 1, out, out), *y = zeros(out),
             *dx = zeros(in), *ahead = numbers_random(s, 2, 43, 43);
    int32_t *winner = kin_alloc_zero((size_t)out, sizeof *winner);
    kin_conv_begin begin = {ahead, ahead + 43, KIN_NORM_RELU};
    void *workspace = kin_alloc(kin_max_pool_workspace(&p));
    kin_max_pool_forward(&p, x, &begin, y, winner, workspace);
    kin_max_pool_backward(&p, dy, winner, dx, false);
    take_numbers(d, y, out), take_numbers(d, dx, in), take(d, winner, (size_t)out * sizeof *winner);
    kin_norm_avg_pool(&q, x, &begin, y);
    take_numbers(d, y, 2 * 7 * 7 * 43);
    kin_free(x), kin_free(dy), kin_free(y), kin_free(dx), kin_free(ahead), kin_free(winner),
        kin_free(workspace);
}

/* Rows and columns as the products take them; the tile's own order of numbers is not part of the result. */
static void coarse(digest *d, kin_stream *s)
{
    enum { PAIRS = 61, HIGH = KIN_COARSE_MR, WIDE = 64 };
    const kin_coarse *t = kin_coarse_get();
    kin_coarse_pair *a = kin_alloc_zero(PAIRS * HIGH, sizeof *a),
                    *b = kin_alloc_zero(PAIRS * WIDE, sizeof *b);
    float scale[HIGH], unit[WIDE], c[HIGH][WIDE];
    for (int i = 0; i < WIDE; i++) unit[i] = (float)(i + 1), scale[i % HIGH] = (float)(1.0 / 1024);
    for (int k = 0; k < PAIRS * 2; k++)
        for (int i = 0; i < HIGH + WIDE; i++) {
            int16_t n = (int16_t)numbers_pick(s, -3000, 3000);
            if (i < t->mr) a[k / 2 * t->mr + i].n[k % 2] = n;
            if (i >= HIGH && i - HIGH < t->nr) b[k / 2 * t->nr + i - HIGH].n[k % 2] = n;
        }
    t->rows(a, b, PAIRS, scale, unit, c[0], WIDE, t->mr, false);
    for (int64_t r = 0; r < t->mr; r++) take(d, c[r], (size_t)t->nr * sizeof c[r][0]);
    kin_free(a), kin_free(b);
}

#ifndef KIN_DOUBLE
static void lines(digest *d, kin_stream *s)
{
    static const int64_t lengths[] = {333, 190, 61, 7}; /* with rests of every kind */
    enum { MOST = 333 };
    const kin_search_kernels *l = kin_search_kernels_get();
    float *a = numbers_random(s, 1, MOST, MOST), *b = numbers_random(s, 1, MOST, MOST);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        int64_t dim = lengths[i];
        double wide[MOST], sums[4];
        l->widen(a, wide, dim, a);
        sums[0] = l->euclid(a, b, dim), sums[1] = l->inner(a, b, dim);
        sums[2] = l->euclid_wide(wide, b, dim, b), sums[3] = l->inner_wide(wide, b, dim, b);
        float dot = l->dot(a, b, dim);
        CHECK(sums[0] == sums[2] && sums[1] == sums[3]);
        take(d, sums, sizeof sums), take(d, &dot, sizeof dot);
    }
    uint64_t words[KIN_SELECT_STEP + 8], some = 0; /* in any order */
    int64_t count = l->at_most(a, b, a + KIN_SELECT_STEP, 0.2f, 1000, words);
    for (int64_t i = 0; i < count; i++) some += words[i];
    take(d, &count, sizeof count), take(d, &some, sizeof some);
    kin_free(a), kin_free(b);
}
#endif

static const struct {
    const char *name;
    void (*run)(digest *d, kin_stream *s);
} kernels[] = {
    {"products", gemms},        {"convolutions", convs}, {"inverted residuals", inverteds}, {"stems", stems},
    {"norms", norms},           {"pools", pools},        {"coarse products", coarse},
#ifndef KIN_DOUBLE
    {"lines of search", lines},
#endif
};
enum { KERNELS = sizeof kernels / sizeof *kernels };

static uint64_t digest_of(int kernel)
{
    digest d = {UINT64_C(14695981039346656037)};
    kin_stream s = kin_stream_new(kin_key(1812, (uint64_t)kernel, 0));
    kernels[kernel].run(&d, &s);
    return d.sum;
}

/* ---- kept ---- */

#include "tests/support/set_sums.h"

/* "avx512" of "avx512-lowered"; the generic set of 64-bit ARM is NEON. */
static const char *shapes_of(const char *isa)
{
    static char name[32];
    snprintf(name, sizeof name, "%s", isa);
    char *lowered = strstr(name, "-lowered");
    if (lowered) *lowered = 0;
#if defined(__aarch64__)
    if (strcmp(name, "generic") == 0) return "neon";
#endif
    return name;
}

static void print_sums(const char *isa)
{
    printf("# %s:", isa);
    for (int k = 0; k < KERNELS; k++) printf(" 0x%016llx,", (unsigned long long)digest_of(k));
    printf("\n");
}

static const uint64_t *kept_sums(const char *shapes)
{
    for (size_t i = 0; i < sizeof set_sums / sizeof *set_sums; i++)
        if (set_sums[i].shapes && strcmp(set_sums[i].shapes, shapes) == 0) return set_sums[i].kernels;
    return NULL;
}

static void as_kept(const char *isa)
{
    const uint64_t *kept = kept_sums(shapes_of(isa));
    check_begin("sets: all kernels give the bits that are kept (%s, %s)", isa, SET_COMPILER);
    if (!kept) {
        print_sums(isa);
        check_skip("no checksums are kept of this compiler; those above are its own");
        return;
    }
    for (int k = 0; k < KERNELS; k++) {
        uint64_t sum = digest_of(k);
        CHECK_MSG(sum == kept[k], "%s: 0x%016llx instead of 0x%016llx", kernels[k].name,
                  (unsigned long long)sum, (unsigned long long)kept[k]);
    }
    check_end();
}

/* ---- side by side ---- */

static void side_by_side(const char *real, const char *lowered)
{
    check_begin("sets: %s and %s give the same bits, in one process", real, lowered);
    if (!kin_isa_has(real) || !kin_isa_has(lowered)) {
        check_skip("%s is not here", kin_isa_has(real) ? lowered : real);
        return;
    }
    for (int k = 0; k < KERNELS; k++) {
        kin_isa_set(real);
        uint64_t want = digest_of(k);
        for (int threads = 1; threads <= 64; threads = threads * 4 - 1) {
            kin_set_threads(threads);
            kin_isa_set(lowered);
            CHECK_MSG(digest_of(k) == want, "%s with %d threads", kernels[k].name, threads);
            kin_set_threads(0);
        }
    }
    kin_isa_set(NULL);
    check_end();
}

/* ---- which sets ran how ---- */

static void list_sets(const char *how, bool (*is)(int index))
{
    int listed = 0;
    printf("%s", how);
    for (int i = 0; kin_isa_list(i); i++)
        if (is(i)) printf("%s%s", listed++ ? ", " : " ", kin_isa_list(i));
    printf("%s", listed ? "" : " none");
}

static bool natively(int i) { return i < KIN_ISA_REAL && kin_isa_has(kin_isa_list(i)); }
static bool lowered(int i) { return i >= KIN_ISA_REAL && kin_isa_has(kin_isa_list(i)); }
static bool neither(int i) { return i < KIN_ISA_REAL && !numbers_has_shapes(kin_isa_list(i)); }

static void never_by_itself(void)
{
    check_begin("sets: no lowered one is chosen by itself");
    kin_isa_set(NULL);
    for (int i = KIN_ISA_REAL; kin_isa_list(i); i++)
        CHECK(strcmp(kin_isa_name(), kin_isa_list(i)) != 0 || getenv("KIN_ISA"));
    check_end();
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1) { /* for tests/support/set_sums.h */
        numbers_each_isa("sets", print_sums);
        return 0;
    }
    list_sets("sets: natively", natively);
    list_sets("; lowered", lowered);
    list_sets("; not at all", neither);
    printf("\n");
    never_by_itself();
    side_by_side("avx512", "avx512-lowered");
    side_by_side("avx2", "avx2-lowered");
#if defined(__aarch64__)
    side_by_side("generic", "neon-lowered");
#endif
    numbers_each_isa("sets", as_kept);
    check_begin("sets: nothing is kept");
    CHECK(kin_alloc_live() == 0);
    check_end();
    return check_result();
}
