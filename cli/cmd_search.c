#include "cli/retrieve.h"

static int run(kin_cli *cli)
{
    kin_retrieve r;
    int code;
    if (!kin_retrieve_open(&r, cli, &code)) return code;
    kin_error err = {0};
    kin_neighbours lists = {0};
    bool means = kin_option_given(cli, "expand") || kin_option_given(cli, "augment");
    bool ok = !means || (kin_retrieve_normalize(&r, &err) && kin_retrieve_expand(&r, &err));
    kin_search_opt opt = {.k = r.top, .metric = r.metric, .leave_one_out = r.leave_one_out, .float32_order = kin_option_flag(cli, "float32"),
                          .progress = kin_retrieve_progress(&r)};
    ok = ok && kin_search(kin_retrieve_query(&r), kin_retrieve_gallery(&r), &opt, &lists, &err) && kin_retrieve_write(&r, &lists, &err);
    kin_neighbours_free(&lists);
    kin_retrieve_close(&r);
    return ok ? 0 : kin_cli_fail(cli, &err);
}

static const kin_option options[] = {
    KIN_RETRIEVE_OPTIONS,
    {.name = "metric", .kind = KIN_OPTION_CHOICE, .value = "M", .choices = kin_retrieve_metrics, .fallback = "cosine",
     .help = "What is near: cosine similarity, squared Euclidean distance, or inner product."},
    {.name = "float32", .help = "Order by float32 products alone: faster, but neighbours closer than their rounding may change places."},
    {0},
};

const kin_command kin_command_search = {
    .name = "search",
    .summary = "finds the nearest gallery items of every query",
    .usage = "kin search --gallery G [--query Q] [--top K] [--out FILE]",
    .about = "Compares every query with every gallery item and writes, for each query, the K nearest ids, best first. The result is exact: the order is "
             "that of distances computed in double precision, ties go to the smaller row, and the number of threads does not change it.\n\n"
             "The lists have a line `query,gallery gallery ...` each, under the header `id,images`; `kin eval` measures them and `kin check` validates "
             "them. With --indices and --distances the result is a pair of arrays as FAISS gives them.",
    .examples = "# queries against a gallery, both written by kin embed\n"
                "kin search --query queries --gallery shop --top 100 --out ranks.csv\n"
                "# every item of somebody else's matrix among the others, as arrays\n"
                "kin search --gallery vectors.npy --top 10 --metric euclid --indices i.npy --distances d.npy\n"
                "# with query expansion over the 10 nearest\n"
                "kin search --query queries --gallery shop --expand 10 --out ranks.csv",
    .options = options,
    .run = run,
};
