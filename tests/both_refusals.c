/* Shapes and options that ops refuse, each next to the last one that is taken: what fails is the call that
 * is wrong, with the op's name, and nothing is computed. */
#include "autograd/ops.h"
#include "base/memory.h"
#include "tests/support/check.h"

#include <math.h>
#include <string.h>

static kin_ctx *ctx;

static kin_tensor *t(kin_shape shape) { return kin_input(ctx, shape, NULL); }
#define T(...) t(KIN_SHAPE(__VA_ARGS__))

static void taken(int line, kin_tensor *got)
{
    if (!got || !kin_ok(ctx)) check_fail(__FILE__, line, "is refused: %s", kin_ctx_error(ctx)->message);
    kin_error_clear(kin_ctx_error(ctx));
}

static void refused(int line, kin_tensor *got, const char *why)
{
    if (got || kin_ok(ctx)) check_fail(__FILE__, line, "is taken");
    check_text(__FILE__, line, kin_ctx_error(ctx)->message, why);
    kin_error_clear(kin_ctx_error(ctx));
}
#define TAKEN(...) taken(__LINE__, __VA_ARGS__)
#define REFUSED(why, ...) refused(__LINE__, __VA_ARGS__, why)

#define CONV(x, w, ...) kin_conv2d(x, w, NULL, &(kin_conv2d_opt){__VA_ARGS__})
static void convolutions(void)
{
    const char *signs = "conv2d: stride, dilation and groups must be positive",
               *limits = "conv2d: stride, dilation and padding are limited",
               *fit = "do not fit these weights", *small = "the kernel does not fit";
    const int64_t limit = 1 << 20;
    check_begin("refusals: conv2d (%s)", KIN_REAL_NAME);
    REFUSED("expected x [n, h, w, c]", CONV(T(1, 5, 3), T(3, 3, 3, 2), 0));
    REFUSED("expected x [n, h, w, c]", CONV(T(1, 5, 5, 3), T(3, 3, 2), 0));
    REFUSED(signs, CONV(T(1, 5, 5, 2), T(3, 3, 2, 2), .stride = -1));
    REFUSED(signs, CONV(T(1, 5, 5, 2), T(3, 3, 2, 2), .dilation = -1));
    REFUSED(signs, CONV(T(1, 5, 5, 2), T(3, 3, 2, 2), .groups = -1));
    REFUSED(signs, CONV(T(1, 5, 5, 2), T(3, 3, 2, 2), .pad = -1));
    REFUSED(signs, CONV(T(1, 5, 5, 2), T(3, 3, 2, 2), .pads = {.top = -1}));
    REFUSED(signs, CONV(T(1, 5, 5, 2), T(3, 3, 2, 2), .pads = {.left = -1}));
    REFUSED(signs, CONV(T(1, 5, 5, 2), T(3, 3, 2, 2), .pads = {.bottom = -1}));
    REFUSED(signs, CONV(T(1, 5, 5, 2), T(3, 3, 2, 2), .pads = {.right = -1}));
    REFUSED(limits, CONV(T(1, 5, 5, 2), T(3, 3, 2, 2), .stride = limit + 1));
    REFUSED(limits, CONV(T(1, 5, 5, 2), T(1, 1, 2, 2), .dilation = limit + 1));
    REFUSED(limits, CONV(T(1, 5, 5, 2), T(3, 3, 2, 2), .pads = {.top = limit + 1}));
    REFUSED(limits, CONV(T(1, 5, 5, 2), T(3, 3, 2, 2), .pads = {.left = limit + 1}));
    REFUSED(limits, CONV(T(1, 5, 5, 2), T(3, 3, 2, 2), .pads = {.bottom = limit + 1}));
    REFUSED(limits, CONV(T(1, 5, 5, 2), T(3, 3, 2, 2), .pads = {.right = limit + 1}));
    TAKEN(CONV(T(1, 5, 5, 2), T(1, 1, 2, 2), .stride = limit, .dilation = limit));
    REFUSED(fit, CONV(T(1, 5, 5, 3), T(3, 3, 1, 4), .groups = 2));
    REFUSED(fit, CONV(T(1, 5, 5, 4), T(3, 3, 2, 3), .groups = 2));
    REFUSED(fit, CONV(T(1, 5, 5, 4), T(3, 3, 4, 4), .groups = 2));
    TAKEN(CONV(T(1, 5, 5, 4), T(3, 3, 2, 4), .groups = 2));
    REFUSED(small, CONV(T(1, 2, 5, 2), T(3, 3, 2, 2), 0));
    REFUSED(small, CONV(T(1, 5, 2, 2), T(3, 3, 2, 2), 0));
    REFUSED(small, CONV(T(1, 5, 4, 2), T(3, 3, 2, 2), .dilation = 2));
    TAKEN(CONV(T(1, 5, 5, 2), T(3, 3, 2, 2), .dilation = 2));
    TAKEN(CONV(T(1, 1, 1, 2), T(3, 3, 2, 2), .pads = {1, 1, 1, 1}));
    REFUSED("bias needs one number for each of 2", kin_conv2d(T(1, 5, 5, 2), T(3, 3, 2, 2), T(3), NULL));
    TAKEN(kin_conv2d(T(1, 5, 5, 2), T(3, 3, 2, 2), T(2), NULL));
    check_end();
}

#define POOL(x, ...) kin_max_pool2d(x, &(kin_pool2d_opt){__VA_ARGS__})
static void pools(void)
{
    const char *signs = "max_pool2d: kernel and stride must be positive",
               *small = "does not fit into the padded";
    check_begin("refusals: pools (%s)", KIN_REAL_NAME);
    REFUSED("expected [n, h, w, c]", POOL(T(1, 5, 5), .kernel = 2));
    REFUSED("avg_pool2d: expected", kin_avg_pool2d(T(5, 5), &(kin_pool2d_opt){.kernel = 2}));
    REFUSED(signs, POOL(T(1, 5, 5, 2), .kernel = 0));
    REFUSED(signs, POOL(T(1, 5, 5, 2), .kernel = -1, .stride = 1));
    REFUSED(signs, POOL(T(1, 5, 5, 2), .kernel = 2, .stride = -1));
    REFUSED(signs, POOL(T(1, 5, 5, 2), .kernel = 2, .pad = -1));
    REFUSED(signs, POOL(T(1, 5, 5, 2), .kernel = 3, .pad = 2));
    REFUSED(signs, POOL(T(1, 5000, 1, 1), .kernel = 4097, .pad = 2048));
    TAKEN(POOL(T(1, 5000, 1, 1), .kernel = 4096, .pad = 2048));
    TAKEN(POOL(T(1, 5, 5, 2), .kernel = 1));
    TAKEN(POOL(T(1, 5, 5, 2), .kernel = 2, .pad = 1, .stride = 9));
    REFUSED(small, POOL(T(1, 2, 5, 2), .kernel = 3));
    REFUSED(small, POOL(T(1, 5, 2, 2), .kernel = 3));
    TAKEN(POOL(T(1, 3, 3, 2), .kernel = 3));
    TAKEN(POOL(T(1, 1, 1, 2), .kernel = 3, .pad = 1));
    REFUSED("expected [n, h, w, c]", kin_global_max_pool(T(2, 3)));
    REFUSED("expected [n, h, w, c]", kin_upsample(T(2, 3), 2));
    REFUSED("the factor must be", kin_upsample(T(1, 2, 2, 3), 0));
    REFUSED("expected [n, h, w, c]", kin_adaptive_avg_pool2d(T(2, 3), 1, 1));
    REFUSED("at least 1 x 1", kin_adaptive_avg_pool2d(T(1, 2, 2, 3), 1, 0));
    REFUSED("channel_pool: expected", kin_channel_pool(T(2, 3)));
    for (int i = 0; i < 5; i++) {
        kin_tensor *of[4];
        for (int k = 0; k < 4; k++) of[k] = k == i ? T(2) : T(3);
        kin_tensor *got = kin_batch_norm_eval_avg_pool(T(1, 4, 4, 3), of[0], of[1], of[2], of[3],
                                                       &(kin_batch_norm_opt){1e-5, KIN_RELU}, 2);
        if (i < 4) REFUSED("expected a number for each channel in scale, shift and statistics", got);
        else TAKEN(got);
    }
    REFUSED("a residual cannot be added ahead of the means",
            kin_batch_norm_eval_avg_pool(T(1, 4, 4, 3), T(3), T(3), T(3), T(3),
                                         &(kin_batch_norm_opt){1e-5, KIN_RELU, T(1, 4, 4, 3)}, 2));
    REFUSED("gem: expected a map", kin_gem_pool(T(2, 3), T(1)));
    REFUSED("gem: expected one exponent", kin_gem_pool(T(2, 3, 3, 4), T(2)));
    TAKEN(kin_gem_pool(T(2, 3, 3, 4), T(1)));
    check_end();
}

static void norms(void)
{
    const char *numbers = "batch_norm: expected 3 numbers in each of scale, shift and statistics";
    check_begin("refusals: norms (%s)", KIN_REAL_NAME);
    REFUSED(numbers, kin_batch_norm_train(T(4, 3), T(2), T(3), &(kin_batch_norm_opt){1e-5}, NULL, NULL));
    REFUSED(numbers, kin_batch_norm_train(T(4, 3), T(3), T(4), &(kin_batch_norm_opt){1e-5}, NULL, NULL));
    REFUSED(numbers, kin_batch_norm_eval(T(4, 3), T(3), T(3), T(2), T(3), &(kin_batch_norm_opt){1e-5}));
    REFUSED(numbers, kin_batch_norm_eval(T(4, 3), T(3), T(3), T(3), T(4), &(kin_batch_norm_opt){1e-5}));
    REFUSED(numbers, kin_batch_norm_eval(T(4, 3), T(3), T(3), T(3), T(4),
                                         &(kin_batch_norm_opt){1e-5, KIN_LINEAR, T(4, 3)}));
    TAKEN(kin_batch_norm_eval(T(4, 3), T(3), T(3), T(3), T(3),
                              &(kin_batch_norm_opt){1e-5, KIN_LINEAR, T(4, 3)}));
    REFUSED("the residual must have the input's shape",
            kin_batch_norm_train(T(4, 3), T(3), T(3), &(kin_batch_norm_opt){1e-5, KIN_LINEAR, T(3, 3)}, NULL,
                                 NULL));
    check_end();
}

static void products(void)
{
    const kin_matmul_opt first = {.transpose_a = true}, second = {.transpose_b = true};
    check_begin("refusals: products and distances (%s)", KIN_REAL_NAME);
    REFUSED("expected weights [out, 3]", kin_affine(T(4, 3), T(3), NULL));
    REFUSED("expected weights [out, 3]", kin_affine(T(4, 3), T(5, 2), NULL));
    REFUSED("one number for each of 5", kin_affine(T(4, 3), T(5, 3), T(4)));
    TAKEN(kin_affine(T(4, 3), T(5, 3), T(5)));
    REFUSED("expected matrices, or stacks", kin_matmul(T(3), T(3, 2), NULL));
    REFUSED("expected matrices, or stacks", kin_matmul(T(2, 3), T(3), NULL));
    REFUSED("expected matrices, or stacks", kin_matmul(T(2, 3), T(2, 3, 2), NULL));
    REFUSED("expected matrices, or stacks", kin_matmul(T(2, 2, 2, 3), T(2, 3, 2), NULL));
    REFUSED("the stacks differ on axis 0", kin_matmul(T(2, 4, 3), T(3, 3, 2), NULL));
    REFUSED("the stacks differ on axis 1", kin_matmul(T(2, 5, 4, 3), T(2, 4, 3, 2), NULL));
    REFUSED("the inner sizes differ", kin_matmul(T(4, 3), T(4, 2), NULL));
    REFUSED("the inner sizes differ", kin_matmul(T(4, 3), T(3, 2), &first));
    REFUSED("the inner sizes differ", kin_matmul(T(4, 3), T(3, 2), &second));
    TAKEN(kin_matmul(T(4, 3), T(4, 2), &first));
    TAKEN(kin_matmul(T(4, 3), T(2, 3), &second));
    TAKEN(kin_matmul(T(2, 4, 3), T(3, 2), NULL));
    REFUSED("rows of equal length", kin_distance(T(4, 3), T(4, 2)));
    REFUSED("rows of equal length", kin_distance(T(4, 3, 1), T(4, 1)));
    REFUSED("rows of equal length", kin_distance(T(4, 1), T(4, 3, 1)));
    TAKEN(kin_distance(T(4, 3), T(1, 3)));
    check_end();
}

static void element_wise(void)
{
    check_begin("refusals: element by element (%s)", KIN_REAL_NAME);
    REFUSED("add: the shapes do not broadcast", kin_add(T(4, 3), T(4)));
    REFUSED("mul: the shapes do not broadcast", kin_mul(T(2, 3), T(3, 3)));
    TAKEN(kin_mul(T(1, 3), T(3, 1)));
    TAKEN(kin_sub_tensor(T(3), T(2, 4, 3)));
    REFUSED("dropout: the probability", kin_dropout_keyed(T(4), 1, 1));
    REFUSED("dropout: the probability", kin_dropout_keyed(T(4), -0.01, 1));
    REFUSED("dropout: the probability", kin_dropout_keyed(T(4), NAN, 1));
    TAKEN(kin_dropout_keyed(T(4), 0.99, 1));
    REFUSED("gate: expected a map", kin_gate(T(2, 3), T(2, 3)));
    REFUSED("gate: expected a gate for each", kin_gate(T(2, 4, 5, 3), T(1, 3)));
    REFUSED("gate: expected a gate for each", kin_gate(T(2, 4, 5, 3), T(2, 4, 5, 2)));
    REFUSED("gate: expected a gate for each", kin_gate(T(2, 4, 5, 3), T(2, 5, 4, 1)));
    TAKEN(kin_gate(T(2, 4, 5, 3), T(2, 3)));
    TAKEN(kin_gate(T(2, 4, 5, 3), T(2, 1, 1, 3)));
    TAKEN(kin_gate(T(2, 4, 5, 3), T(2, 4, 5, 1)));
    REFUSED("one number as weight", kin_add_weighted(T(4, 3), T(3, 4), T(1)));
    REFUSED("one number as weight", kin_add_weighted(T(4, 3), T(4, 3), T(3)));
    TAKEN(kin_add_weighted(T(4, 3), T(4, 3), T(1)));
    check_end();
}

#define ERASE(x, ...) kin_erase(x, &(kin_rectangle){__VA_ARGS__})
static void shapes(void)
{
    const char *outside = "is outside the axis of";
    const int64_t row[] = {0, 3}, column[] = {0, 2}, low[] = {0, -1}, high_row[] = {0, 4},
                  high_column[] = {0, 3};
    check_begin("refusals: shapes (%s)", KIN_REAL_NAME);
    REFUSED("cannot become [5, 2]: the counts differ", kin_reshape(T(3, 3), KIN_SHAPE(5, 2)));
    TAKEN(kin_reshape(T(4, 3), KIN_SHAPE(2, 6)));
    REFUSED("flatten: expected [n, h, w, c]", kin_flatten(T(4, 3)));
    REFUSED("input 2 differs", kin_concat((kin_tensor *[]){T(4, 3), T(4, 1), T(3, 3)}, 3));
    REFUSED("input 1 differs", kin_concat((kin_tensor *[]){T(4, 3), T(4, 3, 1)}, 2));
    TAKEN(kin_concat((kin_tensor *[]){T(4, 3), T(4, 1)}, 2));
    REFUSED(outside, kin_slice(T(4, 3), -1, 2));
    REFUSED(outside, kin_slice(T(4, 3), 0, 0));
    REFUSED(outside, kin_slice(T(4, 3), 2, 2));
    REFUSED(outside, kin_slice(T(4, 3), INT64_MAX, 1));
    TAKEN(kin_slice(T(4, 3), 2, 1));
    TAKEN(kin_slice(T(4, 3), 0, 3));
    REFUSED(outside, kin_slice_rows(T(4, 3), 3, 2));
    REFUSED(outside, kin_slice_rows(T(4, 3), -1, 1));
    REFUSED("at least two axes", kin_slice_rows(T(4), 0, 2));
    TAKEN(kin_slice_rows(T(4, 3), 3, 1));
    REFUSED("no element was asked for", kin_gather(T(4, 3), row, column, 0));
    REFUSED("element 1, (-1, 2), is outside", kin_gather(T(4, 3), low, column, 2));
    REFUSED("element 1, (4, 2), is outside", kin_gather(T(4, 3), high_row, column, 2));
    REFUSED("element 1, (3, -1), is outside", kin_gather(T(4, 3), row, low, 2));
    REFUSED("element 1, (3, 3), is outside", kin_gather(T(4, 3), row, high_column, 2));
    TAKEN(kin_gather(T(4, 3), row, column, 2));
    REFUSED("cannot grow to 2", kin_concat_reserve(T(1, 2, 2, 3), 2));
    REFUSED("cannot grow to", kin_concat_reserve(T(1, 2, 2, 3), INT64_MAX));
    TAKEN(kin_concat_reserve(T(1, 2, 2, 3), 3));
    REFUSED("a map [n, h, w, c]", ERASE(T(4, 3), 0));
    REFUSED("does not lie in the map", ERASE(T(1, 4, 5, 3), .top = -1, .height = 1, .width = 1));
    REFUSED("does not lie in the map", ERASE(T(1, 4, 5, 3), .left = -1, .height = 1, .width = 1));
    REFUSED("does not lie in the map", ERASE(T(1, 4, 5, 3), .height = -1, .width = 1));
    REFUSED("does not lie in the map", ERASE(T(1, 4, 5, 3), .height = 1, .width = -1));
    REFUSED("does not lie in the map", ERASE(T(1, 4, 5, 3), .top = 3, .height = 2, .width = 1));
    REFUSED("does not lie in the map", ERASE(T(1, 4, 5, 3), .left = 3, .height = 1, .width = 3));
    TAKEN(ERASE(T(1, 4, 5, 3), .top = 2, .left = 3, .height = 2, .width = 2));
    check_end();
}

static void sums(void)
{
    const int right[] = {0, 2}, low[] = {0, -1}, high[] = {0, 3};
    check_begin("refusals: sums and softmax (%s)", KIN_REAL_NAME);
    REFUSED("an axis is outside the shape", kin_sum(T(4, 3), 4));
    REFUSED("an axis is outside the shape", kin_mean(T(4, 3), 5));
    REFUSED("an axis is outside the shape", kin_max(T(4), 2));
    TAKEN(kin_sum(T(4, 3), 3));
    REFUSED("expected logits [n, classes]", kin_cross_entropy(T(2, 1, 3), right, 0));
    REFUSED("label smoothing", kin_cross_entropy(T(2, 3), right, 1));
    REFUSED("label smoothing", kin_cross_entropy(T(2, 3), right, -0.1));
    REFUSED("label smoothing", kin_cross_entropy(T(2, 3), right, NAN));
    REFUSED("label -1 of row 1 is outside 0 .. 2", kin_cross_entropy(T(2, 3), low, 0));
    REFUSED("label 3 of row 1 is outside 0 .. 2", kin_cross_entropy(T(2, 3), high, 0));
    TAKEN(kin_cross_entropy(T(2, 3), right, 0.99));
    check_end();
}

static void nothing(void)
{
    check_begin("refusals: no tensor has no shape, no axis beyond the last has a size, and of none nothing "
                "is joined (%s)",
                KIN_REAL_NAME);
    kin_tensor *x = T(4, 3, 2), *three[] = {x, x, x}, *joined;
    CHECK(kin_ndim(NULL) == 0 && kin_count(NULL) == 0 && kin_rows(NULL) == 0 && kin_channels(NULL) == 0 &&
          kin_ld(NULL) == 0 && !kin_data(NULL) && !kin_ctx_of(NULL) && kin_shape_of(NULL).ndim == 0);
    CHECK(kin_ndim(x) == 3 && kin_count(x) == 24 && kin_rows(x) == 12 && kin_channels(x) == 2);
    CHECK(kin_dim(x, 0) == 4 && kin_dim(x, 2) == 2 && kin_dim(x, -1) == 2 && kin_dim(x, -3) == 4);
    CHECK(kin_dim(x, 3) == 0 && kin_dim(x, -4) == 0 && kin_dim(NULL, 0) == 0 && kin_dim(NULL, -1) == 0);
    CHECK(!kin_concat(three, 0) && !kin_concat(three, -1) && kin_ok(ctx));
    joined = kin_concat(three, 1);
    CHECK(kin_ndim(joined) == 3 && kin_channels(joined) == 2 && kin_rows(joined) == 12);
    joined = kin_concat(three, 3);
    CHECK(kin_ndim(joined) == 3 && kin_channels(joined) == 6 && kin_rows(joined) == 12 && kin_ok(ctx));
    check_end();
}

static void backward(void)
{
    check_begin("refusals: backward begins at one number that depends on a variable (%s)", KIN_REAL_NAME);
    const kin_real two[] = {1, 2};
    kin_tensor *x = kin_variable(ctx, KIN_SHAPE(2), two), *y = kin_square(x);
    CHECK(!kin_backward(NULL) && kin_ok(ctx));
    CHECK(!kin_backward(y));
    CHECK_TEXT(kin_ctx_error(ctx)->message, "the loss has the shape");
    CHECK(!kin_backward(kin_sum(y, 0))); /* while an error stands */
    kin_error_clear(kin_ctx_error(ctx));
    CHECK(!kin_backward(kin_sum(T(2), 0)));
    CHECK_TEXT(kin_ctx_error(ctx)->message, "depends on no parameter or variable");
    kin_error_clear(kin_ctx_error(ctx));
    CHECK(kin_backward(kin_sum(y, 0)) && kin_grad(x) && kin_grad(x)[1] == 4);
    check_end();
}

int main(void)
{
    ctx = kin_ctx_new();
    backward();
    nothing();
    convolutions();
    pools();
    norms();
    products();
    element_wise();
    shapes();
    sums();
    kin_ctx_free(ctx);
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
