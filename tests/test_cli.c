/* The parser of the command line, help made from tables, the progress line's clock. */
#include "base/memory.h"
#include "cli/help/help.h"
#include "cli/options/options.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/progress.h"
#include "cli/training/run_log.h"
#include "tests/support/check.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int run_nothing(kin_cli *cli)
{
    (void)cli;
    return 0;
}

static const char *const fruits[] = {"apple", "pear", "quince", NULL};

static const kin_option options[] = {
    {.name = "top",
     .kind = KIN_OPTION_INT,
     .value = "K",
     .help = "How many.",
     .low = 1,
     .high = 100,
     .fallback = "10"},
    {.name = "seed", .kind = KIN_OPTION_INT, .value = "S", .help = "A seed."},
    {.name = "width", .kind = KIN_OPTION_INT, .value = "W", .help = "At least three.", .low = 3, .high = -1},
    {.name = "lambda",
     .kind = KIN_OPTION_REAL,
     .value = "X",
     .help = "A weight.",
     .high = 1,
     .fallback = "0.3"},
    {.name = "gallery",
     .kind = KIN_OPTION_STRING,
     .value = "G",
     .help = "Where to search.",
     .required = true},
    {.name = "fruit",
     .kind = KIN_OPTION_CHOICE,
     .value = "F",
     .help = "A fruit.",
     .choices = fruits,
     .fallback = "pear"},
    {.name = "json", .help = "As JSON."},
    {.name = "secret", .help = "Nobody is told.", .hidden = true},
    {0},
};

static const kin_command pick = {
    .name = "pick",
    .summary = "picks fruit",
    .usage = "kin pick DATA --gallery G",
    .about = "A sentence that is long enough to be wrapped when it is shown in eighty columns, as this one "
             "is.\n\n.A dotted 'line' \\ with `marks`",
    .examples = "# the usual\nkin pick data --gallery g",
    .arguments = {{"DATA", "What to read."}, {"MORE", "And more."}},
    .arguments_min = 1,
    .arguments_max = 2,
    .options = options,
    .run = run_nothing,
};

static const kin_command *const commands[] = {&pick, NULL};

enum { MOST = 12 };

/* Parses words separated by single blanks. */
static bool parse(kin_cli *cli, const char *line, kin_error *err)
{
    static char copy[256];
    static char *argv[MOST];
    int argc = 0;
    kin_error_clear(err);
    strncpy(copy, line, sizeof copy - 1);
    for (char *p = copy; *p && argc < MOST;) {
        argv[argc++] = p;
        p += strcspn(p, " ");
        if (*p) *p++ = '\0';
    }
    return kin_cli_parse(cli, &pick, argc, argv, err);
}

static void values(void)
{
    kin_cli cli;
    kin_error err = {0};
    check_begin("cli: values, defaults and positionals");
    CHECK(parse(&cli, "a --gallery g", &err));
    CHECK(kin_option_int(&cli, "top") == 10 && !kin_option_given(&cli, "top"));
    CHECK(kin_option_real(&cli, "lambda") == 0.3 && kin_option_int(&cli, "seed") == 0);
    CHECK(strcmp(kin_option_string(&cli, "gallery"), "g") == 0 &&
          strcmp(kin_option_string(&cli, "fruit"), "pear") == 0);
    CHECK(!kin_option_flag(&cli, "json") && !cli.quiet && cli.positionals == 1);
    CHECK(parse(&cli, "--top=7 a --gallery=g=h --lambda 1 --fruit quince --json --quiet - --seed -5", &err));
    CHECK(kin_option_int(&cli, "top") == 7 && kin_option_given(&cli, "top") &&
          kin_option_int(&cli, "seed") == -5);
    CHECK(strcmp(kin_option_string(&cli, "gallery"), "g=h") == 0 && kin_option_choice(&cli, "fruit") == 2);
    CHECK(kin_option_flag(&cli, "json") && cli.quiet && kin_option_real(&cli, "lambda") == 1);
    CHECK(cli.positionals == 2 && strcmp(cli.positional[0], "a") == 0 && strcmp(cli.positional[1], "-") == 0);
    CHECK(parse(&cli, "--gallery g --top 1 --top 100 --width 4000000000 -- --json", &err));
    CHECK(kin_option_int(&cli, "top") == 100 && !kin_option_flag(&cli, "json") &&
          strcmp(cli.positional[0], "--json") == 0);
    CHECK(parse(&cli, "--bad", &err) == false && parse(&cli, "--help --bad", &err) && cli.help);
    check_end();
}

static void refusals(void)
{
    static const struct {
        const char *line, *message;
    } cases[] = {
        {"a", "--gallery G is missing"},
        {"--gallery g", "DATA is missing"},
        {"a b c --gallery g", "unexpected argument 'c'"},
        {"a --galery g", "unknown option --galery (did you mean --gallery?)"},
        {"a --galery=g", "unknown option --galery (did you mean --gallery?)"},
        {"a --gal g", "(did you mean --gallery?)"},
        {"a --thread 2", "(did you mean --threads?)"},
        {"a --zzzzzz", "unknown option --zzzzzz"},
        {"a -top 3", "unknown option -top (did you mean --top?)"},
        {"a -x", "unknown option -x"},
        {"a --gallery", "--gallery needs a value (--gallery G)"},
        {"a --gallery --top 3", "--gallery needs a value"},
        {"a --gallery=", "--gallery needs a value"},
        {"a --gallery g --top 0", "--top needs a whole number from 1 to 100, not '0'"},
        {"a --gallery g --top 101", "from 1 to 100, not '101'"},
        {"a --gallery g --top 7x", "not '7x'"},
        {"a --gallery g --top 1e1", "not '1e1'"},
        {"a --gallery g --top 99999999999999999999", "from 1 to 100"},
        {"a --gallery g --width 2", "--width needs a whole number of at least 3, not '2'"},
        {"a --gallery g --seed x", "--seed needs a whole number, not 'x'"},
        {"a --gallery g --lambda 1.01", "--lambda needs a number from 0 to 1, not '1.01'"},
        {"a --gallery g --lambda nan", "not 'nan'"},
        {"a --gallery g --fruit pare", "--fruit is one of apple, pear, quince, not 'pare'"},
        {"a --gallery g --fruit appel", "(did you mean apple?)"},
        {"a --gallery g --json=yes", "--json takes no value"},
        {"a --gallery g --threads 0", "--threads needs a whole number from 1 to 64"},
        {"a --gallery g --secre", "unknown option --secre"},
    };
    check_begin("cli: what makes no sense is refused in a line that says what to do");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        kin_cli cli;
        kin_error err = {0};
        CHECK_MSG(!parse(&cli, cases[i].line, &err), "accepted: %s", cases[i].line);
        CHECK(err.code == KIN_ERR_ARGUMENT);
        CHECK_TEXT(err.message, cases[i].message);
        CHECK(!strstr(err.message, "--secret"));
    }
    check_end();
}

static int longest_line(const char *text)
{
    int longest = 0;
    for (const char *p = text; *p;) {
        int length = (int)strcspn(p, "\n");
        if (length > longest) longest = length;
        p += length + (p[length] == '\n');
    }
    return longest;
}

static void help(void)
{
    kin_text text = {0};
    check_begin("cli: help is made from the table");
    kin_help_command(&text, &pick);
    CHECK_TEXT(text.data, "Usage: kin pick DATA --gallery G\n");
    CHECK_TEXT(text.data, "  --top K      How many. (1 to 100; default: 10)\n");
    CHECK_TEXT(text.data, "  --width W    At least three. (at least 3)\n");
    CHECK_TEXT(text.data, "  --gallery G  Where to search. (required)\n");
    CHECK_TEXT(text.data, "  --fruit F    A fruit. One of apple, pear, quince. (default: pear)\n");
    CHECK_TEXT(text.data, "  --json       As JSON.\n");
    CHECK_TEXT(text.data, "  DATA         What to read.\n");
    CHECK_TEXT(text.data, "  kin pick data --gallery g\n");
    CHECK(!strstr(text.data, "secret") && longest_line(text.data) <= 80);
    kin_text_free(&text);
    kin_help_overview(&text, commands);
    CHECK_TEXT(text.data, "  pick  picks fruit\n");
    kin_text_free(&text);
    kin_help_man(&text, commands);
    CHECK_TEXT(text.data, "\n\\&.A dotted \\(aqline\\(aq \\e with \\(gamarks\\(ga\n");
    CHECK_TEXT(text.data, "\\fB\\-\\-top\\fR \\fIK\\fR\n");
    kin_text_free(&text);
    check_end();
}

static void help_without_memory(void)
{
    check_begin("cli: help survives every failed allocation");
    for (long n = 1; n < 1000; n++) {
        kin_text command = {0}, man = {0};
        kin_alloc_fail_at(n);
        kin_help_command(&command, &pick);
        kin_help_man(&man, commands);
        bool happened = kin_alloc_pending() == 0;
        kin_alloc_fail_at(0);
        CHECK(!happened || command.failed || man.failed);
        kin_text_free(&command);
        kin_text_free(&man);
        if (!happened) break;
    }
    check_end();
}

static void clock_text(void)
{
    char text[24];
    check_begin("cli: times as people read them");
    CHECK(strcmp(kin_meter_clock(0, text), "0:00") == 0);
    CHECK(strcmp(kin_meter_clock(65.2, text), "1:05") == 0);
    CHECK(strcmp(kin_meter_clock(3599.7, text), "1:00:00") == 0);
    CHECK(strcmp(kin_meter_clock(7389, text), "2:03:09") == 0);
    CHECK(strcmp(kin_meter_clock(-1, text), "?") == 0);
    check_end();
}

static void interrupts(void)
{
    check_begin("cli: the first signal sets a flag, and the next one kills");
    kin_interrupt_catch();
    kin_interrupt_lasts("");
    CHECK(!kin_interrupted());
    raise(SIGTERM);
    CHECK(kin_interrupted());
    CHECK(kin_interrupt_status() == 128 + SIGTERM);
    pid_t child = fork();
    if (child == 0) {
        raise(SIGINT);
        raise(SIGTERM);
        _exit(0);
    }
    int how = 0;
    CHECK(child > 0 && waitpid(child, &how, 0) == child);
    CHECK(WIFSIGNALED(how) && (WTERMSIG(how) == SIGTERM || WTERMSIG(how) == SIGINT));
    check_end();
}

/* A line that cannot be read for want of memory is no line that was cut short. */
static void log_without_memory(void)
{
    static const char text[] =
        "{\"step\": 0, \"loss\": 1, \"lr\": 0.1}\n{\"step\": 1, \"loss\": 2, \"lr\": 0.1}\n{\"step\"";
    char path[] = "/tmp/kin-log-XXXXXX";
    int file = mkstemp(path), failures = 0;
    kin_error err = {0};
    kin_run_log log;
    check_begin("cli: a log that memory does not suffice for is no shorter log");
    CHECK(file >= 0 && write(file, text, sizeof text - 1) == (ssize_t)sizeof text - 1);
    close(file);
    for (long at = 1; at < 100; at++) {
        kin_error_clear(&err);
        kin_alloc_fail_at(at);
        bool ok = kin_run_log_read(path, false, &log, &err);
        bool failed = kin_alloc_pending() == 0;
        kin_alloc_fail_at(0);
        CHECK(ok ? log.steps == 2 : err.code == KIN_ERR_MEMORY);
        if (ok) kin_run_log_free(&log);
        failures += failed;
        if (!failed) break;
    }
    CHECK(failures > 2);
    remove(path);
    check_end();
}

int main(void)
{
    values();
    refusals();
    help();
    help_without_memory();
    clock_text();
    log_without_memory();
    interrupts();
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
