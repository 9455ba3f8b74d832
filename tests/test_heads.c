/* Heads from text, their branches, and what they refuse. Their numbers are compared in double_heads.c. */
#include "autograd/ops.h"
#include "base/memory.h"
#include "models/heads/head.h"
#include "nn/layers.h"
#include "tests/support/check.h"
#include "tests/support/hashed.h"

#include <math.h>
#include <string.h>

typedef struct learner {
    const kin_model *model;
    kin_model_opt opt;
    kin_head_choice head;
} learner;

static kin_tensor *forward(kin_scope *s, kin_tensor *x, void *arg)
{
    const learner *l = arg;
    kin_branches b;
    kin_head_call call = {&l->head, l->model, &l->opt, s, x};
    return kin_head_run(&call, &b) ? kin_head_descriptor(&b) : NULL;
}

static bool parses(const char *text, learner *l)
{
    kin_error err = {0};
    bool ok = kin_head_parse(text, NULL, l->model, &l->head, &err);
    CHECK_MSG(ok, "%s: %s", text, err.message);
    return ok;
}

static void refuses(const char *model, const char *text, const char *says)
{
    kin_error err = {0};
    kin_head_choice head;
    bool ok = kin_head_parse(text, NULL, kin_model_find(model), &head, &err);
    CHECK_MSG(!ok && strstr(err.message, says), "%s: \"%s\" does not say \"%s\"", text, err.message, says);
}

static void text(void)
{
    check_begin("heads: text is read, and what makes no sense is named");
    learner l = {.model = kin_model_find("resnet18")};
    CHECK(parses("", &l) && strcmp(l.head.head->name, "plain") == 0);
    CHECK(parses("bfe( global=64, h = .33 ,w=1,tap=layer3)", &l));
    CHECK(kin_head_value(&l.head, "global") == 64 && kin_head_value(&l.head, "part") == 1024);
    CHECK(kin_head_value(&l.head, "h") == .33 && kin_head_value(&l.head, "tap") == 3);
    CHECK(parses(" plain ", &l) && parses(" ", &l) && strcmp(l.head.head->name, "plain") == 0);
    CHECK(parses("abe()", &l) && kin_head_value(&l.head, "split") == -1);
    refuses("resnet18", "bfx", "heads are plain, bfe, abe, delf, autoencoder");
    refuses("resnet18", "bfe(globl=3)", "it has global, part, h, w, tap");
    refuses("resnet18", "bfe(globl=3)", "'globl' (did you mean global?)");
    refuses("resnet18", "bfx(global=3)", "there is no head 'bfx' (did you mean bfe?)");
    refuses("resnet18", "bfe(global=3.5)", "a whole number");
    refuses("resnet18", "bfe(h=1.5)", "lies in 0 .. 1");
    refuses("resnet18", "bfe(tap=layer9)", "its stages are: stem layer1 layer2 layer3 layer4");
    refuses("resnet18", "bfe(h=.5", "')' expected");
    refuses("resnet18", "bfe(h)", "option=value expected");
    refuses("resnet18", "bfe(,)", "option=value expected");
    refuses("resnet18", "bfe(h=.5,)", "option=value expected at ')'");
    refuses("resnet18", "bfe(h=.5,w=1,h=.3)", "h is given twice");
    refuses("resnet18", "bfe(h=.5 w=1)", "',' or ')' expected at 'w=1)'");
    refuses("resnet18", "bfe(h=.5) abe", "the end expected at 'abe'");
    refuses("resnet18", "b fe", "there is no head 'b'");
    refuses("resnet18", "(h=.5)", "there is no head '(h=.5)'");
    refuses("resnet18", "bfe(h= half )", "needs a number, not 'half '");
    refuses("resnet18", "bfe(h=nan)", "needs a number, not 'nan'");
    check_end();
}

static void with_error(const char *model, const char *head, kin_model_opt opt, int64_t size, const char *says)
{
    learner l = {.model = kin_model_find(model), .opt = opt};
    kin_ctx *ctx = kin_ctx_new();
    if (parses(head, &l)) {
        kin_module *m = kin_module_new(ctx, forward, &l, KIN_SHAPE(2, size, size, l.model->channels), 1);
        CHECK_MSG(!m && strstr(kin_ctx_error(ctx)->message, says), "%s: \"%s\" does not say \"%s\"", head,
                  kin_ctx_error(ctx)->message, says);
        kin_module_free(m);
    }
    kin_ctx_free(ctx);
}

static void refusals(void)
{
    check_begin("heads: small maps, learners that do not divide, and options of other heads are refused");
    with_error("resnet18", "bfe", (kin_model_opt){0}, 64, "--last-stride 1");
    with_error("resnet18", "abe(learners=3)", (kin_model_opt){.embedding = 128}, 64, "a multiple of 3");
    with_error("resnet18", "abe(split=layer4)", (kin_model_opt){0}, 64, "no other for the learners");
    with_error("resnet18", "bfe", (kin_model_opt){.embedding = 64}, 128, "--embedding");
    with_error("resnet18", "delf", (kin_model_opt){.neck = true}, 128, "--neck");
    with_error("resnet18", "autoencoder", (kin_model_opt){.neck = true}, 64, "no neck");
    with_error("resnet18", "autoencoder(side=48)", (kin_model_opt){0}, 64, "8, 16, 32, 64 or 128");
    check_end();
}

/* Any backbone with a map that is large enough, any head; in evaluation the plain way and the planned one
 * agree, and the descriptor has the numbers that were asked for. */
static void combine(const char *model, const char *head, kin_model_opt opt, int64_t size, int64_t dim)
{
    check_begin("heads: %s on %s", head, model);
    learner l = {.model = kin_model_find(model), .opt = opt};
    kin_ctx *ctx = kin_ctx_new();
    kin_shape shape = KIN_SHAPE(2, size, size, l.model->channels);
    kin_module *m = parses(head, &l) ? kin_module_new(ctx, forward, &l, shape, 1) : NULL;
    CHECK_MSG(m, "%s", kin_ctx_error(ctx)->message);
    if (m) {
        kin_tensor *y = kin_module_forward(m, hashed_input(ctx, "a", shape), KIN_TRAIN);
        CHECK_MSG(y && kin_channels(y) == dim, "%lld numbers, not %lld: %s", (long long)kin_channels(y),
                  (long long)dim, kin_ctx_error(ctx)->message);
        CHECK_MSG(kin_backward(kin_sum(kin_square(y), 0)), "%s", kin_ctx_error(ctx)->message);
        kin_end_step(ctx);
        float first[8] = {0};
        y = kin_module_forward(m, hashed_input(ctx, "a", shape), KIN_EVAL);
        for (int i = 0; y && i < 8; i++) first[i] = (float)kin_data(y)[i];
        kin_end_step(ctx);
        kin_record(ctx, false);
        y = kin_module_forward(m, hashed_input(ctx, "a", shape), KIN_EVAL);
        for (int i = 0; y && i < 8; i++)
            CHECK_CLOSE((double)kin_data(y)[i], (double)first[i], 1e-4 * (1 + fabs((double)first[i])));
        kin_end_step(ctx);
        kin_record(ctx, true);
    }
    kin_module_free(m);
    kin_ctx_free(ctx);
    check_end();
}

/* What the picture is made again from stands in the descriptor; what makes it does not run when nobody asks. */
static void decoder_rests(void)
{
    check_begin("heads: the auto-encoder's decoder runs in training, or where its result is asked for");
    learner l = {.model = kin_model_find("resnet20")};
    kin_ctx *ctx = kin_ctx_new();
    kin_shape shape = KIN_SHAPE(2, 40, 40, 3);
    kin_module *m = parses("autoencoder(dim=6,side=16)", &l) ? kin_module_new(ctx, forward, &l, shape, 1)
                                                             : NULL;
    CHECK_MSG(m, "%s", kin_ctx_error(ctx)->message);
    for (int asked = 0; m && asked < 2; asked++) {
        if (asked) CHECK(kin_module_retain(m, "decoder"));
        kin_record(ctx, false);
        kin_tensor *y = kin_module_forward(m, hashed_input(ctx, "a", shape), KIN_EVAL),
                   *again = kin_module_tapped(m, "decoder");
        CHECK(y && kin_channels(y) == 6 && (again != NULL) == asked);
        CHECK(!again || (kin_data(again) && kin_shape_equal(kin_shape_of(again), KIN_SHAPE(2, 16, 16, 3))));
        kin_end_step(ctx);
        kin_record(ctx, true);
    }
    kin_module_free(m);
    kin_ctx_free(ctx);
    check_end();
}

int main(void)
{
    text();
    refusals();
    combine("resnet18", "bfe(global=16,part=32)", (kin_model_opt){.width = 8, .last_stride = 1}, 64, 48);
    combine("densenet121", "bfe(global=16,part=32)", (kin_model_opt){.width = 16, .last_stride = 1}, 64, 48);
    combine("efficientnet_lite0", "bfe(global=16,part=8,tap=stage5)", (kin_model_opt){0}, 64, 24);
    combine("resnet20", "abe(learners=2,dim=32)", (kin_model_opt){0}, 32, 32);
    combine("densenet121", "abe(learners=3,split=denseblock3)", (kin_model_opt){.width = 16, .embedding = 24},
            64, 24);
    combine("mobilenet_v2", "abe(learners=2,dim=16)", (kin_model_opt){.width = 8}, 64, 16);
    combine("conv4", "abe(learners=4,dim=64,split=block2)", (kin_model_opt){.width = 8}, 28, 64);
    combine("resnet18", "delf(hidden=32)", (kin_model_opt){.width = 8}, 64, 32);
    combine("efficientnet_lite0", "delf(tap=stage5)", (kin_model_opt){0}, 64, 112);
    combine("conv4", "autoencoder(dim=20,side=16)", (kin_model_opt){.width = 8}, 28, 20);
    combine("densenet121", "autoencoder(side=8,width=16,grid=1)",
            (kin_model_opt){.width = 16, .embedding = 24}, 64, 24);
    decoder_rests();
    check_begin("heads: nothing is left allocated");
    CHECK(kin_alloc_live() == 0);
    check_end();
    return check_result();
}
