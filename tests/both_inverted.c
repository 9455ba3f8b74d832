/* The inverted residual block in one pass against its three convolutions one after the other (which
 * tests/both_conv.c holds to the definition): the same numbers bit for bit, for random shapes, on every
 * instruction set and number of threads. */
#include "base/memory.h"
#include "base/parallel.h"
#include "kernels/conv/conv.h"
#include "kernels/conv/inverted.h"
#include "tests/support/check.h"
#include "tests/support/numbers.h"

#include <math.h>

typedef struct block {
    kin_inverted b;
    kin_real *x, *add, *bias[3], *weight[3], *packed[3];
} block;

static kin_conv_shape pointwise(int64_t batch, int64_t h, int64_t w, int64_t in, int64_t in_ld, int64_t out,
                                int64_t out_ld)
{
    return (kin_conv_shape){batch, h, w, in, in_ld, h, w, out, out_ld, 1, 1, 1, 1, 0, 0, 1, 1, 1};
}

/* A network's first convolution, whose output is h·w. */
static kin_conv_shape stem(kin_stream *s, int64_t batch, int64_t h, int64_t w, int64_t in, int64_t in_ld,
                           int64_t out)
{
    kin_conv_shape c = pointwise(batch, h, w, in, in_ld, out, out);
    c.kernel_h = numbers_pick(s, 1, 5), c.kernel_w = numbers_pick(s, 2, 5),
    c.stride_h = numbers_pick(s, 1, 3), c.stride_w = numbers_pick(s, 1, 3),
    c.dilation_h = numbers_pick(s, 1, 2);
    c.pad_top = numbers_pick(s, 0, c.kernel_h - 1), c.pad_left = numbers_pick(s, 0, c.kernel_w - 1);
    c.in_h = (h - 1) * c.stride_h + (c.kernel_h - 1) * c.dilation_h + 1 - c.pad_top,
    c.in_w = (w - 1) * c.stride_w + c.kernel_w - c.pad_left;
    c.in_h = numbers_pick(s, c.in_h > 3 ? c.in_h - 2 : 1, c.in_h > 0 ? c.in_h + 1 : 1),
    c.in_w = numbers_pick(s, c.in_w > 3 ? c.in_w - 2 : 1, c.in_w > 0 ? c.in_w + 1 : 1);
    if (kin_inverted_expands(&c)) return c;
    c.stride_w = c.stride_h = 2; /* Winograd's are not taken */
    return c;
}

static block random_block(kin_stream *s, bool large)
{
    block k = {0};
    bool expands = numbers_pick(s, 0, 3) > 0, few = expands && numbers_pick(s, 0, 2) == 0;
    int64_t batch = numbers_pick(s, 1, large ? 3 : 5), h = numbers_pick(s, 1, large ? 40 : 12),
            w = numbers_pick(s, 1, large ? 40 : 12),
            in = few ? numbers_pick(s, 1, 4) : numbers_pick(s, 2, 30);
    int64_t wide = few       ? numbers_pick(s, 2, 40)
                   : expands ? in * numbers_pick(s, 1, large ? 6 : 3)
                             : in,
            out = numbers_pick(s, 1, 40), kernel = 2 * numbers_pick(s, 0, 3) + 1,
            stride = numbers_pick(s, 1, 3);
    int64_t top = numbers_pick(s, 0, kernel - 1), left = numbers_pick(s, 0, kernel - 1);
    int64_t oh = (h + top + numbers_pick(s, 0, kernel) - kernel) / stride + 1,
            ow = (w + left + numbers_pick(s, 0, kernel) - kernel) / stride + 1;
    if (oh < 1) oh = 1;
    if (ow < 1) ow = 1;
    int64_t in_ld = in + numbers_pick(s, 0, 1) * numbers_pick(s, 1, 9),
            out_ld = out + numbers_pick(s, 0, 1) * numbers_pick(s, 1, 9);
    k.b.expand = few ? stem(s, batch, h, w, in, in_ld, wide) : pointwise(batch, h, w, in, in_ld, wide, wide);
    k.b.depthwise = (kin_conv_shape){batch,  h,      w,      wide, expands ? wide : in_ld,
                                     oh,     ow,     wide,   wide, kernel,
                                     kernel, stride, stride, top,  left,
                                     1,      1,      wide};
    k.b.project = pointwise(batch, oh, ow, wide, wide, out, out_ld);
    kin_conv_shape *shapes[3] = {&k.b.expand, &k.b.depthwise, &k.b.project};
    kin_conv_end *ends[3] = {&k.b.expand_end, &k.b.depthwise_end, &k.b.project_end};
    for (int i = expands ? 0 : 1; i < 3; i++) {
        int64_t taps = shapes[i]->kernel_h * shapes[i]->kernel_w;
        k.weight[i] = numbers_random(s, taps * shapes[i]->in_c / shapes[i]->groups, shapes[i]->out_c,
                                     shapes[i]->out_c);
        k.packed[i] = kin_alloc((size_t)kin_conv_packed_count(shapes[i]) * sizeof(kin_real));
        kin_conv_pack(shapes[i], k.weight[i], NULL, k.packed[i]);
        if (numbers_pick(s, 0, 3))
            ends[i]->bias = k.bias[i] = numbers_random(s, 1, shapes[i]->out_c, shapes[i]->out_c);
        ends[i]->act = (kin_norm_act)numbers_pick(s, 0, 2);
    }
    k.b.expand_packed = k.packed[0], k.b.depthwise_packed = k.packed[1], k.b.project_packed = k.packed[2];
    k.x = numbers_random(s, batch * (few ? k.b.expand.in_h * k.b.expand.in_w : h * w), in, in_ld);
    if (numbers_pick(s, 0, 1)) k.add = numbers_random(s, batch * oh * ow, out, out);
    k.b.project_end.add = k.add, k.b.project_end.add_ld = out;
    return k;
}

static void block_free(block *k)
{
    for (int i = 0; i < 3; i++) kin_free(k->bias[i]), kin_free(k->weight[i]), kin_free(k->packed[i]);
    kin_free(k->x), kin_free(k->add);
}

static int64_t pixels(const kin_conv_shape *s) { return s->batch * s->out_h * s->out_w; }

static void convolve(const kin_conv_shape *s, const kin_real *x, const kin_real *packed,
                     const kin_conv_end *end, kin_real *y)
{
    size_t bytes = kin_conv_packed_workspace(s);
    void *workspace = numbers_workspace(bytes);
    kin_conv_forward_packed(s, x, packed, NULL, end, y, workspace);
    numbers_workspace_free(workspace, bytes);
}

static void in_turn(const block *k, kin_real *y)
{
    const kin_inverted *b = &k->b;
    kin_real *wide = kin_alloc_array((size_t)(pixels(&b->expand) * b->expand.out_c), sizeof *wide),
             *narrow = kin_alloc_array((size_t)(pixels(&b->depthwise) * b->depthwise.out_c), sizeof *narrow);
    if (b->expand_packed) convolve(&b->expand, k->x, b->expand_packed, &b->expand_end, wide);
    convolve(&b->depthwise, b->expand_packed ? wide : k->x, b->depthwise_packed, &b->depthwise_end, narrow);
    convolve(&b->project, narrow, b->project_packed, &b->project_end, y);
    kin_free(wide), kin_free(narrow);
}

static void check_block(kin_stream *s, bool large, unsigned long long seed)
{
    static const int threads[] = {1, 2, 3, 7};
    block k = random_block(s, large);
    int64_t rows = pixels(&k.b.project), out = k.b.project.out_c, ld = k.b.project.out_ld;
    kin_real *expected = numbers_random(s, rows, out, ld);
    kin_set_threads(2);
    in_turn(&k, expected);
    for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
        kin_set_threads(threads[i]);
        kin_real *y = numbers_random(s, rows, out, ld);
        size_t bytes = kin_inverted_workspace(&k.b);
        void *workspace = numbers_workspace(bytes);
        kin_inverted_forward(&k.b, k.x, y, workspace);
        CHECK_MSG(numbers_workspace_free(workspace, bytes), "seed %llu: the workspace was overrun", seed);
        CHECK_MSG(numbers_same(y, expected, rows, out, ld),
                  "seed %llu: %d threads, %lldx%lld, kernel %lld, stride %lld: not what the three "
                  "convolutions give",
                  seed, threads[i], (long long)k.b.depthwise.in_h, (long long)k.b.depthwise.in_w,
                  (long long)k.b.depthwise.kernel_h, (long long)k.b.depthwise.stride_h);
        CHECK_MSG(numbers_gaps_kept(y, rows, out, ld), "seed %llu: written beside the output", seed);
        kin_free(y);
    }
    kin_free(expected);
    block_free(&k);
}

static void blocks(const char *isa)
{
    for (int large = 0; large < 2; large++) {
        numbers_seeds seeds = numbers_seeds_of(large ? 4 : 40);
        check_begin("inverted: %s blocks in one pass are their convolutions in turn, bit for bit, %s (%s)",
                    large ? "large" : "small", numbers_seeds_shown(seeds), isa);
        for (uint64_t seed = seeds.first; seed < seeds.behind; seed++) {
            kin_stream s = kin_stream_new(kin_key(seed, 31, (uint64_t)large));
            check_block(&s, large, seed);
        }
        check_end();
    }
}

int main(void)
{
    numbers_each_isa("inverted", blocks);
    return check_result();
}
