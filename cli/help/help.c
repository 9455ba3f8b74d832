#include "cli/help/help.h"

#include "base/version.h"
#include "cli/options/options.h"

#include <string.h>

enum { WIDTH = 80, GAP = 2, WIDEST_LABEL = 24 };

/* Adds prose wrapped to WIDTH, every line after the first indented; `column` is where the first one stands.
 * A newline in the prose is kept. */
static void wrap(kin_text *out, const char *prose, int indent, int column)
{
    bool fresh = true; /* nothing on this line yet beyond its indent */
    for (const char *p = prose; *p;) {
        if (*p == '\n') {
            kin_text_add(out, "\n");
            if (p[1] != '\n') kin_text_format(out, "%*s", indent, "");
            column = indent, fresh = true, p++;
            continue;
        }
        if (*p == ' ') {
            p++;
            continue;
        }
        int word = (int)strcspn(p, " \n");
        if (!fresh && column + 1 + word > WIDTH) {
            kin_text_format(out, "\n%*s", indent, "");
            column = indent, fresh = true;
        }
        if (!fresh) kin_text_add(out, " "), column++;
        kin_text_add_bytes(out, p, (size_t)word);
        column += word, fresh = false, p += word;
    }
    kin_text_add(out, "\n");
}

/* "  label    explanation", the explanations in one column. */
static void entry(kin_text *out, const char *label, const char *explanation, int column)
{
    int length = (int)strlen(label) + GAP;
    kin_text_format(out, "%*s%s", GAP, "", label);
    if (length + GAP > column) kin_text_format(out, "\n%*s", column, "");
    else kin_text_format(out, "%*s", column - length, "");
    wrap(out, explanation, column, column);
}

/* "--top K", allocated in `label`. */
static void option_label(kin_text *label, const kin_option *o)
{
    kin_text_format(label, "--%s", o->name);
    if (o->kind != KIN_OPTION_FLAG) kin_text_format(label, " %s", o->value ? o->value : "VALUE");
}

static int widest_option(const kin_option *table, int widest)
{
    for (const kin_option *o = table; o && o->name; o++) {
        size_t length = strlen(o->name) + 2;
        if (o->kind != KIN_OPTION_FLAG) length += 1 + strlen(o->value ? o->value : "VALUE");
        if (!o->hidden && (int)length > widest && length <= WIDEST_LABEL) widest = (int)length;
    }
    return widest;
}

void kin_help_option(kin_text *out, const kin_option *o)
{
    size_t length = strlen(o->help);
    kin_text_add(out, o->help);
    if (o->kind == KIN_OPTION_CHOICE && length && o->help[length - 1] != '.') kin_text_add(out, ".");
    for (int i = 0; o->kind == KIN_OPTION_CHOICE && kin_option_choice_at(o, i); i++)
        kin_text_format(out, "%s%s", i ? ", " : " One of ", kin_option_choice_at(o, i));
    if (o->kind == KIN_OPTION_CHOICE) kin_text_add(out, ".");
    bool limited = (o->kind == KIN_OPTION_INT || o->kind == KIN_OPTION_REAL) && (o->low != 0 || o->high != 0);
    const char *shown = o->fallback_shown ? o->fallback_shown : o->fallback;
    if (!limited && !shown && !o->required) return;
    kin_text_add(out, " (");
    if (limited && o->high >= o->low) kin_text_format(out, "%.15g to %.15g", o->low, o->high);
    else if (limited) kin_text_format(out, "at least %.15g", o->low);
    if (shown) kin_text_format(out, "%sdefault: %s", limited ? "; " : "", shown);
    else if (o->required) kin_text_format(out, "%srequired", limited ? "; " : "");
    kin_text_add(out, ")");
}

static void options(kin_text *out, const char *title, const kin_option *table, int column)
{
    bool any = false;
    for (const kin_option *o = table; o && o->name; o++) {
        if (o->hidden) continue;
        kin_text label = {0}, explanation = {0};
        if (!any) kin_text_format(out, "\n%s\n", title);
        any = true;
        option_label(&label, o);
        kin_help_option(&explanation, o);
        if (label.failed || explanation.failed) out->failed = true;
        else entry(out, label.data, explanation.data, column);
        kin_text_free(&label);
        kin_text_free(&explanation);
    }
}

/* Each line of `lines` after `before`. */
static void indented(kin_text *out, const char *lines, const char *first, const char *others)
{
    for (const char *p = lines; *p;) {
        size_t length = strcspn(p, "\n");
        kin_text_add(out, p == lines ? first : others);
        kin_text_add_bytes(out, p, length);
        kin_text_add(out, "\n");
        p += length + (p[length] == '\n');
    }
}

void kin_help_command(kin_text *out, const kin_command *c)
{
    kin_text_format(out, "kin %s: %s\n\n", c->name, c->summary);
    indented(out, c->usage, "Usage: ", "       ");
    if (c->about) {
        kin_text_add(out, "\n");
        wrap(out, c->about, 0, 0);
    }
    int column = widest_option(kin_global_options, widest_option(c->options, 0)) + 2 * GAP;
    if (c->arguments[0].name) kin_text_add(out, "\nArguments\n");
    for (int i = 0; i < KIN_CLI_ARGUMENTS && c->arguments[i].name; i++)
        entry(out, c->arguments[i].name, c->arguments[i].help, column);
    options(out, "Options", c->options, column);
    options(out, "Options of every command", kin_global_options, column);
    if (c->examples) {
        kin_text_add(out, "\nExamples\n");
        indented(out, c->examples, "  ", "  ");
    }
}

void kin_help_overview(kin_text *out, const kin_command *const *all)
{
    kin_text_add(out,
                 "kin " KIN_VERSION ": finds pictures of the same thing, with networks it trains itself\n\n"
                 "Usage: kin COMMAND [ARGUMENTS] [--OPTION VALUE]...\n\nCommands\n");
    int column = 0;
    for (int i = 0; all[i]; i++) {
        int length = (int)strlen(all[i]->name) + 2 * GAP;
        if (length > column) column = length;
    }
    for (int i = 0; all[i]; i++) entry(out, all[i]->name, all[i]->summary, column);
    kin_text_add(out, "\n`kin COMMAND --help` explains one, with its options and examples.\n"
                      "`kin --version` tells the version.\n");
}

int kin_help_print(kin_text *text)
{
    bool good = !text->failed && text->data;
    if (good) fputs(text->data, stdout);
    else fputs("kin: out of memory\n", stderr);
    kin_text_free(text);
    return good ? 0 : 1;
}

const kin_command *kin_find_command(const kin_command *const *all, const char *name, kin_error *err)
{
    kin_nearest nearest = {0};
    for (int i = 0; all[i]; i++) {
        if (strcmp(all[i]->name, name) == 0) return all[i];
        kin_nearest_try(&nearest, name, all[i]->name);
    }
    if (nearest.name)
        kin_fail(err, KIN_ERR_ARGUMENT, "unknown command '%s' (did you mean '%s'?)", name, nearest.name);
    else kin_fail(err, KIN_ERR_ARGUMENT, "unknown command '%s'; kin --help lists them", name);
    return NULL;
}
