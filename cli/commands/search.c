#include "base/memory.h"
#include "cli/options/metric.h"
#include "cli/retrieve/retrieve.h"
#include "cli/retrieve/retrieve_labels.h"
#include "retrieval/search/range.h"
#include "retrieval/search/wide.h"

#include <math.h>

static float no_value(const kin_retrieve *r) { return r->metric == KIN_EUCLID ? INFINITY : -INFINITY; }

/* Everything within --max-distance, at most --top where that is given. */
static bool search_within(kin_retrieve *r, int64_t limit, kin_neighbours *lists, kin_error *err)
{
    kin_range_opt opt = {.distance = kin_option_real(r->cli, "max-distance"),
                         .metric = r->metric,
                         .limit = limit,
                         .leave_one_out = r->leave_one_out,
                         .self = kin_retrieve_self(r),
                         .progress = kin_retrieve_progress(r)};
    kin_ranges found;
    if (!kin_search_range(kin_retrieve_query(r), kin_retrieve_gallery(r), &opt, &found, err)) return false;
    int64_t empty = 0;
    for (int64_t q = 0; q < found.queries; q++) empty += found.offset[q] == found.offset[q + 1];
    bool ok = kin_ranges_pad(&found, no_value(r), lists, err);
    kin_ranges_free(&found);
    if (ok && empty)
        kin_cli_note(r->cli, "%lld of %lld queries have nothing within --max-distance; their lists are empty",
                     (long long)empty, (long long)lists->queries);
    return ok;
}

/* A set's numbers as doubles; `owned` where they had to be made. */
static const double *doubles_of(const kin_embeddings *set, double **owned, kin_error *err)
{
    int64_t count = set->items.count * set->dim;
    if (set->file.wide) return set->file.wide;
    *owned = kin_alloc_array((size_t)count, sizeof **owned);
    if (!*owned) return kin_fail_memory(err, set->name, (unsigned long long)count * sizeof **owned), NULL;
    for (int64_t i = 0; i < count; i++) (*owned)[i] = (double)set->data[i];
    return *owned;
}

/* Numbers that float32 would round are compared as they are. */
static bool search_wide(kin_retrieve *r, const kin_search_opt *opt, kin_neighbours *lists, kin_error *err)
{
    const kin_embeddings *query = r->leave_one_out ? &r->gallery : &r->query;
    double *owned[2] = {NULL, NULL};
    const double *q = doubles_of(query, &owned[0], err),
                 *g = q ? doubles_of(&r->gallery, &owned[1], err) : NULL;
    bool ok = g && kin_search_wide((kin_wide){q, query->items.count, query->dim},
                                   (kin_wide){g, r->gallery.items.count, r->gallery.dim}, opt, lists, err);
    kin_free(owned[0]), kin_free(owned[1]);
    return ok;
}

/* `depth`: of the lists; 0: with --max-distance all of them. */
static bool search_to(kin_retrieve *r, int64_t depth, kin_neighbours *lists, kin_error *err)
{
    kin_search_opt opt = {.k = depth,
                          .metric = r->metric,
                          .leave_one_out = r->leave_one_out,
                          .self = kin_retrieve_self(r),
                          .float32_order = kin_option_flag(r->cli, "float32"),
                          .progress = kin_retrieve_progress(r)};
    bool wide = r->query.file.wide || r->gallery.file.wide;
    if (kin_option_given(r->cli, "max-distance")) return search_within(r, depth, lists, err);
    if (wide && !opt.float32_order) return search_wide(r, &opt, lists, err);
    return kin_search(kin_retrieve_query(r), kin_retrieve_gallery(r), &opt, lists, err);
}

/* Deeper lists until each has --top labels, or all there are. */
static bool search_labels(kin_retrieve *r, kin_neighbours *lists, kin_error *err)
{
    enum { DEEPER = 4 };
    bool within = kin_option_given(r->cli, "max-distance"), ok = true, deep = false;
    int64_t shortest = 0, all = r->gallery.items.count - (r->leave_one_out || r->selves.count ? 1 : 0),
            depth = all / DEEPER > r->top ? r->top * DEEPER : all;
    if (all < 1) all = depth = 1;
    for (; ok && !deep; depth = all / DEEPER > depth ? depth * DEEPER : all) {
        kin_neighbours once = {0};
        kin_neighbours_free(lists);
        ok = search_to(r, within ? 0 : depth, lists, err) &&
             kin_retrieve_by_label(r, lists, &once, &shortest, err);
        kin_neighbours_free(&once);
        deep = within || depth >= all || shortest >= r->top;
    }
    return ok;
}

static int run(kin_cli *cli)
{
    kin_retrieve r;
    int code;
    if (kin_option_given(cli, "max-distance") && kin_option_flag(cli, "float32"))
        return kin_cli_usage(cli, "--max-distance compares exact distances; leave --float32 out");
    if (!kin_retrieve_open(&r, cli, &code)) return code;
    kin_error err = {0};
    kin_neighbours lists = {0};
    bool means = kin_option_given(cli, "expand") || kin_option_given(cli, "augment");
    bool ok = !means || (kin_retrieve_normalize(&r, &err) && kin_retrieve_expand(&r, &err));
    if (ok && !means && (kin_option_flag(cli, "float32") || kin_option_given(cli, "max-distance")))
        kin_retrieve_tell_rounding(&r);
    int64_t depth = kin_option_given(cli, "max-distance") ? kin_option_int(cli, "top") : r.top;
    if (ok && r.label) ok = search_labels(&r, &lists, &err);
    else ok = ok && search_to(&r, depth, &lists, &err);
    ok = ok && kin_retrieve_write(&r, &lists, &err);
    kin_neighbours_free(&lists);
    kin_retrieve_close(&r);
    return ok ? 0 : kin_cli_fail(cli, &err);
}

static const kin_option options[] = {
    KIN_RETRIEVE_OPTIONS,
    {.name = "metric",
     .kind = KIN_OPTION_CHOICE,
     .value = "M",
     .choices = kin_metric_names,
     .fallback = "cosine",
     .help = "What is near: cosine similarity, squared Euclidean distance, or inner product."},
    {.name = "max-distance",
     .kind = KIN_OPTION_REAL,
     .value = "X",
     .help = "Only what is this near: 1 - similarity for cosine, the squared distance for euclid, minus the "
             "product for inner. All of it, unless --top is given. "
             "A query without any has an empty list: it is not in the gallery. `kin eval --fit-threshold` "
             "finds an X."},
    {.name = "float32",
     .help =
         "Order by float32 products alone, around the gallery's mean: neighbours closer than their rounding "
         "may change places."},
    {0},
};

const kin_command kin_command_search = {
    .name = "search",
    .summary = "finds the nearest gallery items of every query",
    .usage = "kin search --gallery G [--query Q] [--top K] [--out FILE]",
    .about = "Compares every query with every gallery item and writes, for each query, the K nearest ids, "
             "best first. The result is exact: the order is "
             "that of distances computed in double precision (of float64 arrays as they are), ties go to the "
             "smaller row, and the number of "
             "threads does not change it.\n\n"
             "The lists have a line `query,gallery gallery ...` each, under the header `id,images`; `kin "
             "eval` measures them and `kin check` validates "
             "them. With --indices and --distances (or --similarities) the result is a pair of arrays as "
             "FAISS gives them.",
    .examples =
        "# queries against a gallery, both written by kin embed\n"
        "kin search --query queries --gallery shop --top 100 --out ranks.csv\n"
        "# every item of somebody else's matrix among the others, as arrays\n"
        "kin search --gallery vectors.npy --top 10 --metric euclid --indices i.npy --distances d.npy\n"
        "# everything near enough, and nothing else\n"
        "kin search --query queries --gallery shop --max-distance 0.35 --out ranks.csv\n"
        "# the same as a page of pictures\n"
        "kin search --query queries --gallery shop --top 12 --html page.html\n"
        "# with query expansion over the 10 nearest\n"
        "kin search --query queries --gallery shop --expand 10 --out ranks.csv",
    .options = options,
    .run = run,
};
