/* Convolution, norm, residual and activation in one pass, against the same thing made of plain ops: the
 * kernels on every instruction set, then kin_conv_bn with and without recording. */
#include "autograd/ops.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "kernels/conv/conv.h"
#include "kernels/norm.h"
#include "kernels/pool.h"
#include "nn/files/checkpoint.h"
#include "nn/layers.h"
#include "tests/support/check.h"
#include "tests/support/hashed.h"
#include "tests/support/numbers.h"

#include <math.h>
#include <string.h>

/* ---- kernels ---- */

typedef struct arrays {
    kin_real *x, *w, *scale, *shift, *add, *in_scale, *in_shift, *ones, *packed;
} arrays;

static int64_t pixels_in(const kin_conv_shape *s) { return s->batch * s->in_h * s->in_w; }
static int64_t pixels_out(const kin_conv_shape *s) { return s->batch * s->out_h * s->out_w; }

/* In separate passes. */
static kin_real *plain(const kin_conv_shape *s, const arrays *a, bool begins, bool adds, kin_norm_act act)
{
    kin_conv_shape packed = *s;
    kin_real *moved = NULL, *raw = numbers_copy(a->add, pixels_out(s), s->out_c, s->out_ld),
             *y = kin_alloc_array((size_t)(pixels_out(s) * s->out_c), sizeof *y);
    if (begins) {
        moved = kin_alloc_array((size_t)(pixels_in(s) * s->in_c), sizeof *moved);
        kin_norm_apply(a->x, s->in_ld, pixels_in(s), s->in_c, a->in_scale, a->in_shift, NULL, 0,
                       KIN_NORM_RELU, moved);
        packed.in_ld = s->in_c;
    }
    void *workspace = kin_alloc(kin_conv_workspace(s));
    kin_conv_forward(&packed, begins ? moved : a->x, NULL, a->w, NULL, raw, workspace);
    kin_norm_apply(raw, s->out_ld, pixels_out(s), s->out_c, a->scale, a->shift, adds ? a->add : NULL,
                   s->out_ld, act, y);
    kin_free(moved), kin_free(raw), kin_free(workspace);
    return y;
}

static kin_real *fused(const kin_conv_shape *s, const arrays *a, bool begins, bool adds, kin_norm_act act,
                       int threads)
{
    kin_conv_begin begin = {a->in_scale, a->in_shift, KIN_NORM_RELU};
    kin_conv_end end = {.bias = a->shift, .add = adds ? a->add : NULL, .add_ld = s->out_ld, .act = act};
    kin_set_threads(threads); /* the workspace is for so many */
    size_t bytes = kin_conv_packed_workspace(s);
    void *workspace = numbers_workspace(bytes);
    kin_real *y = numbers_copy(a->add, pixels_out(s), s->out_c, s->out_ld);
    kin_conv_forward_packed(s, a->x, a->packed, begins ? &begin : NULL, &end, y, workspace);
    kin_set_threads(0);
    CHECK(numbers_workspace_free(workspace, bytes));
    CHECK(numbers_gaps_kept(y, pixels_out(s), s->out_c, s->out_ld));
    return y;
}

static void compare(const kin_conv_shape *s, const arrays *a, bool begins, bool adds, kin_norm_act act,
                    int seed)
{
    kin_real *want = plain(s, a, begins, adds, act), *got = fused(s, a, begins, adds, act, 1),
             *again = fused(s, a, begins, adds, act, 3);
    double tolerance = (sizeof(kin_real) == 8 ? 1e-13 : 1e-5) *
                       sqrt((double)(s->kernel_h * s->kernel_w * s->in_c / s->groups));
    for (int64_t r = 0; r < pixels_out(s); r++)
        for (int64_t o = 0; o < s->out_c; o++) {
            double g = (double)got[r * s->out_ld + o], w = (double)want[r * s->out_c + o];
            CHECK_MSG(fabs(g - w) <= tolerance * (1 + fabs(w)),
                      "seed %d, begin %d, add %d, act %d: pixel %lld, channel %lld is %.9g, not %.9g", seed,
                      begins, adds, act, (long long)r, (long long)o, g, w);
        }
    CHECK_MSG(numbers_same(got, again, pixels_out(s), s->out_c, s->out_ld),
              "seed %d: other bits with 3 threads", seed);
    kin_free(want), kin_free(got), kin_free(again);
}

static void check_shape(kin_stream *r, const kin_conv_shape *s, int seed)
{
    arrays a = {.x = numbers_random(r, pixels_in(s), s->in_c, s->in_ld),
                .w = numbers_random(r, s->kernel_h * s->kernel_w * (s->in_c / s->groups), s->out_c, s->out_c),
                .scale = numbers_random(r, 1, s->out_c, s->out_c),
                .shift = numbers_random(r, 1, s->out_c, s->out_c),
                .add = numbers_random(r, pixels_out(s), s->out_c, s->out_ld),
                .in_scale = numbers_random(r, 1, s->in_c, s->in_c),
                .in_shift = numbers_random(r, 1, s->in_c, s->in_c)};
    a.packed = kin_alloc_array((size_t)kin_conv_packed_count(s), sizeof *a.packed);
    kin_conv_pack(s, a.w, a.scale, a.packed);
    for (int act = KIN_NORM_LINEAR; act <= KIN_NORM_RELU6; act++)
        for (int adds = 0; adds < 2; adds++)
            for (int begins = 0; begins <= kin_conv_can_begin(s); begins++)
                compare(s, &a, begins, adds, (kin_norm_act)act, seed);
    kin_real *const all[] = {a.x, a.w, a.scale, a.shift, a.add, a.in_scale, a.in_shift, a.packed};
    for (int i = 0; i < 8; i++) kin_free(all[i]);
}

static int64_t outputs(int64_t in, int64_t pads, int64_t kernel, int64_t dilation, int64_t stride)
{
    int64_t room = in + pads - dilation * (kernel - 1) - 1;
    return room < 0 ? 1 : room / stride + 1;
}

static kin_conv_shape random_shape(kin_stream *r)
{
    kin_conv_shape s = {.batch = numbers_pick(r, 1, 3),
                        .in_h = numbers_pick(r, 1, 15),
                        .in_w = numbers_pick(r, 1, 19),
                        .groups = 1};
    int64_t kernel = numbers_pick(r, 0, 1) ? 1 : numbers_pick(r, 2, 5), plain = numbers_pick(r, 0, 1);
    s.kernel_h = s.kernel_w = kernel;
    s.stride_h = s.stride_w = plain ? 1 : numbers_pick(r, 1, 3);
    s.pad_top = kernel > 1 ? numbers_pick(r, 0, kernel - 1) : 0,
    s.pad_left = kernel > 1 ? numbers_pick(r, 0, kernel - 1) : 0;
    s.dilation_h = s.dilation_w = plain || kernel == 1 ? 1 : numbers_pick(r, 1, 2);
    s.in_c = numbers_pick(r, 1, numbers_pick(r, 0, 1) ? 4 : 70), s.out_c = numbers_pick(r, 1, 70);
    int kind = (int)numbers_pick(r, 0, 3);
    if (kind == 0) s.groups = s.in_c = s.out_c = numbers_pick(r, 2, 70);
    if (kind == 1)
        s.groups = numbers_pick(r, 2, 4), s.in_c = s.groups * numbers_pick(r, 1, 9),
        s.out_c = s.groups * numbers_pick(r, 1, 40);
    s.out_h = outputs(s.in_h, s.pad_top + numbers_pick(r, 0, kernel - 1), kernel, s.dilation_h, s.stride_h);
    s.out_w = outputs(s.in_w, s.pad_left + numbers_pick(r, 0, kernel - 1), kernel, s.dilation_w, s.stride_w);
    s.in_ld = s.in_c + numbers_pick(r, 0, 1) * numbers_pick(r, 1, 9);
    s.out_ld = s.out_c + numbers_pick(r, 0, 1) * numbers_pick(r, 1, 9);
    return s;
}

static void kernels(const char *isa)
{
    check_begin("folded conv: scale, bias, residual, activation and norm ahead, against separate passes, "
                "random shapes (%s, %s)",
                isa, KIN_REAL_NAME);
    for (int seed = 0; seed < 150; seed++) {
        kin_stream r = kin_stream_new(kin_key((uint64_t)seed, 20, 0));
        kin_conv_shape s = random_shape(&r);
        check_shape(&r, &s, seed);
    }
    check_end();
    check_begin("folded conv: several blocks and passes (%s, %s)", isa, KIN_REAL_NAME);
    static const kin_conv_shape shapes[] = {{2, 9, 12, 900, 903, 9, 12, 33, 40, 1, 1, 1, 1, 0, 0, 1, 1, 1},
                                            {2, 10, 12, 130, 130, 10, 12, 65, 65, 3, 3, 1, 1, 1, 1, 1, 1, 1},
                                            {1, 20, 21, 3, 3, 10, 11, 24, 24, 7, 7, 2, 2, 3, 3, 1, 1, 1},
                                            {1, 16, 40, 48, 48, 16, 40, 48, 48, 5, 5, 1, 1, 2, 2, 1, 1, 48},
                                            {1, 15, 29, 33, 33, 8, 15, 33, 33, 3, 3, 2, 2, 0, 0, 1, 1, 33},
                                            {1, 3, 3, 400, 400, 3, 3, 600, 600, 1, 1, 1, 1, 0, 0, 1, 1, 1}};
    for (int i = 0; i < (int)(sizeof shapes / sizeof *shapes); i++) {
        kin_stream r = kin_stream_new(kin_key((uint64_t)i, 21, 0));
        check_shape(&r, &shapes[i], i);
    }
    check_end();
}

/* ---- what a norm ahead makes of the maps that training keeps ---- */

static void near_to(const char *what, int row, const kin_real *got, const kin_real *want, int64_t count,
                    double scale)
{
    double tolerance = (sizeof(kin_real) == 8 ? 1e-12 : 1e-5) * (1 + scale), off = 0;
    for (int64_t i = 0; i < count; i++) off = fmax(off, fabs((double)got[i] - (double)want[i]));
    CHECK_MSG(off <= tolerance, "row %d: %s is off by %g", row, what, off);
}

static void begun_shape(kin_stream *r, const kin_conv_shape *s, int row)
{
    int64_t taps = s->kernel_h * s->kernel_w * (s->in_c / s->groups), outputs = pixels_out(s) * s->out_c;
    kin_conv_shape packed = *s;
    kin_real *x = numbers_random(r, pixels_in(s), s->in_c, s->in_ld),
             *w = numbers_random(r, taps, s->out_c, s->out_c), *line = numbers_random(r, 2, s->in_c, s->in_c),
             *dy = numbers_random(r, pixels_out(s), s->out_c, s->out_c),
             *moved = kin_alloc_array((size_t)(pixels_in(s) * s->in_c), sizeof *moved),
             *y = kin_alloc_array((size_t)outputs, 2 * sizeof *y),
             *dw = kin_alloc_array((size_t)(taps * s->out_c), 2 * sizeof *dw);
    kin_conv_begin begin = {line, line + s->in_c, KIN_NORM_RELU};
    size_t bytes = kin_conv_workspace(s);
    void *workspace = numbers_workspace(bytes);
    packed.in_ld = s->in_c;
    CHECK(kin_conv_begins(s));
    kin_norm_apply(x, s->in_ld, pixels_in(s), s->in_c, begin.scale, begin.shift, NULL, 0, begin.act, moved);
    kin_conv_forward(&packed, moved, NULL, w, NULL, y, workspace);
    kin_conv_forward(s, x, &begin, w, NULL, y + outputs, workspace);
    near_to("y", row, y + outputs, y, outputs, sqrt((double)taps));
    kin_conv_backward_weight(&packed, moved, NULL, dy, dw, false, workspace);
    kin_conv_backward_weight(s, x, &begin, dy, dw + taps * s->out_c, false, workspace);
    near_to("dw", row, dw + taps * s->out_c, dw, taps * s->out_c, sqrt((double)pixels_out(s)));
    CHECK(numbers_workspace_free(workspace, bytes));
    kin_free(x), kin_free(w), kin_free(line), kin_free(dy), kin_free(moved), kin_free(y), kin_free(dw);
}

static void begun(const char *isa)
{
    check_begin(
        "conv with a norm ahead: forward and the weights' gradient are those of what it makes (%s, %s)", isa,
        KIN_REAL_NAME);
    /* Depthwise: rows of several tasks, within one picture and over more; wide ones, of which one is a task. */
    static const kin_conv_shape shapes[] = {{3, 21, 9, 24, 31, 21, 9, 24, 24, 3, 3, 1, 1, 1, 1, 1, 1, 24},
                                            {2, 45, 6, 17, 17, 22, 3, 17, 17, 3, 3, 2, 2, 0, 0, 1, 1, 17},
                                            {1, 30, 7, 5, 5, 26, 3, 5, 5, 3, 3, 1, 1, 0, 0, 2, 2, 5},
                                            {1, 3, 330, 70, 70, 3, 330, 70, 70, 3, 3, 1, 1, 1, 1, 1, 1, 70},
                                            {2, 13, 11, 70, 75, 13, 11, 33, 33, 1, 1, 1, 1, 0, 0, 1, 1, 1}};
    for (int i = 0; i < (int)(sizeof shapes / sizeof *shapes); i++)
        for (int threads = 1; threads <= 3; threads += 2) {
            kin_stream r = kin_stream_new(kin_key((uint64_t)i, 22, 0));
            kin_set_threads(threads);
            begun_shape(&r, &shapes[i], i);
            kin_set_threads(0);
        }
    check_end();
}

static void pooled_shape(kin_stream *r, const kin_pool_shape *s, int row)
{
    int64_t pixels = s->batch * s->in_h * s->in_w, numbers = s->batch * s->out_h * s->out_w * s->channels;
    kin_real *x = numbers_random(r, pixels, s->channels, s->in_ld),
             *line = numbers_random(r, 2, s->channels, s->channels),
             *moved = kin_alloc_array((size_t)(pixels * s->channels), sizeof *moved),
             *y = kin_alloc_array((size_t)numbers, 2 * sizeof *y);
    int32_t *winner = kin_alloc_array((size_t)numbers, 2 * sizeof *winner);
    kin_conv_begin begin = {line, line + s->channels, KIN_NORM_RELU};
    kin_pool_shape packed = *s;
    size_t bytes = kin_max_pool_workspace(s);
    void *workspace = numbers_workspace(bytes);
    packed.in_ld = s->channels;
    kin_norm_apply(x, s->in_ld, pixels, s->channels, begin.scale, begin.shift, NULL, 0, begin.act, moved);
    kin_max_pool_forward(&packed, moved, NULL, y, winner, NULL);
    kin_max_pool_forward(s, x, &begin, y + numbers, winner + numbers, workspace);
    CHECK_MSG(memcmp(y, y + numbers, (size_t)numbers * sizeof *y) == 0 &&
                  memcmp(winner, winner + numbers, (size_t)numbers * sizeof *winner) == 0,
              "row %d", row);
    CHECK_MSG(numbers_workspace_free(workspace, bytes), "row %d: the workspace was overrun", row);
    kin_free(x), kin_free(line), kin_free(moved), kin_free(y), kin_free(winner);
}

static void pooled(const char *isa)
{
    check_begin("maxima with a norm ahead are those of what it makes, bit for bit (%s, %s)", isa,
                KIN_REAL_NAME);
    static const kin_pool_shape shapes[] = {{2, 15, 15, 43, 45, 8, 8, 3, 2, 1, false},
                                            {3, 8, 8, 16, 16, 4, 4, 2, 2, 0, false},
                                            {1, 5, 3, 1, 1, 5, 3, 3, 1, 1, false},
                                            {2, 9, 7, 5, 9, 9, 7, 1, 1, 0, false}};
    for (int i = 0; i < (int)(sizeof shapes / sizeof *shapes); i++)
        for (int threads = 1; threads <= 3; threads += 2) {
            kin_stream r = kin_stream_new(kin_key((uint64_t)i, 23, 0));
            kin_set_threads(threads);
            pooled_shape(&r, &shapes[i], i);
            kin_set_threads(0);
        }
    check_end();
}

/* ---- kin_conv_bn ---- */

typedef struct layer {
    kin_shape x;
    kin_conv_bn_opt opt;
    bool no_norm, adds;
} layer;

static kin_tensor *network(kin_scope *s, kin_tensor *x, void *arg)
{
    const layer *l = arg;
    kin_conv_bn_opt o = l->opt;
    if (l->adds)
        o.add = kin_conv_bn(s, "other", "bn0", x,
                            &(kin_conv_bn_opt){.out = o.out,
                                               .kernel = o.kernel,
                                               .stride = o.stride,
                                               .pad = o.pad,
                                               .dilation = o.dilation,
                                               .pads = o.pads});
    return kin_conv_bn(s, "conv", l->no_norm ? NULL : "bn", x, &o);
}

static const kin_real *output(kin_module *m, const layer *l, bool record, kin_mode mode, kin_real *copy)
{
    kin_ctx *ctx = kin_module_ctx(m);
    kin_record(ctx, record);
    kin_tensor *y = kin_module_forward(m, hashed_input(ctx, "x", l->x), mode);
    CHECK_MSG(y, "%s", kin_ctx_error(ctx)->message);
    CHECK(kin_module_packed_bytes(m) > 0 || record);
    if (y) kin_read(y, copy);
    kin_end_step(ctx);
    return copy;
}

static void agree(kin_module *m, const layer *l, kin_real *a, kin_real *b, int64_t count, int line)
{
    output(m, l, true, KIN_EVAL, a);
    output(m, l, false, KIN_EVAL, b);
    double tolerance = sizeof(kin_real) == 8 ? 1e-12 : 1e-5, scale = 0, off = 0;
    for (int64_t i = 0; i < count; i++)
        scale = fmax(scale, fabs((double)a[i])), off = fmax(off, fabs((double)a[i] - (double)b[i]));
    CHECK_MSG(off <= tolerance * scale, "row %d: off by %g where the largest is %g", line, off, scale);
}

static const layer layers[] = {
    {{4, {2, 9, 7, 5}}, {.out = 6, .kernel = 3, .pad = 1, .act = KIN_RELU}},
    {{4, {2, 9, 7, 5}}, {.out = 37, .kernel = 3, .pad = 1, .stride = 2, .act = KIN_RELU6}, .adds = true},
    {{4, {2, 9, 8, 3}}, {.out = 40, .kernel = 7, .stride = 2, .pad = 3, .act = KIN_RELU}, .adds = true},
    {{4, {1, 6, 6, 12}},
     {.out = 12, .kernel = 5, .groups = 12, .pads = {1, 2, 2, 2}, .act = KIN_RELU6, .epsilon = 1e-3}},
    {{4, {1, 6, 6, 12}}, {.out = 18, .kernel = 3, .groups = 3, .dilation = 2, .pad = 2}},
    {{4, {2, 5, 5, 35}}, {.before = "norm", .before_act = KIN_RELU, .out = 33, .kernel = 1, .act = KIN_RELU}},
    {{4, {2, 5, 5, 35}}, {.before = "norm", .before_act = KIN_RELU, .out = 33, .kernel = 1}, .no_norm = true},
    {{4, {2, 5, 5, 35}},
     {.before = "norm", .before_act = KIN_RELU, .out = 33, .kernel = 3, .pad = 1, .act = KIN_RELU},
     .adds = true},
    /* zeros around a map are no pixels that a norm ahead has made something else of */
    {{4, {2, 3, 4, 9}},
     {.before = "norm", .before_act = KIN_RELU, .out = 7, .kernel = 1, .pads = {1, 0, 0, 0}}},
    {{4, {2, 3, 4, 9}},
     {.before = "norm", .before_act = KIN_RELU, .out = 7, .kernel = 1, .pads = {0, 1, 0, 0}}},
    {{4, {2, 3, 4, 9}},
     {.before = "norm", .before_act = KIN_RELU, .out = 7, .kernel = 1, .pads = {0, 0, 1, 0}}},
    {{4, {2, 3, 4, 9}},
     {.before = "norm", .before_act = KIN_RELU, .out = 7, .kernel = 1, .pads = {0, 0, 0, 1}}},
    {{4, {2, 3, 4, 9}}, {.before = "norm", .before_act = KIN_RELU, .out = 7, .kernel = 1, .stride = 2}},
    {{4, {2, 3, 4, 8}}, {.before = "norm", .before_act = KIN_RELU, .out = 6, .kernel = 1, .groups = 2}},
};

static void writes(kin_module *m, const layer *l, kin_real *a, kin_real *b, int64_t count, int row)
{
    for (int i = 0; i < kin_module_entries(m); i++) { /* each write is seen, alone */
        kin_entry_data(kin_module_entry(m, i))[0] *= (kin_real)1.5;
        agree(m, l, a, b, count, row);
    }
    output(m, l, true, KIN_TRAIN, a); /* moves the running statistics */
    agree(m, l, a, b, count, row);
    kin_module_values(m)[0] += 1;
    kin_module_touched(m);
    agree(m, l, a, b, count, row);
}

/* The layer as a network with numbers of its own; NULL, and a failed check, where that fails. */
static kin_module *open_layer(const layer *l, kin_ctx **ctx)
{
    *ctx = kin_ctx_new();
    kin_module *m = kin_module_new(*ctx, network, (void *)(uintptr_t)l, l->x, 1);
    CHECK_MSG(m, "%s", kin_ctx_error(*ctx)->message);
    if (m) hashed_fill(m);
    else kin_ctx_free(*ctx);
    return m;
}

static void folded_layers(const char *isa)
{
    check_begin("kin_conv_bn without recording is what it is with: values, written parameters, taps (%s, %s)",
                isa, KIN_REAL_NAME);
    for (int row = 0; row < (int)(sizeof layers / sizeof *layers); row++) {
        const layer *l = &layers[row];
        kin_ctx *ctx;
        kin_module *m = open_layer(l, &ctx);
        if (!m) continue;
        int64_t count = 1 << 16;
        kin_real *a = kin_alloc_zero((size_t)count, sizeof *a), *b = kin_alloc_zero((size_t)count, sizeof *b);
        agree(m, l, a, b, count, row);
        writes(m, l, a, b, count, row);
        kin_record(ctx, false);
        kin_module_forward(m, hashed_input(ctx, "x", l->x), KIN_EVAL);
        CHECK(!kin_module_tapped(m, "conv") == !l->no_norm);
        kin_end_step(ctx);
        CHECK(kin_module_retain(m, "conv") && (!l->opt.before || kin_module_retain(m, "norm")));
        agree(m, l, a, b, count, row);
        kin_module_forward(m, hashed_input(ctx, "x", l->x), KIN_EVAL);
        CHECK(kin_data(kin_module_tapped(m, "conv")) &&
              (!l->opt.before || kin_data(kin_module_tapped(m, "norm"))));
        kin_free(a), kin_free(b);
        kin_module_free(m);
        kin_ctx_free(ctx);
    }
    check_end();
}

/* What `act` does fails with this in its message, and is forgotten. */
#define REFUSED(ctx, act, part) \
    do { \
        CHECK(!(act)); \
        CHECK_TEXT(kin_ctx_error(ctx)->message, part); \
        kin_error_clear(kin_ctx_error(ctx)); \
    } while (0)

static void sealed(void)
{
    check_begin("a sealed network's outputs are the same bits, also when asked again; what needs its weights "
                "is refused (%s)",
                KIN_REAL_NAME);
    for (int row = 0; row < (int)(sizeof layers / sizeof *layers); row++) {
        const layer *l = &layers[row];
        kin_ctx *ctx;
        kin_module *m = open_layer(l, &ctx);
        if (!m) continue;
        kin_real *copies[3];
        for (int i = 0; i < 3; i++) {
            copies[i] = kin_alloc_zero(1 << 16, sizeof **copies);
            output(m, l, false, KIN_EVAL, copies[i]);
            if (i == 0) kin_module_touched(m), kin_module_seal(m); /* the next folds anew */
            CHECK_MSG(memcmp(copies[0], copies[i], (1 << 16) * sizeof **copies) == 0, "row %d, time %d", row,
                      i);
        }
        kin_error err = {0};
        CHECK(kin_module_is_sealed(m) &&
              !kin_checkpoint_save(check_path("sealed.safetensors"), m, NULL, NULL, 0, &err));
        CHECK_TEXT(err.message, "sealed");
        REFUSED(ctx, kin_module_retain(m, "conv"), "sealed");
        kin_record(ctx, false);
        REFUSED(ctx, kin_module_forward(m, hashed_input(ctx, "x", l->x), KIN_TRAIN), "sealed");
        kin_record(ctx, true);
        REFUSED(ctx, kin_module_forward(m, hashed_input(ctx, "x", l->x), KIN_EVAL), "sealed");
        kin_record(ctx, false);
        kin_module_touched(m);
        REFUSED(ctx, kin_module_forward(m, hashed_input(ctx, "x", l->x), KIN_EVAL), "sealed");
        for (int i = 0; i < 3; i++) kin_free(copies[i]);
        kin_module_free(m);
        kin_ctx_free(ctx);
    }
    check_end();
}

static void out_of_memory(void)
{
    check_begin("kin_conv_bn without recording: any allocation may fail (%s)", KIN_REAL_NAME);
    const layer *l = &layers[1];
    for (long at = 1; at < 200; at++) {
        kin_ctx *ctx = kin_ctx_new();
        kin_module *m = kin_module_new(ctx, network, (void *)(uintptr_t)l, l->x, 1);
        kin_record(ctx, false);
        kin_alloc_fail_at(at);
        kin_tensor *y = kin_module_forward(m, kin_input(ctx, l->x, NULL), KIN_EVAL);
        bool failed = kin_alloc_pending() == 0;
        kin_alloc_fail_at(0);
        CHECK(failed == !y && failed == !kin_ok(ctx));
        kin_module_free(m);
        kin_ctx_free(ctx);
        if (!failed) break;
    }
    check_end();
}

int main(void)
{
    numbers_each_isa("folded conv", kernels);
    numbers_each_isa("conv with a norm ahead", begun);
    numbers_each_isa("maxima with a norm ahead", pooled);
    numbers_each_isa("kin_conv_bn", folded_layers);
    sealed();
    out_of_memory();
    return check_result();
}
