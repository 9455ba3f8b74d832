/* The rows of convolution, pooling and batch norm: strides, padding, dilation, groups, maps of one pixel,
 * a batch of one. Convolution and norm are held to reference/, pooling to its definition, loop by loop. */
#include "reference/conv.h"
#include "reference/norm.h"
#include "tests/support/check.h"
#include "tests/support/op_row.h"

#include <math.h>
#include <stdlib.h>

#define REFERENCE(NAME) \
    static void NAME(double *const *in, const kin_shape *s, double *out, kin_shape o, void *arg)

/* ---- convolution ---- */

static int64_t or_one(int64_t n) { return n ? n : 1; }

static kin_tensor *build_conv(kin_tensor **in, void *arg) { return kin_conv2d(in[0], in[1], NULL, arg); }
static kin_tensor *build_conv_bias(kin_tensor **in, void *arg)
{
    return kin_conv2d(in[0], in[1], in[2], arg);
}

/* The inputs as the op had them. */
static kin_real *narrow(const double *x, kin_shape s)
{
    int64_t count = kin_shape_count(s);
    kin_real *out = malloc((size_t)count * sizeof *out);
    for (int64_t i = 0; out && i < count; i++) out[i] = (kin_real)x[i];
    return out;
}

static kin_reference_conv conv_of(const kin_conv2d_opt *opt, kin_shape x, kin_shape w, kin_shape y)
{
    int64_t stride = or_one(opt->stride), dilation = or_one(opt->dilation), top = opt->pad, left = opt->pad;
    if (opt->pads.top || opt->pads.left || opt->pads.bottom || opt->pads.right)
        top = opt->pads.top, left = opt->pads.left;
    return (kin_reference_conv){.batch = x.dim[0],
                                .in_h = x.dim[1],
                                .in_w = x.dim[2],
                                .in_c = x.dim[3],
                                .out_h = y.dim[1],
                                .out_w = y.dim[2],
                                .out_c = y.dim[3],
                                .kernel_h = w.dim[0],
                                .kernel_w = w.dim[1],
                                .stride_h = stride,
                                .stride_w = stride,
                                .pad_top = top,
                                .pad_left = left,
                                .dilation_h = dilation,
                                .dilation_w = dilation,
                                .groups = or_one(opt->groups)};
}

REFERENCE(ref_conv)
{
    kin_reference_conv c = conv_of(arg, s[0], s[1], o);
    kin_real *x = narrow(in[0], s[0]), *w = narrow(in[1], s[1]),
             *bias = s[2].ndim ? narrow(in[2], s[2]) : NULL;
    kin_reference_conv_forward(&c, x, w, bias, out);
    free(x), free(w), free(bias);
}

/* ---- pooling ---- */

static kin_tensor *build_max_pool(kin_tensor **in, void *arg) { return kin_max_pool2d(in[0], arg); }
static kin_tensor *build_avg_pool(kin_tensor **in, void *arg) { return kin_avg_pool2d(in[0], arg); }

static void ref_pool(double *const *in, const kin_shape *s, double *out, kin_shape o,
                     const kin_pool2d_opt *opt, bool maximum)
{
    int64_t stride = opt->stride ? opt->stride : opt->kernel;
    for (int64_t n = 0; n < o.dim[0]; n++)
        for (int64_t y = 0; y < o.dim[1]; y++)
            for (int64_t x = 0; x < o.dim[2]; x++)
                for (int64_t k = 0; k < o.dim[3]; k++) {
                    double sum = 0, most = -INFINITY;
                    int64_t inside = 0;
                    for (int64_t i = 0; i < opt->kernel; i++)
                        for (int64_t j = 0; j < opt->kernel; j++) {
                            int64_t py = y * stride - opt->pad + i, px = x * stride - opt->pad + j;
                            if (py < 0 || px < 0 || py >= s[0].dim[1] || px >= s[0].dim[2]) continue;
                            double v = in[0][((n * s[0].dim[1] + py) * s[0].dim[2] + px) * s[0].dim[3] + k];
                            sum += v;
                            most = fmax(most, v);
                            inside++;
                        }
                    *out++ = maximum ? most
                                     : sum / (double)(opt->exclude_pad ? inside : opt->kernel * opt->kernel);
                }
}
REFERENCE(ref_max_pool) { ref_pool(in, s, out, o, arg, true); }
REFERENCE(ref_avg_pool) { ref_pool(in, s, out, o, arg, false); }

static kin_tensor *build_gap(kin_tensor **in, void *arg)
{
    return arg ? kin_global_max_pool(in[0]) : kin_global_avg_pool(in[0]);
}
REFERENCE(ref_gap)
{
    int64_t pixels = s[0].dim[1] * s[0].dim[2], channels = s[0].dim[3];
    for (int64_t n = 0; n < o.dim[0]; n++)
        for (int64_t k = 0; k < channels; k++) {
            double sum = 0, most = -INFINITY;
            for (int64_t p = 0; p < pixels; p++) {
                double v = in[0][(n * pixels + p) * channels + k];
                sum += v;
                most = fmax(most, v);
            }
            *out++ = arg ? most : sum / (double)pixels;
        }
}

/* ---- batch norm ---- */

typedef struct norm_case {
    kin_act act;
    bool add, eval;
} norm_case;

/* Inputs: x, gamma, beta, then mean and variance (eval), then the residual (add). */
static kin_tensor *build_norm(kin_tensor **in, void *arg)
{
    norm_case *c = arg;
    if (c->eval)
        return kin_batch_norm_eval(in[0], in[1], in[2], in[3], in[4],
                                   &(kin_batch_norm_opt){1e-3, c->act, c->add ? in[5] : NULL});
    return kin_batch_norm_train(in[0], in[1], in[2],
                                &(kin_batch_norm_opt){1e-3, c->act, c->add ? in[3] : NULL}, NULL, NULL);
}
REFERENCE(ref_norm)
{
    norm_case *c = arg;
    int64_t channels = s[1].dim[0], rows = kin_shape_count(s[0]) / channels;
    (void)o;
    double *own = malloc((size_t)channels * 2 * sizeof *own);
    kin_real *x = narrow(in[0], s[0]), *gamma = narrow(in[1], s[1]), *beta = narrow(in[2], s[2]);
    kin_reference_norm_statistics(x, rows, channels, own, own + channels);
    kin_reference_norm_forward(x, gamma, beta, c->eval ? in[3] : own, c->eval ? in[4] : own + channels, 1e-3,
                               rows, channels, out);
    free(own), free(x), free(gamma), free(beta);
    const double *add = !c->add ? NULL : c->eval ? in[5] : in[3];
    for (int64_t i = 0; i < rows * channels; i++) {
        if (add) out[i] += add[i];
        if (c->act != KIN_LINEAR) out[i] = fmax(out[i], 0);
        if (c->act == KIN_RELU6) out[i] = fmin(out[i], 6);
    }
}

#define S(...) \
    { \
        (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), { __VA_ARGS__ } \
    }
#define CONV(TITLE, X, W, O, ...) \
    { \
        .name = "conv2d " TITLE, .build = build_conv, .reference = ref_conv, \
        .arg = &(kin_conv2d_opt){__VA_ARGS__}, .shapes = {X, W}, .out_shape = O, .linear = true, \
        .tolerance = 1e-5 \
    }
#define POOL(KIND, TITLE, X, O, ...) \
    { \
        .name = #KIND "_pool2d " TITLE, .build = build_##KIND##_pool, .reference = ref_##KIND##_pool, \
        .arg = &(kin_pool2d_opt){__VA_ARGS__}, .shapes = {X}, .out_shape = O, .tolerance = 1e-5 \
    }
#define NORM(TITLE, CASE, ...) \
    { \
        .name = "batch_norm " TITLE, .build = build_norm, .reference = ref_norm, .arg = CASE, \
        .shapes = {__VA_ARGS__}, .tolerance = 2e-5 \
    }

static void statistics(void)
{
    check_begin("batch_norm: hands out the batch's mean and biased variance (%s)", KIN_REAL_NAME);
    kin_ctx *ctx = kin_ctx_new();
    kin_real x[] = {1, 10, 3, 10, 5, 40}, mean[2], var[2];
    kin_tensor *t = kin_input(ctx, KIN_SHAPE(3, 2), x),
               *one = kin_input(ctx, KIN_SHAPE(2), (kin_real[]){1, 1}),
               *zero = kin_input(ctx, KIN_SHAPE(2), NULL);
    CHECK(kin_batch_norm_train(t, one, zero, &(kin_batch_norm_opt){1e-5}, mean, var));
    CHECK_CLOSE(mean[0], 3, 1e-6);
    CHECK_CLOSE(mean[1], 20, 1e-5);
    CHECK_CLOSE(var[0], 8.0 / 3, 1e-5);
    CHECK_CLOSE(var[1], 200, 1e-4);
    kin_ctx_free(ctx);
    check_end();
}

static void refusals(void)
{
    check_begin("conv2d and pools refuse what does not fit, by name and shape (%s)", KIN_REAL_NAME);
    kin_ctx *ctx = kin_ctx_new();
    kin_error *err = kin_ctx_error(ctx);
    CHECK(!kin_conv2d(kin_input(ctx, KIN_SHAPE(1, 5, 5, 3), NULL),
                      kin_input(ctx, KIN_SHAPE(3, 3, 4, 2), NULL), NULL, NULL));
    CHECK_TEXT(
        err->message,
        "conv2d: 3 input channels in 1 groups do not fit these weights (inputs [1, 5, 5, 3], [3, 3, 4, 2])");
    kin_error_clear(err);
    CHECK(!kin_conv2d(kin_input(ctx, KIN_SHAPE(1, 2, 2, 3), NULL),
                      kin_input(ctx, KIN_SHAPE(3, 3, 3, 2), NULL), NULL, NULL));
    CHECK_TEXT(err->message, "does not fit into the padded input");
    kin_error_clear(err);
    CHECK(!kin_max_pool2d(kin_input(ctx, KIN_SHAPE(1, 2, 2, 3), NULL), &(kin_pool2d_opt){.kernel = 3}));
    CHECK(!kin_ok(ctx));
    CHECK(!kin_relu(kin_input(ctx, KIN_SHAPE(2), NULL)));
    kin_error_clear(err);
    CHECK(!kin_input(ctx, KIN_SHAPE(2, 0), NULL));
    CHECK_TEXT(err->message, "[2, 0]");
    kin_error_clear(err);
    CHECK(!kin_input(ctx, KIN_SHAPE((int64_t)1 << 40, (int64_t)1 << 40), NULL));
    kin_ctx_free(ctx);
    check_end();
}

int main(void)
{
    static norm_case plain = {KIN_LINEAR, false, false}, relu = {KIN_RELU, false, false},
                     full = {KIN_RELU, true, false}, six = {KIN_RELU6, false, false};
    static norm_case eval = {KIN_LINEAR, false, true}, eval_full = {KIN_RELU, true, true};
    const op_row rows[] = {
        CONV("3×3", S(2, 5, 6, 3), S(3, 3, 3, 4), S(2, 5, 6, 4), .pad = 1),
        CONV("3×3 stride 2", S(2, 7, 6, 3), S(3, 3, 3, 5), S(2, 4, 3, 5), .pad = 1, .stride = 2),
        CONV("3×3 stride 2 odd", S(1, 8, 5, 2), S(3, 3, 2, 3), S(1, 3, 2, 3), .stride = 2),
        CONV("stride 3, larger than the kernel", S(1, 8, 7, 2), S(2, 2, 2, 3), S(1, 3, 2, 3), .stride = 3),
        CONV("1×1", S(2, 3, 3, 7), S(1, 1, 7, 5), S(2, 3, 3, 5), .pad = 0),
        CONV("1×1 stride 2", S(2, 5, 5, 4), S(1, 1, 4, 3), S(2, 3, 3, 3), .stride = 2),
        CONV("dilated", S(1, 7, 7, 2), S(3, 3, 2, 3), S(1, 7, 7, 3), .pad = 2, .dilation = 2),
        CONV("dilated, stride 2", S(1, 9, 8, 2), S(3, 3, 2, 3), S(1, 4, 3, 3), .pad = 1, .dilation = 2,
             .stride = 2),
        CONV("groups", S(2, 4, 4, 6), S(3, 3, 2, 9), S(2, 4, 4, 9), .pad = 1, .groups = 3),
        CONV("depthwise", S(2, 5, 5, 9), S(3, 3, 1, 9), S(2, 5, 5, 9), .pad = 1, .groups = 9),
        CONV("depthwise stride 2", S(2, 5, 6, 17), S(3, 3, 1, 17), S(2, 3, 3, 17), .pad = 1, .groups = 17,
             .stride = 2),
        CONV("depthwise with two outputs each", S(1, 4, 4, 3), S(3, 3, 1, 6), S(1, 4, 4, 6), .pad = 1,
             .groups = 3),
        CONV("asymmetric padding", S(1, 6, 6, 3), S(3, 3, 3, 4), S(1, 3, 3, 4), .stride = 2,
             .pads = {0, 0, 1, 1}),
        CONV("5×3 kernel", S(1, 7, 5, 2), S(5, 3, 2, 3), S(1, 5, 5, 3), .pad = 1),
        CONV("on a map of one pixel", S(1, 1, 1, 5), S(3, 3, 5, 4), S(1, 1, 1, 4), .pad = 1),
        CONV("from one channel", S(3, 6, 6, 1), S(3, 3, 1, 8), S(3, 6, 6, 8), .pad = 1),
        CONV("many channels", S(1, 4, 3, 37), S(3, 3, 37, 19), S(1, 4, 3, 19), .pad = 1),
        {.name = "conv2d with bias",
         .build = build_conv_bias,
         .reference = ref_conv,
         .arg = &(kin_conv2d_opt){.pad = 1},
         .shapes = {S(2, 4, 5, 3), S(3, 3, 3, 4), S(4)},
         .linear = true,
         .tolerance = 1e-5},
        POOL(max, "2×2", S(2, 6, 5, 3), S(2, 3, 2, 3), .kernel = 2),
        POOL(max, "3×3 stride 2 padded", S(2, 7, 6, 3), S(2, 4, 3, 3), .kernel = 3, .stride = 2, .pad = 1),
        POOL(max, "overlapping", S(1, 5, 5, 9), S(1, 4, 4, 9), .kernel = 2, .stride = 1),
        POOL(avg, "2×2", S(2, 6, 5, 3), S(2, 3, 2, 3), .kernel = 2),
        POOL(avg, "3×3 stride 2 padded", S(2, 7, 6, 3), S(2, 4, 3, 3), .kernel = 3, .stride = 2, .pad = 1),
        POOL(avg, "padded, pixels inside only", S(2, 7, 6, 3), S(2, 4, 3, 3), .kernel = 3, .stride = 2,
             .pad = 1, .exclude_pad = true),
        POOL(avg, "1×1 stride 2", S(1, 5, 4, 3), S(1, 3, 2, 3), .kernel = 1, .stride = 2),
        {.name = "global_avg_pool",
         .build = build_gap,
         .reference = ref_gap,
         .shapes = {S(3, 4, 5, 7)},
         .out_shape = S(3, 7),
         .linear = true,
         .tolerance = 1e-5},
        {.name = "global_max_pool",
         .build = build_gap,
         .reference = ref_gap,
         .arg = &plain,
         .shapes = {S(3, 4, 5, 7)},
         .out_shape = S(3, 7)},
        NORM("train", &plain, S(3, 4, 2, 5), S(5), S(5)),
        NORM("train of vectors", &plain, S(9, 5), S(5), S(5)),
        NORM("train + ReLU", &relu, S(3, 4, 2, 17), S(17), S(17)),
        NORM("train + ReLU6", &six, S(3, 4, 2, 5), S(5), S(5)),
        NORM("train + residual + ReLU", &full, S(3, 4, 2, 5), S(5), S(5), S(3, 4, 2, 5)),
        {.name = "batch_norm eval",
         .build = build_norm,
         .reference = ref_norm,
         .arg = &eval,
         .shapes = {S(3, 4, 2, 5), S(5), S(5), S(5), S(5)},
         .check = {.low = .5, .high = 1.5},
         .tolerance = 2e-5},
        {.name = "batch_norm eval + residual + ReLU",
         .build = build_norm,
         .reference = ref_norm,
         .arg = &eval_full,
         .shapes = {S(3, 4, 2, 5), S(5), S(5), S(5), S(5), S(3, 4, 2, 5)},
         .check = {.low = .5, .high = 1.5},
         .tolerance = 2e-5},
    };
    op_rows_run(rows, (int)(sizeof rows / sizeof *rows));
    statistics();
    refusals();
    return check_result();
}
