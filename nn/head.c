#include "nn/head.h"

#include "nn/layers.h"

#include <string.h>

enum { MAX_PARTS = 8 };

static kin_tensor *refuse(kin_scope *s, const char *message, const char *what)
{
    kin_fail(kin_ctx_error(kin_scope_ctx(s)), KIN_ERR_ARGUMENT,
             "'%s': %s '%.60s'; pools are gap, gmp and gem, or several joined by '+'", kin_scope_path(s),
             message, what);
    return NULL;
}

kin_tensor *kin_gem(kin_scope *s, kin_tensor *x)
{
    return kin_gem_pool(
        x, kin_param(s, "p",
                     &(kin_param_opt){
                         .shape = KIN_SHAPE(1), .init = KIN_INIT_CONSTANT, .scale = 3, .no_decay = true}));
}

static bool is_name(const char *text, size_t length, const char *name)
{
    return strlen(name) == length && memcmp(text, name, length) == 0;
}

kin_tensor *kin_pool(kin_scope *s, kin_tensor *x, const char *kind)
{
    kin_tensor *parts[MAX_PARTS];
    int count = 0;
    if (!s || !x || !kin_ok(kin_scope_ctx(s))) return NULL;
    for (const char *at = kind; at; at = strchr(at, '+') ? strchr(at, '+') + 1 : NULL) {
        size_t length = strcspn(at, "+");
        if (count == MAX_PARTS) return refuse(s, "too many pools in", kind);
        if (is_name(at, length, "gap")) parts[count++] = kin_global_avg_pool(x);
        else if (is_name(at, length, "gmp")) parts[count++] = kin_global_max_pool(x);
        else if (is_name(at, length, "gem")) parts[count++] = kin_gem(s, x);
        else return refuse(s, "there is no such pool:", kind);
    }
    return kin_tap(s, count == 1 ? parts[0] : kin_concat(parts, count));
}

kin_tensor *kin_neck(kin_scope *s, kin_tensor *x)
{
    return kin_batch_norm(kin_sub(s, "bnneck"), x, &(kin_norm_opt){.fixed_bias = true});
}

kin_tensor *kin_embedding_head(kin_scope *s, kin_tensor *x, const kin_head_opt *opt)
{
    if (opt->pool || kin_ndim(x) == 4) x = kin_pool(kin_sub(s, "pool"), x, opt->pool ? opt->pool : "gap");
    x = kin_dropout(s, "dropout", x, opt->dropout);
    if (opt->embedding)
        x = kin_linear(kin_sub(s, "embedding"), x,
                       &(kin_linear_opt){.out = opt->embedding, .no_bias = opt->no_bias});
    if (opt->metric) *opt->metric = x;
    if (opt->bnneck) x = kin_neck(s, x);
    return kin_tap(s, opt->l2 ? kin_l2_normalize(x) : x);
}

kin_tensor *kin_join_branches(const kin_branch *branches, int count)
{
    kin_tensor *parts[MAX_PARTS];
    kin_ctx *ctx = count > 0 ? kin_ctx_of(branches[0].x) : NULL;
    if (ctx && count > MAX_PARTS)
        return kin_fail(kin_ctx_error(ctx), KIN_ERR_ARGUMENT, "%d branches are more than %d", count,
                        MAX_PARTS),
               NULL;
    for (int i = 0; ctx && i < count; i++) {
        parts[i] = branches[i].l2 ? kin_l2_normalize(branches[i].x) : branches[i].x;
        if (branches[i].weight && branches[i].weight != 1)
            parts[i] = kin_scale(parts[i], branches[i].weight, 0);
    }
    return ctx ? kin_concat(parts, count) : NULL;
}
