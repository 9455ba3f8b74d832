/* The networks' options, taps and summaries: what does not need another program's numbers. */
#include "base/memory.h"
#include "models/registry.h"
#include "nn/summary.h"
#include "tests/support/check.h"
#include "tests/support/hashed.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The summary of a choice at one size; empty after a failed check. */
static kin_summary summary(kin_ctx *ctx, kin_net net, kin_model_choice *c, int64_t h, int64_t w)
{
    kin_summary s = {0};
    bool ok = kin_summarize(ctx, net, c, KIN_SHAPE(1, h, w, c->model->channels), &s);
    CHECK_MSG(ok, "%s at %lldx%lld: %s", c->model->name, (long long)h, (long long)w,
              kin_ctx_error(ctx)->message);
    if (!ok) kin_error_clear(kin_ctx_error(ctx)), kin_end_step(ctx);
    return s;
}

static void registry(void)
{
    check_begin("models: the registry's names are the networks'");
    int count = 0;
    for (; kin_models[count]; count++)
        CHECK_MSG(kin_model_names[count] && strcmp(kin_models[count]->name, kin_model_names[count]) == 0,
                  "%s is listed as %s", kin_models[count]->name, kin_model_names[count]);
    CHECK(count == 23 && !kin_model_names[count] && !kin_model_find("resnet19"));
    check_end();
}

/* [1, h, w, c] is what the map should be. */
static void expect_map(kin_ctx *ctx, const char *name, kin_model_opt opt, int64_t side, int64_t want_side,
                       int64_t want_channels)
{
    kin_model_choice c = {kin_model_find(name), opt};
    kin_summary s = summary(ctx, kin_model_features_net, &c, side, side + 3);
    CHECK_MSG(s.output.dim[1] == want_side && s.output.dim[3] == want_channels,
              "%s: the map has %lld rows of %lld channels, not %lld of %lld", name,
              (long long)s.output.dim[1], (long long)s.output.dim[3], (long long)want_side,
              (long long)want_channels);
    kin_summary_free(&s);
}

static void options(void)
{
    check_begin("models: width, stem, last stride, pooling and heads do what they say, on every network");
    kin_ctx *ctx = kin_ctx_new();
    expect_map(ctx, "resnet18", (kin_model_opt){0}, 64, 2, 512);
    expect_map(ctx, "resnet18", (kin_model_opt){.last_stride = 1}, 64, 4, 512);
    expect_map(ctx, "resnet50", (kin_model_opt){.last_stride = 1, .width = 16}, 224, 14, 512);
    expect_map(ctx, "resnet18", (kin_model_opt){.stem = KIN_STEM_CIFAR}, 32, 4, 512);
    expect_map(ctx, "resnet20", (kin_model_opt){.stem = KIN_STEM_IMAGENET}, 224, 14, 64);
    expect_map(ctx, "resnet20", (kin_model_opt){.last_stride = 1}, 32, 16, 64);
    expect_map(ctx, "densenet121", (kin_model_opt){.last_stride = 1}, 64, 4, 1024);
    expect_map(ctx, "densenet121", (kin_model_opt){.stem = KIN_STEM_CIFAR, .width = 24}, 32, 4, 384);
    expect_map(ctx, "mobilenet_v2", (kin_model_opt){.last_stride = 1}, 64, 4, 1280);
    expect_map(ctx, "mobilenet_v2", (kin_model_opt){.stem = KIN_STEM_CIFAR}, 32, 4, 1280);
    expect_map(ctx, "efficientnet_lite0", (kin_model_opt){.stem = KIN_STEM_CIFAR, .last_stride = 1}, 32, 8,
               1280);
    expect_map(ctx, "conv4", (kin_model_opt){.last_stride = 1}, 28, 7, 64);
    for (int i = 0; kin_models[i]; i++) {
        for (int pooling = 0; kin_pooling_names[pooling]; pooling++) {
            kin_model_choice c = {kin_models[i], {.embedding = 24, .pooling = (kin_pooling)pooling}};
            kin_summary s = summary(ctx, kin_model_net, &c, 64, 64);
            CHECK_MSG(s.output.ndim == 2 && s.output.dim[1] == 24, "%s", kin_models[i]->name);
            kin_summary_free(&s);
        }
        kin_model_choice c = {kin_models[i], {.classes = 7}};
        kin_summary s = summary(ctx, kin_model_net, &c, kin_models[i]->size, kin_models[i]->size);
        CHECK_MSG(s.output.dim[1] == 7 && strcmp(s.layers[s.count - 1].name, kin_models[i]->classifier) == 0,
                  "%s's classifier is %s", kin_models[i]->name, s.layers[s.count - 1].name);
        kin_summary_free(&s);
    }
    kin_ctx_free(ctx);
    check_end();
}

static void refusals(void)
{
    check_begin("models: what a network does not have is refused by name");
    static const struct {
        const char *model;
        kin_model_opt opt;
        const char *message;
    } wrong[] = {{"conv4", {.stem = KIN_STEM_IMAGENET}, "conv4 has one stem only"},
                 {"resnet18", {.last_stride = 3}, "stride is 1 or 2, not 3"},
                 {"resnet18", {.width = -1}, "cannot be negative"},
                 {"resnet18",
                  {.attention = {KIN_ATTEND_SE, "layer5"}},
                  "no place \"layer5\" for attention; it has: end block layer1"},
                 {"resnet18", {.attention = {KIN_ATTEND_SE, "layer"}}, "no place \"layer\""},
                 {"mobilenet_v2", {.attention = {KIN_ATTEND_SE, "layer1"}}, "it has: end block"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        kin_error err = {0};
        CHECK(!kin_model_check(kin_model_find(wrong[i].model), &wrong[i].opt, &err));
        CHECK_TEXT(err.message, wrong[i].message);
    }
    kin_ctx *ctx = kin_ctx_new();
    kin_model_choice c = {kin_model_find("conv4"), {0}};
    kin_summary s;
    CHECK(!kin_summarize(ctx, kin_model_net, &c, KIN_SHAPE(1, 4, 4, 1), &s));
    CHECK_TEXT(kin_ctx_error(ctx)->message, "does not fit");
    kin_ctx_free(ctx);
    check_end();
}

static void attention(void)
{
    check_begin("models: KIND@PLACE is read, anything else refused");
    kin_attend_opt a;
    kin_error err = {0};
    CHECK(kin_attend_parse("se@block", &a, &err) && a.kind == KIN_ATTEND_SE && kin_attends(&a, "block") &&
          !kin_attends(&a, "end"));
    CHECK(kin_attend_parse("sca@end", &a, &err) && a.kind == KIN_ATTEND_SCA &&
          kin_attend_parse("cbam@layer3", &a, &err) && a.kind == KIN_ATTEND_CBAM &&
          kin_attends(&a, "layer3"));
    CHECK(kin_attend_parse("", &a, &err) && !a.kind && kin_attend_parse("none", &a, &err) && !a.kind &&
          !kin_attends(&a, ""));
    static const char *const wrong[] = {"se",         "@",
                                        "se@",        "@block",
                                        "sea@block",  "s@block",
                                        "none@block", "se@a-place-with-far-too-long-a-name"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        kin_error_clear(&err);
        CHECK_MSG(!kin_attend_parse(wrong[i], &a, &err), "%s was taken", wrong[i]);
        CHECK_TEXT(err.message, "KIND@PLACE");
    }
    check_end();
}

/* Each place of each network, the kinds in turn: it adds parameters, shapes stay, and all of it runs. */
static void attention_everywhere(void)
{
    check_begin("models: attention stands wherever a network has a place for it");
    kin_ctx *ctx = kin_ctx_new();
    for (int i = 0, kind = 0; kin_models[i]; i++) {
        char places[128], *at = places;
        kin_model_choice plain = {kin_models[i], {0}};
        kin_summary before = summary(ctx, kin_model_net, &plain, 64, 64);
        snprintf(places, sizeof places, "end %s", kin_models[i]->places);
        for (char *place; (place = strtok(at, " ")); at = NULL) {
            kin_model_choice c = {kin_models[i], {.attention = {(kin_attend_kind)(1 + kind++ % 4), ""}}};
            snprintf(c.opt.attention.place, sizeof c.opt.attention.place, "%s", place);
            kin_summary s = summary(ctx, kin_model_net, &c, 64, 64);
            CHECK_MSG(s.parameters > before.parameters && kin_shape_equal(s.output, before.output),
                      "%s has %lld parameters with %d@%s", c.model->name, (long long)s.parameters,
                      c.opt.attention.kind, place);
            kin_summary_free(&s);
        }
        kin_summary_free(&before);
    }
    kin_ctx_free(ctx);
    check_end();
}

/* With the gate of squeeze and excitation wide open a network is the one without attention: the plain form
 * of a block's end is the fused one. */
static void open_gates(void)
{
    check_begin("models: a block with its attention open is the fused block");
    static const char *const names[] = {"resnet20", "resnet50", "mobilenet_v2", "efficientnet_lite0"};
    for (int i = 0; i < 4; i++) {
        kin_ctx *ctx = kin_ctx_new();
        kin_model_choice plain = {kin_model_find(names[i]), {.width = 16}},
                         gated = {kin_model_find(names[i]),
                                  {.width = 16, .attention = {KIN_ATTEND_SE, "block"}}};
        kin_record(ctx, false);
        kin_module *a = kin_module_new_zero(ctx, kin_model_net, &plain, KIN_SHAPE(1, 48, 48, 3)),
                   *b = kin_module_new_zero(ctx, kin_model_net, &gated, KIN_SHAPE(1, 48, 48, 3));
        CHECK(a && b);
        if (!a || !b) break;
        hashed_fill(a), hashed_fill(b);
        for (int k = 0; k < kin_module_entries(b); k++) {
            kin_entry *e = kin_module_entry(b, k);
            if (!strstr(e->name, "attention.fc2.bias")) continue;
            kin_real *bias = kin_entry_data(e);
            for (int64_t j = 0; j < kin_count(e->tensor); j++) bias[j] = 1e4f;
        }
        kin_real want[2048];
        kin_tensor *y = kin_module_forward(a, hashed_input(ctx, "input", KIN_SHAPE(1, 48, 48, 3)), KIN_EVAL);
        int64_t n = kin_count(y);
        CHECK(y && n <= 2048 && kin_read(y, want));
        y = kin_module_forward(b, hashed_input(ctx, "input", KIN_SHAPE(1, 48, 48, 3)), KIN_EVAL);
        double most = 0, scale = 0;
        for (int64_t k = 0; y && k < n; k++)
            most = fmax(most, fabs((double)kin_data(y)[k] - (double)want[k])),
            scale = fmax(scale, fabs((double)want[k]));
        CHECK_MSG(y && most <= 1e-5 * scale, "%s is off by %.3g of %.3g", names[i], most, scale);
        kin_module_free(a), kin_module_free(b);
        kin_ctx_free(ctx);
    }
    check_end();
}

/* How many of two pictures leave this block as they came. */
static int pictures_past(kin_module *m, int block)
{
    char name[32], before[32];
    snprintf(name, sizeof name, "_blocks.%d", block);
    snprintf(before, sizeof before, "_blocks.%d", block - 1);
    const kin_tensor *y = kin_module_tapped(m, name), *x = kin_module_tapped(m, before);
    int64_t each = kin_count(y) / 2;
    int past = 0;
    CHECK(x && y);
    for (int64_t n = 0; x && y && kin_shape_equal(kin_shape_of(x), kin_shape_of(y)) && n < 2; n++)
        past += memcmp(kin_data(x) + n * each, kin_data(y) + n * each, (size_t)each * sizeof(kin_real)) == 0;
    return past;
}

static void stochastic_depth(void)
{
    check_begin(
        "efficientnet_lite0: in training whole blocks are left out, by seed and step; in evaluation none");
    kin_ctx *ctx = kin_ctx_new();
    kin_model_choice c = {kin_model_find("efficientnet_lite0"), {0}};
    kin_module *m = kin_module_new_zero(ctx, kin_model_net, &c, KIN_SHAPE(1, 32, 32, 3));
    enum { STEPS = 12 };
    int left_out = 0, alike = 0;
    double first = 0;
    if (m) hashed_fill(m);
    CHECK_MSG(m, "%s", kin_ctx_error(ctx)->message);
    for (int step = 0; m && step < 2 * STEPS; step++) {
        kin_set_random(ctx, 1, (uint64_t)(step / 2));
        kin_tensor *y = kin_module_forward(m, hashed_input(ctx, "input", KIN_SHAPE(2, 32, 32, 3)), KIN_TRAIN);
        for (int block = 1; block < 16; block++) left_out += pictures_past(m, block);
        if (step % 2 == 0) first = (double)kin_data(y)[0];
        else alike += (double)kin_data(y)[0] == first;
        kin_end_step(ctx);
    }
    /* Nine blocks have a shortcut; .2·(2 + 4 + 6 + 7 + 9 + 10 + 12 + 13 + 14)/16 = .96 of them are left
     * out for a picture. */
    CHECK_MSG(left_out > 4 * STEPS / 2 && left_out < 4 * STEPS * 2, "%d blocks were left out for %d pictures",
              left_out, 4 * STEPS);
    CHECK(alike == STEPS);
    kin_module_free(m);
    kin_ctx_free(ctx);
    check_end();
}

static void taps(void)
{
    check_begin("models: any tensor can be had by its path, and is the one it says");
    kin_ctx *ctx = kin_ctx_new();
    kin_model_choice c = {kin_model_find("resnet8"), {0}};
    kin_module *m = kin_module_new(ctx, kin_model_net, &c, KIN_SHAPE(1, 32, 32, 3), 1);
    kin_record(ctx, false);
    CHECK(kin_module_retain(m, "layer1.0.conv1") && kin_module_retain(m, "layer1.0.bn1") &&
          kin_module_retain(m, "layer3") && kin_module_retain(m, "pooled"));
    kin_tensor *y = kin_module_forward(m, hashed_input(ctx, "input", KIN_SHAPE(2, 32, 32, 3)), KIN_EVAL);
    CHECK(y && y == kin_module_tapped(m, "pooled") &&
          kin_module_tapped(m, "layer3") == kin_module_tapped(m, "layer3.0") &&
          kin_module_tapped(m, "layer3") == kin_module_tapped(m, "features"));
    CHECK(kin_module_tapped(m, "layer1.0.conv1") &&
          kin_module_tapped(m, "layer1.0.conv1") != kin_module_tapped(m, "layer1.0.bn1"));
    CHECK(!kin_module_tapped(m, "layer4") && !kin_module_tapped(m, ""));
    double sum = 0;
    for (int i = 0; i < 64; i++) sum += (double)kin_data(kin_module_tapped(m, "layer3"))[i * 64];
    CHECK_CLOSE(kin_data(y)[0], sum / 64, 1e-5);
    kin_module *outline = kin_module_outline(ctx, kin_model_net, &c, KIN_SHAPE(1, 32, 32, 3));
    CHECK(outline && kin_module_parameters(outline) == kin_module_parameters(m));
    CHECK(!kin_module_forward(outline, hashed_input(ctx, "input", KIN_SHAPE(1, 32, 32, 3)), KIN_EVAL));
    CHECK_TEXT(kin_ctx_error(ctx)->message, "outline");
    kin_module_free(outline);
    kin_module_free(m);
    kin_ctx_free(ctx);
    check_end();
}

static void summaries(void)
{
    check_begin("summary: torchvision's counts of parameters and multiply-adds; folding keeps the sums");
    static const struct {
        const char *name;
        int64_t parameters;
        double macs;
    } known[] = {{"resnet18", 11689512, 1.814e9},       {"resnet50", 25557032, 4.089e9},
                 {"resnet152", 60192808, 11.514e9},     {"densenet121", 7978856, 2.834e9},
                 {"densenet161", 28681000, 7.728e9},    {"mobilenet_v2", 3504872, 0.301e9},
                 {"resnext50_32x4d", 25028904, 4.23e9}, {"wide_resnet50_2", 68883240, 11.398e9}};
    kin_ctx *ctx = kin_ctx_new();
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        kin_model_choice c = {kin_model_find(known[i].name), {.classes = 1000}};
        kin_error err = {0};
        kin_summary s = summary(ctx, kin_model_net, &c, 224, 224), folded;
        CHECK_MSG(s.parameters == known[i].parameters && fabs(s.macs / known[i].macs - 1) < 2e-3,
                  "%s: %lld parameters, %.4g multiply-adds", known[i].name, (long long)s.parameters, s.macs);
        int64_t parameters = 0;
        CHECK(kin_summary_fold(&s, 2, &folded, &err) && folded.count < s.count);
        for (int k = 0; k < folded.count; k++) parameters += folded.layers[k].parameters;
        for (int k = 0; k < folded.count; k++)
            for (int j = 0; j < folded.layers[k].n_in; j++) CHECK(folded.layers[k].in[j] < k);
        CHECK(parameters == s.parameters && folded.macs == s.macs &&
              kin_shape_equal(folded.output, s.output));
        kin_summary_free(&folded);
        kin_summary_free(&s);
    }
    kin_ctx_free(ctx);
    check_end();
}

static void allocations(void)
{
    check_begin("summary: every failed allocation is an error and leaks nothing");
    long alive = kin_alloc_live();
    bool done = false;
    for (long n = 1; n < 2000 && !done; n++) {
        kin_ctx *ctx = kin_ctx_new();
        kin_model_choice c = {kin_model_find("resnet8"), {0}};
        kin_summary s = {0}, folded = {0};
        kin_error err = {0};
        kin_alloc_fail_at(n);
        bool ok = kin_summarize(ctx, kin_model_net, &c, KIN_SHAPE(1, 32, 32, 3), &s) &&
                  kin_summary_fold(&s, 1, &folded, &err);
        done = kin_alloc_pending() > 0;
        kin_alloc_fail_at(0);
        CHECK_MSG(ok == done, "allocation %ld failed unnoticed", n);
        CHECK(ok || kin_ctx_error(ctx)->code == KIN_ERR_MEMORY || err.code == KIN_ERR_MEMORY);
        kin_summary_free(&folded);
        kin_summary_free(&s);
        kin_ctx_free(ctx);
    }
    CHECK(done && kin_alloc_live() == alive);
    check_end();
}

int main(void)
{
    registry();
    options();
    refusals();
    attention();
    attention_everywhere();
    open_gates();
    stochastic_depth();
    taps();
    summaries();
    allocations();
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
