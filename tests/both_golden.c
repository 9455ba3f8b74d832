/* The ops against PyTorch's values and gradients, which tests/golden/make_ops.py wrote to ops.txt. */
#include "autograd/ops.h"
#include "base/memory.h"
#include "tests/support/check.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct golden {
    const char *name;
    kin_tensor *(*build)(kin_tensor **in);
    kin_shape shapes[4];
} golden;

#define CASE(NAME, EXPRESSION) \
    static kin_tensor *NAME(kin_tensor **in) { return (EXPRESSION); }
CASE(conv, kin_conv2d(in[0], in[1], in[2], &(kin_conv2d_opt){.pad = 1}))
CASE(conv_stride, kin_conv2d(in[0], in[1], NULL, &(kin_conv2d_opt){.pad = 1, .stride = 2}))
CASE(conv_dilated, kin_conv2d(in[0], in[1], NULL, &(kin_conv2d_opt){.pad = 2, .dilation = 2}))
CASE(conv_groups, kin_conv2d(in[0], in[1], NULL, &(kin_conv2d_opt){.pad = 1, .groups = 3}))
CASE(conv_depthwise, kin_conv2d(in[0], in[1], NULL, &(kin_conv2d_opt){.pad = 1, .stride = 2, .groups = 7}))
CASE(conv_same, kin_conv2d(in[0], in[1], NULL, &(kin_conv2d_opt){.stride = 2, .pads = {0, 0, 1, 1}}))
CASE(conv_1x1, kin_conv2d(in[0], in[1], NULL, &(kin_conv2d_opt){.stride = 2}))
CASE(max_pool, kin_max_pool2d(in[0], &(kin_pool2d_opt){.kernel = 3, .stride = 2, .pad = 1}))
CASE(avg_pool, kin_avg_pool2d(in[0], &(kin_pool2d_opt){.kernel = 3, .stride = 2, .pad = 1}))
CASE(avg_pool_inside,
     kin_avg_pool2d(in[0], &(kin_pool2d_opt){.kernel = 3, .stride = 2, .pad = 1, .exclude_pad = true}))
CASE(global_avg, kin_global_avg_pool(in[0]))
CASE(adaptive_avg, kin_adaptive_avg_pool2d(in[0], 3, 4))
CASE(adaptive_avg_larger, kin_adaptive_avg_pool2d(in[0], 5, 3))
CASE(upsample, kin_upsample(in[0], 3))
CASE(norm_train, kin_batch_norm_train(in[0], in[1], in[2], &(kin_batch_norm_opt){1e-5}, NULL, NULL))
CASE(norm_relu_add,
     kin_batch_norm_train(in[0], in[1], in[2], &(kin_batch_norm_opt){1e-5, KIN_RELU, in[3]}, NULL, NULL))
CASE(linear, kin_affine(in[0], in[1], in[2]))
CASE(matmul, kin_matmul(in[0], in[1], NULL))
CASE(flatten, kin_flatten(in[0]))
CASE(softmax, kin_softmax(in[0]))
CASE(log_softmax, kin_log_softmax(in[0]))
CASE(log_sum_exp, kin_log_sum_exp(in[0]))
CASE(cross_entropy, kin_cross_entropy(in[0], (int[]){0, 1, 2, 3, 4, 0}, 0.1))
CASE(l2, kin_l2_normalize(in[0]))
CASE(distance, kin_distance(in[0], in[1]))
CASE(relu6, kin_relu6(kin_scale(in[0], 9, 0)))
CASE(leaky, kin_leaky_relu(in[0]))
CASE(sigmoid, kin_sigmoid(in[0]))
CASE(hyperbolic, kin_tanh(in[0]))
CASE(softplus, kin_softplus(in[0]))
CASE(silu, kin_silu(in[0]))
CASE(gelu, kin_gelu(in[0]))
CASE(broadcast, kin_mul(in[0], in[1]))
CASE(mean, kin_mean(in[0], 6))

#define S(...) \
    { \
        (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), { __VA_ARGS__ } \
    }
static const golden cases[] = {
    {"conv", conv, {S(2, 7, 6, 3), S(3, 3, 3, 5), S(5)}},
    {"conv-stride", conv_stride, {S(2, 7, 6, 3), S(3, 3, 3, 5)}},
    {"conv-dilated", conv_dilated, {S(1, 9, 8, 2), S(3, 3, 2, 3)}},
    {"conv-groups", conv_groups, {S(2, 5, 5, 6), S(3, 3, 2, 9)}},
    {"conv-depthwise", conv_depthwise, {S(2, 5, 6, 7), S(3, 3, 1, 7)}},
    {"conv-same", conv_same, {S(1, 6, 6, 3), S(3, 3, 3, 4)}},
    {"conv-1x1", conv_1x1, {S(2, 5, 5, 4), S(1, 1, 4, 3)}},
    {"max-pool", max_pool, {S(2, 7, 6, 3)}},
    {"avg-pool", avg_pool, {S(2, 7, 6, 3)}},
    {"avg-pool-inside", avg_pool_inside, {S(2, 7, 6, 3)}},
    {"global-avg", global_avg, {S(2, 4, 5, 3)}},
    {"adaptive-avg", adaptive_avg, {S(2, 7, 6, 3)}},
    {"adaptive-avg-larger", adaptive_avg_larger, {S(1, 2, 3, 2)}},
    {"upsample", upsample, {S(2, 3, 4, 5)}},
    {"norm-train", norm_train, {S(3, 4, 2, 5), S(5), S(5)}},
    {"norm-relu-add", norm_relu_add, {S(3, 4, 2, 5), S(5), S(5), S(3, 4, 2, 5)}},
    {"linear", linear, {S(4, 7), S(5, 7), S(5)}},
    {"matmul", matmul, {S(3, 4, 7), S(3, 7, 5)}},
    {"flatten", flatten, {S(2, 3, 4, 5)}},
    {"softmax", softmax, {S(4, 9)}},
    {"log-softmax", log_softmax, {S(4, 9)}},
    {"log-sum-exp", log_sum_exp, {S(4, 9)}},
    {"cross-entropy", cross_entropy, {S(6, 5)}},
    {"l2", l2, {S(4, 9)}},
    {"distance", distance, {S(5, 7), S(4, 7)}},
    {"relu6", relu6, {S(50)}},
    {"leaky", leaky, {S(50)}},
    {"sigmoid", sigmoid, {S(50)}},
    {"tanh", hyperbolic, {S(50)}},
    {"softplus", softplus, {S(50)}},
    {"silu", silu, {S(50)}},
    {"gelu", gelu, {S(50)}},
    {"broadcast", broadcast, {S(2, 3, 4, 5), S(2, 1, 1, 5)}},
    {"mean", mean, {S(2, 3, 4, 5)}},
};

static const golden *find(const char *name)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (strcmp(cases[i].name, name) == 0) return &cases[i];
    return NULL;
}

static kin_tensor *filled(kin_ctx *ctx, kin_shape shape, double step, double shift, bool variable)
{
    static kin_real numbers[4096];
    for (int64_t i = 0; i < kin_shape_count(shape); i++) numbers[i] = (kin_real)sin(step * (double)i + shift);
    return variable ? kin_variable(ctx, shape, numbers) : kin_input(ctx, shape, numbers);
}

static void compare(kin_ctx *ctx, const golden *g, int n, double total, const double *grads)
{
    double tolerance = sizeof(kin_real) == sizeof(double) ? 1e-9 : 2e-5;
    kin_tensor *in[4];
    check_begin("%s: PyTorch's value and gradients (%s)", g->name, KIN_REAL_NAME);
    for (int k = 0; k < n; k++) in[k] = filled(ctx, g->shapes[k], 0.9, 0.5 * k, true);
    kin_tensor *y = g->build(in),
               *loss = kin_sum(kin_mul(y, filled(ctx, kin_shape_of(y), 0.7, 0.2, false)), 0);
    CHECK_MSG(kin_backward(loss), "%s", kin_ctx_error(ctx)->message);
    CHECK_CLOSE(kin_item(loss), total, tolerance * (10 + fabs(total)));
    for (int k = 0; k < n; k++) {
        double sum = 0;
        for (int64_t i = 0; kin_grad(in[k]) && i < kin_count(in[k]); i++)
            sum += cos(0.3 * (double)i) * (double)kin_grad(in[k])[i];
        CHECK_MSG(fabs(sum - grads[k]) <= tolerance * (10 + fabs(grads[k])),
                  "input %d: %.10g, PyTorch says %.10g", k, sum, grads[k]);
    }
    kin_end_step(ctx);
    kin_error_clear(kin_ctx_error(ctx));
    check_end();
}

int main(void)
{
    FILE *file = fopen("tests/golden/ops.txt", "r");
    kin_ctx *ctx = kin_ctx_new();
    char name[64];
    double total, grads[4];
    size_t found = 0;
    int n;
    while (file && fscanf(file, "%63s %d %lf", name, &n, &total) == 3 && n >= 1 && n <= 4) {
        for (int k = 0; k < n; k++)
            if (fscanf(file, "%lf", &grads[k]) != 1) n = 0;
        const golden *g = find(name);
        if (g && n) compare(ctx, g, n, total, grads), found++;
    }
    if (file) fclose(file);
    check_begin("golden values: every op has its line (%s)", KIN_REAL_NAME);
    CHECK(found == sizeof cases / sizeof *cases);
    check_end();
    kin_ctx_free(ctx);
    return check_result();
}
