#include "cli/judge/eval_details.h"
#include "cli/judge/eval_figures.h"
#include "cli/judge/eval_page.h"
#include "cli/options/command.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static bool tell_details(const kin_evaluation *e, const kin_cli *cli, kin_error *err)
{
    const kin_eval_details d = {.query = kin_evaluation_asked(e),
                                .gallery = &e->gallery,
                                .query_code = kin_evaluation_codes(e),
                                .each = e->each,
                                .found_first = e->found_first,
                                .metrics = &e->metrics};
    const char *classes = kin_option_string(cli, "per-class");
    int64_t worst = kin_option_int(cli, "worst");
    return (!worst || kin_eval_print_worst(&d, worst, err)) &&
           (!classes || kin_eval_write_classes(&d, classes, err));
}

static bool write_page(const kin_evaluation *e, const kin_cli *cli, kin_error *err)
{
    enum { COUNTS = 2 };
    kin_eval_figure f[KIN_EVAL_FIGURES];
    char values[KIN_EVAL_FIGURES][16], counts[COUNTS][24];
    kin_page_fact facts[COUNTS + KIN_EVAL_FIGURES];
    kin_judged judged = kin_evaluation_judged(e, kin_evaluation_asked(e)->count, e->gallery.count);
    int n = kin_eval_figures(e, false, f), told = COUNTS;
    snprintf(counts[0], sizeof counts[0], "%lld", (long long)(e->metrics.evaluated + e->metrics.skipped));
    snprintf(counts[1], sizeof counts[1], "%lld", (long long)e->gallery.count);
    facts[0] = (kin_page_fact){"Queries", counts[0]}, facts[1] = (kin_page_fact){"Gallery", counts[1]};
    for (int i = 0; i < n; i++) {
        if (isnan(f[i].value)) continue;
        snprintf(values[i], sizeof values[i], "%.4f", f[i].value);
        facts[told++] = (kin_page_fact){f[i].name, values[i]};
    }
    return kin_eval_page_write(&e->worst, cli, facts, told, e->leave_one_out ? NULL : &e->query, &e->gallery,
                               &judged, err);
}

static int run(kin_cli *cli)
{
    if (kin_option_given(cli, "html-queries") && !kin_option_given(cli, "html"))
        return kin_cli_usage(cli, "--html-queries is about the page; give --html too");
    if (cli->positionals && kin_option_given(cli, "fit-threshold"))
        return kin_cli_usage(cli, "--fit-threshold goes by the descriptors' distances; leave RANKS out");
    if (!cli->positionals && kin_option_given(cli, "distances"))
        return kin_cli_usage(cli,
                             "--distances belongs to RANKS; descriptors tell their distances themselves");
    if (kin_option_flag(cli, "json") && kin_option_given(cli, "worst"))
        return kin_cli_usage(cli, "--worst prints a table; leave --json out");
    kin_evaluation e = {0};
    kin_error err = {0};
    const char *gallery = kin_option_string(cli, "gallery");
    bool ok = kin_evaluation_make(&e, cli, &err);
    if (ok && kin_option_flag(cli, "json")) ok = kin_eval_print_json(&e, &err);
    else if (ok) kin_eval_print_table(&e);
    ok = ok && tell_details(&e, cli, &err) && (!kin_option_given(cli, "html") || write_page(&e, cli, &err));
    if (ok) kin_selves_tell(cli, &e.selves, e.query.count);
    kin_evaluation_free(&e);
    if (ok && e.mixed)
        kin_cli_note(
            cli,
            "%s tells queries from gallery; to keep them apart, give --query %s:query --gallery %s:gallery",
            gallery, gallery, gallery);
    return ok ? 0 : kin_cli_fail(cli, &err);
}

static const kin_option options[] = {
    {.name = "gallery",
     .kind = KIN_OPTION_STRING,
     .value = "G",
     .required = true,
     .help = "What was searched: a name given to `kin embed --out`, or a .csv with the columns `id` and "
             "`label`."},
    {.name = "query",
     .kind = KIN_OPTION_STRING,
     .value = "Q",
     .help = "What was looked for, in the same form. Without it, each gallery item was looked for among the "
             "others."},
    {.name = "k",
     .kind = KIN_OPTION_INT,
     .value = "K",
     .low = 1,
     .high = -1,
     .fallback_shown = "what every list tells",
     .help = "The K of mAP@K and nDCG@K."},
    {.name = "distances",
     .kind = KIN_OPTION_STRING,
     .value = "FILE",
     .help = "With RANKS: the .npy that the same search wrote: ties are then also broken against the system, "
             "since a "
             "collapsed embedding can fake a high score."},
    {.name = "ignore-cameras",
     .help = "Keep gallery items of the query's label and camera, which are dropped where the lists of items "
             "tell cameras (the rule of Market-1501)."},
    {.name = "bootstrap",
     .kind = KIN_OPTION_INT,
     .value = "N",
     .low = 10,
     .high = 1000000,
     .help =
         "Also tell how sure the means are: 95 % intervals by N draws of as many queries (1000 is usual)."},
    {.name = "seed",
     .kind = KIN_OPTION_INT,
     .value = "S",
     .low = 0,
     .high = -1,
     .fallback = "1",
     .help = "Of the bootstrap's draws."},
    {.name = "per-class",
     .kind = KIN_OPTION_STRING,
     .writes = KIN_WRITES_FILE,
     .value = "FILE",
     .help = "Write the means of each label's queries as a .csv, the worst first."},
    {.name = "worst",
     .kind = KIN_OPTION_INT,
     .value = "N",
     .low = 1,
     .high = -1,
     .help = "Print the N queries with the smallest average precision, and what they found first."},
    KIN_RANKS_PAGE_OPTIONS("How many queries the page shows, those with the smallest average precision."),
    {.name = "fit-threshold",
     .kind = KIN_OPTION_REAL,
     .value = "RATE",
     .low = 0,
     .high = 1,
     .help = "Find the cosine distance within which this share of impostors is taken for something in the "
             "gallery: each query's nearest item of another label. Without RANKS."},
    {.name = "json", .help = "Print one line of JSON instead of the table."},
    {0},
};

const kin_command kin_command_eval = {
    .name = "eval",
    .summary = "measures ranking lists against labels",
    .usage =
        "kin eval RANKS --gallery G [--query Q] [--k K] [--json]\nkin eval --gallery G [--query Q] [--json]",
    .about =
        "An item is relevant when its label is the query's; R is their number in the whole gallery, "
        "found or not. Queries without any are left out, "
        "and counted. Where both lists of items tell cameras, gallery items of the query's label and "
        "camera are dropped before anything is counted; an "
        "item without a label stays, and is never relevant. The lists are validated first, as by `kin "
        "check`.\n\n"
        "Without RANKS every query is compared with the whole gallery by cosine, and the full rankings "
        "are judged.\n\n"
        "Lists shorter than the gallery count what they do not hold as missed in mAP, which is then a lower "
        "bound; "
        "mAP@K divides by min(R, K) instead of R. A figure that needs longer lists than there are, after "
        "junk and "
        "the queries themselves are dropped (R@10 from lists of 5), is not available. Where ties change a "
        "figure, it is also told with ties broken against the system.",
    .examples = "kin eval ranks.csv --query queries --gallery shop\n"
                "# the descriptors themselves, by full rankings\n"
                "kin eval --gallery shop\n"
                "# a set with queries, gallery and cameras, embedded by `kin embed market:test --out E`\n"
                "kin eval --query E:query --gallery E:gallery\n"
                "# how sure that is, and where it fails\n"
                "kin eval ranks.csv --query queries --gallery shop --bootstrap 1000 --worst 20 --per-class "
                "classes.csv\n"
                "# the worst 40 queries in pictures\n"
                "kin eval --gallery shop --html worst.html\n"
                "# from what distance on a thing is none of the gallery's, at 1 % of false alarms\n"
                "kin eval --gallery validation --fit-threshold 0.01\n"
                "# every item among the others, as JSON\n"
                "kin search --gallery shop --quiet | kin eval - --gallery shop --json",
    .arguments = {{"RANKS", "The lists, as `id,images`; - is standard input.", KIN_READS_FILE}},
    .arguments_min = 0,
    .arguments_max = 1,
    .options = options,
    .run = run,
};
