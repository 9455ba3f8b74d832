/* The rows of the softmax, product and distance ops. References are written as the
 * definition reads, in double, without regard to speed. */
#include "tests/support/check.h"
#include "tests/support/op_row.h"

#include <math.h>

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

int main(void)
{
    static double no_smoothing = 0, smoothing = 0.1, around = -1.5;
    static const op_row rows[] = {
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
    return check_result();
}
