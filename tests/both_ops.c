/* The rows of the element-wise, shape, reduction, softmax, product and distance ops. References are written
 * as the definition reads, in double, without regard to speed. */
#include "tests/support/check.h"
#include "tests/support/op_row.h"

#include "base/random.h"

#include <math.h>

#define N(s) kin_shape_count(s)
#define REFERENCE(NAME) \
    static void NAME(double *const *in, const kin_shape *s, double *out, kin_shape o, void *arg)
#define UNUSED (void)in, (void)s, (void)out, (void)o, (void)arg
#define ROWS(s) (N(s) / (s).dim[(s).ndim - 1])
#define COLUMNS(s) ((s).dim[(s).ndim - 1])

/* ---- element-wise ---- */

#define UNARY(NAME, EXPRESSION) \
    static kin_tensor *build_##NAME(kin_tensor **in, void *arg) \
    { \
        (void)arg; \
        return kin_##NAME(in[0]); \
    } \
    REFERENCE(ref_##NAME) \
    { \
        UNUSED; \
        for (int64_t i = 0; i < N(o); i++) { \
            double x = in[0][i]; \
            out[i] = (EXPRESSION); \
        } \
    }
UNARY(relu, fmax(x, 0))
UNARY(relu6, fmin(fmax(x, 0), 6))
UNARY(leaky_relu, x > 0 ? x : 0.01 * x)
UNARY(sigmoid, 1 / (1 + exp(-x)))
UNARY(tanh, tanh(x))
UNARY(softplus, log(1 + exp(x)))
UNARY(silu, x / (1 + exp(-x)))
UNARY(gelu, 0.5 * x * (1 + erf(x / sqrt(2))))
UNARY(exp, exp(x))
UNARY(log, log(x))
UNARY(sqrt, sqrt(x))
UNARY(square, x *x)
UNARY(abs, fabs(x))

static kin_tensor *build_pow(kin_tensor **in, void *arg) { return kin_pow(in[0], *(double *)arg); }
REFERENCE(ref_pow)
{
    UNUSED;
    for (int64_t i = 0; i < N(o); i++) out[i] = pow(in[0][i], *(double *)arg);
}

static kin_tensor *build_scale(kin_tensor **in, void *arg)
{
    (void)arg;
    return kin_scale(in[0], -2.5, 0.75);
}
REFERENCE(ref_scale)
{
    UNUSED;
    for (int64_t i = 0; i < N(o); i++) out[i] = -2.5 * in[0][i] + 0.75;
}

/* Element i of the output, seen in an operand that repeats along axes of 1. */
static double broadcast(const double *data, kin_shape s, kin_shape o, int64_t i)
{
    int64_t at = 0, stride = 1;
    for (int axis = 0; axis < o.ndim; axis++) {
        int64_t index = i % o.dim[o.ndim - 1 - axis];
        i /= o.dim[o.ndim - 1 - axis];
        if (axis >= s.ndim) continue;
        int64_t size = s.dim[s.ndim - 1 - axis];
        if (size > 1) at += index * stride;
        stride *= size;
    }
    return data[at];
}
#define BINARY(NAME, CALL, EXPRESSION) \
    static kin_tensor *build_##NAME(kin_tensor **in, void *arg) \
    { \
        (void)arg; \
        return CALL(in[0], in[1]); \
    } \
    REFERENCE(ref_##NAME) \
    { \
        UNUSED; \
        for (int64_t i = 0; i < N(o); i++) { \
            double a = broadcast(in[0], s[0], o, i), b = broadcast(in[1], s[1], o, i); \
            out[i] = (EXPRESSION); \
        } \
    }
BINARY(add, kin_add, a + b)
BINARY(sub, kin_sub_tensor, a - b)
BINARY(mul, kin_mul, a *b)
BINARY(div, kin_div, a / b)

static kin_tensor *build_self(kin_tensor **in, void *arg)
{
    (void)arg;
    return kin_mul(in[0], kin_add(in[0], in[0]));
}
REFERENCE(ref_self)
{
    UNUSED;
    for (int64_t i = 0; i < N(o); i++) out[i] = 2 * in[0][i] * in[0][i];
}

static kin_tensor *build_dropout(kin_tensor **in, void *arg)
{
    (void)arg;
    return kin_dropout_keyed(in[0], 0.4, 11);
}
REFERENCE(ref_dropout)
{
    UNUSED;
    for (int64_t i = 0; i < N(o); i++)
        out[i] = kin_random_uniform(11, (uint64_t)i) < 0.4 ? 0 : in[0][i] / 0.6;
}

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

/* ---- shape ---- */

static kin_tensor *build_reshape(kin_tensor **in, void *arg) { return kin_reshape(in[0], *(kin_shape *)arg); }
REFERENCE(ref_copy)
{
    UNUSED;
    for (int64_t i = 0; i < N(o); i++) out[i] = in[0][i];
}
static kin_shape reshaped = {2, {6, 35}};

static kin_tensor *build_flatten(kin_tensor **in, void *arg)
{
    (void)arg;
    return kin_flatten(in[0]);
}
REFERENCE(ref_flatten)
{
    UNUSED;
    const int64_t *d = s[0].dim;
    for (int64_t n = 0; n < d[0]; n++)
        for (int64_t c = 0; c < d[3]; c++)
            for (int64_t y = 0; y < d[1]; y++)
                for (int64_t x = 0; x < d[2]; x++) *out++ = in[0][((n * d[1] + y) * d[2] + x) * d[3] + c];
}

static kin_tensor *build_concat(kin_tensor **in, void *arg)
{
    (void)arg;
    return kin_concat((kin_tensor *[]){in[0], in[1], in[0]}, 3);
}
REFERENCE(ref_concat)
{
    UNUSED;
    int64_t ca = COLUMNS(s[0]), cb = COLUMNS(s[1]);
    for (int64_t r = 0; r < ROWS(s[0]); r++) {
        for (int64_t k = 0; k < ca; k++) *out++ = in[0][r * ca + k];
        for (int64_t k = 0; k < cb; k++) *out++ = in[1][r * cb + k];
        for (int64_t k = 0; k < ca; k++) *out++ = in[0][r * ca + k];
    }
}

/* Views that grow in one memory, each read by others before and after it has grown; the second to grow out
 * of `one` finds no room, nor does the last. */
static kin_tensor *build_widen(kin_tensor **in, void *arg)
{
    (void)arg;
    kin_tensor *none = kin_room(in[0], kin_channels(in[0]) + 2 * kin_channels(in[1])),
               *early = kin_scale(none, 1, 0);
    kin_tensor *one = kin_widen(none, in[1]), *two = kin_widen(one, in[1]), *other = kin_widen(one, in[1]),
               *three = kin_widen(two, in[1]);
    return kin_concat((kin_tensor *[]){two, one, early, other, none, three}, 6);
}
REFERENCE(ref_widen)
{
    UNUSED;
    int64_t ca = COLUMNS(s[0]), cb = COLUMNS(s[1]);
    static const int more[] = {2, 1, 0, 2, 0, 3};
    for (int64_t r = 0; r < ROWS(s[0]); r++)
        for (int i = 0; i < 6; i++) {
            for (int64_t k = 0; k < ca; k++) *out++ = in[0][r * ca + k];
            for (int64_t k = 0; k < cb * more[i]; k++) *out++ = in[1][r * cb + k % cb];
        }
}

static kin_tensor *build_slice(kin_tensor **in, void *arg)
{
    (void)arg;
    return kin_slice(in[0], 2, 3);
}
REFERENCE(ref_slice)
{
    UNUSED;
    for (int64_t r = 0; r < ROWS(s[0]); r++)
        for (int64_t k = 2; k < 5; k++) *out++ = in[0][r * COLUMNS(s[0]) + k];
}

static kin_tensor *build_slice_rows(kin_tensor **in, void *arg)
{
    (void)arg;
    return kin_slice_rows(in[0], 1, 2);
}
REFERENCE(ref_slice_rows)
{
    UNUSED;
    for (int64_t i = 0; i < N(o); i++) out[i] = in[0][N(o) / 2 + i];
}

static const int64_t gather_rows[] = {0, 2, 2, 3, 0}, gather_columns[] = {4, 1, 1, 0, 4};
static kin_tensor *build_gather(kin_tensor **in, void *arg)
{
    (void)arg;
    return kin_gather(in[0], gather_rows, gather_columns, 5);
}
REFERENCE(ref_gather)
{
    UNUSED;
    for (int i = 0; i < 5; i++) out[i] = in[0][gather_rows[i] * COLUMNS(s[0]) + gather_columns[i]];
}

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

/* ---- softmax ---- */

static kin_tensor *build_softmax_scaled(kin_tensor **in, void *arg)
{
    return kin_softmax_scaled(in[0], *(double *)arg);
}
REFERENCE(ref_softmax_scaled)
{
    UNUSED;
    int64_t n = COLUMNS(s[0]);
    for (int64_t r = 0; r < ROWS(s[0]); r++) {
        double sum = 0;
        for (int64_t i = 0; i < n; i++) sum += exp(*(double *)arg * in[0][r * n + i]);
        for (int64_t i = 0; i < n; i++) *out++ = exp(*(double *)arg * in[0][r * n + i]) / sum;
    }
}

static double ref_lse_row(const double *x, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += exp(x[i]);
    return log(sum);
}
#define SOFTMAX(NAME, EXPRESSION) \
    static kin_tensor *build_##NAME(kin_tensor **in, void *arg) \
    { \
        (void)arg; \
        return kin_##NAME(in[0]); \
    } \
    REFERENCE(ref_##NAME) \
    { \
        UNUSED; \
        int64_t n = COLUMNS(s[0]), width = COLUMNS(o); \
        for (int64_t r = 0; r < ROWS(s[0]); r++) \
            for (int64_t i = 0; i < width; i++) { \
                double lse = ref_lse_row(in[0] + r * n, n), x = in[0][r * n + i]; \
                (void)x; \
                out[r * width + i] = (EXPRESSION); \
            } \
    }
SOFTMAX(softmax, exp(x) / exp(lse))
SOFTMAX(log_softmax, x - lse)
SOFTMAX(log_sum_exp, lse)

static const int labels[] = {2, 0, 4, 4, 1, 3, 0};
static kin_tensor *build_cross_entropy(kin_tensor **in, void *arg)
{
    return kin_cross_entropy(in[0], labels, *(double *)arg);
}
REFERENCE(ref_cross_entropy)
{
    UNUSED;
    int64_t n = COLUMNS(s[0]), rows = ROWS(s[0]);
    double e = *(double *)arg;
    out[0] = 0;
    for (int64_t r = 0; r < rows; r++)
        for (int64_t i = 0; i < n; i++)
            out[0] -= ((i == labels[r] ? 1 - e : 0) + e / (double)n) *
                      (in[0][r * n + i] - ref_lse_row(in[0] + r * n, n)) / (double)rows;
}

static kin_tensor *build_l2(kin_tensor **in, void *arg)
{
    (void)arg;
    return kin_l2_normalize(in[0]);
}
REFERENCE(ref_l2)
{
    UNUSED;
    int64_t n = COLUMNS(s[0]);
    for (int64_t r = 0; r < ROWS(s[0]); r++) {
        double sum = 0;
        for (int64_t i = 0; i < n; i++) sum += in[0][r * n + i] * in[0][r * n + i];
        for (int64_t i = 0; i < n; i++) out[r * n + i] = in[0][r * n + i] / sqrt(sum);
    }
}

/* ---- products and distances ---- */

static kin_tensor *build_affine(kin_tensor **in, void *arg)
{
    return kin_affine(in[0], in[1], arg ? in[2] : NULL);
}
REFERENCE(ref_affine)
{
    UNUSED;
    int64_t k = COLUMNS(s[0]), n = s[1].dim[0];
    for (int64_t r = 0; r < ROWS(s[0]); r++)
        for (int64_t j = 0; j < n; j++) {
            double sum = arg ? in[2][j] : 0;
            for (int64_t i = 0; i < k; i++) sum += in[0][r * k + i] * in[1][j * k + i];
            *out++ = sum;
        }
}
static int with_bias = 1;

static kin_tensor *build_matmul(kin_tensor **in, void *arg) { return kin_matmul(in[0], in[1], arg); }
REFERENCE(ref_matmul)
{
    UNUSED;
    const kin_matmul_opt *opt = arg;
    kin_shape a = s[0], b = s[1];
    int64_t ar = a.dim[a.ndim - 2], ac = a.dim[a.ndim - 1], br = b.dim[b.ndim - 2], bc = b.dim[b.ndim - 1];
    int64_t m = opt->transpose_a ? ac : ar, k = opt->transpose_a ? ar : ac, n = opt->transpose_b ? br : bc,
            batch = N(a) / (ar * ac);
    for (int64_t t = 0; t < batch; t++)
        for (int64_t i = 0; i < m; i++)
            for (int64_t j = 0; j < n; j++) {
                double sum = 0;
                for (int64_t p = 0; p < k; p++)
                    sum +=
                        in[0][t * ar * ac + (opt->transpose_a ? p * ac + i : i * ac + p)] *
                        in[1][(b.ndim == 2 ? 0 : t) * br * bc + (opt->transpose_b ? j * bc + p : p * bc + j)];
                *out++ = sum;
            }
}
static kin_matmul_opt plain = {false, false}, ta = {true, false}, tb = {false, true}, tt = {true, true};

static kin_tensor *build_gram(kin_tensor **in, void *arg) { return kin_matmul(in[0], in[0], arg); }
REFERENCE(ref_gram)
{
    double *const both[] = {in[0], in[0]};
    kin_shape shapes[] = {s[0], s[0]};
    ref_matmul(both, shapes, out, o, arg);
}

static kin_tensor *build_distance(kin_tensor **in, void *arg)
{
    return arg ? kin_distance(in[0], in[1]) : kin_distance_squared(in[0], in[1]);
}
REFERENCE(ref_distance)
{
    UNUSED;
    int64_t n = COLUMNS(s[0]);
    for (int64_t i = 0; i < s[0].dim[0]; i++)
        for (int64_t j = 0; j < s[1].dim[0]; j++) {
            double sum = 0;
            for (int64_t k = 0; k < n; k++) sum += pow(in[0][i * n + k] - in[1][j * n + k], 2);
            *out++ = arg ? sqrt(fmax(sum, 1e-12)) : sum;
        }
}
static kin_tensor *build_self_distance(kin_tensor **in, void *arg)
{
    (void)arg;
    return kin_distance(in[0], in[0]);
}
REFERENCE(ref_self_distance)
{
    double *const both[] = {in[0], in[0]};
    kin_shape shapes[] = {s[0], s[0]};
    ref_distance(both, shapes, out, o, &with_bias);
    (void)arg;
}

#define S(...) \
    { \
        (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), { __VA_ARGS__ } \
    }
#define ELEMENT(NAME, ...) \
    { \
        .name = #NAME, .build = build_##NAME, .reference = ref_##NAME, .shapes = {S(3, 5, 2, 7)}, \
        __VA_ARGS__ \
    }
#define PAIR(NAME, TITLE, A, B, ...) \
    { \
        .name = TITLE, .build = build_##NAME, .reference = ref_##NAME, .shapes = {A, B}, __VA_ARGS__ \
    }

int main(void)
{
    static double cube = 3, half = 0.5, no_smoothing = 0, smoothing = 0.1, large = 40, around = -1.5;
    static const op_row rows[] = {
        ELEMENT(relu, .check = {.kink = .1}),
        ELEMENT(relu6, .check = {.low = -2, .high = 8.5, .kink = .1}),
        ELEMENT(leaky_relu, .check = {.kink = .1}),
        ELEMENT(sigmoid, .check = {.low = -3, .high = 3}),
        ELEMENT(tanh, .check = {0}),
        ELEMENT(softplus, .check = {.low = -4, .high = 4}),
        ELEMENT(silu, .check = {.low = -3, .high = 3}),
        ELEMENT(gelu, .check = {.low = -3, .high = 3}, .tolerance = 1e-5),
        ELEMENT(exp, .check = {0}),
        ELEMENT(log, .check = {.low = .3, .high = 3}),
        ELEMENT(sqrt, .check = {.low = .3, .high = 3}),
        ELEMENT(square, .check = {0}),
        ELEMENT(abs, .check = {.kink = .1}),
        ELEMENT(pow, .arg = &cube, .check = {.low = .3, .high = 2}),
        {.name = "pow one half",
         .build = build_pow,
         .reference = ref_pow,
         .arg = &half,
         .shapes = {S(9)},
         .check = {.low = .3, .high = 2},
         .no_views = true},
        ELEMENT(scale, .linear = true),
        {.name = "relu of many numbers",
         .build = build_relu,
         .reference = ref_relu,
         .shapes = {S(40, 23)},
         .check = {.kink = .1}},
        PAIR(add, "add", S(2, 3, 4, 5), S(2, 3, 4, 5), .linear = true),
        PAIR(add, "add a row", S(2, 3, 4, 5), S(5), .linear = true),
        PAIR(add, "add grows both", S(2, 1, 4, 1), S(3, 1, 5), .linear = true),
        PAIR(sub, "sub", S(4, 7), S(4, 1), .linear = true),
        PAIR(mul, "mul", S(2, 3, 4, 5), S(2, 3, 4, 5), .linear = true),
        PAIR(mul, "mul by a scale of each channel", S(2, 3, 4, 5), S(2, 1, 1, 5), .linear = true),
        PAIR(mul, "mul by a number", S(3, 5), S(1), .linear = true),
        PAIR(div, "div", S(3, 5), S(3, 5), .check = {.low = .5, .high = 2}),
        PAIR(div, "div by a column", S(3, 5), S(3, 1), .check = {.low = .5, .high = 2}),
        {.name = "the same tensor twice", .build = build_self, .reference = ref_self, .shapes = {S(3, 5)}},
        ELEMENT(dropout, .linear = true),
        {.name = "reshape",
         .build = build_reshape,
         .reference = ref_copy,
         .arg = &reshaped,
         .shapes = {S(3, 5, 2, 7)},
         .linear = true},
        ELEMENT(flatten, .linear = true, .out_shape = S(3, 70)),
        PAIR(concat, "concat", S(2, 3, 3, 4), S(2, 3, 3, 1), .linear = true, .out_shape = S(2, 3, 3, 9)),
        PAIR(widen, "widen", S(2, 3, 3, 4), S(2, 3, 3, 3), .linear = true, .out_shape = S(2, 3, 3, 48)),
        ELEMENT(slice, .linear = true, .out_shape = S(3, 5, 2, 3)),
        {.name = "slice_rows",
         .build = build_slice_rows,
         .reference = ref_slice_rows,
         .shapes = {S(4, 2, 3)},
         .linear = true,
         .out_shape = S(2, 2, 3)},
        {.name = "gather",
         .build = build_gather,
         .reference = ref_gather,
         .shapes = {S(4, 5)},
         .linear = true,
         .out_shape = S(5)},
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
        {.name = "softmax",
         .build = build_softmax,
         .reference = ref_softmax,
         .shapes = {S(3, 9)},
         .check = {.low = -3, .high = 3}},
        {.name = "softmax of many rows",
         .build = build_softmax,
         .reference = ref_softmax,
         .shapes = {S(43, 100)},
         .check = {.low = -3, .high = 3}},
        {.name = "softmax turned around",
         .build = build_softmax_scaled,
         .reference = ref_softmax_scaled,
         .arg = &around,
         .shapes = {S(2, 5, 9)},
         .check = {.low = -3, .high = 3}},
        {.name = "log_softmax",
         .build = build_log_softmax,
         .reference = ref_log_softmax,
         .shapes = {S(2, 2, 9)},
         .check = {.low = -3, .high = 3}},
        {.name = "log_sum_exp",
         .build = build_log_sum_exp,
         .reference = ref_log_sum_exp,
         .shapes = {S(3, 9)},
         .out_shape = S(3, 1),
         .check = {.low = -3, .high = 3}},
        {.name = "cross_entropy",
         .build = build_cross_entropy,
         .reference = ref_cross_entropy,
         .arg = &no_smoothing,
         .shapes = {S(7, 5)}},
        {.name = "cross_entropy smoothed",
         .build = build_cross_entropy,
         .reference = ref_cross_entropy,
         .arg = &smoothing,
         .shapes = {S(7, 5)}},
        {.name = "l2_normalize", .build = build_l2, .reference = ref_l2, .shapes = {S(6, 5)}},
        {.name = "affine with bias",
         .build = build_affine,
         .reference = ref_affine,
         .arg = &with_bias,
         .shapes = {S(7, 5), S(3, 5), S(3)},
         .linear = true},
        {.name = "affine without bias, on pixels",
         .build = build_affine,
         .reference = ref_affine,
         .shapes = {S(2, 3, 3, 5), S(11, 5)},
         .linear = true,
         .out_shape = S(2, 3, 3, 11)},
        {.name = "matmul",
         .build = build_matmul,
         .reference = ref_matmul,
         .arg = &plain,
         .shapes = {S(4, 7), S(7, 5)},
         .linear = true},
        {.name = "matmul Aᵀ",
         .build = build_matmul,
         .reference = ref_matmul,
         .arg = &ta,
         .shapes = {S(7, 4), S(7, 5)},
         .linear = true},
        {.name = "matmul Bᵀ",
         .build = build_matmul,
         .reference = ref_matmul,
         .arg = &tb,
         .shapes = {S(4, 7), S(5, 7)},
         .linear = true},
        {.name = "matmul AᵀBᵀ",
         .build = build_matmul,
         .reference = ref_matmul,
         .arg = &tt,
         .shapes = {S(7, 4), S(5, 7)},
         .linear = true},
        {.name = "batched matmul",
         .build = build_matmul,
         .reference = ref_matmul,
         .arg = &plain,
         .shapes = {S(3, 4, 7), S(3, 7, 5)},
         .linear = true},
        {.name = "batched matmul AᵀBᵀ",
         .build = build_matmul,
         .reference = ref_matmul,
         .arg = &tt,
         .shapes = {S(2, 2, 7, 4), S(2, 2, 5, 7)},
         .linear = true},
        {.name = "batched matmul with one B",
         .build = build_matmul,
         .reference = ref_matmul,
         .arg = &tb,
         .shapes = {S(3, 4, 7), S(5, 7)},
         .linear = true},
        {.name = "Gram matrix",
         .build = build_gram,
         .reference = ref_gram,
         .arg = &tb,
         .shapes = {S(2, 6, 5)}},
        {.name = "distance",
         .build = build_distance,
         .reference = ref_distance,
         .arg = &with_bias,
         .shapes = {S(6, 11), S(4, 11)},
         .tolerance = 1e-5},
        {.name = "distance squared",
         .build = build_distance,
         .reference = ref_distance,
         .shapes = {S(6, 11), S(4, 11)},
         .tolerance = 1e-5},
        /* With itself the diagonal sits at the kink of the root, where the gradient is defined to be 0. */
        {.name = "distance to itself",
         .build = build_self_distance,
         .reference = ref_self_distance,
         .shapes = {S(5, 11)},
         .tolerance = 1e-5,
         .check = {.tolerance = 1e-5}},
    };
    op_rows_run(rows, (int)(sizeof rows / sizeof *rows));
    not_numbers();
    return check_result();
}
