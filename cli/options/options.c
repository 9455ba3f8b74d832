#include "cli/options/options.h"

#include "base/parallel.h"
#include "base/text.h"
#include "cli/options/own.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const kin_option kin_global_options[] = {
    {.name = "threads",
     .kind = KIN_OPTION_INT,
     .value = "N",
     .low = 1,
     .high = KIN_MAX_THREADS,
     .fallback_shown = "all cores",
     .help = "Threads to compute with; results are the same bits for any number."},
    {.name = "force", .help = "Write also over what is read, and over what was finished before."},
    {.name = "quiet", .help = "No progress and no remarks; only results and errors."},
    {.name = "help", .help = "Show this help and stop."},
    {0},
};

/* ---- Finding an option in the two tables ---- */

typedef struct found {
    const kin_option *option;
    const char **value;
} found;

static found find_in(const kin_option *table, const char **values, const char *name, size_t length)
{
    for (int i = 0; table && table[i].name && i < KIN_CLI_OPTIONS; i++) {
        if (strlen(table[i].name) == length && memcmp(table[i].name, name, length) == 0)
            return (found){&table[i], &values[i]};
    }
    return (found){NULL, NULL};
}

static found find(kin_cli *cli, const char *name, size_t length)
{
    found f = find_in(cli->command->options, cli->values, name, length);
    return f.option ? f : find_in(kin_global_options, cli->global_values, name, length);
}

static bool fail_unknown(const kin_cli *cli, const char *name, kin_error *err)
{
    kin_nearest nearest = {0};
    for (const kin_option *o = cli->command->options; o && o->name; o++) {
        if (!o->hidden) kin_nearest_try(&nearest, name, o->name);
    }
    for (const kin_option *o = kin_global_options; o->name; o++) {
        if (strcmp(o->name, name) == 0) /* in a file, which is offered a command's own options alone */
            return kin_fail(err, KIN_ERR_ARGUMENT, "--%s belongs to the command line", name);
        kin_nearest_try(&nearest, name, o->name);
    }
    if (nearest.name)
        return kin_fail(err, KIN_ERR_ARGUMENT, "unknown option --%s (did you mean --%s?)", name,
                        nearest.name);
    return kin_fail(err, KIN_ERR_ARGUMENT, "unknown option --%s", name);
}

/* ---- Checking one value ---- */

static bool bounded(const kin_option *o) { return o->low != 0 || o->high != 0; }

static bool bounded_above(const kin_option *o) { return o->high >= o->low; }

static bool check_number(const kin_option *o, const char *text, kin_error *err)
{
    int64_t whole;
    double value;
    const char *kind = o->kind == KIN_OPTION_INT ? "a whole number" : "a number";
    bool good = o->kind == KIN_OPTION_INT ? kin_parse_int(text, INT64_MIN, INT64_MAX, &whole)
                                          : kin_parse_real(text, &value);
    if (good && o->kind == KIN_OPTION_INT) value = (double)whole;
    if (good && (!bounded(o) || (value >= o->low && (value <= o->high || !bounded_above(o))))) return true;
    if (!bounded(o)) return kin_fail(err, KIN_ERR_ARGUMENT, "--%s needs %s, not '%s'", o->name, kind, text);
    if (!bounded_above(o))
        return kin_fail(err, KIN_ERR_ARGUMENT, "--%s needs %s of at least %.15g, not '%s'", o->name, kind,
                        o->low, text);
    return kin_fail(err, KIN_ERR_ARGUMENT, "--%s needs %s from %.15g to %.15g, not '%s'", o->name, kind,
                    o->low, o->high, text);
}

const char *kin_option_choice_at(const kin_option *o, int i)
{
    if (o->choices != kin_model_names) return o->choices[i];
    const kin_model *m = kin_catalogue_each_model(kin_own(), i);
    return m ? m->name : NULL;
}

static bool check_choice(const kin_option *o, const char *text, kin_error *err)
{
    kin_text list = {0};
    kin_nearest nearest = {0};
    const char *each;
    for (int i = 0; (each = kin_option_choice_at(o, i)); i++) {
        if (strcmp(each, text) == 0) {
            kin_text_free(&list);
            return true;
        }
        kin_nearest_try(&nearest, text, each);
        kin_text_format(&list, "%s%s", i ? ", " : "", each);
    }
    kin_fail(err, KIN_ERR_ARGUMENT, "--%s is one of %s, not '%s'%s%s%s", o->name,
             list.data && !list.failed ? list.data : "a list", text, nearest.name ? " (did you mean " : "",
             nearest.name ? nearest.name : "", nearest.name ? "?)" : "");
    kin_text_free(&list);
    return false;
}

static bool check_value(const kin_option *o, const char *text, kin_error *err)
{
    switch (o->kind) {
    case KIN_OPTION_INT:
    case KIN_OPTION_REAL: return check_number(o, text, err);
    case KIN_OPTION_CHOICE: return check_choice(o, text, err);
    case KIN_OPTION_STRING:
        return *text ? true
                     : kin_fail(err, KIN_ERR_ARGUMENT, "--%s needs a value, not an empty one", o->name);
    case KIN_OPTION_FLAG: break;
    }
    return true;
}

/* ---- Reading argv ---- */

/* Reads the option at argv[*at] and its value, and moves *at past what was used. */
static bool read_option(kin_cli *cli, int argc, char **argv, int *at, kin_error *err)
{
    const char *typed = argv[*at];
    const char *name = typed + 2, *equals = strchr(name, '=');
    size_t length = equals ? (size_t)(equals - name) : strlen(name);
    found f = find(cli, name, length);
    if (!f.option) {
        char shown[64];
        snprintf(shown, sizeof shown, "%.*s", (int)(length < 63 ? length : 63), name);
        return fail_unknown(cli, shown, err);
    }
    ++*at;
    if (f.option->kind == KIN_OPTION_FLAG) {
        if (equals) return kin_fail(err, KIN_ERR_ARGUMENT, "--%s takes no value", f.option->name);
        *f.value = "";
        return true;
    }
    /* "--out --top 5" is a forgotten value far more often than a file called --top. */
    if (!equals && (*at == argc || strncmp(argv[*at], "--", 2) == 0)) {
        return kin_fail(err, KIN_ERR_ARGUMENT, "--%s needs a value (--%s %s)", f.option->name, f.option->name,
                        f.option->value ? f.option->value : "VALUE");
    }
    const char *value = equals ? equals + 1 : argv[(*at)++];
    *f.value = value;
    return check_value(f.option, value, err);
}

static bool fail_single_dash(const kin_cli *cli, const char *typed, kin_error *err)
{
    const char *name = typed + 1;
    if (strchr(name, '=') ||
        !find_in(cli->command->options, (const char **)cli->values, name, strlen(name)).option)
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "unknown option %s (options begin with two dashes; a file of that name: ./%s)", typed,
                        typed);
    return kin_fail(err, KIN_ERR_ARGUMENT, "unknown option %s (did you mean -%s?)", typed, typed);
}

static bool check_complete(const kin_cli *cli, kin_error *err)
{
    const kin_command *c = cli->command;
    for (int i = 0; c->options && c->options[i].name; i++) {
        const kin_option *o = &c->options[i];
        if (o->required && !cli->values[i])
            return kin_fail(err, KIN_ERR_ARGUMENT, "--%s %s is missing", o->name,
                            o->value ? o->value : "VALUE");
    }
    if (cli->positionals < c->arguments_min) {
        const char *name = cli->positionals < KIN_CLI_ARGUMENTS ? c->arguments[cli->positionals].name : NULL;
        return kin_fail(err, KIN_ERR_ARGUMENT, "%s is missing", name ? name : "an argument");
    }
    if (cli->positionals > c->arguments_max)
        return kin_fail(err, KIN_ERR_ARGUMENT, "unexpected argument '%s'", cli->positional[c->arguments_max]);
    return true;
}

bool kin_cli_parse(kin_cli *cli, const kin_command *command, int argc, char **argv, kin_error *err)
{
    *cli = (kin_cli){.command = command, .positional = argv};
    bool ended = false;
    for (int at = 0; at < argc;) {
        char *word = argv[at];
        if (ended || word[0] != '-' || word[1] == '\0') {
            cli->positional[cli->positionals++] = word;
            at++;
        } else if (strcmp(word, "--") == 0) {
            ended = true;
            at++;
        } else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
            cli->help = true;
            return true;
        } else if (word[1] != '-') {
            return fail_single_dash(cli, word, err);
        } else if (!read_option(cli, argc, argv, &at, err)) {
            return false;
        }
    }
    cli->quiet = kin_option_flag(cli, "quiet");
    return check_complete(cli, err);
}

/* ---- Asking for values ---- */

static _Noreturn void bug(const kin_cli *cli, const char *name)
{
    fprintf(stderr, "kin %s: a bug: option '%s' is not in the table, or of another kind\n",
            cli->command->name, name);
    abort();
}

static found must_find(const kin_cli *cli, const char *name)
{
    found f = find((kin_cli *)cli, name, strlen(name));
    if (!f.option) bug(cli, name);
    return f;
}

static const char *text_of(const kin_cli *cli, const char *name, kin_option_kind kind,
                           const kin_option **option)
{
    found f = must_find(cli, name);
    if (f.option->kind != kind) bug(cli, name);
    if (option) *option = f.option;
    return *f.value ? *f.value : f.option->fallback;
}

const char *kin_option_string(const kin_cli *cli, const char *name)
{
    return text_of(
        cli, name,
        must_find(cli, name).option->kind == KIN_OPTION_CHOICE ? KIN_OPTION_CHOICE : KIN_OPTION_STRING, NULL);
}

int64_t kin_option_int(const kin_cli *cli, const char *name)
{
    const char *text = text_of(cli, name, KIN_OPTION_INT, NULL);
    int64_t value = 0;
    if (text && !kin_parse_int(text, INT64_MIN, INT64_MAX, &value)) bug(cli, name);
    return value;
}

double kin_option_real(const kin_cli *cli, const char *name)
{
    const char *text = text_of(cli, name, KIN_OPTION_REAL, NULL);
    double value = 0;
    if (text && !kin_parse_real(text, &value)) bug(cli, name);
    return value;
}

bool kin_option_flag(const kin_cli *cli, const char *name)
{
    return text_of(cli, name, KIN_OPTION_FLAG, NULL) != NULL;
}

bool kin_option_given(const kin_cli *cli, const char *name) { return *must_find(cli, name).value != NULL; }

int kin_option_choice(const kin_cli *cli, const char *name)
{
    const kin_option *option;
    const char *text = text_of(cli, name, KIN_OPTION_CHOICE, &option);
    const char *each;
    for (int i = 0; text && (each = kin_option_choice_at(option, i)); i++)
        if (strcmp(each, text) == 0) return i;
    if (text) bug(cli, name);
    return -1;
}

/* What is not typed is a word here. */
static bool offer_flag(found *f, const char *value, kin_error *err)
{
    bool yes = strcmp(value, "yes") == 0;
    if (!yes && strcmp(value, "no") != 0)
        return kin_fail(err, KIN_ERR_ARGUMENT, "--%s is yes or no, not '%s'", f->option->name, value);
    if (yes) *f->value = "";
    return true;
}

bool kin_cli_offer(kin_cli *cli, const char *name, const char *value, kin_error *err)
{
    found f = find_in(cli->command->options, cli->values, name, strlen(name));
    if (!f.option) return fail_unknown(cli, name, err);
    if (f.option->kind == KIN_OPTION_FLAG) return offer_flag(&f, value, err);
    if (*f.value) return true;
    if (!check_value(f.option, value, err)) return false;
    *f.value = value;
    return true;
}

/* ---- Saying what went wrong ---- */

/* A line on standard error: whatever names and messages from outside hold, a terminal sees no commands. */
static void say_line(const char *command, const char *message, const char *behind)
{
    kin_meter_break();
    fprintf(stderr, "kin %s: ", command);
    kin_say(stderr, message);
    fprintf(stderr, "%s\n", behind);
}

int kin_cli_fail(const kin_cli *cli, const kin_error *err)
{
    say_line(cli->command->name, err->message, "");
    return err->code == KIN_ERR_ARGUMENT ? 2 : err->code == KIN_ERR_INTERRUPTED ? kin_interrupt_status() : 1;
}

enum { LINE = 4096 };

int kin_cli_usage(const kin_cli *cli, const char *format, ...)
{
    char line[LINE], behind[80];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    snprintf(behind, sizeof behind, "; see kin %s --help", cli->command->name);
    say_line(cli->command->name, line, behind);
    return 2;
}

void kin_cli_note(const kin_cli *cli, const char *format, ...)
{
    char line[LINE];
    if (cli->quiet) return;
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    say_line(cli->command->name, line, "");
}
