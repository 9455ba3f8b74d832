#include "models/heads/head.h"

#include "autograd/ops.h"

#include <math.h>
#include <string.h>

bool kin_head_check(const kin_head_choice *choice, const kin_model *m, const kin_model_opt *opt,
                    kin_error *err)
{
    return kin_model_check(m, opt, err) && (!choice->head->check || choice->head->check(choice, m, opt, err));
}

int kin_head_option(const kin_head *h, const char *name)
{
    for (int i = 0; h->params[i].name; i++)
        if (strcmp(h->params[i].name, name) == 0) return i;
    return -1;
}

double kin_head_value(const kin_head_choice *choice, const char *param)
{
    int i = kin_head_option(choice->head, param);
    return i < 0 ? NAN : choice->value[i];
}

bool kin_head_run(const kin_head_call *c, kin_branches *out)
{
    kin_ctx *ctx = kin_scope_ctx(c->scope);
    *out = (kin_branches){0};
    if (!ctx || !kin_ok(ctx) || !kin_head_check(c->choice, c->model, c->opt, kin_ctx_error(ctx)))
        return false;
    return c->choice->head->run(c, out) && kin_ok(ctx);
}

kin_tensor *kin_head_descriptor(const kin_branches *b)
{
    kin_tensor *parts[KIN_BRANCHES];
    int count = 0;
    for (int i = 0; i < b->count; i++)
        if (!b->branch[i].training_only) parts[count++] = b->branch[i].behind;
    return count == 1 ? parts[0] : count ? kin_concat(parts, count) : NULL;
}
