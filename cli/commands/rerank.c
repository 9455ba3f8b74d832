#include "cli/options/params.h"
#include "cli/retrieve/retrieve.h"
#include "retrieval/rerank/diffusion.h"
#include "retrieval/rerank/rerank.h"
#include "retrieval/rerank/rerank_graph.h"
#include "retrieval/rerank/top_m.h"

enum { RECIPROCAL, GRAPH, DIFFUSION, TOP_M, EXPAND, NONE };

/* k1 and k2 have a usual value for each method. */
static int64_t given_or(const kin_cli *cli, const char *option, int64_t usual)
{
    return kin_option_given(cli, option) ? kin_option_int(cli, option) : usual;
}

static bool by_reciprocal(kin_retrieve *r, kin_neighbours *lists, kin_error *err)
{
    const kin_cli *cli = r->cli;
    kin_rerank_opt opt = {.k = r->depth,
                          .k1 = given_or(cli, "k1", 20),
                          .k2 = given_or(cli, "k2", 6),
                          .lambda = kin_option_real(cli, "lambda"),
                          .input = (kin_rerank_input)kin_option_choice(cli, "input"),
                          .leave_one_out = r->leave_one_out,
                          .self = kin_retrieve_self(r),
                          .progress = kin_retrieve_progress(r)};
    kin_retrieve_warn_of_small_classes(r, opt.k1);
    r->value = KIN_VALUE_DISTANCE;
    return kin_rerank_k_reciprocal(kin_retrieve_query(r), kin_retrieve_gallery(r), &opt, lists, err);
}

static bool by_graph(kin_retrieve *r, kin_neighbours *lists, kin_error *err)
{
    const kin_cli *cli = r->cli;
    kin_rerank_graph_opt opt = {.k = r->depth,
                                .k1 = given_or(cli, "k1", 26),
                                .k2 = given_or(cli, "k2", 7),
                                .layers = (int)kin_option_int(cli, "layers"),
                                .leave_one_out = r->leave_one_out,
                                .self = kin_retrieve_self(r),
                                .progress = kin_retrieve_progress(r)};
    kin_retrieve_warn_of_small_classes(r, opt.k1);
    return kin_rerank_graph(kin_retrieve_query(r), kin_retrieve_gallery(r), &opt, lists, err);
}

static bool by_diffusion(kin_retrieve *r, kin_neighbours *lists, kin_error *err)
{
    const kin_cli *cli = r->cli;
    kin_diffusion_opt opt = {.k = r->depth,
                             .kd = kin_option_int(cli, "kd"),
                             .kq = kin_option_int(cli, "kq"),
                             .gamma = kin_option_real(cli, "gamma"),
                             .alpha = kin_option_real(cli, "spread"),
                             .tolerance = 1e-6,
                             .iterations = (int)kin_option_int(cli, "iterations"),
                             .truncation = kin_option_int(cli, "truncate"),
                             .leave_one_out = r->leave_one_out,
                             .self = kin_retrieve_self(r),
                             .progress = kin_retrieve_progress(r)};
    r->value = KIN_VALUE_PRODUCT; /* no largest one is known */
    return kin_diffuse(kin_retrieve_query(r), kin_retrieve_gallery(r), &opt, lists, err);
}

static bool by_top_m(kin_retrieve *r, kin_neighbours *lists, kin_error *err)
{
    const kin_cli *cli = r->cli;
    kin_top_m_opt opt = {.k = r->depth,
                         .first = kin_option_int(cli, "first"),
                         .neighbours = kin_option_int(cli, "neighbours"),
                         .beta = kin_option_real(cli, "beta"),
                         .leave_one_out = r->leave_one_out,
                         .self = kin_retrieve_self(r),
                         .progress = kin_retrieve_progress(r)};
    r->value = KIN_VALUE_PRODUCT;
    return kin_rerank_top_m(kin_retrieve_query(r), kin_retrieve_gallery(r), &opt, lists, err);
}

static bool by_search(kin_retrieve *r, kin_neighbours *lists, kin_error *err)
{
    kin_search_opt opt = {.k = r->depth,
                          .metric = r->metric,
                          .leave_one_out = r->leave_one_out,
                          .self = kin_retrieve_self(r),
                          .progress = kin_retrieve_progress(r)};
    return kin_search(kin_retrieve_query(r), kin_retrieve_gallery(r), &opt, lists, err);
}

/* Options that say nothing to the chosen method are mistakes. */
static int check_method(const kin_cli *cli, int method)
{
    static const struct {
        const char *option;
        unsigned methods;
    } uses[] = {
        {"k1", 1 << RECIPROCAL | 1 << GRAPH},
        {"k2", 1 << RECIPROCAL | 1 << GRAPH},
        {"lambda", 1 << RECIPROCAL},
        {"input", 1 << RECIPROCAL},
        {"layers", 1 << GRAPH},
        {"kd", 1 << DIFFUSION},
        {"kq", 1 << DIFFUSION},
        {"gamma", 1 << DIFFUSION},
        {"spread", 1 << DIFFUSION},
        {"iterations", 1 << DIFFUSION},
        {"truncate", 1 << DIFFUSION},
        {"first", 1 << TOP_M},
        {"neighbours", 1 << TOP_M},
        {"beta", 1 << TOP_M},
    };
    for (size_t i = 0; i < sizeof uses / sizeof *uses; i++)
        if (kin_option_given(cli, uses[i].option) && !(uses[i].methods >> method & 1))
            return kin_cli_usage(cli, "--%s says nothing to --method %s", uses[i].option,
                                 kin_option_string(cli, "method"));
    if (kin_option_choice(cli, "metric") != 0 && (method == GRAPH || method == DIFFUSION || method == TOP_M))
        return kin_cli_usage(cli, "--method %s goes by cosine similarity; leave --metric out",
                             kin_option_string(cli, "method"));
    if (method == RECIPROCAL && kin_option_given(cli, "similarities"))
        return kin_cli_usage(cli, "--method k-reciprocal orders by distances; take --distances");
    if (method == EXPAND && !kin_option_given(cli, "expand") && !kin_option_given(cli, "augment"))
        return kin_cli_usage(
            cli, "--method expand needs --expand N or --augment N, the neighbours that means are taken over");
    if (method == NONE && (kin_option_given(cli, "expand") || kin_option_given(cli, "augment")))
        return kin_cli_usage(cli,
                             "--method none re-orders nothing; for expansion alone, take --method expand");
    return 0;
}

static int rerank(kin_cli *cli)
{
    kin_retrieve r;
    int method = kin_option_choice(cli, "method"), code = check_method(cli, method);
    if (code || !kin_retrieve_open(&r, cli, &code)) return code;
    static bool (*const methods[])(kin_retrieve *, kin_neighbours *, kin_error *) = {
        by_reciprocal, by_graph, by_diffusion, by_top_m, by_search, by_search};
    kin_error err = {0};
    kin_neighbours lists = {0};
    bool ok = kin_retrieve_normalize(&r, &err) && kin_retrieve_expand(&r, &err) &&
              methods[method](&r, &lists, &err) && kin_retrieve_write(&r, &lists, &err);
    kin_neighbours_free(&lists);
    kin_retrieve_close(&r);
    return ok ? 0 : kin_cli_fail(cli, &err);
}

static int run(kin_cli *cli)
{
    kin_arena storage = {0};
    kin_error err = {0};
    int code = kin_params_apply(cli, &storage, &err) ? rerank(cli) : kin_cli_fail(cli, &err);
    kin_arena_free(&storage);
    return code;
}

static const char *const metrics[] = {"cosine", "euclid", NULL};
static const char *const inputs[] = {"euclid", "squared", NULL};
static const char *const names[] = {"k-reciprocal", "graph", "diffusion", "top-m", "expand", "none", NULL};

static const kin_option options[] = {
    KIN_RETRIEVE_OPTIONS,
    {.name = "method",
     .kind = KIN_OPTION_CHOICE,
     .value = "M",
     .choices = names,
     .fallback = "k-reciprocal",
     .help = "How: by mutual neighbours, by propagation over the neighbour graph, by diffusion, by what the "
             "first "
             "of a list make of each other, by the means of --expand and --augment alone, or not at all."},
    {.name = "params",
     .kind = KIN_OPTION_STRING,
     .value = "FILE",
     .help = "What `kin tune` found: options and their values as JSON. Options given here count more."},
    {.name = "k1",
     .kind = KIN_OPTION_INT,
     .value = "N",
     .low = 1,
     .high = 100000,
     .fallback_shown = "20, for graph 26",
     .help = "How many neighbours must be mutual; for graph, how many describe an item."},
    {.name = "k2",
     .kind = KIN_OPTION_INT,
     .value = "N",
     .low = 1,
     .high = 100000,
     .fallback_shown = "6, for graph 7",
     .help = "Over how many neighbours encodings are averaged or propagated; 1 leaves them as they are."},
    {.name = "lambda",
     .kind = KIN_OPTION_REAL,
     .value = "X",
     .low = 0,
     .high = 1,
     .fallback = "0.3",
     .help = "Weight of the original distance."},
    {.name = "input",
     .kind = KIN_OPTION_CHOICE,
     .value = "D",
     .choices = inputs,
     .fallback = "euclid",
     .help =
         "What the published code would be given, which squares it: Euclidean distances, or squared ones."},
    {.name = "layers",
     .kind = KIN_OPTION_INT,
     .value = "N",
     .low = 1,
     .high = 100,
     .fallback = "2",
     .help = "Rounds of propagation of graph."},
    {.name = "kd",
     .kind = KIN_OPTION_INT,
     .value = "N",
     .low = 1,
     .high = -1,
     .fallback = "50",
     .help = "Diffusion's graph joins items that are mutually among the N nearest."},
    {.name = "kq",
     .kind = KIN_OPTION_INT,
     .value = "N",
     .low = 1,
     .high = -1,
     .fallback = "10",
     .help = "Diffusion starts from a query's N nearest."},
    {.name = "gamma",
     .kind = KIN_OPTION_REAL,
     .value = "X",
     .low = 0.01,
     .high = 100,
     .fallback = "3",
     .help = "Diffusion weighs similarities by this power."},
    {.name = "spread",
     .kind = KIN_OPTION_REAL,
     .value = "X",
     .low = 0,
     .high = 0.9999,
     .fallback = "0.99",
     .help = "How far diffusion goes; 0 stays with the nearest."},
    {.name = "iterations",
     .kind = KIN_OPTION_INT,
     .value = "N",
     .low = 1,
     .high = 100000,
     .fallback = "20",
     .help = "Steps of conjugate gradients at most."},
    {.name = "truncate",
     .kind = KIN_OPTION_INT,
     .value = "N",
     .low = 1,
     .high = -1,
     .help = "Diffusion's off-line form: solved once a gallery item on its N nearest (1000 is usual) instead "
             "of once a query on all; much faster with many queries."},
    KIN_TOP_M_OPTIONS,
    {.name = "metric",
     .kind = KIN_OPTION_CHOICE,
     .value = "M",
     .choices = metrics,
     .fallback = "cosine",
     .help = "cosine makes all vectors unit length first; euclid takes them as they are."},
    {0},
};

const kin_command kin_command_rerank = {
    .name = "rerank",
    .summary = "searches, and orders the results again by what their neighbours say",
    .usage = "kin rerank --gallery G [--query Q] [--method M] [--top K] [--k1 N] [--k2 N] [--lambda X] "
             "[--expand N] [--out FILE]",
    .about = "k-reciprocal re-ranking: two items are close when their sets of mutual nearest neighbours "
             "overlap. It takes what `kin search` takes and "
             "writes the same lists, exactly as the published method orders them, without its N x N "
             "matrices. --method graph propagates sets of neighbours "
             "over the graph and compares those; --method diffusion lets a query's similarity spread over "
             "the graph of mutual neighbours, which finds what is "
             "reached over a chain of alike items; --method top-m refines the first of each list by one "
             "another, and the "
             "query by them, one query at a time.\n\n"
             "Queries take no part in diffusion's graph, nor in one another's top-m. With the other two all "
             "queries take part together, "
             "so a result depends on the whole query set; re-ranking them in parts gives another one. The "
             "defaults suit "
             "things with twenty pictures or more; where there are fewer, take k1 near their number.",
    .examples =
        "kin rerank --query queries --gallery shop --top 100 --out ranks.csv\n"
        "# products with few pictures each\n"
        "kin rerank --query queries --gallery shop --k1 7 --k2 3 --out ranks.csv\n"
        "# similarity spreads over the gallery\n"
        "kin rerank --query queries --gallery shop --method diffusion --truncate 1000 --out ranks.csv\n"
        "# the first 400 of each list among themselves, each query alone\n"
        "kin rerank --query queries --gallery shop --method top-m --out ranks.csv\n"
        "# expansion first, then re-ranking on the expanded vectors\n"
        "kin rerank --query queries --gallery shop --augment 10 --expand 10 --out ranks.csv",
    .options = options,
    .run = run,
};
