/* The kin program: picks the command, reads its options, runs it. */
#include "base/parallel.h"
#include "base/version.h"
#include "cli/help/help.h"
#include "cli/help/usage.h"
#include "cli/main.h"
#include "cli/options/command.h"
#include "cli/options/options.h"
#include "cli/options/outputs.h"
#include "cli/options/own.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/verbose.h"
#include "kernels/isa.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* In the order of a session. One a line, so that a new one is a line. */
extern const kin_command kin_command_demo;
extern const kin_command kin_command_learn;
extern const kin_command kin_command_synth;
extern const kin_command kin_command_data;
extern const kin_command kin_command_train;
extern const kin_command kin_command_sweep;
extern const kin_command kin_command_compare;
extern const kin_command kin_command_ladder;
extern const kin_command kin_command_recipes;
extern const kin_command kin_command_loss;
extern const kin_command kin_command_embed;
extern const kin_command kin_command_retrieve;
extern const kin_command kin_command_plan;
extern const kin_command kin_command_search;
extern const kin_command kin_command_rerank;
extern const kin_command kin_command_tune;
extern const kin_command kin_command_index;
extern const kin_command kin_command_find;
extern const kin_command kin_command_duplicates;
extern const kin_command kin_command_groups;
extern const kin_command kin_command_whiten;
extern const kin_command kin_command_reduce;
extern const kin_command kin_command_fuse;
extern const kin_command kin_command_eval;
extern const kin_command kin_command_check;
extern const kin_command kin_command_local;
extern const kin_command kin_command_verify;
extern const kin_command kin_command_models;
extern const kin_command kin_command_weights;
extern const kin_command kin_command_backbones;
extern const kin_command kin_command_show;
extern const kin_command kin_command_forward;
extern const kin_command kin_command_import;
extern const kin_command kin_command_tensors;
extern const kin_command kin_command_convert;
extern const kin_command kin_command_augment;
extern const kin_command kin_command_attend;
extern const kin_command kin_command_explain;
extern const kin_command kin_command_export;
extern const kin_command kin_command_machine;
extern const kin_command kin_command_help;

/* A line each, lest two that are added meet. */
/* clang-format off */
static const kin_command *const commands[] = {
    &kin_command_demo,
    &kin_command_learn,
    &kin_command_synth,
    &kin_command_data,
    &kin_command_train,
    &kin_command_sweep,
    &kin_command_compare,
    &kin_command_ladder,
    &kin_command_recipes,
    &kin_command_loss,
    &kin_command_embed,
    &kin_command_search,
    &kin_command_rerank,
    &kin_command_retrieve,
    &kin_command_plan,
    &kin_command_tune,
    &kin_command_index,
    &kin_command_find,
    &kin_command_duplicates,
    &kin_command_groups,
    &kin_command_whiten,
    &kin_command_reduce,
    &kin_command_fuse,
    &kin_command_eval,
    &kin_command_check,
    &kin_command_local,
    &kin_command_verify,
    &kin_command_models,
    &kin_command_weights,
    &kin_command_backbones,
    &kin_command_show,
    &kin_command_forward,
    &kin_command_import,
    &kin_command_tensors,
    &kin_command_convert,
    &kin_command_augment,
    &kin_command_attend,
    &kin_command_explain,
    &kin_command_export,
    &kin_command_machine,
    &kin_command_help,
    NULL,
};
/* clang-format on */

static int run_command(const kin_command *command, int argc, char **argv)
{
    kin_cli cli;
    kin_error err = {0};
    if (!kin_cli_parse(&cli, command, argc, argv, &err)) return kin_cli_usage(&cli, "%s", err.message);
    cli.all = commands;
    if (cli.help) {
        kin_text text = {0};
        kin_help_command(&text, command);
        return kin_help_print(&text);
    }
    if (kin_option_given(&cli, "threads")) kin_set_threads((int)kin_option_int(&cli, "threads"));
    kin_verbose_start();
    if (kin_isa_complaint()) kin_cli_note(&cli, "%s", kin_isa_complaint());
    if (!kin_outputs_check(&cli, &err)) return kin_cli_fail(&cli, &err);
    return command->run(&cli);
}

static int overview(void)
{
    kin_text text = {0};
    kin_help_overview(&text, commands);
    return kin_help_print(&text);
}

static int dispatch(int argc, char **argv)
{
    if (argc < 2) {
        fputs("kin: a command is missing; kin --help lists them\n", stderr);
        return 2;
    }
    const char *first = argv[1];
    if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0) return overview();
    if (strcmp(first, "--version") == 0) {
        puts("kin " KIN_VERSION);
        return 0;
    }
    if (first[0] == '-') {
        fprintf(stderr,
                "kin: unknown option %s; options follow the command (kin COMMAND %s); see kin --help\n",
                first, first);
        return 2;
    }
    kin_error err = {0};
    const kin_command *command = kin_find_command(commands, first, &err);
    if (command) return run_command(command, argc - 2, argv + 2);
    fputs("kin: ", stderr);
    kin_say(stderr, err.message);
    fputc('\n', stderr);
    return 2;
}

/* A full disk shows only when the last buffer goes out: results that were not written are a failure. */
static int finish(int code)
{
    errno = 0;
    bool failed = ferror(stdout) != 0;
    if (fflush(stdout) != 0) failed = true;
    if (!failed) return code;
    if (errno == EPIPE) return code ? code : 128 + SIGPIPE; /* whoever read it has seen enough */
    fprintf(stderr, "kin: cannot write standard output: %s\n",
            errno ? strerror(errno) : "an earlier write failed");
    return code ? code : 1;
}

int kin_main(int argc, char **argv, const kin_catalogue *own)
{
    kin_error err = {0};
    kin_interrupt_start();
    if (!kin_catalogue_check(own, &err)) {
        fprintf(stderr, "kin: %s\n", err.message);
        return 1;
    }
    kin_own_set(own);
    kin_usage_start();
    int code = finish(dispatch(argc, argv));
    kin_usage_end(argc, argv, code);
    return code;
}
