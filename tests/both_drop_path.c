/* Stochastic depth: whole pictures are left out, the others made up for it; deeper blocks more often; nothing in evaluation. */
#include "base/memory.h"
#include "models/backbones/parts.h"
#include "models/models.h"
#include "tests/support/check.h"

#include <math.h>
#include <string.h>

enum { N = 400, D = 3 };

static kin_tensor *dropping(kin_scope *s, kin_tensor *x, void *p)
{
    return kin_drop_path(s, x, *(double *)p);
}

static void whole_pictures(void)
{
    check_begin("drop path: each picture is 0 or 1/(1 - p) of itself, as often as p says, and its gradient "
                "alike (%s)",
                KIN_REAL_NAME);
    double p = .3;
    kin_ctx *ctx = kin_ctx_new();
    kin_module *m = kin_module_new(ctx, dropping, &p, KIN_SHAPE(2, 2, 1, D), 1);
    kin_real from[N * 2 * D];
    for (int i = 0; i < N * 2 * D; i++) from[i] = (kin_real)(1 + i % 5);
    kin_set_random(ctx, 4, 7);
    kin_tensor *x = kin_variable(ctx, KIN_SHAPE(N, 2, 1, D), from), *y = kin_module_forward(m, x, KIN_TRAIN);
    CHECK_MSG(kin_backward(kin_sum(y, 0)), "%s", kin_ctx_error(ctx)->message);
    int gone = 0;
    for (int i = 0; y && i < N; i++) {
        double kept = (double)kin_data(y)[i * 2 * D] / (double)from[i * 2 * D];
        gone += kept == 0;
        CHECK_MSG(kept == 0 || fabs(kept - 1 / .7) < 1e-5, "picture %d: %g", i, kept);
        for (int k = 0; k < 2 * D; k++) {
            CHECK_CLOSE(kin_data(y)[i * 2 * D + k], kept * (double)from[i * 2 * D + k], 1e-4);
            CHECK_CLOSE(kin_grad(x)[i * 2 * D + k], kept, 1e-5);
        }
    }
    CHECK_MSG(gone > .2 * N && gone < .4 * N, "%d of %d were left out", gone, N);
    kin_module_free(m);
    kin_ctx_free(ctx);
    check_end();
}

static void deeper(void)
{
    check_begin("drop path: in proportion to the depth (%s)", KIN_REAL_NAME);
    kin_model_opt opt = {.drop_path = .4, .width = 8}, here = kin_model_opt_at(&opt, 3, 4);
    CHECK_CLOSE(here.drop_path, .3, 1e-12);
    CHECK(here.width == 8 && kin_model_opt_at(&opt, 4, 4).drop_path == .4);
    check_end();
}

static void networks(void)
{
    static const char *const names[] = {"resnet8", "resnet18", "resnet50", "mobilenet_v2",
                                        "efficientnet_lite0"};
    static kin_real x[4 * 32 * 32 * 3];
    for (int i = 0; i < 4 * 32 * 32 * 3; i++) x[i] = (kin_real)sin(i * .7);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        check_begin(
            "drop path: %s is the same in evaluation and another in training, in step with the seed (%s)",
            names[i], KIN_REAL_NAME);
        kin_model_choice c = {.model = kin_model_find(names[i]),
                              .opt = {.width = 8, .stem = KIN_STEM_CIFAR, .embedding = 4}};
        kin_error err = {0};
        double said[2][3][4] = {{{0}}};
        if (strcmp(names[i], "resnet50") == 0) c.opt.width = 4;
        for (int drops = 0; drops < 2; drops++) {
            c.opt.drop_path = drops ? .8 : 0;
            CHECK_MSG(kin_model_check(c.model, &c.opt, &err), "%s", err.message);
            for (int how = 0; how < 3; how++) {
                kin_ctx *ctx = kin_ctx_new();
                kin_module *m = kin_module_new(ctx, kin_model_net, &c, KIN_SHAPE(2, 32, 32, 3), 1);
                kin_set_random(ctx, 4, 7);
                kin_tensor *y = kin_module_forward(m, kin_input(ctx, KIN_SHAPE(4, 32, 32, 3), x),
                                                   how ? KIN_TRAIN : KIN_EVAL);
                CHECK_MSG(y, "%s", kin_ctx_error(ctx)->message);
                for (int k = 0; y && k < 4; k++) said[drops][how][k] = (double)kin_data(y)[k * 4];
                kin_module_free(m);
                kin_ctx_free(ctx);
            }
        }
        CHECK(memcmp(said[0][0], said[1][0], sizeof said[0][0]) == 0);
        CHECK(memcmp(said[0][1], said[1][1], sizeof said[0][1]) != 0);
        CHECK(memcmp(said[1][1], said[1][2], sizeof said[0][1]) == 0);
        check_end();
    }
    check_begin("drop path: refused where nothing can be left out (%s)", KIN_REAL_NAME);
    kin_error err = {0};
    CHECK(!kin_model_check(kin_model_find("densenet121"), &(kin_model_opt){.drop_path = .1}, &err));
    CHECK_TEXT(err.message, "no residual branches");
    check_end();
}

int main(void)
{
    whole_pictures();
    deeper();
    networks();
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
