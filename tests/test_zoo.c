/* Whole networks against torchvision and efficientnet-lite-pytorch, with weights that both sides compute
 * (tests/support/hashed.h), and with trained ones. The golden files were written by tests/golden/zoo.py. */
#include "base/memory.h"
#include "base/npy.h"
#include "data/sets/dataset.h"
#include "models/registry.h"
#include "nn/files/checkpoint.h"
#include "tests/support/check.h"
#include "tests/support/hashed.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static double furthest(const kin_tensor *t, int64_t row, const float *want, int64_t count, double *scale)
{
    const kin_real *got = kin_data(t);
    double most = 0;
    *scale = 0;
    for (int64_t i = 0; got && i < count; i++) {
        most = fmax(most, fabs((double)got[row * kin_ld(t) + i] - (double)want[i]));
        *scale = fmax(*scale, fabs((double)want[i]));
    }
    return got && most == most ? most : INFINITY;
}

/* ---- untrained ---- */

typedef struct golden {
    char name[32];
    long long h, w, n, parameters, at, features, logits;
} golden;

static void compare(kin_ctx *ctx, kin_module *m, const golden *g, const float *want)
{
    double scale, off;
    kin_tensor *y = kin_module_forward(m, hashed_input(ctx, "input", KIN_SHAPE(g->n, g->h, g->w, 3)),
                                       KIN_EVAL);
    CHECK_MSG(kin_ok(ctx), "%s: %s", g->name, kin_ctx_error(ctx)->message);
    CHECK_MSG(kin_module_parameters(m) == g->parameters, "%s has %lld parameters, not %lld", g->name,
              (long long)kin_module_parameters(m), g->parameters);
    off = furthest(kin_module_tapped(m, "pooled"), g->n - 1, want + g->at, g->features, &scale);
    CHECK_MSG(off <= 1e-4 * scale, "%s at %lldx%lld: features are off by %.3g where the largest is %.3g",
              g->name, g->h, g->w, off, scale);
    off = furthest(y, g->n - 1, want + g->at + g->features, g->logits, &scale);
    CHECK_MSG(off <= 1e-4 * scale, "%s at %lldx%lld: logits are off by %.3g where the largest is %.3g",
              g->name, g->h, g->w, off, scale);
    kin_end_step(ctx);
}

static bool next(FILE *file, golden *g)
{
    return fscanf(file, "%31s %lld %lld %lld %lld %lld %lld %lld", g->name, &g->h, &g->w, &g->n,
                  &g->parameters, &g->at, &g->features, &g->logits) == 8;
}

static void untrained(void)
{
    kin_error err = {0};
    kin_npy want = {0};
    FILE *file = fopen("tests/golden/zoo.txt", "r");
    golden g = {0}, before = {0};
    kin_ctx *ctx = NULL;
    kin_module *m = NULL;
    kin_model_choice c = {.opt = {.classes = 1000}};
    int cases = 0;
    bool more = file && kin_npy_read("tests/golden/zoo.npy", &want, &err) && next(file, &g);
    while (more) {
        if (strcmp(g.name, before.name) != 0) {
            check_begin("%s: outputs and parameters are the original's", g.name);
            ctx = kin_ctx_new();
            kin_record(ctx, false);
            c.model = kin_model_find(g.name);
            CHECK_MSG(c.model, "there is no %s", g.name);
            m = c.model ? kin_module_new_zero(ctx, kin_model_net, &c, KIN_SHAPE(1, g.h, g.w, 3)) : NULL;
            CHECK_MSG(m, "%s", kin_ctx_error(ctx)->message);
            if (m) hashed_fill(m), kin_module_retain(m, "pooled");
        }
        if (m && g.at + g.features + g.logits <= want.count) compare(ctx, m, &g, want.data), cases++;
        before = g;
        more = next(file, &g);
        if (!more || strcmp(g.name, before.name) != 0) {
            kin_module_free(m);
            kin_ctx_free(ctx);
            check_end();
        }
    }
    check_begin("the zoo's golden file is whole");
    CHECK(cases == 34);
    check_end();
    if (file) fclose(file);
    kin_npy_free(&want);
}

/* ---- trained ---- */

/* A network with weights of the shared data, or NULL, said aloud. */
static kin_module *trained(kin_ctx *ctx, kin_model_choice *c, const char *model, const char *file)
{
    kin_error err = {0};
    kin_checkpoint *checkpoint = NULL;
    const char *path = check_data(file);
    if (!path) return check_skip("%s is not here", file), NULL;
    c->model = kin_model_find(model);
    kin_module *m = kin_module_new_zero(ctx, kin_model_net, c,
                                        KIN_SHAPE(1, c->model->size, c->model->size, 3));
    CHECK_MSG(m && kin_checkpoint_open(path, &checkpoint, &err) &&
                  kin_checkpoint_load(checkpoint, m, NULL, &err),
              "%s", err.message);
    kin_checkpoint_free(checkpoint);
    return m;
}

static void lite0(void)
{
    check_begin("efficientnet_lite0: trained weights load completely, features and logits are the package's");
    kin_ctx *ctx = kin_ctx_new();
    kin_model_choice c = {.opt = {.classes = 1000}};
    kin_error err = {0};
    kin_npy want = {0};
    double scale, off;
    kin_record(ctx, false);
    kin_module *m = trained(ctx, &c, "efficientnet_lite0", "weights/efficientnet_lite0-imagenet.safetensors");
    if (m) {
        CHECK(kin_npy_read("tests/golden/zoo_lite.npy", &want, &err) && want.count == 2280 &&
              kin_module_retain(m, "pooled"));
        kin_tensor *y = kin_module_forward(m, hashed_input(ctx, "input", KIN_SHAPE(1, 224, 224, 3)),
                                           KIN_EVAL);
        off = furthest(kin_module_tapped(m, "pooled"), 0, want.data, 1280, &scale);
        CHECK_MSG(off <= 1e-4 * scale, "features are off by %.3g where the largest is %.3g", off, scale);
        off = furthest(y, 0, want.data + 1280, 1000, &scale);
        CHECK_MSG(off <= 1e-4 * scale, "logits are off by %.3g where the largest is %.3g", off, scale);
        check_end();
    }
    kin_npy_free(&want);
    kin_module_free(m);
    kin_ctx_free(ctx);
}

static int likeliest(const kin_real *logits)
{
    int best = 0;
    for (int c = 1; c < 10; c++)
        if (logits[c] > logits[best]) best = c;
    return best;
}

static void same_labels(kin_ctx *ctx, kin_module *m, const kin_dataset *set, const char *labels)
{
    static const double mean[] = {.485, .456, .406}, deviation[] = {.229, .224, .225};
    enum { BATCH = 100 };
    for (int64_t first = 0; first + BATCH <= set->count && kin_ok(ctx); first += BATCH) {
        kin_tensor *x = kin_input(ctx, KIN_SHAPE(BATCH, 32, 32, 3), NULL);
        kin_real *numbers = (kin_real *)kin_data(x);
        for (int64_t i = 0; numbers && i < BATCH * 3072; i++)
            numbers[i] = (kin_real)((set->pixels[first * 3072 + i] / 255.0 - mean[i % 3]) / deviation[i % 3]);
        const kin_real *logits = kin_data(kin_module_forward(m, x, KIN_EVAL));
        for (int64_t i = 0; logits && i < BATCH; i++)
            CHECK_MSG(likeliest(logits + 10 * i) == labels[first + i] - '0', "picture %lld is taken for %d",
                      (long long)(first + i), likeliest(logits + 10 * i));
        kin_end_step(ctx);
    }
    CHECK_MSG(kin_ok(ctx), "%s", kin_ctx_error(ctx)->message);
}

static void cifar(const char *name)
{
    check_begin("%s: every one of 2,000 pictures gets PyTorch's label", name);
    char file[64], model[32], labels[2002];
    kin_ctx *ctx = kin_ctx_new();
    kin_model_choice c = {.opt = {.classes = 10}};
    kin_error err = {0};
    kin_dataset set;
    kin_record(ctx, false);
    snprintf(file, sizeof file, "weights/%s-cifar10.safetensors", name);
    kin_module *m = trained(ctx, &c, name, file);
    FILE *golden_labels = m ? fopen("tests/golden/zoo_cifar.txt", "r") : NULL;
    const char *pictures = check_data("cifar10");
    if (golden_labels && pictures) {
        bool found = false;
        while (!found && fscanf(golden_labels, "%31s %2001s", model, labels) == 2)
            found = strcmp(model, name) == 0;
        CHECK_MSG(found && kin_dataset_open(pictures, NULL, &set, &err), "%s", err.message);
        CHECK(set.count == 2000 && strlen(labels) == 2000);
        if (set.count == 2000) same_labels(ctx, m, &set, labels);
        kin_dataset_free(&set);
        check_end();
    }
    if (golden_labels) fclose(golden_labels);
    kin_module_free(m);
    kin_ctx_free(ctx);
}

int main(void)
{
    untrained();
    lite0();
    cifar("resnet20");
    cifar("resnet56");
    return check_result();
}
