#include "models/models.h"
#include "nn/head.h"
#include "nn/layers.h"

#include <stddef.h>
#include <string.h>

#define LISTED(NAME) &kin_model_##NAME,
#define NAMED(NAME) #NAME,
const kin_model *const kin_models[] = {KIN_MODELS(LISTED) NULL};
const char *const kin_model_names[] = {KIN_MODELS(NAMED) NULL};
const char *const kin_stem_names[] = {"own", "imagenet", "cifar", NULL}, *const kin_pooling_names[] = {
                                                                             "own", "gap",     "gmp",
                                                                             "gem", "gap+gmp", "flatten",
                                                                             NULL};

const kin_model *kin_model_find(const char *name)
{
    for (int i = 0; kin_models[i]; i++)
        if (strcmp(kin_models[i]->name, name) == 0) return kin_models[i];
    return NULL;
}

static bool has_word(const char *words, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = words; at && (at = strstr(at, word)); at += length)
        if ((at == words || at[-1] == ' ') && (at[length] == ' ' || !at[length])) return length > 0;
    return false;
}

bool kin_model_check(const kin_model *m, const kin_model_opt *opt, kin_error *err)
{
    if (opt->drop_path > 0 && !m->residual)
        return kin_fail(
            err, KIN_ERR_ARGUMENT,
            "%s has no residual branches that could be left out: --drop-path is for ResNets, MobileNetV2 and "
            "EfficientNets",
            m->name);
    if (opt->stem && m->one_stem)
        return kin_fail(err, KIN_ERR_ARGUMENT, "%s has one stem only; leave the stem's choice out", m->name);
    if (opt->last_stride < 0 || opt->last_stride > 2)
        return kin_fail(err, KIN_ERR_ARGUMENT, "the last stage's stride is 1 or 2, not %lld",
                        (long long)opt->last_stride);
    if (opt->width < 0 || opt->embedding < 0 || opt->classes < 0)
        return kin_fail(err, KIN_ERR_ARGUMENT, "width, embedding and classes cannot be negative");
    if (opt->neck && opt->classes)
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "the neck stands behind an embedding; %s with its own classifier has none", m->name);
    if (opt->attention.kind && strcmp(opt->attention.place, "end") != 0 &&
        !has_word(m->places, opt->attention.place))
        return kin_fail(err, KIN_ERR_ARGUMENT, "%s has no place \"%s\" for attention; it has: end %s",
                        m->name, opt->attention.place, m->places ? m->places : "");
    return true;
}

/* ---- from pictures to the map ---- */

int kin_model_stages(const kin_model *m)
{
    int count = 1;
    for (const char *at = m->stages; *at; at++) count += *at == ' ';
    return count;
}

int kin_model_stage(const kin_model *m, const char *name)
{
    size_t length = strlen(name);
    const char *at = m->stages;
    for (int i = 0; at; i++) {
        size_t word = strcspn(at, " ");
        if (word == length && memcmp(at, name, length) == 0) return i;
        at = at[word] ? at + word + 1 : NULL;
    }
    return -1;
}

kin_tensor *kin_model_run(const kin_model *m, kin_scope *s, kin_tensor *x, int first, int end,
                          const kin_model_opt *opt)
{
    for (int i = first; x && i < end; i++) x = m->stage(s, x, i, opt);
    return x;
}

kin_tensor *kin_model_features(const kin_model *m, kin_scope *s, kin_tensor *x, const kin_model_opt *opt)
{
    kin_ctx *ctx = kin_scope_ctx(s);
    if (!ctx || !kin_ok(ctx) || !kin_model_check(m, opt, kin_ctx_error(ctx))) return NULL;
    x = kin_model_run(m, s, x, 0, kin_model_stages(m), opt);
    return kin_tap(kin_sub(s, "features"), kin_attend(s, &opt->attention, "end", x));
}

/* ---- from the map to numbers ---- */

static kin_tensor *pooled(kin_scope *s, kin_tensor *map, kin_pooling how)
{
    if (how == KIN_POOLING_FLATTEN) return kin_flatten(map);
    return kin_pool(kin_sub(s, "pool"), map, kin_pooling_names[how ? how : KIN_POOLING_GAP]);
}

kin_tensor *kin_model_head(const kin_model *m, kin_scope *s, kin_tensor *map, const kin_model_opt *opt)
{
    int64_t embedding = opt->embedding ? opt->embedding : m->embedding;
    kin_tensor *x = kin_tap(kin_sub(s, "pooled"), pooled(s, map, opt->pooling ? opt->pooling : m->pooling));
    kin_linear_opt classifier = {.out = opt->classes, .zero_bias = m->zero_bias, .small_init = m->small_init};
    if (opt->classes)
        return kin_linear(kin_sub(s, m->classifier ? m->classifier : "classifier"),
                          kin_dropout(s, "dropout", x, m->dropout), &classifier);
    return embedding ? kin_linear(kin_sub(s, "embedding"), x, &(kin_linear_opt){.out = embedding}) : x;
}

kin_tensor *kin_model_neck(kin_scope *s, kin_tensor *embedding, const kin_model_opt *opt)
{
    return opt->neck ? kin_neck(s, embedding) : embedding;
}

kin_tensor *kin_model_forward(const kin_model *m, kin_scope *s, kin_tensor *x, const kin_model_opt *opt)
{
    return kin_model_neck(s, kin_model_head(m, s, kin_model_features(m, s, x, opt), opt), opt);
}

kin_tensor *kin_model_net(kin_scope *s, kin_tensor *x, void *choice)
{
    const kin_model_choice *c = choice;
    return kin_model_forward(c->model, s, x, &c->opt);
}

kin_tensor *kin_model_features_net(kin_scope *s, kin_tensor *x, void *choice)
{
    const kin_model_choice *c = choice;
    return kin_model_features(c->model, s, x, &c->opt);
}
