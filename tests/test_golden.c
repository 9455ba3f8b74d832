/* Against PyTorch and pytorch-metric-learning: losses with their gradients, and ten steps of training. The
 * files were written by tests/golden/make_losses.py and make_trajectory.py. */
#include "base/memory.h"
#include "losses/collapse.h"
#include "losses/registry.h"
#include "losses/triplet.h"
#include "models/registry.h"
#include "data/sets/dataset.h"
#include "nn/files/checkpoint.h"
#include "nn/layers.h"
#include "tests/support/check.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- losses ---- */

static kin_tensor *loss_by_name(const char *name, kin_tensor *e, const int *labels)
{
    if (strcmp(name, "cross-entropy") == 0) return kin_cross_entropy(e, labels, 0.1);
    if (strcmp(name, "triplet-hard-hinge") == 0) return kin_triplet_batch_hard(e, labels, 0.5);
    kin_loss_sum sum;
    if (!kin_loss_parse(name, NULL, NULL, &sum, NULL)) return NULL;
    return kin_loss_value(&sum, NULL, &(kin_loss_input){.x = e, .labels = labels});
}

static void losses(void)
{
    check_begin("losses: values and gradients are pytorch-metric-learning's");
    FILE *file = fopen("tests/golden/losses.txt", "r");
    CHECK(file);
    char name[64];
    double value, norm;
    kin_ctx *ctx = kin_ctx_new();
    int cases = 0, labels[18];
    kin_real numbers[180];
    for (int i = 0; i < 180; i++)
        numbers[i] = (kin_real)(sin(1.3 * i) + 0.3 * cos(0.7 * (i / 10) * (i % 10)));
    for (int i = 0; i < 18; i++) labels[i] = i / 3;
    while (file && fscanf(file, "%63s %lf %lf", name, &value, &norm) == 3) {
        kin_tensor *e = kin_variable(ctx, KIN_SHAPE(18, 10), numbers), *loss = loss_by_name(name, e, labels);
        CHECK_MSG(kin_backward(loss), "%s: %s", name, kin_ctx_error(ctx)->message);
        double squares = 0;
        for (int i = 0; kin_grad(e) && i < 180; i++)
            squares += (double)kin_grad(e)[i] * (double)kin_grad(e)[i];
        CHECK_MSG(fabs(kin_item(loss) - value) < 1e-5 * (1 + value), "%s is %.9g, not %.9g", name,
                  kin_item(loss), value);
        CHECK_MSG(fabs(sqrt(squares) - norm) < 1e-4 * norm, "%s: the gradient's norm is %.9g, not %.9g", name,
                  sqrt(squares), norm);
        kin_end_step(ctx);
        cases++;
    }
    if (file) fclose(file);
    CHECK(cases == 6);
    kin_ctx_free(ctx);
    check_end();
}

static void collapse(void)
{
    check_begin("losses: collapse is seen once where the loss is stuck, and not where it falls");
    kin_loss_sum hard, semi;
    CHECK(kin_loss_parse("triplet-hard", NULL, NULL, &hard, NULL) &&
          kin_loss_parse("triplet-semihard", NULL, NULL, &semi, NULL));
    kin_collapse stuck = kin_collapse_watch(&hard, 10, 100), falls = stuck,
                 unknown = kin_collapse_watch(&semi, 10, 100);
    int seen = 0, false_alarms = 0;
    for (int i = 0; i < 400; i++) {
        seen += kin_collapse_seen(&stuck, 0.6931 + 0.02 * sin(i)); /* noise around log 2 */
        false_alarms += kin_collapse_seen(&falls, 1.2 - 0.002 * i);
        false_alarms += kin_collapse_seen(&unknown, 0.1);
    }
    CHECK(seen == 1 && false_alarms == 0);
    check_end();
}

/* ---- ten steps ---- */

static kin_tensor *network(kin_scope *s, kin_tensor *x, void *arg)
{
    (void)arg;
    return kin_model_forward(kin_model_find("conv4"), s, x, &(kin_model_opt){.width = 8, .embedding = 16});
}

static void ten_steps(const char *name, const kin_optim_opt *opt)
{
    check_begin("training: ten steps of %s are PyTorch's", name);
    static kin_real x[24 * 784];
    int labels[24], step, found = 0;
    for (int i = 0; i < 24 * 784; i++) x[i] = (kin_real)sin(0.37 * i + 0.011 * (i / 784 / 4) * (i % 784));
    for (int i = 0; i < 24; i++) labels[i] = i / 4;
    kin_ctx *ctx = kin_ctx_new();
    kin_error err = {0};
    kin_checkpoint *first = NULL;
    kin_module *m = kin_module_new(ctx, network, NULL, KIN_SHAPE(24, 28, 28, 1), 1);
    kin_optim *optim = kin_optim_new(m, opt);
    CHECK_MSG(kin_checkpoint_open("tests/golden/trajectory.safetensors", &first, &err) &&
                  kin_checkpoint_load(first, m, NULL, &err),
              "%s", err.message);
    FILE *file = fopen("tests/golden/trajectory.txt", "r");
    char run[64];
    double value, norm;
    while (file && fscanf(file, "%63s %d %lf %lf", run, &step, &value, &norm) == 4) {
        if (strcmp(run, name) != 0) continue;
        kin_tensor *e = kin_module_forward(m, kin_input(ctx, KIN_SHAPE(24, 28, 28, 1), x), KIN_TRAIN);
        kin_tensor *loss = strncmp(name, "softmax", 7) == 0 ? kin_cross_entropy(e, labels, 0.1)
                                                            : kin_triplet_batch_hard(e, labels, 0);
        double got = kin_item(loss), squares = 0;
        kin_module_zero_grad(m);
        CHECK_MSG(kin_backward(loss), "%s", kin_ctx_error(ctx)->message);
        const kin_entry *w = kin_module_find(m, "features.1.conv.weight");
        for (int64_t i = 0; i < kin_count(w->tensor); i++) squares += pow((double)kin_grad(w->tensor)[i], 2);
        CHECK_MSG(fabs(got - value) < 1e-4 * (1 + value), "step %d: the loss is %.9g, not %.9g", step, got,
                  value);
        CHECK_MSG(fabs(sqrt(squares) - norm) < 2e-3 * norm, "step %d: a gradient's norm is %.9g, not %.9g",
                  step, sqrt(squares), norm);
        kin_optim_step(optim, opt->lr);
        kin_end_step(ctx);
        found++;
    }
    if (file) fclose(file);
    CHECK(found == 10);
    kin_checkpoint_free(first);
    kin_optim_free(optim);
    kin_module_free(m);
    kin_ctx_free(ctx);
    check_end();
}

/* ---- a network trained elsewhere ---- */

static kin_tensor *resnet20(kin_scope *s, kin_tensor *x, void *arg)
{
    (void)arg;
    return kin_model_forward(kin_model_find("resnet20"), s, x, &(kin_model_opt){.classes = 10});
}

static int classify(kin_ctx *ctx, kin_module *m, const kin_dataset *set, int64_t first, int64_t count)
{
    static const double mean[] = {.485, .456, .406}, deviation[] = {.229, .224, .225};
    kin_tensor *x = kin_input(ctx, KIN_SHAPE(count, 32, 32, 3), NULL);
    kin_real *numbers = (kin_real *)kin_data(x);
    for (int64_t i = 0; i < count * 3072; i++)
        numbers[i] = (kin_real)((set->pixels[first * 3072 + i] / 255.0 - mean[i % 3]) / deviation[i % 3]);
    const kin_real *logits = kin_data(kin_module_forward(m, x, KIN_EVAL));
    int right = 0;
    for (int64_t i = 0; logits && i < count; i++) {
        int best = 0;
        for (int c = 1; c < 10; c++)
            if (logits[i * 10 + c] > logits[i * 10 + best]) best = c;
        right += best == set->items[first + i].label;
    }
    kin_end_step(ctx);
    return right;
}

static void trained_elsewhere(void)
{
    check_begin("resnet20: PyTorch's weights load by name and classify CIFAR-10");
    char weights[1024];
    const char *path = check_data("weights/resnet20-cifar10.safetensors");
    snprintf(weights, sizeof weights, "%s", path ? path : "");
    const char *pictures = check_data("cifar10");
    if (!path || !pictures) {
        check_skip("the shared weights and pictures are not here");
        return;
    }
    kin_error err = {0};
    kin_dataset set;
    kin_checkpoint *c = NULL;
    kin_ctx *ctx = kin_ctx_new();
    kin_module *m = kin_module_new(ctx, resnet20, NULL, KIN_SHAPE(2, 32, 32, 3), 1);
    CHECK_MSG(kin_dataset_open(pictures, NULL, &set, &err) && kin_checkpoint_open(weights, &c, &err) &&
                  kin_checkpoint_load(c, m, NULL, &err),
              "%s", err.message);
    kin_record(ctx, false);
    int right = 0;
    for (int64_t i = 0; !kin_failed(&err) && i < set.count; i += 100) right += classify(ctx, m, &set, i, 100);
    /* These are training pictures: PyTorch too has 1,997 of 2,000 right. */
    CHECK_MSG(right == 1997, "%d of 2000 are right", right);
    kin_checkpoint_free(c);
    kin_dataset_free(&set);
    kin_module_free(m);
    kin_ctx_free(ctx);
    check_end();
}

/* ---- checkpoints ---- */

static void round_trip(void)
{
    check_begin("checkpoints: written, read, and refused with the differences listed");
    kin_ctx *ctx = kin_ctx_new();
    kin_error err = {0};
    kin_module *a = kin_module_new(ctx, network, NULL, KIN_SHAPE(2, 28, 28, 1), 1),
               *b = kin_module_new(ctx, network, NULL, KIN_SHAPE(2, 28, 28, 1), 2);
    kin_module *other = kin_module_new(ctx, resnet20, NULL, KIN_SHAPE(2, 32, 32, 3), 1);
    kin_checkpoint *c = NULL;
    kin_note note = {"who", "\"me\""};
    CHECK(kin_checkpoint_save(check_path("a.safetensors"), a, NULL, &note, 1, &err) &&
          kin_checkpoint_open(check_path("a.safetensors"), &c, &err));
    CHECK(kin_checkpoint_load(c, b, NULL, &err) && strcmp(kin_checkpoint_note(c, "who"), "\"me\"") == 0);
    CHECK(memcmp(kin_module_values(a), kin_module_values(b),
                 (size_t)kin_module_slab_count(a) * sizeof(kin_real)) == 0);
    CHECK(!kin_checkpoint_load(c, other, NULL, &err));
    CHECK_TEXT(err.message, "missing: conv1.weight");
    CHECK_TEXT(err.message, "unexpected: ");
    kin_checkpoint_free(c);
    kin_bytes bytes;
    kin_error_clear(&err);
    CHECK(kin_read_file(check_path("a.safetensors"), 0, &bytes, &err));
    long alive = kin_alloc_live();
    for (size_t size = 0; size < bytes.size; size += size < 4000 ? 1 : 97)
        CHECK_MSG(!kin_checkpoint_parse(bytes.data, size, &c, NULL), "%zu of %zu bytes were enough", size,
                  bytes.size);
    static const char *const hostile[] = {
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1152921504606846976,16],\"data_offsets\":[0,0]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"b\":{\"dtype\":\"F32\",\"shape\":["
        "1],\"data_offsets\":[2,6]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"a\":{\"dtype\":\"F32\",\"shape\":["
        "1],\"data_offsets\":[4,8]}}",
        "{\"a\":{\"dtype\":\"Q7\",\"shape\":[1],\"data_offsets\":[0,4]}}",
        "[1,2,3]",
        "{\"a\":7}"};
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        uint8_t file[512] = {(uint8_t)strlen(hostile[i])};
        memcpy(file + 8, hostile[i], strlen(hostile[i]));
        kin_error_clear(&err);
        CHECK_MSG(!kin_checkpoint_parse(file, 8 + strlen(hostile[i]) + 8, &c, &err), "%s was taken",
                  hostile[i]);
    }
    CHECK(kin_alloc_live() == alive);
    kin_bytes_free(&bytes);
    kin_module_free(a), kin_module_free(b), kin_module_free(other);
    kin_ctx_free(ctx);
    check_end();
}

int main(void)
{
    losses();
    collapse();
    ten_steps("triplet-adam", &(kin_optim_opt){.kind = KIN_ADAM, .lr = 1e-3});
    ten_steps("softmax-sgd", &(kin_optim_opt){.kind = KIN_SGD,
                                              .lr = 0.05,
                                              .momentum = 0.9,
                                              .nesterov = true,
                                              .weight_decay = 1e-3,
                                              .decay_all = true});
    ten_steps("triplet-adamw",
              &(kin_optim_opt){.kind = KIN_ADAMW, .lr = 1e-3, .weight_decay = 0.05, .decay_all = true});
    trained_elsewhere();
    round_trip();
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
