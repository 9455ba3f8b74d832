#include "base/memory.h"
#include "cli/judge/selves.h"
#include "cli/network/local_file.h"
#include "cli/options/command.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/progress.h"
#include "retrieval/lists/ranks.h"

#include <string.h>

static bool show(void *user, const char *stage, int64_t done, int64_t total)
{
    (void)stage, (void)total;
    kin_meter_update(user, done, NULL);
    return !kin_interrupted();
}

/* Lists of one length, ended by −1. */
static bool to_lists(const kin_ranks *ranks, kin_neighbours *out, kin_error *err)
{
    int64_t longest = 1;
    for (int64_t q = 0; q < ranks->queries; q++) {
        int64_t n = ranks->offset[q + 1] - ranks->offset[q];
        longest = n > longest ? n : longest;
    }
    if (!kin_neighbours_alloc(out, ranks->queries, longest, err)) return false;
    for (int64_t q = 0; q < ranks->queries; q++)
        for (int64_t i = 0; i < longest; i++) {
            int64_t at = ranks->offset[q] + i;
            out->index[q * longest + i] = at < ranks->offset[q + 1] ? ranks->index[at] : -1;
            out->value[q * longest + i] = 0;
        }
    return true;
}

/* Whether picture q of one file is picture g of another: the same features at the same places. */
static bool same_features(const kin_local_set *a, int64_t q, const kin_local_set *b, int64_t g)
{
    int64_t n = a->first[q + 1] - a->first[q], row = a->dim * (int64_t)sizeof(float);
    return a->dim == b->dim && n == b->first[g + 1] - b->first[g] &&
           memcmp(a->place + a->first[q], b->place + b->first[g], (size_t)n * sizeof *a->place) == 0 &&
           memcmp(a->descriptor + a->first[q] * a->dim, b->descriptor + b->first[g] * b->dim,
                  (size_t)(n * row)) == 0;
}

/* Queries that are gallery items: the id is equal, and the features are. */
static bool find_selves(const kin_local_file *query, const kin_local_file *gallery, kin_selves *out,
                        kin_error *err)
{
    int64_t count = query->items.count;
    *out = (kin_selves){.row = kin_alloc_array((size_t)count, sizeof *out->row)};
    if (!out->row) return kin_fail_memory(err, "the queries", (size_t)count * sizeof *out->row);
    for (int64_t q = 0; q < count; q++) {
        int64_t g = kin_items_find(&gallery->items, query->items.id[q], strlen(query->items.id[q]));
        bool same = g >= 0 && same_features(&query->set, q, &gallery->set, g);
        out->row[q] = same ? g : -1;
        out->count += same;
        out->same_id += g >= 0 && !same;
    }
    return true;
}

/* The lists, without the queries themselves. */
static bool read_lists(const kin_cli *cli, const kin_local_file *query, const kin_local_file *gallery,
                       kin_ranks *out, kin_error *err)
{
    const char *path = cli->positional[0];
    kin_selves selves = {0};
    if (!kin_ranks_read(path, &(kin_ranked){query ? &query->items : &gallery->items, &gallery->items, !query},
                        out, NULL, err))
        return false;
    if (out->own)
        kin_cli_note(cli, "%lld items found themselves in %s, and were taken out of their own lists",
                     (long long)out->own, path);
    if (!query) return true;
    if (!find_selves(query, gallery, &selves, err)) return false;
    kin_ranks_drop(out, selves.row);
    kin_selves_tell(cli, &selves, query->items.count);
    kin_selves_free(&selves);
    return true;
}

static bool verify(const kin_cli *cli, const kin_local_file *query, const kin_local_file *gallery,
                   kin_error *err)
{
    const char *values = kin_option_string(cli, "inliers"), *out = kin_option_string(cli, "out");
    const kin_items *asked = query ? &query->items : &gallery->items;
    kin_ranks ranks = {0};
    kin_neighbours lists = {0};
    kin_meter meter;
    kin_verify_opt opt = {.first = kin_option_int(cli, "first"),
                          .distance = kin_option_real(cli, "distance"),
                          .least = kin_option_int(cli, "least"),
                          .ransac = {.trials = kin_option_int(cli, "trials"),
                                     .tolerance = kin_option_real(cli, "tolerance"),
                                     .key = (uint64_t)kin_option_int(cli, "seed")},
                          .progress = {show, &meter}};
    bool ok = read_lists(cli, query, gallery, &ranks, err) && to_lists(&ranks, &lists, err);
    kin_meter_start(&meter, "verifying", "lists", 0, ranks.queries, cli->quiet);
    ok = ok && kin_verify(query ? &query->set : NULL, &gallery->set, &opt, &lists, err);
    if (ok) kin_meter_end(&meter);
    ok = ok && kin_ranks_write(out ? out : "-", &lists, asked, &gallery->items, err) &&
         (!values || kin_ranks_write_arrays(NULL, values, &lists, err));
    kin_neighbours_free(&lists);
    kin_ranks_free(&ranks);
    return ok;
}

static int run(kin_cli *cli)
{
    kin_error err = {0};
    kin_local_file query = {0}, gallery = {0};
    const char *asked = kin_option_string(cli, "query");
    kin_interrupt_catch();
    bool ok = kin_local_file_load(kin_option_string(cli, "gallery"), &gallery, &err) &&
              (!asked || kin_local_file_load(asked, &query, &err)) &&
              verify(cli, asked ? &query : NULL, &gallery, &err);
    kin_local_file_free(&query);
    kin_local_file_free(&gallery);
    return ok ? 0 : kin_cli_fail(cli, &err);
}

static const kin_option options[] = {
    {.name = "gallery",
     .kind = KIN_OPTION_STRING,
     .value = "FILE",
     .required = true,
     .reads = KIN_READS_FILE,
     .help = "Local features of what was searched, of kin local."},
    {.name = "query",
     .kind = KIN_OPTION_STRING,
     .value = "FILE",
     .reads = KIN_READS_FILE,
     .help = "Those of what was looked for, made --like the gallery's. Without it each gallery picture is "
             "looked for "
             "among the others."},
    {.name = "out",
     .kind = KIN_OPTION_STRING,
     .value = "FILE",
     .fallback_shown = "standard output",
     .writes = KIN_WRITES_LIST,
     .help = "Where the lists go."},
    {.name = "inliers",
     .kind = KIN_OPTION_STRING,
     .value = "FILE",
     .writes = KIN_WRITES_FILE,
     .help = "Write how many matches agree, in the lists' order, as a float32 .npy."},
    {.name = "first",
     .kind = KIN_OPTION_INT,
     .value = "N",
     .low = 1,
     .high = -1,
     .fallback = "100",
     .help = "Of each list so many are looked at; the others stay behind them."},
    {.name = "least",
     .kind = KIN_OPTION_INT,
     .value = "N",
     .low = 0,
     .high = 1000000,
     .fallback = "25",
     .help = "Fewer agreeing matches count as none: chance alone makes some agree."},
    {.name = "distance",
     .kind = KIN_OPTION_REAL,
     .value = "D",
     .low = 0.01,
     .high = 2,
     .fallback = "0.8",
     .help = "Features match that are each other's nearest and not farther apart than this."},
    {.name = "tolerance",
     .kind = KIN_OPTION_REAL,
     .value = "PIXELS",
     .low = 0.1,
     .high = 1000,
     .fallback = "20",
     .help = "A match agrees with a map that brings it so near."},
    {.name = "trials",
     .kind = KIN_OPTION_INT,
     .value = "N",
     .low = 1,
     .high = 1000000,
     .fallback = "1000",
     .help = "Maps that are tried for each pair of pictures."},
    {.name = "seed",
     .kind = KIN_OPTION_INT,
     .value = "N",
     .low = 0,
     .high = -1,
     .fallback = "1",
     .help = "Of the random numbers; the same result for any number of threads."},
    {0},
};

const kin_command kin_command_verify = {
    .name = "verify",
    .summary = "re-ranks lists by geometry, from local features",
    .usage = "kin verify RANKS --gallery FILE [--query FILE] [--out FILE]",
    .about = "For the first pictures of each list, features that are each other's nearest are matched, and "
             "the affine map "
             "that most of the matches agree with is sought (RANSAC). Pictures with more agreeing matches "
             "come first, ties "
             "as they stood.",
    .examples = "kin verify ranks.csv --gallery shop.local --out verified.csv\n"
                "kin verify ranks.csv --query q.local --gallery shop.local --out verified.csv",
    .arguments = {{"RANKS", "The lists, as `id,images` or as an .npy of gallery rows; - is standard input.",
                   KIN_READS_FILE}},
    .arguments_min = 1,
    .arguments_max = 1,
    .options = options,
    .run = run,
};
