/* kin ladder: the journal of examples/ladder.sh as a table, a drawing and a page. A command of its own, because shells read no JSON. */
#include "cli/options/command.h"
#include "cli/pages/ladder_page.h"
#include "cli/training/ladder.h"

#include "base/file.h"

static bool write_table(const char *path, const kin_text *table, kin_error *err)
{
    return !path || kin_write_file(path, table->data, table->size, err);
}

static int run(kin_cli *cli)
{
    const char *table = kin_option_string(cli, "table"), *svg = kin_option_string(cli, "svg"),
               *page = kin_option_string(cli, "out");
    kin_ladder ladder;
    kin_error err = {0};
    kin_text text = {0};
    if (!kin_ladder_read(cli->positional[0], &ladder, &err)) return kin_cli_fail(cli, &err);
    kin_ladder_markdown(&text, &ladder);
    bool ok = !text.failed || kin_fail_memory(&err, "the table", text.capacity);
    if (ok && !table && !svg && !page) fputs(text.data, stdout);
    ok = ok && write_table(table, &text, &err);
    ok = ok && (!svg || kin_ladder_svg_write(svg, &ladder, &err));
    ok = ok && (!page || kin_ladder_page_write(page, &ladder, &err));
    kin_text_free(&text);
    kin_ladder_free(&ladder);
    return ok ? 0 : kin_cli_fail(cli, &err);
}

static const kin_option options[] = {
    {.name = "table",
     .kind = KIN_OPTION_STRING,
     .writes = KIN_WRITES_FILE,
     .value = "FILE",
     .help = "Write the rows as a table of Markdown.",
     .fallback_shown = "standard output, where nothing else is written"},
    {.name = "svg",
     .kind = KIN_OPTION_STRING,
     .writes = KIN_WRITES_FILE,
     .value = "FILE",
     .help = "Draw them as bars, with the contest's ladder beside them."},
    {.name = "out",
     .kind = KIN_OPTION_STRING,
     .writes = KIN_WRITES_PAGE,
     .value = "PAGE",
     .help = "Write a page: the drawing, all figures, the commands of each row."},
    {0},
};

const kin_command kin_command_ladder = {
    .name = "ladder",
    .summary = "shows what each step of the ladder gained",
    .usage = "kin ladder JOURNAL [--table FILE] [--svg FILE] [--out PAGE]",
    .about = "`make ladder` (examples/ladder.sh) measures what each step from raw pixels to an ensemble is "
             "worth, and keeps a journal: a "
             "line of JSON a row. This shows it. A row that gained nothing over the one it stands on, or "
             "less than chance may, is said to; "
             "one that the data set does not have tells why.\n\n"
             "A journal that still grows is shown as far as it is.",
    .examples = "kin ladder out/ladder/grocery.jsonl\n"
                "# a picture and a page\n"
                "kin ladder out/ladder/grocery.jsonl --svg ladder.svg --out ladder.html",
    .arguments = {{"JOURNAL", "what examples/ladder.sh wrote, OUT/SET.jsonl"}},
    .arguments_min = 1,
    .arguments_max = 1,
    .options = options,
    .run = run,
};
