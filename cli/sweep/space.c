#include "cli/sweep/space.h"

#include "base/json.h"
#include "base/memory.h"
#include "cli/options/config_options.h"
#include "cli/options/options.h"
#include "cli/options/own.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

extern const kin_command kin_command_train;

/* What follows the network, by the names of kin retrieve, with 0 for what is not done. */
static const kin_option chain_options[] = {
    {.name = "query-every", .kind = KIN_OPTION_INT, .fallback = "0", .low = 0, .high = 1000000},
    {.name = "augment", .kind = KIN_OPTION_INT, .fallback = "0", .low = 0, .high = 1000000},
    {.name = "expand", .kind = KIN_OPTION_INT, .fallback = "0", .low = 0, .high = 1000000},
    {.name = "alpha", .kind = KIN_OPTION_REAL, .fallback = "3", .low = 0, .high = 100},
    {.name = "k1", .kind = KIN_OPTION_INT, .fallback = "0", .low = 0, .high = 100000},
    {.name = "k2", .kind = KIN_OPTION_INT, .fallback = "6", .low = 1, .high = 100000},
    {.name = "lambda", .kind = KIN_OPTION_REAL, .fallback = "0.3", .low = 0, .high = 1},
    {0},
};
static const kin_command chain_command = {.name = "sweep", .options = chain_options};

/* Trials are compared on one chunk of pictures, and their seed is no merit: these are the same for all. */
static const char *const fixed_alone[] = {"steps",         "seed",       "classes",  "labels",
                                          "validate",      "cache",      "channels", "validate-fold",
                                          "validate-list", "max-pixels", "strict",   NULL},
                         *const of_the_sweep[] = {"validate-every", "profile", "watch", NULL},
                         *const held_out[] = {"validate", "validate-fold", "validate-list", NULL};
#define SHARE_HELD_OUT "0.25"

static bool listed(const char *const *list, const char *name)
{
    for (; *list; list++)
        if (strcmp(*list, name) == 0) return true;
    return false;
}

/* ---- one value ---- */

static const char *const kinds[] = {"uniform", "log", "choice"}; /* in kin_sweep_kind's order */

/* "log(...)": the word, and what stands between its brackets. */
static int range_kind(const char *value, const char **inner, size_t *length)
{
    size_t size = strlen(value);
    for (int k = 0; k < 3; k++) {
        size_t word = strlen(kinds[k]);
        if (strncmp(value, kinds[k], word) != 0 || value[word] != '(' || value[size - 1] != ')') continue;
        *inner = value + word + 1, *length = size - word - 2;
        return k;
    }
    return -1;
}

static char *piece(kin_arena *storage, const char *from, size_t length)
{
    while (length && (*from == ' ' || *from == '\t')) from++, length--;
    while (length && (from[length - 1] == ' ' || from[length - 1] == '\t')) length--;
    if (length >= 2 && from[0] == '"' && from[length - 1] == '"') from++, length -= 2;
    char *text = kin_arena_alloc(storage, length + 1);
    if (!text) return NULL;
    memcpy(text, from, length);
    text[length] = '\0';
    return text;
}

/* Cuts at the commas that stand outside of brackets and quotes. */
static bool cut(kin_arena *storage, const char *inner, size_t length, const char ***parts, int *count,
                kin_error *err)
{
    enum { MOST = 1000 };
    const char **list = kin_arena_alloc(storage, MOST * sizeof *list);
    int depth = 0, n = 0;
    size_t from = 0;
    bool quoted = false;
    if (!list) return kin_fail_memory(err, "a choice", MOST * sizeof *list);
    for (size_t i = 0; i <= length; i++) {
        char c = i < length ? inner[i] : ',';
        if (c == '"') quoted = !quoted;
        if (i < length && !quoted) depth += (c == '(') - (c == ')');
        if (depth < 0) return kin_fail(err, KIN_ERR_ARGUMENT, "a ')' is too much in '%.80s'", inner);
        if (i < length && (c != ',' || depth || quoted)) continue;
        if (n == MOST) return kin_fail(err, KIN_ERR_ARGUMENT, "a choice of more than %d", MOST);
        if (!(list[n] = piece(storage, inner + from, i - from)))
            return kin_fail_memory(err, "a choice", i - from);
        if (!*list[n++]) return kin_fail(err, KIN_ERR_ARGUMENT, "nothing stands at place %d of the range", n);
        from = i + 1;
    }
    if (depth || quoted)
        return kin_fail(err, KIN_ERR_ARGUMENT, "'%.80s' lacks a closing %s", inner,
                        quoted ? "quote" : "bracket");
    *parts = list, *count = n;
    return true;
}

static const kin_option *find(const kin_option *table, const char *name)
{
    for (; table->name; table++)
        if (strcmp(table->name, name) == 0) return table;
    return NULL;
}

static bool allowed(const kin_command *table, const char *name, const char *value, kin_error *err)
{
    kin_cli scratch = {.command = table};
    return kin_cli_offer(&scratch, name, value, err);
}

/* What a parameter is called: as its option, but for the chain's augment, which is no transform of kin train's. */
#define AUGMENT "chain augment"
static const char *name_of(const kin_command *table, const char *option)
{
    return table == &chain_command && strcmp(option, "augment") == 0 ? AUGMENT : option;
}

/* *ranged: it is one, and *p is it; else a fixed value. */
static bool read_value(kin_arena *storage, const kin_command *table, const kin_setting *s, kin_sweep_param *p,
                       bool *ranged, kin_error *err)
{
    const kin_option *o = find(table->options, s->name);
    const char *inner = NULL, **parts = NULL;
    size_t length = 0;
    int count = 0, kind = s->quoted || !o ? -1 : range_kind(s->value, &inner, &length);
    *ranged = kind >= 0;
    if (kind < 0) {
        if (allowed(table, s->name, s->value, err)) return true;
        if (err && o && o->kind != KIN_OPTION_STRING && strchr(s->value, '(')) {
            kin_error why = *err;
            kin_error_clear(err);
            kin_fail(err, why.code, "%s (ranges are log(1e-4, 1e-2), uniform(0, .2), choice(a, b))",
                     why.message);
        }
        return false;
    }
    if (!cut(storage, inner, length, &parts, &count, err)) return false;
    *p = (kin_sweep_param){.name = name_of(table, s->name), .kind = (kin_sweep_kind)kind};
    bool number = o->kind == KIN_OPTION_INT || o->kind == KIN_OPTION_REAL;
    if (kind != KIN_SWEEP_CHOICE && (!number || count != 2))
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        number ? "%s: a range has two ends: %s(low, high)"
                               : "%s: is no number, and takes choice(...) instead of %s(...)",
                        s->name, kinds[kind]);
    for (int i = 0; i < count; i++)
        if (!allowed(table, s->name, parts[i], err)) return false;
    if (kind == KIN_SWEEP_CHOICE) {
        p->choices = parts, p->n_choices = count;
    } else {
        p->whole = o->kind == KIN_OPTION_INT;
        if (!kin_parse_real(parts[0], &p->low) || !kin_parse_real(parts[1], &p->high)) return false;
    }
    return kin_sweep_param_check(p, err);
}

static bool check(void *user, const kin_command *table, const kin_setting *s, kin_error *err)
{
    kin_sweep_param p;
    bool ranged;
    if (table == &kin_command_train && listed(of_the_sweep, s->name))
        return kin_fail(err, KIN_ERR_ARGUMENT, "%s is the sweep's own; leave it out", s->name);
    if (!read_value(user, table, s, &p, &ranged, err)) return false;
    if (ranged &&
        (table == &kin_command_train ? listed(fixed_alone, s->name) : strcmp(s->name, "query-every") == 0))
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "%s is the same for all trials, or they could not be compared; give one value",
                        s->name);
    return true;
}

/* ---- the file ---- */

static bool take_setting(kin_space *s, int at, kin_error *err)
{
    const kin_setting *setting = &s->conf.settings[at];
    const kin_command *table = setting->phase < 0 ? &kin_command_train : &chain_command;
    kin_sweep_param p;
    bool ranged;
    if (!read_value(&s->storage, table, setting, &p, &ranged, err)) return false;
    if (!ranged)
        return kin_cli_offer(setting->phase < 0 ? &s->train : &s->chain, setting->name, setting->value, err);
    if (s->n_params == KIN_SWEEP_PARAMS)
        return kin_fail(err, KIN_ERR_ARGUMENT, "%s:%d: more than %d ranges", s->conf.path, setting->line,
                        KIN_SWEEP_PARAMS);
    s->setting[s->n_params] = at;
    s->params[s->n_params++] = p;
    return true;
}

static void add_fixed(kin_text *out, const kin_cli *cli, const char *prefix)
{
    const kin_option *o = cli->command->options;
    for (int i = 0; o[i].name; i++)
        if (cli->values[i] && strcmp(o[i].name, "recipe") != 0)
            kin_text_format(out, "%s%s = %s\n", prefix, o[i].name,
                            o[i].kind == KIN_OPTION_FLAG ? "yes" : cli->values[i]);
}

/* What a recipe of the same text would be given: its defaults are a recipe's. */
static bool be_a_recipe(kin_space *s, kin_error *err)
{
    bool holds = false;
    for (int i = 0; held_out[i]; i++) holds |= kin_option_given(&s->train, held_out[i]);
    return kin_cli_offer(&s->train, "recipe", s->conf.path, err) &&
           (holds || kin_cli_offer(&s->train, "validate", SHARE_HELD_OUT, err));
}

/* ---- a trial's settings ---- */

const char *kin_space_value(const kin_sweep_param *p, double value, char room[32])
{
    if (p->kind == KIN_SWEEP_CHOICE) return p->choices[(int)value];
    snprintf(room, 32, p->whole ? "%.0f" : "%.6g", value);
    return room;
}

/* An option for the loss that this trial's loss does not have is left out. */
static bool idle(const kin_space *s, int param, const kin_cli *train)
{
    kin_loss_sum sum;
    int taken = 0;
    const char *name = s->params[param].name, *loss = kin_option_string(train, "loss");
    if (s->conf.settings[s->setting[param]].phase >= 0) return false;
    if (strcmp(name, "margin") != 0 && strcmp(name, "smoothing") != 0) return false;
    return kin_catalogue_loss(kin_own(), loss, &sum, NULL) && kin_loss_offer(&sum, name, 0, &taken, NULL) &&
           !taken;
}

/* ---- what does nothing ---- */

/* The value of an option in a trial, as text: drawn, or fixed ("NAME = VALUE" a line); NULL: neither. */
static const char *option_of(const kin_sweep_space *s, const double *value, const char *name, char *room,
                             size_t size)
{
    char number[32], line[80];
    for (int i = 0; i < s->n_params; i++)
        if (strcmp(s->params[i].name, name) == 0)
            return snprintf(room, size, "%s", kin_space_value(&s->params[i], value[i], number)), room;
    for (const char *at = s->fixed; *at; at += strcspn(at, "\n"), at += *at == '\n')
        for (int chain = 0; chain < 2; chain++) {
            size_t length = (size_t)snprintf(line, sizeof line, "%s%s = ", chain ? "chain " : "", name);
            if (strncmp(at, line, length) != 0) continue;
            return snprintf(room, size, "%.*s", (int)strcspn(at + length, "\n"), at + length), room;
        }
    return NULL;
}

static bool is_none(const kin_sweep_space *s, const double *value, const char *name)
{
    char room[600];
    double number;
    const char *text = option_of(s, value, name, room, sizeof room);
    return !text || (kin_parse_real(text, &number) && number == 0);
}

bool kin_space_idle(const kin_sweep_space *s, const double *value, int param)
{
    char room[600];
    kin_loss_sum sum;
    int taken = 0;
    const char *name = s->params[param].name;
    if (strcmp(name, "k2") == 0 || strcmp(name, "lambda") == 0) return is_none(s, value, "k1");
    if (strcmp(name, "alpha") == 0) return is_none(s, value, "expand") && is_none(s, value, AUGMENT);
    if (strcmp(name, "margin") != 0 && strcmp(name, "smoothing") != 0) return false;
    const char *loss = option_of(s, value, "loss", room, sizeof room);
    return kin_catalogue_loss(kin_own(), loss ? loss : "triplet-hard", &sum, NULL) &&
           kin_loss_offer(&sum, name, 0, &taken, NULL) && !taken;
}

/* ---- command lines ---- */

/* Room for the texts of a trial's numbers, which the command lines borrow. */
typedef char rooms[KIN_SWEEP_PARAMS][32];

static bool command_lines(const kin_space *s, const double *value, rooms room, kin_cli *train, kin_cli *chain,
                          kin_error *err)
{
    *train = s->train, *chain = s->chain;
    for (int late = 0; late < 2; late++) /* the loss is known before what depends on it */
        for (int i = 0; i < s->n_params; i++) {
            const kin_setting *setting = &s->conf.settings[s->setting[i]];
            bool depends = strcmp(setting->name, "margin") == 0 || strcmp(setting->name, "smoothing") == 0;
            if (depends != (late == 1) || idle(s, i, train)) continue;
            if (!kin_cli_offer(setting->phase < 0 ? train : chain, setting->name,
                               kin_space_value(&s->params[i], value[i], room[i]), err))
                return false;
        }
    return true;
}

static kin_sweep_chain chain_of(const kin_space *s, const kin_cli *cli)
{
    return (kin_sweep_chain){.used = s->has_chain,
                             .query_every = kin_option_int(cli, "query-every"),
                             .augment = kin_option_int(cli, "augment"),
                             .expand = kin_option_int(cli, "expand"),
                             .alpha = kin_option_real(cli, "alpha"),
                             .k1 = kin_option_int(cli, "k1"),
                             .k2 = kin_option_int(cli, "k2"),
                             .lambda = kin_option_real(cli, "lambda")};
}

bool kin_space_configure(void *user, const double *value, kin_config *config, kin_sweep_chain *chain,
                         kin_error *err)
{
    const kin_space *s = user;
    kin_cli train, behind;
    rooms room;
    if (!command_lines(s, value, room, &train, &behind, err) || !kin_train_configure(config, &train, err))
        return false;
    config->open_batch = config->open_batch_classes = true; /* as a recipe's */
    snprintf(config->data, sizeof config->data, "%s", s->data);
    *chain = chain_of(s, &behind);
    return true;
}

/* ---- what can be known before the first trial ---- */

static bool fail_at(const kin_space *s, int line, const kin_error *why, kin_error *err)
{
    return kin_fail(err, why->code, "%s:%d: %s", s->conf.path, line, why->message);
}

/* The last line without which the fixed settings would be fine; 1: it is none of them. */
static int line_to_blame(kin_space *s, const double *value)
{
    const kin_option *o = s->train.command->options;
    for (int i = s->conf.count - 1; i >= 0; i--)
        for (int at = 0; s->conf.settings[i].phase < 0 && o[at].name; at++) {
            const char *was = s->train.values[at];
            kin_sweep_chain chain;
            if (!was || strcmp(o[at].name, s->conf.settings[i].name) != 0) continue;
            s->train.values[at] = NULL;
            bool fine = kin_space_configure(s, value, &s->tried, &chain, NULL);
            s->train.values[at] = was;
            if (fine) return s->conf.settings[i].line;
        }
    return 1;
}

static bool check_chain(const kin_space *s, const kin_sweep_chain *chain, kin_error *err)
{
    bool augments = chain->augment > 0;
    int line = s->conf.phases ? s->conf.phase_line[0] : 1;
    for (int i = 0; i < s->n_params; i++) augments |= strcmp(s->params[i].name, AUGMENT) == 0;
    return !augments || chain->query_every ||
           kin_fail(err, KIN_ERR_ARGUMENT,
                    "%s:%d: augment changes a gallery alone; query-every = 3 keeps every third picture of a "
                    "class as a "
                    "query, or take expand",
                    s->conf.path, line);
}

static bool possible(kin_space *s, const double *value, kin_sweep_chain *chain, kin_error *err)
{
    return kin_space_configure(s, value, &s->tried, chain, err);
}

/* How many values of a parameter are tried: each choice, or both ends. */
static int tries_of(const kin_sweep_param *p) { return p->kind == KIN_SWEEP_CHOICE ? p->n_choices : 2; }

static double try_of(const kin_sweep_param *p, int n)
{
    return p->kind == KIN_SWEEP_CHOICE ? n : n ? p->high : p->low;
}

/* Makes `value` settings that a trial can have, with the parameter `kept` as it is (-1: any): as they are, with one other
 * changed, or as drawn. What is refused only together with another stays: such a trial fails, and is told. */
static bool find_possible(kin_space *s, int kept, double *value, kin_sweep_chain *chain, kin_error *err)
{
    enum { DRAWS = 200 };
    if (possible(s, value, chain, err)) return true;
    for (int i = 0; i < s->n_params; i++) {
        double was = value[i];
        for (int n = 0; i != kept && n < tries_of(&s->params[i]); n++) {
            value[i] = try_of(&s->params[i], n);
            if (possible(s, value, chain, NULL)) return true;
        }
        value[i] = was;
    }
    for (int64_t n = 0; n < DRAWS; n++) {
        for (int i = 0; i < s->n_params; i++)
            if (i != kept) value[i] = kin_sweep_draw(&s->params[i], 1, n);
        if (possible(s, value, chain, NULL)) return true;
    }
    return false;
}

/* Every choice must be one that some trial can have. */
static bool check_choices(kin_space *s, kin_error *err)
{
    double first[KIN_SWEEP_PARAMS], value[KIN_SWEEP_PARAMS];
    kin_sweep_chain chain, other;
    kin_error why = {0};
    for (int i = 0; i < s->n_params; i++) value[i] = first[i] = try_of(&s->params[i], 0);
    if (!find_possible(s, -1, value, &chain, &why)) return fail_at(s, line_to_blame(s, first), &why, err);
    memcpy(first, value, sizeof first);
    for (int i = 0; i < s->n_params; i++)
        for (int c = 0; c < s->params[i].n_choices; c++) {
            kin_error each = {0};
            memcpy(value, first, sizeof value);
            value[i] = c;
            if (!find_possible(s, i, value, &other, &each))
                return fail_at(s, s->conf.settings[s->setting[i]].line, &each, err);
        }
    return check_chain(s, &chain, err);
}

/* The largest number that a trial can have of an option of the chain, and the line that says so. */
static double most_of(const kin_space *s, const char *name, int *line)
{
    double most = (double)kin_option_int(&s->chain, name), value;
    *line = s->conf.phases ? s->conf.phase_line[0] : 1;
    for (int i = 0; i < s->n_params; i++) {
        const kin_sweep_param *p = &s->params[i];
        const kin_setting *setting = &s->conf.settings[s->setting[i]];
        if (setting->phase < 0 || strcmp(setting->name, name) != 0) continue;
        *line = setting->line, most = p->high;
        for (int c = 0; c < p->n_choices; c++)
            if (kin_parse_real(p->choices[c], &value)) most = c ? fmax(most, value) : value;
    }
    return most;
}

/* Pictures that stay in the gallery where every so manieth of a class asks: as the chain parts them. */
static bool in_gallery(const kin_dataset *held, int64_t every, int64_t *count, kin_error *err)
{
    int64_t *of_class = kin_alloc_zero((size_t)held->classes + 1, sizeof *of_class);
    if (!of_class) return kin_fail_memory(err, "the classes", ((size_t)held->classes + 1) * sizeof *of_class);
    *count = held->count;
    for (int64_t i = 0; i < held->count; i++) {
        int64_t label = held->items[i].label;
        if (label >= 0 && label < held->classes) *count -= of_class[label]++ % every == 0;
    }
    kin_free(of_class);
    return true;
}

bool kin_space_fits(const kin_space *s, const kin_dataset *held, kin_error *err)
{
    static const char *const of_pictures[] = {"k1", "expand", "augment"};
    int64_t every = kin_option_int(&s->chain, "query-every"), gallery = held->count;
    int line;
    if (every && !in_gallery(held, every, &gallery, err)) return false;
    for (int i = 0; i < 3; i++) {
        bool apart = every && i > 0;
        int64_t there = apart ? gallery : held->count;
        double most = most_of(s, of_pictures[i], &line);
        if (most >= (double)there + apart)
            return kin_fail(err, KIN_ERR_ARGUMENT,
                            "%s:%d: %s %g needs more pictures than the %lld that are %s", s->conf.path, line,
                            of_pictures[i], most, (long long)there,
                            apart ? "left for the gallery" : "held out");
    }
    return true;
}

bool kin_space_open(kin_space *s, const char *path, const char *data, kin_error *err)
{
    *s = (kin_space){
        .data = data, .train = {.command = &kin_command_train}, .chain = {.command = &chain_command}};
    kin_arena scratch = {0};
    const kin_conf_space how = {&kin_command_train, &chain_command, check, &scratch};
    bool ok = kin_conf_open_space(path, &how, &s->conf, err);
    kin_arena_free(&scratch);
    for (int i = 0; ok && i < s->conf.count; i++) {
        s->has_chain |= s->conf.settings[i].phase >= 0;
        ok = take_setting(s, i, err);
    }
    ok = ok && be_a_recipe(s, err);
    if (ok && !s->n_params)
        ok = kin_fail(
            err, KIN_ERR_ARGUMENT,
            "%s: has no range, and there is nothing to search; write lr = log(1e-4, 1e-2), or give it to kin "
            "train --recipe",
            path);
    ok = ok && check_choices(s, err);
    if (ok) {
        add_fixed(&s->fixed, &s->train, "");
        add_fixed(&s->fixed, &s->chain, "chain ");
        ok = !s->fixed.failed || kin_fail_memory(err, path, s->fixed.size);
    }
    if (!ok) kin_space_free(s);
    return ok;
}

void kin_space_free(kin_space *s)
{
    kin_conf_free(&s->conf);
    kin_text_free(&s->fixed);
    kin_arena_free(&s->storage);
    *s = (kin_space){0};
}

/* ---- a trial as files ---- */

static int param_of(const kin_space *s, int setting)
{
    for (int i = 0; i < s->n_params; i++)
        if (s->setting[i] == setting) return i;
    return -1;
}

static bool add_number(kin_text *out, const char *name, int64_t number, const char *comment, kin_error *err)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)number);
    return kin_conf_add(out, name, text, comment, err);
}

bool kin_space_recipe(kin_space *s, const kin_sweep_plan *plan, const double *value, const char *head,
                      kin_text *out, kin_error *err)
{
    kin_cli train, chain;
    rooms room;
    char from[300];
    if (!command_lines(s, value, room, &train, &chain, err)) return false;
    kin_text_add(out, head);
    for (int i = 0; i < s->conf.count; i++) {
        const kin_setting *setting = &s->conf.settings[i];
        int p = param_of(s, i);
        if (setting->phase >= 0 || strcmp(setting->name, "steps") == 0) continue;
        snprintf(from, sizeof from, "of %.280s", setting->value);
        if (p >= 0 && !kin_option_given(&train, setting->name)) {
            /* a flag's no is what it is without its line, too */
            const kin_option *o = find(kin_command_train.options, setting->name);
            if (o->kind != KIN_OPTION_FLAG) kin_text_format(out, "# %s: the loss has none\n", setting->name);
            else if (!kin_conf_add(out, setting->name, "no", from, err)) return false;
            continue;
        }
        if (!kin_conf_add(out, setting->name,
                          p < 0 ? setting->value : kin_space_value(&s->params[p], value[p], room[p]),
                          p < 0 ? NULL : from, err))
            return false;
    }
    const char *share = kin_option_string(&train, "validate-list");
    bool said = share || kin_option_given(&train, "validate-fold");
    for (int i = 0; i < s->conf.count; i++) said |= strcmp(s->conf.settings[i].name, "validate") == 0;
    if (!said && !kin_conf_add(out, "validate", SHARE_HELD_OUT,
                               "one contiguous chunk of the classes; 0: train on all", err))
        return false;
    return add_number(out, "validate-every", plan->step[0], "where the sweep looked", err) &&
           add_number(out, "steps", plan->step[plan->rungs - 1], "of a trial that is finished", err) &&
           (!out->failed || kin_fail_memory(err, "a recipe", out->size));
}

static bool add_param(kin_text *out, const char *name, double number, bool *some)
{
    kin_text_format(out, "%s\"%s\": ", *some ? ", " : "", name);
    kin_json_add_number(out, number);
    return *some = true;
}

/* As kin tune writes it: the options of kin retrieve that do something. */
bool kin_space_params(kin_space *s, const double *value, const char *about, kin_text *out, kin_error *err)
{
    kin_cli train, behind;
    rooms room;
    if (!command_lines(s, value, room, &train, &behind, err)) return false;
    kin_sweep_chain c = chain_of(s, &behind);
    bool some = true;
    kin_text_format(out, "{\"method\": \"%s\"",
                    c.k1                    ? "k-reciprocal"
                    : c.expand || c.augment ? "expand"
                                            : "none");
    if (c.expand) add_param(out, "expand", (double)c.expand, &some);
    if (c.augment) add_param(out, "augment", (double)c.augment, &some);
    if (c.expand || c.augment) add_param(out, "alpha", c.alpha, &some);
    if (c.k1) {
        add_param(out, "k1", (double)c.k1, &some), add_param(out, "k2", (double)c.k2, &some);
        add_param(out, "lambda", c.lambda, &some);
    }
    kin_text_add(out, ", \"about\": {\"fitted by\": ");
    kin_json_add_string(out, about);
    kin_text_add(out, "}}\n");
    return !out->failed || kin_fail_memory(err, "the chain", out->size);
}
