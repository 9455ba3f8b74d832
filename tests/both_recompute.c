/* Blocks that are recomputed: the same bits as without, less memory, and a clear word for who reads what
 * was dropped. (Whole networks: double_zoo_gradients.c.) And the heap that gradients lie in. */
#include "autograd/heap.h"
#include "autograd/ops.h"
#include "autograd/recompute.h"
#include "base/memory.h"
#include "base/random.h"
#include "nn/layers.h"
#include "tests/support/check.h"
#include "tests/support/hashed.h"

#include <string.h>

enum { BLOCKS = 6, CHANNELS = 8 };

/* Two convolutions with dropout between them; a norm in the block keeps running statistics. */
static kin_tensor *residual(kin_scope *s, kin_tensor *x)
{
    kin_tensor *y = kin_conv_bn(s, "conv1", "bn1", x,
                                &(kin_conv_bn_opt){.out = CHANNELS, .kernel = 3, .pad = 1, .act = KIN_RELU});
    y = kin_dropout(s, "dropout", y, 0.3);
    return kin_conv_bn(s, "conv2", "bn2", y,
                       &(kin_conv_bn_opt){.out = CHANNELS, .kernel = 3, .pad = 1, .add = x, .act = KIN_RELU});
}

/* A block is a block within one too. */
static kin_tensor *network(kin_scope *s, kin_tensor *x, void *arg)
{
    (void)arg;
    for (int i = 0; i < BLOCKS; i++) {
        kin_scope *block = kin_block_begin(kin_sub_index(s, "", i)),
                  *inner = kin_block_begin(kin_sub(block, "inner"));
        x = kin_block_end(block, kin_relu(kin_block_end(inner, residual(inner, x))));
    }
    return kin_flatten(x);
}

static kin_module *made(kin_ctx *ctx, bool recompute)
{
    kin_module *m = kin_module_new(ctx, network, NULL, KIN_SHAPE(2, 10, 10, CHANNELS), 5);
    if (m) kin_module_recompute(m, recompute);
    return m;
}

/* Three steps of plain descent; the loss of the last. */
static double train(kin_module *m)
{
    kin_ctx *ctx = kin_module_ctx(m);
    double value = 0;
    for (uint64_t step = 0; step < 3; step++) {
        kin_set_random(ctx, 7, step);
        kin_module_zero_grad(m);
        kin_tensor *y = kin_module_forward(m, hashed_input(ctx, "x", KIN_SHAPE(2, 10, 10, CHANNELS)),
                                           KIN_TRAIN);
        kin_tensor *loss = kin_mean(kin_square(y), 0);
        CHECK_MSG(kin_backward(loss), "%s", kin_ctx_error(ctx)->message);
        value = kin_item(loss);
        for (int64_t i = 0; i < kin_module_slab_count(m); i++)
            kin_module_values(m)[i] -= (kin_real)0.1 * kin_module_grads(m)[i];
        kin_module_touched(m);
        kin_end_step(ctx);
    }
    return value;
}

static void same_bits(void)
{
    check_begin("three steps with recomputed blocks give the same bits, statistics and dropout included, in "
                "less memory (%s)",
                KIN_REAL_NAME);
    kin_ctx *a = kin_ctx_new(), *b = kin_ctx_new();
    kin_module *m = made(a, false), *n = made(b, true);
    CHECK(train(m) == train(n));
    CHECK(memcmp(kin_module_values(m), kin_module_values(n),
                 (size_t)kin_module_slab_count(m) * sizeof(kin_real)) == 0);
    for (int i = 0; i < kin_module_entries(m); i++) {
        const kin_tensor *x = kin_module_entry(m, i)->tensor, *y = kin_module_entry(n, i)->tensor;
        CHECK_MSG(memcmp(kin_data(x), kin_data(y), (size_t)kin_count(x) * sizeof(kin_real)) == 0,
                  "%s differs", kin_module_entry(m, i)->name);
    }
    CHECK_MSG(kin_peak_bytes(b) * 3 < kin_peak_bytes(a) * 2, "%zu bytes against %zu", kin_peak_bytes(b),
              kin_peak_bytes(a));
    kin_module_free(m), kin_module_free(n);
    kin_ctx_free(a), kin_ctx_free(b);
    check_end();
}

static void reading(void)
{
    kin_ctx *ctx = kin_ctx_new();
    check_begin("what a recomputed block has dropped cannot be read, what was retained can (%s)",
                KIN_REAL_NAME);
    kin_tensor *x = kin_variable(ctx, KIN_SHAPE(2, 3), (kin_real[]){1, 2, 3, 4, 5, 6});
    kin_segment_begin(ctx);
    kin_tensor *dropped = kin_square(x), *retained = kin_scale(dropped, 2, 0), *cut = kin_detach(dropped),
               *result = kin_scale(retained, 1, 1);
    kin_retain(retained);
    result = kin_segment_end(ctx, result);
    CHECK(kin_data(result) && kin_data(result)[5] == 73 && kin_data(retained)[5] == 72 &&
          kin_data(cut)[5] == 36);
    kin_tensor *loss = kin_sum(kin_mul(result, kin_mul(retained, cut)), 0);
    CHECK_MSG(kin_backward(loss), "%s", kin_ctx_error(ctx)->message);
    /* (2x² + 1)·2x²·c with c cut off: (16x³ + 4x)·c */
    CHECK_CLOSE(kin_grad(x)[1], (16 * 8 + 8) * 4, 1e-3);
    CHECK(kin_data(result)[5] == 73 && kin_data(retained)[5] == 72);
    CHECK(!kin_data(dropped));
    CHECK_TEXT(kin_ctx_error(ctx)->message, "a recomputed block has dropped");
    kin_error_clear(kin_ctx_error(ctx));
    CHECK(!kin_relu(dropped));
    CHECK_TEXT(kin_ctx_error(ctx)->message, "relu: input 0 was made inside a block that is recomputed");
    kin_ctx_free(ctx);
    check_end();
}

/* 3·(3x²)²: backward computes the second block again, then the first, and each is dropped again behind it. */
static void one_after_the_other(void)
{
    kin_ctx *ctx = kin_ctx_new();
    check_begin("what is computed again for backward is dropped again, block by block (%s)", KIN_REAL_NAME);
    kin_tensor *x = kin_variable(ctx, KIN_SHAPE(1, 2), (kin_real[]){1, 2}), *y = x, *inside[2][2];
    for (int block = 0; block < 2; block++) {
        kin_segment_begin(ctx);
        inside[block][0] = kin_square(y), inside[block][1] = kin_scale(inside[block][0], 3, 0);
        y = kin_segment_end(ctx, kin_scale(inside[block][1], 1, 0));
    }
    CHECK(kin_data(y)[1] == 432); /* 3·(3·2²)² */
    CHECK_MSG(kin_backward(kin_sum(y, 0)), "%s", kin_ctx_error(ctx)->message);
    CHECK_CLOSE(kin_grad(x)[1], 4 * 27 * 8, 1e-3);
    for (int i = 0; i < 4; i++) {
        CHECK(!kin_data(inside[i / 2][i % 2]));
        CHECK_TEXT(kin_ctx_error(ctx)->message, "a recomputed block has dropped");
        kin_error_clear(kin_ctx_error(ctx));
    }
    kin_ctx_free(ctx);
    check_end();
}

static void without_gradients(void)
{
    kin_ctx *ctx = kin_ctx_new();
    check_begin(
        "a block that no gradient reaches is not computed again; one that ends in nothing is forgotten (%s)",
        KIN_REAL_NAME);
    kin_tensor *frozen = kin_input(ctx, KIN_SHAPE(1, 2), (kin_real[]){1, 2}),
               *x = kin_variable(ctx, KIN_SHAPE(1, 2), (kin_real[]){3, 4});
    kin_segment_begin(ctx);
    kin_tensor *first = kin_segment_end(ctx, kin_square(frozen));
    kin_segment_begin(ctx);
    CHECK(!kin_segment_end(ctx, NULL));
    kin_segment_begin(ctx);
    kin_tensor *view = kin_segment_end(ctx, kin_reshape(kin_mul(first, x), KIN_SHAPE(2, 1)));
    CHECK_MSG(kin_backward(kin_sum(view, 0)), "%s", kin_ctx_error(ctx)->message);
    CHECK(kin_grad(x)[0] == 1 && kin_grad(x)[1] == 4 && kin_data(view)[1] == 16);
    kin_ctx_free(ctx);
    check_end();
}

/* Random taking and giving: blocks never overlap, and a step that repeats itself takes nothing more from
 * the system. */
static void heap(void)
{
    enum { LIVE = 12, TURNS = 400 };
    check_begin("blocks of the gradients' heap do not overlap, and the second step fits into the slab (%s)",
                KIN_REAL_NAME);
    kin_heap h = {0};
    for (int step = 0; step < 3; step++) {
        unsigned char *block[LIVE] = {0};
        size_t bytes[LIVE];
        for (uint64_t turn = 0; turn < TURNS; turn++) {
            size_t i = (size_t)(kin_key(1, turn, 0) % LIVE);
            for (size_t b = 0; block[i] && b < bytes[i]; b++) CHECK(block[i][b] == (unsigned char)i);
            kin_heap_give(&h, block[i]);
            bytes[i] = (size_t)(kin_key(1, turn, 1) % 5000);
            block[i] = turn + LIVE < TURNS ? kin_heap_take(&h, bytes[i]) : NULL;
            if (block[i]) memset(block[i], (int)i, bytes[i]);
            if (step) CHECK(h.apart == 0);
        }
        for (size_t i = 0; i < LIVE; i++) kin_heap_give(&h, block[i]);
        CHECK(h.apart == 0);
        kin_heap_enlarge(&h);
        CHECK(h.capacity == h.needed && h.capacity < LIVE * 5000 * 2);
    }
    CHECK(!kin_heap_take(&h, SIZE_MAX - 8));
    kin_heap_free(&h);
    check_end();
}

int main(void)
{
    same_bits();
    reading();
    one_after_the_other();
    without_gradients();
    heap();
    return check_result();
}
