/* A head and its options from text. */
#include "base/reader.h"
#include "base/text.h"
#include "models/heads/head.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

extern const kin_head kin_head_plain, kin_head_bfe, kin_head_abe, kin_head_delf, kin_head_autoencoder;
const kin_head *const kin_heads[] = {&kin_head_plain, &kin_head_bfe,         &kin_head_abe,
                                     &kin_head_delf,  &kin_head_autoencoder, NULL};

enum { SHOWN = 40 };

static const kin_head *find(const char *name, const kin_head *const *own)
{
    for (const kin_head *const *list = own; list && *list; list++)
        if (strcmp((*list)->name, name) == 0) return *list;
    for (int i = 0; kin_heads[i]; i++)
        if (strcmp(kin_heads[i]->name, name) == 0) return kin_heads[i];
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

static bool unknown_param(const kin_head *h, const char *name, kin_error *err)
{
    char all[200] = "";
    kin_nearest nearest = {0};
    for (int i = 0; h->params[i].name; i++) {
        kin_nearest_try(&nearest, name, h->params[i].name);
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i ? ", " : "", h->params[i].name);
    }
    return kin_fail(err, KIN_ERR_ARGUMENT, "the head %s has no option '%.40s'%s%s%s; it has %s", h->name,
                    name, nearest.name ? " (did you mean " : "", nearest.name ? nearest.name : "",
                    nearest.name ? "?)" : "", *all ? all : "none");
}

static bool read_stage(kin_reader *r, const kin_head *h, const kin_model *m, double *value, kin_error *err)
{
    char word[KIN_WORD] = "";
    int stage = kin_read_word(r, word) ? kin_model_stage(m, word) : -1;
    *value = stage;
    return stage >= 0 ||
           kin_fail(err, KIN_ERR_ARGUMENT, "head %s: %s has no stage '%.40s'; its stages are: %s", h->name,
                    m->name, *word ? word : r->at, m->stages);
}

static bool read_number(kin_reader *r, const kin_head *h, const kin_head_param *p, double *value,
                        kin_error *err)
{
    kin_read_end(r); /* over blanks */
    const char *start = r->at;
    int shown = (int)strcspn(start, ",)");
    if (!kin_read_number(r, value) || (p->whole && *value != floor(*value)))
        return kin_fail(err, KIN_ERR_ARGUMENT, "head %s: %s needs %s, not '%.*s'", h->name, p->name,
                        p->whole ? "a whole number" : "a number", shown < SHOWN ? shown : SHOWN, start);
    if (*value >= p->low && *value <= p->high) return true;
    return kin_fail(err, KIN_ERR_ARGUMENT, "head %s: %s lies in %g .. %g, not %g", h->name, p->name, p->low,
                    p->high, *value);
}

/* "name=value"; *given has a bit for each option. */
static bool read_option(kin_reader *r, kin_head_choice *c, unsigned *given, const kin_model *m,
                        kin_error *err)
{
    char name[KIN_WORD];
    const char *start = r->at;
    if (!kin_read_word(r, name) || !kin_read_sign(r, '='))
        return kin_fail(err, KIN_ERR_ARGUMENT, "head %s: option=value expected at '%.*s'", c->head->name,
                        SHOWN, *start ? start : "the end");
    int i = kin_head_option(c->head, name);
    if (i < 0) return unknown_param(c->head, name, err);
    const kin_head_param *p = &c->head->params[i];
    if (*given & 1u << i)
        return kin_fail(err, KIN_ERR_ARGUMENT, "head %s: %s is given twice", c->head->name, p->name);
    *given |= 1u << i;
    return p->stage ? read_stage(r, c->head, m, &c->value[i], err)
                    : read_number(r, c->head, p, &c->value[i], err);
}

static bool read_options(kin_reader *r, kin_head_choice *c, const kin_model *m, kin_error *err)
{
    unsigned given = 0;
    if (kin_read_sign(r, ')')) return true;
    do
        if (!read_option(r, c, &given, m, err)) return false;
    while (kin_read_sign(r, ','));
    return kin_read_sign(r, ')') || kin_fail(err, KIN_ERR_ARGUMENT, "head %s: ',' or ')' expected at '%.*s'",
                                             c->head->name, SHOWN, *r->at ? r->at : "the end");
}

bool kin_head_parse(const char *text, const kin_head *const *own, const kin_model *m, kin_head_choice *out,
                    kin_error *err)
{
    kin_reader r = {text};
    char name[KIN_WORD] = "plain";
    *out = (kin_head_choice){0};
    if (strlen(text) >= KIN_HEAD_TEXT)
        return kin_fail(err, KIN_ERR_ARGUMENT, "the head is longer than %d characters", KIN_HEAD_TEXT - 1);
    if (!kin_read_end(&r) && !kin_read_word(&r, name)) return unknown_head(r.at, own, err);
    out->head = find(name, own);
    if (!out->head) return unknown_head(name, own, err);
    for (int i = 0; out->head->params[i].name; i++)
        out->value[i] = out->head->params[i].stage ? -1 : out->head->params[i].fallback;
    if (kin_read_sign(&r, '(') && !read_options(&r, out, m, err)) return false;
    return kin_read_end(&r) || kin_fail(err, KIN_ERR_ARGUMENT, "head %s: the end expected at '%.*s'",
                                        out->head->name, SHOWN, r.at);
}
