#include "cli/command.h"
#include "cli/help.h"

static int run(kin_cli *cli)
{
    kin_text text = {0};
    kin_error err = {0};
    if (kin_option_flag(cli, "man")) {
        kin_help_man(&text);
    } else if (cli->positionals == 0) {
        kin_help_overview(&text);
    } else {
        const kin_command *command = kin_find_command(cli->positional[0], &err);
        if (!command) return kin_cli_fail(cli, &err);
        kin_help_command(&text, command);
    }
    return kin_help_print(&text);
}

static const kin_option options[] = {
    {.name = "man", .hidden = true, .help = "Print the man page, docs/kin.1."},
    {0},
};

const kin_command kin_command_help = {
    .name = "help",
    .summary = "explains a command, or lists them all",
    .usage = "kin help [COMMAND]",
    .about = "Prints what `kin COMMAND --help` prints; without a command, the list of commands.",
    .examples = "kin help help",
    .arguments = {{"COMMAND", "The command to explain."}},
    .arguments_max = 1,
    .options = options,
    .run = run,
};
