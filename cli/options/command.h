/* A command of the program is a table: what it is called, what it takes, how it is explained. Parsing,
 * `--help`, the overview and the man page are all made from it. cli/commands/NAME.c defines one
 * `const kin_command kin_command_NAME` and main.c lists it. */
#ifndef KIN_CLI_OPTIONS_COMMAND_H
#define KIN_CLI_OPTIONS_COMMAND_H

#include "base/error.h"
#include "cli/terminal/say.h"

#include <stdint.h>

typedef enum {
    KIN_OPTION_FLAG, /* takes no value */
    KIN_OPTION_INT,
    KIN_OPTION_REAL,
    KIN_OPTION_STRING,
    KIN_OPTION_CHOICE, /* one of `choices` */
} kin_option_kind;

/* What an option's value names, where the command writes it. */
typedef enum {
    KIN_WRITES_NOTHING,
    KIN_WRITES_FILE,
    KIN_WRITES_PAGE, /* takes the place of pages alone: a slip of the keyboard is not to cost a script */
    KIN_WRITES_SET,  /* NAME.npy and NAME.csv */
    KIN_WRITES_LIST, /* lists as text: never NAME.npy, which whatever reads lists takes for an array */
} kin_writes;

/* What a name stands for that the command reads. */
typedef enum {
    KIN_READS_ANY,  /* it may be a set (NAME.npy and NAME.csv) or a run, too */
    KIN_READS_FILE, /* this file alone, also where it is called NAME.npy */
} kin_reads;

/* One option; a table of them ends with {0}. Values are checked before the command runs. */
typedef struct kin_option {
    const char *name; /* without the dashes */
    kin_option_kind kind;
    const char *value;          /* what help calls the value: "K", "FILE" */
    const char *help;           /* one sentence, without the default and the limits, which help adds */
    const char *fallback;       /* the value when it is not given, as text; NULL: 0, 0.0 or NULL */
    const char *fallback_shown; /* how help tells the default, when it is not a value: "all cores" */
    double low, high;           /* limits of a number, included; both 0: none; high < low: no upper one */
    const char *const *choices; /* ends with NULL; behind kin_model_names stand the networks of kin_own */
    bool required;
    bool hidden;       /* left out of help */
    kin_writes writes; /* checked before the command runs (cli/options/outputs.h) */
    kin_reads reads;   /* of a string that is not written */
} kin_option;

/* A positional argument; more that are given are as the last. */
typedef struct kin_argument {
    const char *name, *help;
    kin_reads reads;
} kin_argument;

enum { KIN_CLI_ARGUMENTS = 4, KIN_CLI_OPTIONS = 96 };

typedef struct kin_cli kin_cli;

typedef struct kin_command {
    const char *name;
    const char *summary;  /* one line for the overview, no full stop */
    const char *usage;    /* "kin search --gallery G [--query Q]"; several forms: one a line */
    const char *about;    /* prose for --help; paragraphs are separated by "\n\n"; lines are wrapped */
    const char *examples; /* lines as typed; a line that begins with '#' explains the next */
    kin_argument arguments[KIN_CLI_ARGUMENTS];
    int arguments_min, arguments_max;
    const kin_option *options; /* NULL: only the global ones */
    int (*run)(kin_cli *cli);  /* returns the exit code: 0, or what kin_cli_fail or kin_cli_usage returned */
} kin_command;

/* What was typed, checked. */
struct kin_cli {
    const kin_command *command;
    const kin_command *const *all; /* the program's commands, ended by NULL; NULL within another command */
    char **positional;             /* borrowed from argv */
    int positionals;
    bool quiet; /* --quiet: no progress, no remarks; results and errors only */
    bool help;  /* --help was given: nothing else was checked */
    /* the texts given for the command's options, NULL where none */
    const char *values[KIN_CLI_OPTIONS];
    const char *global_values[KIN_CLI_OPTIONS]; /* the same for the global ones */
};

/* The value given, else the default. Asking for an option that is not in the table, or by the wrong kind,
 * is a bug of the command and aborts with its name. */
/* string or choice; NULL without a default */
const char *kin_option_string(const kin_cli *cli, const char *name);
int64_t kin_option_int(const kin_cli *cli, const char *name);
double kin_option_real(const kin_cli *cli, const char *name);
bool kin_option_flag(const kin_cli *cli, const char *name);
bool kin_option_given(const kin_cli *cli, const char *name);
/* The i-th choice, NULL behind the last. */
const char *kin_option_choice_at(const kin_option *o, int i);
/* the index in `choices`; -1 without a default */
int kin_option_choice(const kin_cli *cli, const char *name);

/* Prints "kin NAME: message" to standard error and returns the exit code: 2 for KIN_ERR_ARGUMENT, 130 for
 * KIN_ERR_INTERRUPTED, else 1. A progress line that stands is ended first. */
int kin_cli_fail(const kin_cli *cli, const kin_error *err);

/* Prints "kin NAME: message; see kin NAME --help" and returns 2: for combinations of options that make no
 * sense. */
int kin_cli_usage(const kin_cli *cli, const char *format, ...) KIN_PRINTF(2, 3);

/* A remark on standard error, "kin NAME: message", unless --quiet. */
void kin_cli_note(const kin_cli *cli, const char *format, ...) KIN_PRINTF(2, 3);

#endif
