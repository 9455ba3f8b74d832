/* Recipes of trainings, recipes/NAME.conf: options as lines, read by the option tables of the command
 * line.
 *
 *     # a line that explains
 *     model = resnet50             # where the value comes from
 *     flip = yes
 *     [phase metric]
 *     loss = triplet-hard(margin=.3)
 *
 * What stands above the first phase holds for all of them, unless a phase says otherwise. A comment begins
 * at a '#' with a blank before it; a value that holds such a thing stands between double quotes. A flag is
 * yes or no. */
#ifndef KIN_CLI_OPTIONS_CONF_H
#define KIN_CLI_OPTIONS_CONF_H

#include "base/arena.h"
#include "base/text.h"
#include "cli/options/command.h"

enum { KIN_PHASES = 16, KIN_PHASE_NAME = 40 };

/* A recipe that the program brings along: made of recipes/ by the Makefile. The table ends with {0}. */
typedef struct kin_builtin {
    const char *name, *text;
} kin_builtin;
extern const kin_builtin kin_builtins[];

typedef struct kin_setting {
    const char *name, *value;
    int line, phase; /* phase -1: above all of them */
    bool quoted;     /* the value stood between quotes */
} kin_setting;

/* A recipe that was read; kin_conf_free. */
typedef struct kin_conf {
    const char *path; /* as messages name it */
    const char *text;
    kin_setting *settings;
    int count;
    size_t capacity;
    const char *phase[KIN_PHASES];
    int phase_line[KIN_PHASES], phases;
    kin_arena storage;
} kin_conf;

/* `name` is one of the program's, or a file. Every setting is checked as the command's option of its name;
 * failures name file and line. */
bool kin_conf_open(const char *name, const kin_command *command, kin_conf *out, kin_error *err);
bool kin_conf_parse(const char *path, const char *text, const kin_command *command, kin_conf *out,
                    kin_error *err);
void kin_conf_free(kin_conf *c);

/* A file of the same grammar whose values may be ranges, and whose one section is [chain]: what a sweep searches. A
 * setting is checked by `check`, against the table of the section that it stands in. */
typedef struct kin_conf_space {
    const kin_command *command, *chain;
    bool (*check)(void *user, const kin_command *table, const kin_setting *setting, kin_error *err);
    void *user;
} kin_conf_space;
bool kin_conf_open_space(const char *name, const kin_conf_space *space, kin_conf *out, kin_error *err);

/* Appends `name = value  # comment`, quoted where that is needed; `comment` NULL: none. Fails on a value that no line
 * can hold. */
bool kin_conf_add(kin_text *out, const char *name, const char *value, const char *comment, kin_error *err);

/* Gives the command line what a phase says (-1: what stands above all of them), where nothing was typed. */
bool kin_conf_apply(const kin_conf *c, int phase, kin_cli *cli, kin_error *err);
/* Whether a setting counts in a phase, beside what was typed. */
bool kin_conf_counts(const kin_conf *c, const kin_setting *s, int phase, const kin_cli *typed);

/* The recipe as it ran: what was typed comes first, and what that took the place of is a comment. Reads as a
 * recipe again. */
bool kin_conf_as_ran(const kin_conf *c, const kin_cli *typed, kin_text *out, kin_error *err);

#endif
