/* BFE, ABE and the auto-encoder on ResNet-50, one training step, against PyTorch in float64 (tests/golden/heads.py): the loss,
 * every parameter's gradient, and the descriptors behind the step, which show the running statistics too. */
#include "losses/loss.h"
#include "losses/triplet.h"
#include "models/heads/head.h"
#include "nn/layers.h"
#include "tests/support/check.h"
#include "tests/support/hashed.h"
#include "tests/support/zoo_gradients.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { BATCH = 8, PICTURES = 2, SIZE = 64, PROJECTIONS = 6, NAME = 128 };
static const double rate = 1e-3;

typedef struct learner {
    kin_model_opt opt;
    kin_head_choice head;
    int labels[BATCH];
} learner;

/* Both of the story's losses on every branch, or ABE's contrastive one. */
static kin_tensor *bfe_loss(kin_scope *s, const learner *l, const kin_branches *b)
{
    kin_tensor *sum = NULL;
    for (int i = 0; i < b->count; i++) {
        char name[40];
        snprintf(name, sizeof name, "classifier_%s", b->branch[i].name);
        kin_tensor *logits = kin_linear(kin_sub(s, name), b->branch[i].behind,
                                        &(kin_linear_opt){.out = BATCH / PICTURES});
        if (kin_is_dry(kin_ctx_of(logits))) continue; /* mining looks at numbers */
        kin_tensor *both = kin_add(kin_cross_entropy(logits, l->labels, 0.1),
                                   kin_triplet_batch_hard(b->branch[i].metric, l->labels, 0));
        sum = sum ? kin_add(sum, both) : both;
    }
    return sum;
}

static kin_tensor *abe_loss(const learner *l, const kin_branches *b)
{
    kin_loss_input in[KIN_BRANCHES];
    kin_loss_sum contrastive;
    kin_error err = {0};
    CHECK_MSG(kin_loss_parse("contrastive-squared", NULL, NULL, &contrastive, &err), "%s", err.message);
    for (int i = 0; i < b->count; i++)
        in[i] = (kin_loss_input){.x = b->branch[i].metric, .labels = l->labels, .branch = b->branch[i].name};
    kin_tensor *sum = kin_loss_values(&contrastive, NULL, in, b->count);
    return kin_is_dry(kin_ctx_of(sum)) ? sum : kin_add(sum, b->term);
}

static kin_tensor *forward(kin_scope *s, kin_tensor *x, void *arg)
{
    const learner *l = arg;
    kin_branches b;
    kin_head_call call = {&l->head, kin_model_find("resnet50"), &l->opt, s, x};
    if (!kin_head_run(&call, &b)) return NULL;
    if (!kin_training(s)) return kin_head_descriptor(&b);
    const char *name = l->head.head->name;
    kin_tensor *loss = strcmp(name, "bfe") == 0   ? bfe_loss(s, l, &b)
                       : strcmp(name, "abe") == 0 ? abe_loss(l, &b)
                                                  : b.term;
    return kin_is_dry(kin_scope_ctx(s)) ? b.branch[0].metric : loss;
}

static bool read_line(FILE *file, char *name, long long *count, double *norm, double *projections)
{
    int got = fscanf(file, " %127[^=* ] %lld %lf", name, count, norm);
    for (int i = 0; got >= 3 && i < PROJECTIONS; i++) got += fscanf(file, "%lf", &projections[i]);
    return got == 3 + PROJECTIONS;
}

static void compare_gradients(FILE *file, zoo_network *z)
{
    char name[NAME];
    long long count;
    double norm, projections[PROJECTIONS];
    int tensors = 0;
    for (; read_line(file, name, &count, &norm, projections); tensors++) {
        double error = zoo_error(z, name, count, projections, PROJECTIONS);
        /* a bias ahead of a norm has no gradient but rounding */
        CHECK_MSG(error <= 1e-7 * norm + 1e-10, "%s is off by %.3g, its norm is %.3g", name, error, norm);
    }
    CHECK_MSG(tensors > 160, "%d tensors were compared", tensors);
    CHECK(kin_module_entries(z->module) >= tensors);
}

static void step(zoo_network *z)
{
    kin_real *values = kin_module_values(z->module);
    const kin_real *grads = kin_module_grads(z->module);
    for (int64_t i = 0; i < kin_module_slab_count(z->module); i++) values[i] -= (kin_real)rate * grads[i];
    kin_module_touched(z->module);
}

static void compare_descriptor(FILE *file, zoo_network *z, kin_tensor *x)
{
    long long count = 0;
    kin_tensor *y = kin_module_forward(z->module, x, KIN_EVAL);
    CHECK(fscanf(file, " * %lld", &count) == 1);
    CHECK_MSG(y && kin_channels(y) == count, "%lld numbers instead of %lld: %s", (long long)kin_channels(y),
              count, kin_ctx_error(z->ctx)->message);
    for (int64_t i = 0; i < count; i++) {
        double wanted, got = y ? (double)kin_data(y)[i] : NAN;
        CHECK(fscanf(file, "%lf", &wanted) == 1);
        CHECK_MSG(fabs(got - wanted) <= 1e-7 * (1 + fabs(wanted)), "number %lld is %.12g, not %.12g",
                  (long long)i, got, wanted);
    }
}

static void one_case(FILE *file, const char *name, const char *head, double loss)
{
    learner l = {.opt = {.last_stride = strcmp(name, "bfe") == 0}};
    kin_error err = {0};
    zoo_network z = {.ctx = kin_ctx_new()};
    kin_shape shape = KIN_SHAPE(BATCH, SIZE, SIZE, 3);
    check_begin("%s: loss, gradients and the step are PyTorch's", name);
    for (int i = 0; i < BATCH; i++) l.labels[i] = i / PICTURES;
    CHECK_MSG(kin_head_parse(head, NULL, kin_model_find("resnet50"), &l.head, &err), "%s", err.message);
    z.module = kin_module_new_zero(z.ctx, forward, &l, shape);
    CHECK_MSG(z.module, "%s", kin_ctx_error(z.ctx)->message);
    if (z.module) {
        hashed_fill(z.module);
        kin_module_zero_grad(z.module);
        kin_tensor *value = kin_module_forward(z.module, hashed_input(z.ctx, "input", shape), KIN_TRAIN);
        CHECK_CLOSE(kin_item(value), loss, 1e-9 * (1 + fabs(loss)));
        CHECK_MSG(kin_backward(value), "%s", kin_ctx_error(z.ctx)->message);
        compare_gradients(file, &z);
        kin_end_step(z.ctx);
        step(&z);
        compare_descriptor(file, &z, hashed_input(z.ctx, "input", shape));
    }
    kin_module_free(z.module);
    kin_ctx_free(z.ctx);
    check_end();
}

int main(void)
{
    FILE *file = fopen("tests/golden/heads.txt", "r");
    char name[32], input[32];
    double loss;
    int cases = 0;
    for (; file && fscanf(file, " = %31s %31s %lf", name, input, &loss) == 3; cases++) {
        const char *head = "bfe";
        if (strcmp(name, "abe") == 0) head = "abe(learners=2, dim=32, split=layer3)";
        if (strcmp(name, "autoencoder") == 0) head = "autoencoder(dim=32, width=32, side=16, weight=.5)";
        one_case(file, name, head, loss);
    }
    if (file) fclose(file);
    check_begin("the heads' golden file is whole");
    CHECK(cases == 3);
    check_end();
    return check_result();
}
