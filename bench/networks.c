/* Whole networks without gradients, 16 pictures of 224×224 (or BATCH): the least user CPU time and elapsed time of some rounds, in
 * milliseconds a batch, and the memory at its largest. One process a network, so that the memory is its own; bench/networks.sh
 * runs them in turn with their rivals.
 *     build/cc/bench/networks MODEL [THREADS [ROUNDS [BATCH]]] */
#include "base/parallel.h"
#include "kernels/isa.h"
#include "models/registry.h"
#include "nn/module.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

typedef struct choice { const kin_model *model; kin_model_opt opt; } choice;

static kin_tensor *forward(kin_scope *s, kin_tensor *x, void *arg)
{
    const choice *c = arg;
    return kin_model_forward(c->model, s, x, &c->opt);
}

static double elapsed(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double user_time(void)
{
    struct rusage r;
    getrusage(RUSAGE_SELF, &r);
    return (double)r.ru_utime.tv_sec + 1e-6 * (double)r.ru_utime.tv_usec;
}

static long peak_kilobytes(void)
{
    struct rusage r;
    getrusage(RUSAGE_SELF, &r);
    return r.ru_maxrss;
}

static int fail(kin_ctx *ctx)
{
    fprintf(stderr, "networks: %s\n", ctx ? kin_ctx_error(ctx)->message : "out of memory");
    return 1;
}

static int argument(int argc, char **argv, int at, int fallback) { return argc > at ? (int)strtol(argv[at], NULL, 10) : fallback; }

int main(int argc, char **argv)
{
    choice c = {kin_model_find(argc > 1 ? argv[1] : "resnet50"), {.classes = 1000}};
    int threads = argument(argc, argv, 2, 1), rounds = argument(argc, argv, 3, 5), batch = argument(argc, argv, 4, 16);
    if (!c.model) return fprintf(stderr, "networks: there is no %s\n", argv[1]), 2;
    kin_set_threads(threads);
    kin_ctx *ctx = kin_ctx_new();
    kin_module *m = ctx ? kin_module_new(ctx, forward, &c, KIN_SHAPE(1, 224, 224, 3), 1) : NULL;
    if (!m) return fail(ctx);
    double least_user = 1e30, least = 1e30;
    kin_record(ctx, false);
    kin_module_pictures_apart(m);
    for (int round = -1; round < rounds; round++) {
        kin_tensor *x = kin_input(ctx, KIN_SHAPE(batch, 224, 224, 3), NULL);
        kin_real *numbers = (kin_real *)kin_data(x);
        for (int64_t i = 0; numbers && i < kin_count(x); i++) numbers[i] = (kin_real)((double)(i * 7919 % 9973) / 9973 - 0.5);
        double user = user_time(), wall = elapsed();
        if (!kin_module_forward(m, x, KIN_EVAL)) return fail(ctx);
        user = user_time() - user, wall = elapsed() - wall;
        if (round >= 0 && user < least_user) least_user = user;
        if (round >= 0 && wall < least) least = wall;
        kin_end_step(ctx);
    }
    printf("%s kin-%s %d %.1f %.1f %.1f\n", c.model->name, kin_isa_name(), threads, least_user * 1e3, least * 1e3, (double)peak_kilobytes() / 1024);
    kin_module_free(m);
    kin_ctx_free(ctx);
    return 0;
}
