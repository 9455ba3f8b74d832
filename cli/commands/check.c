#include "cli/options/command.h"
#include "retrieval/lists/ranks.h"

#include <stdio.h>

enum { SHOWN = 20 };

static int run(kin_cli *cli)
{
    const char *query_name = kin_option_string(cli, "query"),
               *gallery_name = kin_option_string(cli, "gallery");
    kin_items query = {0}, gallery;
    kin_error err = {0};
    if (!kin_items_open(gallery_name, &gallery, &err) ||
        (query_name && !kin_items_open(query_name, &query, &err))) {
        kin_items_free(&gallery);
        return kin_cli_fail(cli, &err);
    }
    kin_ranks ranks;
    kin_ranks_problems problems = {.limit = SHOWN};
    bool ok = kin_ranks_read(cli->positional[0],
                             &(kin_ranked){query_name ? &query : &gallery, &gallery, !query_name}, &ranks,
                             &problems, &err);
    if (problems.lines.data) fputs(problems.lines.data, stderr);
    if (problems.count > SHOWN) fprintf(stderr, "... and %lld more\n", (long long)(problems.count - SHOWN));
    if (ok)
        printf("%s: %lld lists, %lld ids, all known, none twice\n", cli->positional[0],
               (long long)ranks.queries, (long long)ranks.offset[ranks.queries]);
    if (ok && ranks.own)
        kin_cli_note(cli, "%lld items stand in their own lists, and are passed over", (long long)ranks.own);
    kin_ranks_free(&ranks);
    kin_ranks_problems_free(&problems);
    kin_items_free(&query);
    kin_items_free(&gallery);
    return ok ? 0 : kin_cli_fail(cli, &err);
}

static const kin_option options[] = {
    {.name = "gallery",
     .kind = KIN_OPTION_STRING,
     .value = "G",
     .required = true,
     .help = "What was searched: a name given to `kin embed --out`, a .npy, or a .csv with a column `id`."},
    {.name = "query",
     .kind = KIN_OPTION_STRING,
     .value = "Q",
     .help = "What was looked for, in the same form. Without it, each gallery item among the others."},
    {0},
};

const kin_command kin_command_check = {
    .name = "check",
    .summary = "validates ranking lists before they are handed in",
    .usage = "kin check RANKS --gallery G [--query Q]",
    .about = "Every query must have one list, every id in it must be of the gallery, and none may stand in a "
             "list twice. What is wrong is named by line "
             "and id; the exit status is 0 only when nothing is. The contest that this program grew from "
             "annulled two medals over duplicate ids.",
    .examples = "kin check ranks.csv --query queries --gallery shop\n"
                "# ids from plain lists\n"
                "kin check ranks.csv --query test.csv --gallery index.csv",
    .arguments = {{"RANKS", "The lists, as `id,images` or as an .npy of gallery rows; - is standard input."}},
    .arguments_min = 1,
    .arguments_max = 1,
    .options = options,
    .run = run,
};
