/* A whole network without gradients, 16 pictures of 224×224 a batch (or MODEL-BATCH, MODEL-BATCHxSIDE):
 * pictures a second, and the memory at its largest.
 *     build/cc/bench/networks MODEL[-BATCH[xSIDE]] THREADS [ATTENTION]
 * A turn repeats the batch for half a second. */
#include "base/parallel.h"
#include "base/text.h"
#include "bench/turns.h"
#include "models/registry.h"
#include "nn/module.h"

#include <string.h>

static int fail(kin_ctx *ctx)
{
    fprintf(stderr, "networks: %s\n", ctx ? kin_ctx_error(ctx)->message : "out of memory");
    return 1;
}

static kin_tensor *pictures(kin_ctx *ctx, int64_t batch, int64_t side)
{
    kin_tensor *x = kin_input(ctx, KIN_SHAPE(batch, side, side, 3), NULL);
    kin_real *numbers = (kin_real *)kin_data(x);
    for (int64_t i = 0; numbers && i < kin_count(x); i++)
        numbers[i] = (kin_real)((double)(i * 7919 % 9973) / 9973 - 0.5);
    return x;
}

int main(int argc, char **argv)
{
    char name[64] = "resnet50";
    int64_t batch = 16, side = 224;
    if (argc > 1) snprintf(name, sizeof name, "%s", argv[1]);
    char *dash = strchr(name, '-'), *times = dash ? strchr(dash, 'x') : NULL;
    if (dash) *dash = 0;
    if (times) *times = 0;
    int threads = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 1;
    kin_model_choice c = {kin_model_find(name), {.classes = 1000}};
    if (!c.model || (dash && !kin_parse_int(dash + 1, 1, 4096, &batch)) ||
        (times && !kin_parse_int(times + 1, 32, 4096, &side)))
        return fprintf(stderr, "networks: there is no %s\n", argv[1]), 2;
    kin_error err = {0};
    if (argc > 3 && !kin_attend_parse(argv[3], &c.opt.attention, &err))
        return fprintf(stderr, "networks: %s\n", err.message), 2;
    kin_set_threads(threads);
    kin_ctx *ctx = kin_ctx_new();
    kin_module *m = ctx ? kin_module_new(ctx, kin_model_net, &c, KIN_SHAPE(1, side, side, 3), 1) : NULL;
    if (!m) return fail(ctx);
    kin_record(ctx, false);
    kin_module_pictures_apart(m);
    while (bench_turn()) {
        double took = 0;
        int64_t batches = 0;
        for (; took < BENCH_SECONDS; batches++) {
            kin_tensor *x = pictures(ctx, batch, side);
            double began = bench_now();
            if (!kin_module_forward(m, x, KIN_EVAL)) return fail(ctx);
            took += bench_now() - began;
            kin_end_step(ctx);
        }
        bench_row(argv[1], threads, "img/s", "kin", (double)(batch * batches) / took);
    }
    bench_memory(argv[1], threads, "kin");
    kin_module_free(m);
    kin_ctx_free(ctx);
    return 0;
}
