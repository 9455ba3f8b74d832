#include "cli/help/completion.h"
#include "cli/help/help.h"
#include "cli/learn/topic.h"
#include "cli/options/command.h"

#include <stdio.h>
#include <string.h>

/* A command, or a word of the field: commands come first where both are called so. */
static int explain(kin_cli *cli, const char *name, kin_text *text)
{
    kin_error err = {0};
    kin_nearest nearest = {0};
    if (strcmp(name, "words") == 0) return kin_topics_list(), 0;
    for (int i = 0; cli->all[i]; i++) {
        if (strcmp(cli->all[i]->name, name) == 0) {
            kin_help_command(text, cli->all[i]);
            return kin_help_print(text);
        }
        kin_nearest_try(&nearest, name, cli->all[i]->name);
    }
    if (kin_topic_print(name, &nearest, &err)) return 0;
    if (kin_failed(&err)) return kin_cli_fail(cli, &err);
    if (nearest.name)
        kin_fail(&err, KIN_ERR_ARGUMENT, "unknown command '%s' (did you mean '%s'?)", name, nearest.name);
    else
        kin_fail(&err, KIN_ERR_ARGUMENT,
                 "unknown command '%s'; kin --help lists them, kin help words the words it explains", name);
    return kin_cli_fail(cli, &err);
}

/* "learning rate" needs no quotes. */
static int explain_all(kin_cli *cli, kin_text *text)
{
    char name[128] = "";
    for (int i = 0; i < cli->positionals; i++)
        snprintf(name + strlen(name), sizeof name - strlen(name), "%s%s", i ? " " : "", cli->positional[i]);
    return explain(cli, name, text);
}

static int run(kin_cli *cli)
{
    kin_text text = {0};
    const char *shell = kin_option_string(cli, "completion");
    if (kin_option_flag(cli, "man")) kin_help_man(&text, cli->all);
    else if (shell) kin_completion(&text, shell, cli->all);
    else if (cli->positionals == 0) kin_help_overview(&text, cli->all);
    else return explain_all(cli, &text);
    return kin_help_print(&text);
}

static const kin_option options[] = {
    {.name = "completion",
     .kind = KIN_OPTION_CHOICE,
     .value = "SHELL",
     .choices = kin_completion_shells,
     .help = "print what completes commands, options and their values in this shell"},
    {.name = "man", .hidden = true, .help = "Print the man page, docs/kin.1."},
    {0},
};

const kin_command kin_command_help = {
    .name = "help",
    .summary = "explains a command or a word, or lists all commands",
    .usage = "kin help [COMMAND | WORD | words]\nkin help --completion SHELL",
    .about =
        "Prints what `kin COMMAND --help` prints, or what a word of the field means (embedding, triplet, "
        "mAP, re-ranking); `words` lists those. Without either, the list of commands.",
    .examples = "kin help embedding\n"
                "# what is between the tab key and the options, for bash\n"
                "kin help --completion bash > ~/.local/share/bash-completion/completions/kin",
    .arguments = {{"WORD", "The command, or the word, to explain."}},
    .arguments_max = 4,
    .options = options,
    .run = run,
};
