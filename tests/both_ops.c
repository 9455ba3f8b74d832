/* The rows of the element-wise and shape ops. References are written as the
 * definition reads, in double, without regard to speed. */
#include "tests/support/check.h"
#include "tests/support/op_row.h"

#include "base/random.h"

#include <math.h>

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
static kin_tensor *build_append(kin_tensor **in, void *arg)
{
    (void)arg;
    kin_tensor *none = kin_concat_reserve(in[0], kin_channels(in[0]) + 2 * kin_channels(in[1])),
               *early = kin_scale(none, 1, 0);
    kin_tensor *one = kin_concat_append(none, in[1]), *two = kin_concat_append(one, in[1]),
               *other = kin_concat_append(one, in[1]), *three = kin_concat_append(two, in[1]);
    return kin_concat((kin_tensor *[]){two, one, early, other, none, three}, 6);
}
REFERENCE(ref_append)
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

int main(void)
{
    static double cube = 3, half = 0.5;
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
        PAIR(append, "concat_append", S(2, 3, 3, 4), S(2, 3, 3, 3), .linear = true,
             .out_shape = S(2, 3, 3, 48)),
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
    };
    op_rows_run(rows, (int)(sizeof rows / sizeof *rows));
    return check_result();
}
