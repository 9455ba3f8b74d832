#include "base/memory.h"
#include "cli/retrieve.h"
#include "retrieval/rerank.h"

#include <stdlib.h>

static int ascending(const void *a, const void *b) { return *(const int64_t *)a < *(const int64_t *)b ? -1 : *(const int64_t *)a > *(const int64_t *)b; }

/* The median number of gallery items a label has; 0 without labels. */
static int64_t median_class(const kin_items *items)
{
    if (!items->label) return 0;
    int64_t *code = kin_alloc_array((size_t)items->count, sizeof *code), *size = kin_alloc_zero((size_t)items->count, sizeof *size), classes = 0, median = 0;
    if (code && size && kin_items_label_codes(items, code, NULL, NULL, NULL)) {
        for (int64_t i = 0; i < items->count; i++) {
            if (code[i] < 0) continue;
            size[code[i]]++;
            if (code[i] >= classes) classes = code[i] + 1;
        }
        if (classes) qsort(size, (size_t)classes, sizeof *size, ascending);
        if (classes) median = size[classes / 2];
    }
    kin_free(code), kin_free(size);
    return median;
}

static void warn_of_small_classes(const kin_retrieve *r, int64_t k1)
{
    int64_t median = median_class(&r->gallery.items);
    if (median > 0 && median < k1)
        kin_cli_note(r->cli, "half the labels have %lld gallery items or fewer, less than --k1 %lld: mutual neighbours will mix them; try --k1 %lld --k2 %lld",
                     (long long)median, (long long)k1, (long long)median, (long long)(median / 3 > 1 ? median / 3 : 1));
}

static int run(kin_cli *cli)
{
    kin_retrieve r;
    int code;
    if (!kin_retrieve_open(&r, cli, &code)) return code;
    kin_rerank_opt opt = {.k = r.top, .k1 = kin_option_int(cli, "k1"), .k2 = kin_option_int(cli, "k2"), .lambda = kin_option_real(cli, "lambda"),
                          .input = (kin_rerank_input)kin_option_choice(cli, "input"), .leave_one_out = r.leave_one_out,
                          .progress = kin_retrieve_progress(&r)};
    warn_of_small_classes(&r, opt.k1);
    kin_error err = {0};
    kin_neighbours lists = {0};
    bool ok = kin_retrieve_normalize(&r, &err) && kin_retrieve_expand(&r, &err) &&
              kin_rerank_k_reciprocal(kin_retrieve_query(&r), kin_retrieve_gallery(&r), &opt, &lists, &err) && kin_retrieve_write(&r, &lists, &err);
    kin_neighbours_free(&lists);
    kin_retrieve_close(&r);
    return ok ? 0 : kin_cli_fail(cli, &err);
}

static const char *const metrics[] = {"cosine", "euclid", NULL};
static const char *const inputs[] = {"euclid", "squared", NULL};

static const kin_option options[] = {
    KIN_RETRIEVE_OPTIONS,
    {.name = "k1", .kind = KIN_OPTION_INT, .value = "N", .low = 1, .high = 100000, .fallback = "20", .help = "How many neighbours must be mutual."},
    {.name = "k2", .kind = KIN_OPTION_INT, .value = "N", .low = 1, .high = 100000, .fallback = "6",
     .help = "Over how many neighbours encodings are averaged; 1 averages none."},
    {.name = "lambda", .kind = KIN_OPTION_REAL, .value = "X", .low = 0, .high = 1, .fallback = "0.3", .help = "Weight of the original distance."},
    {.name = "input", .kind = KIN_OPTION_CHOICE, .value = "D", .choices = inputs, .fallback = "euclid",
     .help = "What the published code would be given, which squares it: Euclidean distances, or squared ones."},
    {.name = "metric", .kind = KIN_OPTION_CHOICE, .value = "M", .choices = metrics, .fallback = "cosine",
     .help = "cosine makes all vectors unit length first; euclid takes them as they are."},
    {0},
};

const kin_command kin_command_rerank = {
    .name = "rerank",
    .summary = "searches, and orders the results again by mutual neighbours",
    .usage = "kin rerank --gallery G [--query Q] [--top K] [--k1 N] [--k2 N] [--lambda X] [--expand N] [--out FILE]",
    .about = "k-reciprocal re-ranking: two items are close when their sets of mutual nearest neighbours overlap. It takes what `kin search` takes and "
             "writes the same lists, exactly as the published method orders them, without its N x N matrices.\n\n"
             "All queries take part together, so a result depends on the whole query set; re-ranking them in parts gives another one. The defaults suit "
             "things with twenty pictures or more; where there are fewer, take k1 near their number.",
    .examples = "kin rerank --query queries --gallery shop --top 100 --out ranks.csv\n"
                "# products with few pictures each\n"
                "kin rerank --query queries --gallery shop --k1 7 --k2 3 --out ranks.csv\n"
                "# expansion first, then re-ranking on the expanded vectors\n"
                "kin rerank --query queries --gallery shop --augment 10 --expand 10 --out ranks.csv",
    .options = options,
    .run = run,
};
