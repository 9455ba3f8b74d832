/* Shapes for which no machine has room: a kernel's workspace is then SIZE_MAX, which nobody can allocate, and
 * no number that has wrapped round; whichever size it is that is too large. */
#include "base/parallel.h"
#include "kernels/conv/conv.h"
#include "kernels/conv/few.h"
#include "kernels/conv/inverted.h"
#include "kernels/gemm.h"
#include "tests/support/check.h"
#include "tests/support/numbers.h"

static void products(void)
{
    check_begin("large: products (%s)", KIN_REAL_NAME);
    const int64_t large = (int64_t)1 << 40;
    CHECK(kin_gemm_workspace(&(kin_gemm_args){.m = 3000, .n = 5000, .k = 7000}) < SIZE_MAX / 4);
    CHECK(kin_gemm_workspace(&(kin_gemm_args){.m = 1, .n = large, .k = large}) == SIZE_MAX);
    CHECK(kin_gemm_workspace(&(kin_gemm_args){.m = large, .n = large, .k = 1}) == SIZE_MAX);
    CHECK(kin_gemm_workspace(&(kin_gemm_args){.m = 0, .n = 5, .k = 5}) == sizeof(kin_real));
    CHECK(kin_gemm_workspace(&(kin_gemm_args){.m = 5, .n = 0, .k = 5}) == sizeof(kin_real));
    CHECK(kin_gemm_workspace(&(kin_gemm_args){.m = 5, .n = 5, .k = 0}) == sizeof(kin_real));
    check_end();
}

/* 3×3, maps of 8×8 pixels. */
static kin_conv_shape plain(int64_t in, int64_t out)
{
    return (kin_conv_shape){.batch = 2,
                            .in_h = 8,
                            .in_w = 8,
                            .in_c = in,
                            .in_ld = in,
                            .out_h = 8,
                            .out_w = 8,
                            .out_c = out,
                            .out_ld = out,
                            .kernel_h = 3,
                            .kernel_w = 3,
                            .stride_h = 1,
                            .stride_w = 1,
                            .pad_top = 1,
                            .pad_left = 1,
                            .dilation_h = 1,
                            .dilation_w = 1,
                            .groups = 1};
}

static void refused(const char *what, const kin_conv_shape *s)
{
    CHECK_MSG(kin_conv_workspace(s) == SIZE_MAX && kin_conv_packed_workspace(s) == SIZE_MAX, "%s: %zu, %zu",
              what, kin_conv_workspace(s), kin_conv_packed_workspace(s));
}

static void convolutions(void)
{
    check_begin("large: convolutions (%s)", KIN_REAL_NAME);
    kin_conv_shape s = plain(512, 512), few = plain(3, 16);
    const int64_t large = (int64_t)1 << 47;
    CHECK(kin_conv_workspace(&s) < SIZE_MAX / 4 && kin_conv_packed_workspace(&s) < SIZE_MAX / 4);
    CHECK(kin_conv_workspace(&few) < SIZE_MAX / 4 && kin_conv_packed_workspace(&few) < SIZE_MAX / 4);
    s = plain(512, 512), s.kernel_h = large, refused("the kernel's height", &s);
    s = plain(512, 512), s.kernel_w = large, refused("the kernel's width", &s);
    s = plain(large, 512), refused("channels", &s);
    s = plain(512, large), refused("outputs", &s);
    CHECK(kin_conv_has_few(&few));
    s = few, s.batch = large, refused("pictures", &s);
    s = few, s.out_h = large, refused("rows", &s);
    s = few, s.out_w = large, refused("columns", &s);
    check_end();
}

/* Pictures are convolved part by part: what is needed beside them depends on channels and caches alone, but for
 * those of few channels, which are padded as a whole. */
static void pictures(const char *isa)
{
    check_begin(
        "large: a convolution's workspace is as large for the largest pictures, and for many (%s, %s)", isa,
        KIN_REAL_NAME);
    static const int64_t channels[][2] = {{16, 16}, {64, 64}, {256, 256}, {64, 512}, {512, 64}};
    kin_set_threads(2);
    for (size_t i = 0; i < sizeof channels / sizeof *channels; i++)
        for (int kernel = 1; kernel <= 5; kernel += 2) {
            kin_conv_shape s = plain(channels[i][0], channels[i][1]), many;
            s.kernel_h = s.kernel_w = kernel, s.pad_top = s.pad_left = kernel / 2;
            s.batch = 1, s.in_h = s.in_w = s.out_h = s.out_w = 512;
            size_t plainly = kin_conv_workspace(&s), once = kin_conv_packed_workspace(&s);
            many = s, many.batch = 200;
            s.in_h = s.in_w = s.out_h = s.out_w = 4096;
            CHECK_MSG(kin_conv_workspace(&s) <= plainly + plainly / 4 &&
                          kin_conv_workspace(&many) <= plainly + plainly / 4,
                      "%d: %lld to %lld: %zu bytes, then %zu and %zu", kernel, (long long)s.in_c,
                      (long long)s.out_c, plainly, kin_conv_workspace(&s), kin_conv_workspace(&many));
            CHECK_MSG(kin_conv_packed_workspace(&s) <= once + once / 4 &&
                          kin_conv_packed_workspace(&many) <= once + once / 4,
                      "packed, %d: %lld to %lld: %zu bytes, then %zu and %zu", kernel, (long long)s.in_c,
                      (long long)s.out_c, once, kin_conv_packed_workspace(&s),
                      kin_conv_packed_workspace(&many));
            CHECK_MSG(plainly < (size_t)64 * sizeof(kin_real) << 18, "%zu bytes", plainly);
        }
    kin_set_threads(0);
    check_end();
}

static kin_inverted block(void)
{
    kin_inverted b = {.depthwise = plain(64, 64), .project = plain(64, 32)};
    b.depthwise.groups = 64;
    b.project.kernel_h = b.project.kernel_w = 1, b.project.pad_top = b.project.pad_left = 0;
    return b;
}

static void inverted(void)
{
    check_begin("large: inverted residuals (%s)", KIN_REAL_NAME);
    const int64_t large = (int64_t)1 << 42;
    kin_inverted b = block();
    CHECK(kin_inverted_workspace(&b) < SIZE_MAX / 4);
    int64_t *const sizes[] = {&b.depthwise.in_c,     &b.depthwise.in_w,     &b.depthwise.out_w,
                              &b.depthwise.out_h,    &b.depthwise.kernel_h, &b.depthwise.kernel_w,
                              &b.depthwise.pad_left, &b.project.out_c};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        b = block();
        *sizes[i] = large;
        CHECK_MSG(kin_inverted_workspace(&b) == SIZE_MAX, "size %zu: %zu", i, kin_inverted_workspace(&b));
    }
    check_end();
}

int main(void)
{
    products();
    convolutions();
    inverted();
    numbers_each_isa("large", pictures);
    return check_result();
}
