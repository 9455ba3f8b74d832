/* Recipes from text and back. */
#include "data/transforms/recipe.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { NAME_MAX_LENGTH = 63, SHOWN = 40 };

/* ---- names ---- */

static bool is_name_char(char c) { return isalnum((unsigned char)c) || c == '-' || c == '_'; }
static bool same_name(const char *name, const char *text, size_t length)
{
    return name && strlen(name) == length && strncasecmp(name, text, length) == 0;
}

static void try_name(kin_nearest *n, const char *typed, const char *candidate)
{
    char lower[NAME_MAX_LENGTH + 1];
    size_t length = 0;
    for (; candidate && candidate[length] && length < NAME_MAX_LENGTH; length++)
        lower[length] = (char)tolower((unsigned char)candidate[length]);
    lower[length] = '\0';
    if (!length) return;
    kin_nearest_try(n, typed, lower);
    if (n->name == lower) n->name = candidate;
}

static void lowered(char out[NAME_MAX_LENGTH + 1], const char *text, size_t length)
{
    if (length > NAME_MAX_LENGTH) length = NAME_MAX_LENGTH;
    for (size_t i = 0; i < length; i++) out[i] = (char)tolower((unsigned char)text[i]);
    out[length] = '\0';
}

static bool is_called(const kin_transform_info *t, const char *text, size_t length)
{
    return same_name(t->name, text, length) || same_name(t->alias, text, length) ||
           same_name(t->torch, text, length);
}

static const kin_transform_info *find_transform(const kin_transform_info *const *own, const char *text,
                                                size_t length)
{
    for (int i = 0; own && own[i]; i++)
        if (is_called(own[i], text, length)) return own[i];
    for (const kin_transform_info *t = kin_transforms; t->name; t++)
        if (is_called(t, text, length)) return t;
    return NULL;
}

static void try_names(kin_nearest *n, const char *typed, const kin_transform_info *t)
{
    try_name(n, typed, t->name), try_name(n, typed, t->alias), try_name(n, typed, t->torch);
}

static bool fail_transform(const kin_transform_info *const *own, const char *text, size_t length,
                           kin_error *err)
{
    char typed[NAME_MAX_LENGTH + 1];
    kin_nearest n = {0};
    lowered(typed, text, length);
    for (int i = 0; own && own[i]; i++) try_names(&n, typed, own[i]);
    for (const kin_transform_info *t = kin_transforms; t->name; t++) try_names(&n, typed, t);
    for (const kin_recipe_preset *p = kin_recipe_presets; p->name; p++) try_name(&n, typed, p->name);
    if (n.name)
        return kin_fail(err, KIN_ERR_ARGUMENT, "recipe: unknown transform '%.*s' (did you mean '%s'?)",
                        (int)(length < SHOWN ? length : SHOWN), text, n.name);
    return kin_fail(err, KIN_ERR_ARGUMENT, "recipe: unknown transform '%.*s'; kin augment --list names all",
                    (int)(length < SHOWN ? length : SHOWN), text);
}

/* ---- values ---- */

/* [+-]digits[.digits][e[+-]digits] from *at; no hexadecimal, so that 0x4 is a size. */
static bool read_number(const char *text, size_t length, size_t *at, double *out)
{
    char copy[48];
    size_t i = *at, digits = 0;
    if (i < length && (text[i] == '-' || text[i] == '+')) i++;
    for (; i < length && isdigit((unsigned char)text[i]); i++) digits++;
    if (i < length && text[i] == '.')
        for (i++; i < length && isdigit((unsigned char)text[i]); i++) digits++;
    if (digits == 0) return false;
    if (i < length && (text[i] == 'e' || text[i] == 'E')) {
        size_t e = i + 1;
        if (e < length && (text[e] == '-' || text[e] == '+')) e++;
        if (e < length && isdigit((unsigned char)text[e]))
            for (i = e; i < length && isdigit((unsigned char)text[i]); i++) continue;
    }
    if (i - *at >= sizeof copy) return false;
    memcpy(copy, text + *at, i - *at);
    copy[i - *at] = '\0';
    *at = i;
    return kin_parse_real(copy, out);
}

static const struct {
    const char *what;
    char separator;
    int most;
} kinds[] = {
    [KIN_PARAM_NUMBER] = {"a number", '\0', 1},
    [KIN_PARAM_WHOLE] = {"a whole number", '\0', 1},
    [KIN_PARAM_RANGE] = {"a number or a range low-high", '-', 2},
    [KIN_PARAM_SWING] = {"a number or a range low-high", '-', 2},
    [KIN_PARAM_FACTOR] = {"a number or a range low-high", '-', 2},
    [KIN_PARAM_SIZE] = {"a whole number or HxW", 'x', 2},
    [KIN_PARAM_PAIR] = {"a number or two as AxB", 'x', 2},
    [KIN_PARAM_COLOUR] = {"a number or three as R/G/B", '/', 3},
    [KIN_PARAM_WORD] = {"a word", '\0', 0},
};

static bool fail_value(const kin_recipe_param *p, const char *text, size_t length, kin_error *err)
{
    kin_text words = {0};
    bool numbers = p->kind != KIN_PARAM_WORD;
    for (int i = 0; p->words && p->words[i]; i++)
        kin_text_format(&words, "%s%s", i || numbers ? ", " : "", p->words[i]);
    const char *list = words.data && !words.failed ? words.data : "";
    if (numbers)
        kin_fail(err, KIN_ERR_ARGUMENT, "%s is %s, each from %.6g to %.6g%s, not '%.*s'", p->name,
                 kinds[p->kind].what, p->low, p->high, list, (int)(length < SHOWN ? length : SHOWN), text);
    else
        kin_fail(err, KIN_ERR_ARGUMENT, "%s is one of %s, not '%.*s'", p->name, list,
                 (int)(length < SHOWN ? length : SHOWN), text);
    kin_text_free(&words);
    return false;
}

static bool in_order(const kin_recipe_param *p, const kin_value *v)
{
    bool range = kinds[p->kind].separator == '-';
    if (p->kind == KIN_PARAM_SWING && v->count == 1) return v->number[0] >= 0;
    if (p->kind == KIN_PARAM_COLOUR) return v->count != 2;
    return !range || v->count == 1 || v->number[0] <= v->number[1];
}

bool kin_param_parse(const kin_recipe_param *p, const char *text, size_t length, kin_value *out,
                     kin_error *err)
{
    *out = (kin_value){0};
    for (int i = 0; p->words && p->words[i]; i++)
        if (same_name(p->words[i], text, length)) {
            out->word = i;
            return true;
        }
    bool whole = p->kind == KIN_PARAM_WHOLE || p->kind == KIN_PARAM_SIZE, good = kinds[p->kind].most > 0;
    for (size_t at = 0; good;) {
        double v = 0;
        good = out->count < kinds[p->kind].most && read_number(text, length, &at, &v) && v >= p->low &&
               v <= p->high && (!whole || v == floor(v));
        if (good) out->number[out->count++] = v;
        if (!good || at == length) break;
        good = text[at++] == kinds[p->kind].separator;
    }
    return (good && in_order(p, out)) || fail_value(p, text, length, err);
}

/* ---- items ---- */

typedef struct reader {
    const char *text;
    size_t at;
    kin_recipe *recipe;
    kin_error *err;
    bool preset; /* inside a preset's text */
    const kin_transform_info *const *own;
} reader;

static void skip_blanks(reader *r)
{
    while (isspace((unsigned char)r->text[r->at])) r->at++;
}

/* A word of a value or a name, up to a comma, a parenthesis, an equals sign or a blank. */
static size_t word_length(const char *text) { return strcspn(text, ",()= \t\r\n\v\f"); }

static int find_param(const kin_transform_info *what, const char *text, size_t length)
{
    for (int k = 0; what->params[k].name; k++)
        if (same_name(what->params[k].name, text, length)) return k;
    return -1;
}

static bool fail_param(const kin_transform_info *what, const char *text, size_t length, kin_error *err)
{
    kin_text names = {0};
    char typed[NAME_MAX_LENGTH + 1];
    kin_nearest n = {0};
    lowered(typed, text, length);
    for (int k = 0; what->params[k].name; k++) {
        kin_text_format(&names, "%s%s", k ? ", " : "", what->params[k].name);
        try_name(&n, typed, what->params[k].name);
    }
    if (n.name) kin_fail(err, KIN_ERR_ARGUMENT, "no parameter '%s' (did you mean '%s'?)", typed, n.name);
    else
        kin_fail(err, KIN_ERR_ARGUMENT, "no parameter '%s'; it has %s", typed,
                 names.data && !names.failed ? names.data : "others");
    kin_text_free(&names);
    return false;
}

/* One argument: a value, or name=value. `place` counts those by place; given: a bit for each parameter. */
static bool read_argument(reader *r, kin_recipe_step *step, int *place, unsigned *given)
{
    const char *text = r->text + r->at;
    size_t length = word_length(text);
    int k = *place;
    if (text[length] == '=') {
        k = find_param(step->what, text, length);
        if (k < 0) return fail_param(step->what, text, length, r->err);
        r->at += length + 1;
        text = r->text + r->at;
        length = word_length(text);
        *place = -1;
    } else if (k < 0) {
        return kin_fail(r->err, KIN_ERR_ARGUMENT, "'%.*s' comes after a named parameter and needs a name too",
                        (int)(length < SHOWN ? length : SHOWN), text);
    } else if (k >= KIN_TRANSFORM_PARAMS || !step->what->params[k].name) {
        return kin_fail(r->err, KIN_ERR_ARGUMENT, "'%.*s' is one parameter too many; it takes %d",
                        (int)(length < SHOWN ? length : SHOWN), text, k);
    } else {
        ++*place;
    }
    if (*given & 1u << k)
        return kin_fail(r->err, KIN_ERR_ARGUMENT, "%s is given twice", step->what->params[k].name);
    *given |= 1u << k;
    r->at += length;
    return kin_param_parse(&step->what->params[k], text, length, &step->value[k], r->err);
}

/* "(a,b,name=c)", or nothing. */
static bool read_arguments(reader *r, kin_recipe_step *step, unsigned *given)
{
    int place = 0;
    if (r->text[r->at] != '(') return true;
    r->at++;
    skip_blanks(r);
    while (r->text[r->at] != ')') {
        if (!read_argument(r, step, &place, given)) return false;
        skip_blanks(r);
        if (r->text[r->at] == ')') break;
        if (r->text[r->at] != ',')
            return kin_fail(r->err, KIN_ERR_ARGUMENT, "expected ',' or ')' at '%.*s'", SHOWN,
                            r->text + r->at);
        r->at++;
        skip_blanks(r);
    }
    r->at++;
    return true;
}

/* What bytes become. Lite: (byte − 127)/128. */
static bool set_norm(kin_recipe *recipe, const kin_recipe_step *step, kin_error *err)
{
    static const float named[3][2][3] = {{{0.485f, 0.456f, 0.406f}, {0.229f, 0.224f, 0.225f}},
                                         {{127 / 255.f, 127 / 255.f, 127 / 255.f},
                                          {128 / 255.f, 128 / 255.f, 128 / 255.f}},
                                         {{.5f, .5f, .5f}, {.5f, .5f, .5f}}};
    if (recipe->normalizes) return kin_fail(err, KIN_ERR_ARGUMENT, "pictures are normalised once only");
    recipe->normalizes = true;
    for (int c = 0; c < 3; c++) {
        const kin_value *mean = &step->value[0], *std = &step->value[1];
        recipe->mean[c] = mean->count ? (float)mean->number[mean->count == 3 ? c : 0]
                                      : named[mean->word][0][c];
        recipe->std[c] = std->count ? (float)std->number[std->count == 3 ? c : 0] : named[mean->word][1][c];
    }
    return true;
}

static bool read_step(reader *r, const kin_transform_info *what)
{
    kin_recipe_step step = {.what = what};
    unsigned given = 0;
    if (!read_arguments(r, &step, &given)) return false;
    for (int k = 0; what->params[k].name; k++) {
        const kin_recipe_param *p = &what->params[k];
        if (given & 1u << k) continue;
        if (!p->fallback) return kin_fail(r->err, KIN_ERR_ARGUMENT, "%s is missing: %s", p->name, p->help);
        if (!kin_param_parse(p, p->fallback, strlen(p->fallback), &step.value[k], r->err)) return false;
    }
    if (what->check && !what->check(&step, r->err)) return false;
    if (r->recipe->count == KIN_RECIPE_STEPS)
        return kin_fail(r->err, KIN_ERR_ARGUMENT, "more than %d transforms", KIN_RECIPE_STEPS);
    r->recipe->step[r->recipe->count++] = step;
    return what->apply || set_norm(r->recipe, &step, r->err);
}

static bool read_items(reader *r);

/* A preset's text with its sizes put in, read in its place. */
static bool read_preset(reader *r, const kin_recipe_preset *preset)
{
    static const kin_transform_info as_transform = {
        .name = "preset",
        .params = {{"size", KIN_PARAM_WHOLE, NULL, 1, 8192, NULL, "the size pictures come out at"}}};
    kin_recipe_step step = {.what = &as_transform};
    unsigned given = 0;
    char text[512];
    size_t used = 0;
    if (!read_arguments(r, &step, &given)) return false;
    int size = given ? (int)step.value[0].number[0] : preset->size;
    for (const char *p = preset->text; *p && used < sizeof text - 16; p++) {
        if (*p == '$' || *p == '%' || *p == '@')
            used += (size_t)snprintf(text + used, sizeof text - used, "%d",
                                     *p == '$'   ? size
                                     : *p == '@' ? (size * 8 + 3) / 7
                                                 : (size + 1) / 2);
        else text[used++] = *p;
    }
    text[used] = '\0';
    reader inner = {.text = text, .recipe = r->recipe, .err = r->err, .preset = true, .own = r->own};
    return read_items(&inner);
}

static bool read_item(reader *r)
{
    const char *name = r->text + r->at;
    size_t length = 0;
    while (is_name_char(name[length])) length++;
    if (length == 0)
        return kin_fail(r->err, KIN_ERR_ARGUMENT, "recipe: expected a transform's name at '%.*s'", SHOWN,
                        name);
    const kin_transform_info *what = find_transform(r->own, name, length);
    const kin_recipe_preset *preset = NULL;
    for (const kin_recipe_preset *p = kin_recipe_presets; !what && !r->preset && p->name; p++)
        if (same_name(p->name, name, length)) preset = p;
    if (!what && !preset) return fail_transform(r->own, name, length, r->err);
    r->at += length;
    if (what ? read_step(r, what) : read_preset(r, preset)) return true;
    if (!r->preset) kin_error_prefix(r->err, "recipe: %s", what ? what->name : preset->name);
    return false;
}

/* Blanks or commas between items. */
static bool read_items(reader *r)
{
    for (;;) {
        while (isspace((unsigned char)r->text[r->at]) || r->text[r->at] == ',') r->at++;
        if (!r->text[r->at]) return true;
        if (!read_item(r)) return false;
    }
}

bool kin_recipe_parse(const char *text, kin_recipe *recipe, kin_error *err)
{
    return kin_recipe_parse_own(text, NULL, recipe, err);
}

bool kin_recipe_parse_own(const char *text, const kin_transform_info *const *own, kin_recipe *recipe,
                          kin_error *err)
{
    kin_error inner = {0};
    *recipe = (kin_recipe){.std = {1, 1, 1}};
    reader r = {.text = text, .recipe = recipe, .err = &inner, .own = own};
    return read_items(&r) || kin_fail(err, inner.code, "%s", inner.message);
}

/* ---- back to text ---- */

static void add_value(kin_text *out, const kin_recipe_param *p, const kin_value *v)
{
    if (v->count == 0) kin_text_add(out, p->words[v->word]);
    for (int i = 0; i < v->count; i++) {
        if (i) kin_text_add_bytes(out, &kinds[p->kind].separator, 1);
        kin_text_add_real(out, v->number[i]);
    }
}

static bool is_default(const kin_recipe_param *p, const kin_value *v)
{
    kin_value usual;
    if (!p->fallback || !kin_param_parse(p, p->fallback, strlen(p->fallback), &usual, NULL)) return false;
    if (usual.count != v->count || usual.word != v->word) return false;
    for (int i = 0; i < v->count; i++)
        if (usual.number[i] != v->number[i]) return false;
    return true;
}

void kin_recipe_print(const kin_recipe *recipe, kin_text *out)
{
    for (int i = 0; i < recipe->count; i++) {
        const kin_recipe_step *step = &recipe->step[i];
        kin_text_format(out, "%s%s", i ? " " : "", step->what->name);
        bool open = false, named = false;
        for (int k = 0; step->what->params[k].name; k++) {
            const kin_recipe_param *p = &step->what->params[k];
            if (is_default(p, &step->value[k])) {
                named = true;
                continue;
            }
            kin_text_add(out, open ? "," : "(");
            if (named) kin_text_format(out, "%s=", p->name);
            add_value(out, p, &step->value[k]);
            open = true;
        }
        if (open) kin_text_add(out, ")");
    }
}

static void list_param(kin_text *out, const kin_recipe_param *p)
{
    char label[64];
    snprintf(label, sizeof label, "%s%s%s", p->name, p->fallback ? "=" : "", p->fallback ? p->fallback : "");
    kin_text_format(out, "    %-20s  %s (", label, p->help);
    if (p->kind == KIN_PARAM_WORD)
        for (int i = 0; p->words[i]; i++) kin_text_format(out, "%s%s", i ? ", " : "", p->words[i]);
    else kin_text_format(out, "%.6g to %.6g", p->low, p->high);
    kin_text_add(out, ")\n");
}

void kin_transform_list(const kin_transform_info *t, kin_text *out)
{
    kin_text_format(out, "\n%s", t->name);
    if (t->torch) kin_text_format(out, "  (torchvision's %s)", t->torch);
    kin_text_format(out, "\n    %s\n", t->help);
    for (int k = 0; t->params[k].name; k++) list_param(out, &t->params[k]);
}

void kin_recipe_list(kin_text *out)
{
    kin_text_add(out, "Transforms, and their parameters in order, name=default.\n");
    for (const kin_transform_info *t = kin_transforms; t->name; t++) kin_transform_list(t, out);
    kin_text_add(out, "\nPresets; a size may follow: imagenet-train(160)\n");
    for (const kin_recipe_preset *p = kin_recipe_presets; p->name; p++) {
        kin_recipe recipe;
        kin_text_format(out, "\n%s\n    %s\n    ", p->name, p->help);
        if (kin_recipe_parse(p->name, &recipe, NULL)) kin_recipe_print(&recipe, out);
        kin_text_add(out, "\n");
    }
}
