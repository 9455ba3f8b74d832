/* Sums of losses from text and back. */
#include "base/reader.h"
#include "losses/loss.h"
#include "losses/registry.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SHOWN = 40 };

/* ---- reading ---- */

typedef struct reader {
    kin_reader in;
    const char *text;
    const kin_loss *const *own;
    const kin_miner *const *miners;
    kin_error *err;
} reader;

static bool next_is(reader *r, char sign) { return kin_read_sign(&r->in, sign); }

static bool expected(const reader *r, const char *what)
{
    return kin_fail(r->err, KIN_ERR_ARGUMENT, "loss: %s expected at '%.*s' in '%.120s'", what, SHOWN,
                    *r->in.at ? r->in.at : "the end", r->text);
}

static bool read_word(reader *r, char word[KIN_WORD], const char *what)
{
    return kin_read_word(&r->in, word) || expected(r, what);
}

/* ---- names ---- */

static const kin_loss *find(const kin_loss *const *own, const char *name)
{
    for (int i = 0; own && own[i]; i++)
        if (strcmp(own[i]->name, name) == 0) return own[i];
    return kin_loss_find(name);
}

static bool unknown_loss(const reader *r, const char *name)
{
    kin_nearest n = {0};
    for (int i = 0; r->own && r->own[i]; i++) kin_nearest_try(&n, name, r->own[i]->name);
    for (int i = 0; kin_losses[i]; i++) kin_nearest_try(&n, name, kin_losses[i]->name);
    return n.name ? kin_fail(r->err, KIN_ERR_ARGUMENT, "there is no loss '%.40s' (did you mean %s?)", name,
                             n.name)
                  : kin_fail(r->err, KIN_ERR_ARGUMENT, "there is no loss '%.40s'; kin loss lists them", name);
}

static bool unknown_param(const reader *r, const kin_loss *l, const char *name)
{
    kin_nearest n = {0};
    char all[200] = "";
    for (int i = 0; l->params[i].name; i++) {
        kin_nearest_try(&n, name, l->params[i].name);
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i ? ", " : "", l->params[i].name);
    }
    if (n.name)
        return kin_fail(r->err, KIN_ERR_ARGUMENT, "the loss %s has no option '%.40s' (did you mean %s?)",
                        l->name, name, n.name);
    return kin_fail(r->err, KIN_ERR_ARGUMENT, "the loss %s has no option '%.40s'; it has %s", l->name, name,
                    *all ? all : "none");
}

/* ---- values ---- */

static bool in_range(const kin_loss *l, const kin_loss_param *p, double value, kin_error *err)
{
    bool bounded = p->high >= p->low;
    if (p->whole && value != floor(value))
        return kin_fail(err, KIN_ERR_ARGUMENT, "loss: %s(%s=%g) needs a whole number", l->name, p->name,
                        value);
    if (value >= p->low && (!bounded || value <= p->high)) return true;
    return bounded ? kin_fail(err, KIN_ERR_ARGUMENT, "loss: %s(%s=%g) is outside %g .. %g", l->name, p->name,
                              value, p->low, p->high)
                   : kin_fail(err, KIN_ERR_ARGUMENT, "loss: %s(%s=%g) is below %g", l->name, p->name, value,
                              p->low);
}

/* Whether a miner of one's own is a word of this option. */
static bool mines(const kin_miner *m, const kin_loss_param *p)
{
    return (p->mines == KIN_MINES_PAIRS && m->pairs) || (p->mines == KIN_MINES_TRIPLETS && m->triplets);
}

static const kin_miner *find_miner(const reader *r, const kin_loss_param *p, const char *name)
{
    for (int i = 0; r->miners && r->miners[i]; i++)
        if (mines(r->miners[i], p) && strcmp(r->miners[i]->name, name) == 0) return r->miners[i];
    return NULL;
}

static bool no_such_word(const reader *r, const kin_loss *l, const kin_loss_param *p, const char *word)
{
    char all[200] = "";
    for (int i = 0; p->words[i]; i++)
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i ? ", " : "", p->words[i]);
    for (int i = 0; r->miners && r->miners[i]; i++)
        if (mines(r->miners[i], p))
            snprintf(all + strlen(all), sizeof all - strlen(all), ", %s", r->miners[i]->name);
    return kin_fail(r->err, KIN_ERR_ARGUMENT, "loss: %s(%s=%.40s) is none of %s", l->name, p->name, word,
                    all);
}

/* A word's value is its place, and that of a miner of one's own the place behind the last word. */
static bool read_choice(reader *r, kin_loss_term *t, int option)
{
    const kin_loss_param *p = &t->loss->params[option];
    char word[KIN_WORD];
    int place = 0;
    if (!read_word(r, word, p->name)) return false;
    const kin_miner *own = find_miner(r, p, word);
    while (p->words[place] && (own || strcmp(p->words[place], word) != 0)) place++;
    if (!own && !p->words[place]) return no_such_word(r, t->loss, p, word);
    if (own) t->miner = own;
    t->value[option] = place;
    return true;
}

static bool read_value(reader *r, kin_loss_term *t, int i)
{
    const kin_loss_param *p = &t->loss->params[i];
    if (t->given[i])
        return kin_fail(r->err, KIN_ERR_ARGUMENT, "loss: %s says %s twice", t->loss->name, p->name);
    t->given[i] = true;
    if (p->words) return read_choice(r, t, i);
    if (!kin_read_number(&r->in, &t->value[i])) return expected(r, "a number");
    return in_range(t->loss, p, t->value[i], r->err);
}

/* "name=value", or a value by its place. */
static bool read_option(reader *r, kin_loss_term *t, int place)
{
    char name[KIN_WORD];
    const char *start = r->in.at;
    double number;
    bool by_place = kin_read_number(&r->in, &number);
    r->in.at = start;
    if (!by_place) {
        if (!read_word(r, name, "an option")) return false;
        int i = kin_loss_option(t->loss, name);
        if (next_is(r, '=')) return i < 0 ? unknown_param(r, t->loss, name) : read_value(r, t, i);
        if (place < 0 || !t->loss->params[place].name || !t->loss->params[place].words)
            return i < 0 ? unknown_param(r, t->loss, name) : expected(r, "'=' and a value");
        r->in.at = start;
    }
    if (place < 0 || !t->loss->params[place].name)
        return kin_fail(r->err, KIN_ERR_ARGUMENT,
                        "loss: %s has more values than options, or one without a name "
                        "behind one with a name",
                        t->loss->name);
    return read_value(r, t, place);
}

static bool read_options(reader *r, kin_loss_term *t)
{
    if (next_is(r, ')')) return true;
    for (int place = 0;; place++) {
        const char *start = r->in.at;
        if (!read_option(r, t, place)) return false;
        if (memchr(start, '=', (size_t)(r->in.at - start))) place = -2;
        if (next_is(r, ')')) return true;
        if (!next_is(r, ',')) return expected(r, "',' or ')'");
    }
}

/* ---- terms ---- */

static bool read_branch(reader *r, kin_loss_term *t)
{
    char word[KIN_WORD];
    if (!read_word(r, word, "a branch")) return false;
    snprintf(t->branch, sizeof t->branch, "%.20s", word);
    return true;
}

static bool weigh(const reader *r, kin_loss_term *t, double weight)
{
    t->weight *= weight;
    return (weight >= 0 && isfinite(t->weight)) ||
           kin_fail(r->err, KIN_ERR_ARGUMENT, "loss: the weight %g of %s is no number from 0 on", weight,
                    t->loss->name);
}

static bool read_term(reader *r, kin_loss_term *t)
{
    char word[KIN_WORD];
    double number = 1, behind = 1;
    *t = (kin_loss_term){.weight = 1};
    if (kin_read_number(&r->in, &number) && !next_is(r, '*')) return expected(r, "'*' and a loss");
    if (!read_word(r, word, "a loss")) return false;
    if (!(t->loss = find(r->own, word))) return unknown_loss(r, word);
    for (int i = 0; t->loss->params[i].name; i++) t->value[i] = t->loss->params[i].fallback;
    if (next_is(r, '(') && !read_options(r, t)) return false;
    if (next_is(r, '@') && !read_branch(r, t)) return false;
    if (next_is(r, '*') && !kin_read_number(&r->in, &behind)) return expected(r, "a weight");
    return weigh(r, t, number) && weigh(r, t, behind);
}

/* A term's name among the parameters: the loss's, with its number where there are several. */
static void name_term(kin_loss_sum *l, kin_loss_term *t)
{
    int same = 1;
    for (int i = 0; i < l->count; i++) same += l->term[i].loss == t->loss;
    if (same > 1) snprintf(t->name, sizeof t->name, "%.32s-%d", t->loss->name, same);
    else snprintf(t->name, sizeof t->name, "%.40s", t->loss->name);
}

bool kin_loss_parse(const char *text, const kin_loss *const *own, const kin_miner *const *miners,
                    kin_loss_sum *out, kin_error *err)
{
    reader r = {{text}, text, own, miners, err};
    *out = (kin_loss_sum){0};
    do {
        kin_loss_term *t = &out->term[out->count];
        if (out->count == KIN_LOSS_TERMS)
            return kin_fail(err, KIN_ERR_ARGUMENT, "loss: more than %d terms in '%.120s'", KIN_LOSS_TERMS,
                            text);
        if (!read_term(&r, t)) return false;
        name_term(out, t);
        if (t->loss->own_names && strcmp(t->name, t->loss->name) != 0)
            return kin_fail(err, KIN_ERR_ARGUMENT, "loss: %s can stand in a sum once only", t->loss->name);
        out->count++;
    } while (next_is(&r, '+'));
    return kin_read_end(&r.in) || expected(&r, "'+' or the end");
}

/* ---- the other way ---- */

static void print_value(const kin_loss_param *p, double value, const kin_miner *own, kin_text *out)
{
    if (p->words) kin_text_add(out, p->mines && own ? own->name : p->words[(int)value]);
    else kin_text_add_real(out, value);
}

static void print_term(const kin_loss_term *t, kin_text *out)
{
    int shown = 0;
    kin_text_add(out, t->loss->name);
    for (int i = 0; t->loss->params[i].name; i++) {
        if (t->value[i] == t->loss->params[i].fallback) continue;
        kin_text_format(out, "%s%s=", shown++ ? "," : "(", t->loss->params[i].name);
        print_value(&t->loss->params[i], t->value[i], t->miner, out);
    }
    if (shown) kin_text_add(out, ")");
    if (*t->branch) kin_text_format(out, "@%s", t->branch);
    if (t->weight == 1) return;
    kin_text_add(out, " * ");
    kin_text_add_real(out, t->weight);
}

void kin_loss_print(const kin_loss_sum *l, kin_text *out)
{
    for (int i = 0; i < l->count; i++) {
        if (i) kin_text_add(out, " + ");
        print_term(&l->term[i], out);
    }
}

static void list_param(const kin_loss_param *p, const kin_miner *const *miners, kin_text *out)
{
    kin_text_format(out, "    %s=", p->name);
    print_value(p, p->fallback, NULL, out);
    if (p->words) {
        for (int i = 0; p->words[i]; i++) kin_text_format(out, "%s%s", i ? "|" : "  (", p->words[i]);
        for (int i = 0; miners && miners[i]; i++)
            if (mines(miners[i], p)) kin_text_format(out, "|%s", miners[i]->name);
    } else {
        kin_text_add(out, p->high >= p->low ? "  (" : "  (from ");
        kin_text_add_real(out, p->low);
        if (p->high >= p->low) kin_text_add(out, " .. "), kin_text_add_real(out, p->high);
    }
    kin_text_format(out, ")  %s\n", p->help);
}

static void list_name(const char *name, const char *about, const char *paper, kin_text *out)
{
    kin_text_format(out, "%s: %s%s%s%s\n", name, about, paper ? " [" : "", paper ? paper : "",
                    paper ? "]" : "");
}

static void list_loss(const kin_loss *l, const kin_miner *const *miners, kin_text *out)
{
    list_name(l->name, l->about, l->paper, out);
    for (int i = 0; l->params[i].name; i++) list_param(&l->params[i], miners, out);
}

/* An own loss is found before kin's of the same name. */
static bool is_hidden(const kin_loss *const *own, const char *name)
{
    for (int i = 0; own && own[i]; i++)
        if (strcmp(own[i]->name, name) == 0) return true;
    return false;
}

void kin_loss_list(const kin_loss *const *own, const kin_miner *const *miners, kin_text *out)
{
    for (int i = 0; own && own[i]; i++) list_loss(own[i], miners, out);
    for (int i = 0; kin_losses[i]; i++)
        if (!is_hidden(own, kin_losses[i]->name)) list_loss(kin_losses[i], miners, out);
    if (miners && *miners) kin_text_add(out, "\nMiners:\n");
    for (int i = 0; miners && miners[i]; i++)
        list_name(miners[i]->name, miners[i]->about, miners[i]->paper, out);
}

/* ---- options of a sum ---- */

bool kin_loss_offer(kin_loss_sum *l, const char *option, double value, int *terms, kin_error *err)
{
    *terms = 0;
    for (int k = 0; k < l->count; k++) {
        kin_loss_term *t = &l->term[k];
        int i = kin_loss_option(t->loss, option);
        if (i < 0) continue;
        ++*terms;
        if (t->given[i]) continue;
        if (!in_range(t->loss, &t->loss->params[i], value, err)) return false;
        t->value[i] = value;
    }
    return true;
}
