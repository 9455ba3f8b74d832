#include "models/heads/head.h"

#include "autograd/ops.h"
#include "base/text.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

extern const kin_head kin_head_plain, kin_head_bfe, kin_head_abe, kin_head_delf;
const kin_head *const kin_heads[] = {&kin_head_plain, &kin_head_bfe, &kin_head_abe, &kin_head_delf, NULL};

/* ---- from text ---- */

static const kin_head *find(const char *name, size_t length, const kin_head *const *own)
{
    for (const kin_head *const *list = own; list && *list; list++)
        if (strlen((*list)->name) == length && memcmp((*list)->name, name, length) == 0) return *list;
    for (int i = 0; kin_heads[i]; i++)
        if (strlen(kin_heads[i]->name) == length && memcmp(kin_heads[i]->name, name, length) == 0)
            return kin_heads[i];
    return NULL;
}

static bool unknown_head(const char *name, const kin_head *const *own, kin_error *err)
{
    char all[200] = "";
    kin_nearest nearest = {0};
    for (const kin_head *const *list = own; list && *list; list++) {
        kin_nearest_try(&nearest, name, (*list)->name);
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s, ", (*list)->name);
    }
    for (int i = 0; kin_heads[i]; i++) {
        kin_nearest_try(&nearest, name, kin_heads[i]->name);
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i ? ", " : "", kin_heads[i]->name);
    }
    return kin_fail(err, KIN_ERR_ARGUMENT, "there is no head '%.40s'%s%s%s; heads are %s", name,
                    nearest.name ? " (did you mean " : "", nearest.name ? nearest.name : "",
                    nearest.name ? "?)" : "", all);
}

static int find_param(const kin_head *h, const char *name, size_t length)
{
    for (int i = 0; h->params[i].name; i++)
        if (strlen(h->params[i].name) == length && memcmp(h->params[i].name, name, length) == 0) return i;
    return -1;
}

static bool unknown_param(const kin_head *h, const char *name, kin_error *err)
{
    char all[200] = "";
    for (int i = 0; h->params[i].name; i++)
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i ? ", " : "", h->params[i].name);
    return kin_fail(err, KIN_ERR_ARGUMENT, "the head %s has no option '%.40s'; it has %s", h->name, name,
                    *all ? all : "none");
}

static bool read_stage(const kin_head *h, const char *word, const kin_model *m, double *value, kin_error *err)
{
    int stage = kin_model_stage(m, word);
    *value = stage;
    return stage >= 0 ||
           kin_fail(err, KIN_ERR_ARGUMENT, "head %s: %s has no stage '%.40s'; its stages are: %s", h->name,
                    m->name, word, m->stages);
}

static bool read_number(const kin_head *h, const kin_head_param *p, const char *word, double *value,
                        kin_error *err)
{
    if (!kin_parse_real(word, value) || (p->whole && *value != floor(*value)))
        return kin_fail(err, KIN_ERR_ARGUMENT, "head %s: %s needs %s, not '%.40s'", h->name, p->name,
                        p->whole ? "a whole number" : "a number", word);
    if (*value >= p->low && *value <= p->high) return true;
    return kin_fail(err, KIN_ERR_ARGUMENT, "head %s: %s lies in %g .. %g, not %.40s", h->name, p->name,
                    p->low, p->high, word);
}

/* One "name=value" that ends at `end`. */
static bool read_option(kin_head_choice *c, const char *at, const char *end, const kin_model *m,
                        kin_error *err)
{
    char word[64];
    const char *equals = memchr(at, '=', (size_t)(end - at));
    size_t name = equals ? (size_t)(equals - at) : 0, length = equals ? (size_t)(end - equals - 1) : 0;
    if (!name || !length || name >= sizeof word || length >= sizeof word)
        return kin_fail(err, KIN_ERR_ARGUMENT, "head %s: option=value expected at '%.40s'", c->head->name,
                        at);
    int i = find_param(c->head, at, name);
    if (i < 0) {
        snprintf(word, sizeof word, "%.*s", (int)name, at);
        return unknown_param(c->head, word, err);
    }
    snprintf(word, sizeof word, "%.*s", (int)length, equals + 1);
    const kin_head_param *p = &c->head->params[i];
    return p->stage ? read_stage(c->head, word, m, &c->value[i], err)
                    : read_number(c->head, p, word, &c->value[i], err);
}

bool kin_head_parse(const char *text, const kin_head *const *own, const kin_model *m, kin_head_choice *out,
                    kin_error *err)
{
    char packed[KIN_HEAD_TEXT];
    size_t length = 0;
    for (const char *at = *text ? text : "plain"; *at; at++) {
        if (length + 1 >= sizeof packed)
            return kin_fail(err, KIN_ERR_ARGUMENT, "the head is longer than %d characters",
                            KIN_HEAD_TEXT - 1);
        if (!isspace((unsigned char)*at)) packed[length++] = *at;
    }
    packed[length] = '\0';
    size_t name = strcspn(packed, "(");
    *out = (kin_head_choice){.head = find(packed, name, own)};
    if (!out->head) return unknown_head(packed, own, err);
    for (int i = 0; out->head->params[i].name; i++)
        out->value[i] = out->head->params[i].stage ? -1 : out->head->params[i].fallback;
    if (!packed[name]) return true;
    if (packed[length - 1] != ')')
        return kin_fail(err, KIN_ERR_ARGUMENT, "head %s: ')' expected at the end of '%.80s'", out->head->name,
                        packed);
    packed[length - 1] = '\0';
    for (const char *at = packed + name + 1, *end; *at; at = *end ? end + 1 : end) {
        end = at + strcspn(at, ",");
        if (!read_option(out, at, end, m, err)) return false;
    }
    return true;
}

bool kin_head_check(const kin_head_choice *choice, const kin_model *m, const kin_model_opt *opt,
                    kin_error *err)
{
    return kin_model_check(m, opt, err) && (!choice->head->check || choice->head->check(choice, m, opt, err));
}

double kin_head_value(const kin_head_choice *choice, const char *param)
{
    int i = find_param(choice->head, param, strlen(param));
    return i < 0 ? 0 : choice->value[i];
}

/* ---- running ---- */

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
