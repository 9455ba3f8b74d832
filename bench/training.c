/* Training steps of whole networks: forward, loss, backward and optimiser, on numbers that are the same
 * every step.
 *     BUILD/bench/training WORK THREADS [ATTENTION]
 * with the works of the table below; bench/training.py is the same in PyTorch. */
#include "autograd/ops.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "bench/turns.h"
#include "losses/triplet.h"
#include "models/registry.h"
#include "nn/optim.h"

#include <string.h>

/* Networks with classes learn by softmax and SGD with momentum, conv4 by batch-hard triplets of four
 * pictures a class and Adam. */
typedef struct work {
    const char *name, *model;
    int64_t batch, side, channels, classes;
    int steps;
} work;
static const work works[] = {{"train-resnet18", "resnet18", 64, 64, 3, 1000, 1},
                             {"train-resnet50", "resnet50", 32, 64, 3, 1000, 1},
                             {"train-densenet121", "densenet121", 16, 64, 3, 1000, 1},
                             {"train-efficientnet_lite0", "efficientnet_lite0", 64, 160, 3, 1000, 1},
                             {"train-conv4", "conv4", 128, 28, 1, 0, 10}};
enum { WORKS = sizeof works / sizeof *works, BATCH_MAX = 128, A_CLASS = 4 };

typedef struct training {
    const work *work;
    kin_model_choice choice;
    kin_ctx *ctx;
    kin_module *module;
    kin_optim *optim;
    kin_real *pictures;
    int labels[BATCH_MAX];
    uint64_t step;
} training;

static const work *find(const char *name)
{
    for (int i = 0; i < WORKS; i++)
        if (strcmp(works[i].name, name) == 0) return &works[i];
    return NULL;
}

static bool prepare(training *t)
{
    const work *w = t->work;
    kin_optim_opt sgd = {.kind = KIN_SGD, .momentum = 0.9}, adam = {.kind = KIN_ADAM};
    t->choice.model = kin_model_find(w->model);
    t->choice.opt.classes = w->classes;
    t->ctx = kin_ctx_new();
    t->module = t->ctx && t->choice.model ? kin_module_new(t->ctx, kin_model_net, &t->choice,
                                                           KIN_SHAPE(1, w->side, w->side, w->channels), 1)
                                          : NULL;
    t->optim = kin_optim_new(t->module, w->classes ? &sgd : &adam);
    int64_t count = w->batch * w->side * w->side * w->channels;
    t->pictures = kin_alloc_array((size_t)count, sizeof *t->pictures);
    for (int64_t i = 0; t->pictures && i < count; i++)
        t->pictures[i] = (kin_real)((double)(i * 7919 % 9973) / 9973 - 0.5);
    for (int64_t i = 0; i < w->batch; i++)
        t->labels[i] = (int)(w->classes ? i * 7 % w->classes : i / A_CLASS);
    return t->optim && t->pictures;
}

static bool one_step(training *t)
{
    const work *w = t->work;
    kin_set_random(t->ctx, 1, t->step++);
    kin_tensor *x = kin_input(t->ctx, KIN_SHAPE(w->batch, w->side, w->side, w->channels), t->pictures);
    kin_tensor *y = kin_module_forward(t->module, x, KIN_TRAIN);
    kin_tensor *loss = w->classes ? kin_cross_entropy(y, t->labels, 0)
                                  : kin_triplet_batch_hard(y, t->labels, 0);
    kin_module_zero_grad(t->module);
    kin_backward(loss);
    bool ok = kin_optim_step(t->optim, 1e-3);
    kin_end_step(t->ctx);
    return ok;
}

int main(int argc, char **argv)
{
    training t = {.work = find(argc > 1 ? argv[1] : "train-resnet18")};
    int threads = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 2;
    if (!t.work) return fprintf(stderr, "training: there is no work %s\n", argv[1]), 2;
    kin_set_threads(threads);
    kin_error err = {0};
    if (argc > 3 && !kin_attend_parse(argv[3], &t.choice.opt.attention, &err))
        return fprintf(stderr, "training: %s\n", err.message), 2;
    bool ok = prepare(&t);
    while (ok && bench_turn()) {
        double began = bench_now();
        for (int i = 0; i < t.work->steps && ok; i++) ok = one_step(&t);
        if (ok)
            bench_row(t.work->name, threads, "img/s", "kin",
                      (double)(t.work->batch * t.work->steps) / (bench_now() - began));
    }
    if (ok) bench_memory(t.work->name, threads, "kin");
    else fprintf(stderr, "training: %s\n", t.ctx ? kin_ctx_error(t.ctx)->message : "out of memory");
    kin_optim_free(t.optim);
    kin_module_free(t.module);
    kin_ctx_free(t.ctx);
    kin_free(t.pictures);
    return ok ? 0 : 1;
}
