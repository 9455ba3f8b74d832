#include "cli/options/conf.h"

#include "base/file.h"
#include "base/memory.h"
#include "cli/options/options.h"

#include <stdio.h>
#include <string.h>

enum { MOST_BYTES = 1 << 20 };

/* What says where a run is, and what it is measured with, is not a property of a recipe. */
static const char *const typed_alone[] = {"out", "resume", "data", "recipe", "profile-csv", NULL};
/* Three ways to say one thing: whichever is typed takes the place of all. */
static const char *const held_out[] = {"validate", "validate-fold", "validate-list", NULL};

static bool listed(const char *const *list, const char *name)
{
    for (; *list; list++)
        if (strcmp(*list, name) == 0) return true;
    return false;
}

/* ---- reading ---- */

typedef struct reader {
    kin_conf *conf;
    const kin_command *command;
    const kin_conf_space *space; /* NULL: a recipe */
    kin_error *err;
    int line;
} reader;

static bool fail_at(reader *r, const char *format, ...) KIN_PRINTF(2, 3);
static bool fail_at(reader *r, const char *format, ...)
{
    char why[800];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    return kin_fail(r->err, KIN_ERR_ARGUMENT, "%s:%d: %s", r->conf->path, r->line, why);
}

static bool blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

static char *trimmed(char *text)
{
    size_t length;
    while (blank(*text)) text++;
    for (length = strlen(text); length && blank(text[length - 1]);) length--;
    text[length] = '\0';
    return text;
}

static void cut_comment(char *text)
{
    for (char *at = text; *at; at++)
        if (*at == '#' && (at == text || blank(at[-1]))) {
            *at = '\0';
            return;
        }
}

static bool name_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* A space has one section, of what follows the network. */
static bool read_chain(reader *r, const char *line)
{
    kin_conf *c = r->conf;
    if (strncmp(line, "[phase", 6) == 0)
        return fail_at(
            r, "a space has no phases; each is a sweep of its own, with the network of the one before as its "
               "weights");
    if (strcmp(line, "[chain]") != 0)
        return fail_at(r, "'%.60s' is no section of a space; expected [chain]", line);
    if (c->phases) return fail_at(r, "there is a section [chain] already, at line %d", c->phase_line[0]);
    c->phase_line[0] = r->line, c->phase[0] = "chain", c->phases = 1;
    return true;
}

/* "[phase NAME]"; the name is a folder's, too. */
static bool read_phase(reader *r, char *line)
{
    kin_conf *c = r->conf;
    cut_comment(line);
    line = trimmed(line);
    if (r->space) return read_chain(r, line);
    size_t length = strlen(line);
    if (line[length - 1] != ']' || strncmp(line, "[phase", 6) != 0 || !blank(line[6]))
        return fail_at(r, "'%.60s' is no beginning of a phase; expected [phase NAME]", line);
    line[length - 1] = '\0';
    char *name = trimmed(line + 7);
    bool good = *name && strlen(name) < KIN_PHASE_NAME;
    for (char *at = name; good && *at; at++) good = name_character(*at);
    if (!good)
        return fail_at(r, "a phase's name is of up to %d letters, digits, - and _, not '%.60s'",
                       KIN_PHASE_NAME - 1, name);
    for (int i = 0; i < c->phases; i++)
        if (strcmp(c->phase[i], name) == 0)
            return fail_at(r, "there is a phase %s already, at line %d", name, c->phase_line[i]);
    if (c->phases == KIN_PHASES) return fail_at(r, "more than %d phases", KIN_PHASES);
    c->phase_line[c->phases] = r->line;
    c->phase[c->phases++] = name;
    return true;
}

static bool check(const reader *r, const kin_setting *setting, kin_error *why)
{
    kin_cli scratch = {.command = r->command};
    const kin_conf_space *space = r->space;
    if (!space) return kin_cli_offer(&scratch, setting->name, setting->value, why);
    return space->check(space->user, setting->phase < 0 ? space->command : space->chain, setting, why);
}

static bool add_setting(reader *r, const char *name, const char *value, bool quoted)
{
    kin_conf *c = r->conf;
    kin_error why = {0};
    kin_setting setting = {name, value, r->line, c->phases - 1, quoted};
    if (!check(r, &setting, &why)) return fail_at(r, "%s", why.message);
    for (int i = 0; i < c->count; i++)
        if (c->settings[i].phase == c->phases - 1 && strcmp(c->settings[i].name, name) == 0)
            return fail_at(r, "%s was said already, at line %d", name, c->settings[i].line);
    if (!kin_grow((void **)&c->settings, (size_t)c->count, &c->capacity, sizeof *c->settings))
        return kin_fail_memory(r->err, c->path, (size_t)c->count * sizeof *c->settings);
    c->settings[c->count++] = setting;
    return true;
}

/* Between quotes everything counts; else the value ends at a comment. */
static bool read_value(reader *r, char **value, bool *quoted)
{
    char *text = trimmed(*value);
    *quoted = *text == '"';
    if (!*quoted) {
        cut_comment(text);
        *value = trimmed(text);
        return true;
    }
    char *end = strchr(text + 1, '"');
    if (!end) return fail_at(r, "the closing quote is missing");
    *end = '\0';
    *value = text + 1;
    cut_comment(end + 1);
    return !*trimmed(end + 1) || fail_at(r, "'%.60s' stands behind the quoted value", trimmed(end + 1));
}

static bool read_setting(reader *r, char *line)
{
    char *equals = strchr(line, '=');
    if (!equals) return fail_at(r, "'%.60s' is no setting; expected OPTION = VALUE", line);
    *equals = '\0';
    char *value = equals + 1, *name = trimmed(line);
    bool quoted;
    if (*name == '-') return fail_at(r, "options stand here without their dashes, not as '%.60s'", name);
    if (!read_value(r, &value, &quoted)) return false;
    if (listed(typed_alone, name))
        return fail_at(r, "%s belongs to the command line: a recipe is for any data and any run", name);
    if (!*name || !*value) return fail_at(r, "'%.60s' has no value; expected OPTION = VALUE", name);
    return add_setting(r, name, value, quoted);
}

static bool parse(const char *path, const char *text, const kin_command *command, const kin_conf_space *space,
                  kin_conf *out, kin_error *err)
{
    *out = (kin_conf){0};
    reader r = {.conf = out, .command = command, .space = space, .err = err};
    out->path = kin_arena_strdup(&out->storage, path);
    out->text = kin_arena_strdup(&out->storage, text);
    char *line = kin_arena_strdup(&out->storage, strncmp(text, "\xef\xbb\xbf", 3) == 0 ? text + 3 : text);
    bool ok = (out->path && out->text && line) || kin_fail_memory(err, path, strlen(text));
    for (char *next; ok && line; line = next) {
        r.line++;
        next = strchr(line, '\n');
        if (next) *next++ = '\0';
        line = trimmed(line);
        if (*line && *line != '#') ok = *line == '[' ? read_phase(&r, line) : read_setting(&r, line);
    }
    if (!ok) kin_conf_free(out);
    return ok;
}

bool kin_conf_parse(const char *path, const char *text, const kin_command *command, kin_conf *out,
                    kin_error *err)
{
    return parse(path, text, command, NULL, out, err);
}

void kin_conf_free(kin_conf *c)
{
    kin_free(c->settings);
    kin_arena_free(&c->storage);
    *c = (kin_conf){0};
}

static const kin_builtin *builtin(const char *name, kin_nearest *nearest, kin_text *all)
{
    for (const kin_builtin *b = kin_builtins; b->name; b++) {
        if (strcmp(b->name, name) == 0) return b;
        kin_nearest_try(nearest, name, b->name);
        kin_text_format(all, "%s%s", all->size ? ", " : "", b->name);
    }
    return NULL;
}

static bool open_file(const char *path, const kin_command *command, const kin_conf_space *space,
                      kin_conf *out, kin_error *err)
{
    kin_bytes bytes;
    if (!kin_read_file(path, MOST_BYTES, &bytes, err)) return false;
    bool ok = strlen((const char *)bytes.data) == bytes.size ||
              kin_fail(err, KIN_ERR_DATA, "%s: is no text, but has bytes of zero", path);
    ok = ok && parse(path, (const char *)bytes.data, command, space, out, err);
    kin_bytes_free(&bytes);
    return ok;
}

bool kin_conf_open(const char *name, const kin_command *command, kin_conf *out, kin_error *err)
{
    kin_nearest nearest = {0};
    kin_text all = {0};
    char path[160];
    *out = (kin_conf){0};
    const kin_builtin *found = builtin(name, &nearest, &all);
    bool ok;
    if (found) {
        snprintf(path, sizeof path, "recipes/%.100s.conf", name);
        ok = kin_conf_parse(path, found->text, command, out, err);
    } else if (strchr(name, '/') || strchr(name, '.') || kin_exists(name)) {
        ok = open_file(name, command, NULL, out, err);
    } else {
        ok = kin_fail(err, KIN_ERR_ARGUMENT, "there is no recipe '%.100s'%s%s%s; there are: %s, or a file",
                      name, nearest.name ? " (did you mean " : "", nearest.name ? nearest.name : "",
                      nearest.name ? "?)" : "", all.data && !all.failed ? all.data : "none");
    }
    kin_text_free(&all);
    return ok;
}

bool kin_conf_open_space(const char *name, const kin_conf_space *space, kin_conf *out, kin_error *err)
{
    *out = (kin_conf){0};
    return open_file(name, space->command, space, out, err);
}

/* ---- beside what was typed ---- */

static bool taken(const kin_cli *typed, const char *name)
{
    if (!listed(held_out, name)) return kin_option_given(typed, name);
    for (int i = 0; held_out[i]; i++)
        if (kin_option_given(typed, held_out[i])) return true;
    return false;
}

/* A phase that says how to hold out says it instead of what stands above. */
static bool same_thing(const char *a, const char *b)
{
    return strcmp(a, b) == 0 || (listed(held_out, a) && listed(held_out, b));
}

bool kin_conf_counts(const kin_conf *c, const kin_setting *s, int phase, const kin_cli *typed)
{
    if (taken(typed, s->name) || (s->phase != phase && s->phase != -1)) return false;
    for (int i = 0; s->phase == -1 && phase >= 0 && i < c->count; i++)
        if (c->settings[i].phase == phase && same_thing(c->settings[i].name, s->name)) return false;
    return true;
}

bool kin_conf_apply(const kin_conf *c, int phase, kin_cli *cli, kin_error *err)
{
    const kin_cli typed = *cli;
    for (int i = 0; i < c->count; i++)
        if (kin_conf_counts(c, &c->settings[i], phase, &typed) &&
            !kin_cli_offer(cli, c->settings[i].name, c->settings[i].value, err))
            return false;
    return true;
}

/* ---- as it ran ---- */

static bool needs_quotes(const char *value)
{
    size_t length = strlen(value);
    bool needs = !length || *value == '"' || *value == '#' || blank(*value) || blank(value[length - 1]);
    for (const char *at = value; *at && !needs; at++) needs = blank(at[0]) && at[1] == '#';
    return needs;
}

bool kin_conf_add(kin_text *out, const char *name, const char *value, const char *comment, kin_error *err)
{
    const char *quote = needs_quotes(value) ? "\"" : "";
    if (strchr(value, '\n') || (*quote && strchr(value, '"')))
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "--%s: a recipe cannot keep a value with a new line or such quotes", name);
    kin_text_format(out, "%s = %s%s%s%s%s\n", name, quote, value, quote, comment ? "  # " : "",
                    comment ? comment : "");
    return true;
}

static bool add_typed(const kin_option *o, const char *value, kin_text *out, kin_error *err)
{
    return kin_conf_add(out, o->name, o->kind == KIN_OPTION_FLAG ? "yes" : value, "said on the command line",
                        err);
}

bool kin_conf_as_ran(const kin_conf *c, const kin_cli *typed, kin_text *out, kin_error *err)
{
    const kin_option *table = typed->command->options;
    const char *line = strncmp(c->text, "\xef\xbb\xbf", 3) == 0 ? c->text + 3 : c->text;
    kin_text_format(out, "# As kin train ran it: %s, and what the command line said.\n", c->path);
    for (int i = 0; table[i].name; i++)
        if (typed->values[i] && !listed(typed_alone, table[i].name) &&
            !add_typed(&table[i], typed->values[i], out, err))
            return false;
    for (int number = 1, i = 0; *line; number++) {
        size_t length = strcspn(line, "\n");
        while (i < c->count && c->settings[i].line < number) i++;
        if (i < c->count && c->settings[i].line == number && taken(typed, c->settings[i].name))
            kin_text_add(out, "# said otherwise: ");
        kin_text_add_bytes(out, line, length);
        kin_text_add(out, "\n");
        line += length + (line[length] == '\n');
    }
    return !out->failed || kin_fail_memory(err, "the recipe", out->size);
}
