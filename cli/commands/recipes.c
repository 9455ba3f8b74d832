/* kin recipes: the recipes of trainings that the program brings along. */
#include "cli/help/help.h"
#include "cli/options/conf.h"

#include <string.h>

/* The first line of a recipe says what it is. */
static void add_row(kin_text *out, const kin_builtin *b)
{
    const char *text = b->text;
    text += strspn(text, "# ");
    kin_text_format(out, "%-28s %.*s\n", b->name, (int)strcspn(text, "\n"), text);
}

static int run(kin_cli *cli)
{
    kin_error err = {0};
    kin_text out = {0};
    kin_conf conf;
    extern const kin_command kin_command_train;
    if (!cli->positionals) {
        for (const kin_builtin *b = kin_builtins; b->name; b++) add_row(&out, b);
        return kin_help_print(&out);
    }
    if (!kin_conf_open(cli->positional[0], &kin_command_train, &conf, &err)) return kin_cli_fail(cli, &err);
    kin_text_add(&out, conf.text);
    kin_conf_free(&conf);
    return kin_help_print(&out);
}

const kin_command kin_command_recipes = {
    .name = "recipes",
    .summary = "list the recipes of kin train --recipe",
    .usage = "kin recipes [NAME]",
    .about = "Without NAME the recipes that the program brings along, one a line. With it the recipe itself: "
             "every value with its source behind it, to be read, or saved as a file and changed. A file of "
             "one's own is checked and shown in the same way.",
    .examples = "kin recipes\n"
                "# a copy to change\n"
                "kin recipes bfe > mine.conf",
    .arguments = {{"NAME", "a recipe of the list, or a file"}},
    .arguments_min = 0,
    .arguments_max = 1,
    .run = run,
};
