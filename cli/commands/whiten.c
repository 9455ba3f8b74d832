/* kin whiten: fits a whitening on descriptors, and applies it to others. */
#include "base/memory.h"
#include "cli/options/command.h"
#include "cli/options/descriptors.h"
#include "cli/retrieve/whitening_file.h"
#include "retrieval/lists/items.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static bool learn(const kin_cli *cli, const kin_embeddings *set, int64_t dims, kin_whitening *w,
                  int64_t *pairs, kin_error *err)
{
    int64_t n = set->items.count, each = kin_option_int(cli, "pairs");
    if (!set->items.label)
        return kin_fail(err, KIN_ERR_DATA,
                        "%s has no labels; --learned takes positive pairs from the column `label` of the "
                        ".csv beside the .npy",
                        set->name);
    if (each > n) each = n;
    int64_t *label = kin_alloc_array((size_t)n, sizeof *label),
            *a = kin_alloc_array((size_t)n, (size_t)each * sizeof *a),
            *b = kin_alloc_array((size_t)n, (size_t)each * sizeof *b);
    bool ok = label && a && b
                  ? true
                  : kin_fail_memory(err, "pairs", (unsigned long long)n * (unsigned long long)each * 16);
    ok = ok && kin_items_label_codes(&set->items, label, NULL, NULL, err);
    if (ok && (*pairs = kin_positive_pairs(label, n, each, a, b)) < 0)
        ok = kin_fail_memory(err, "pairs", (unsigned long long)n * 16);
    ok = ok && kin_whitening_learn(kin_embeddings_vectors(set), &(kin_positives){a, b, *pairs}, dims,
                                   kin_option_real(cli, "shrinkage"), w, err);
    kin_free(label), kin_free(a), kin_free(b);
    return ok;
}

static bool fit(const kin_cli *cli, const char *name, const char *out, kin_error *err)
{
    kin_embeddings set;
    kin_whitening w = {0};
    char about[200];
    int64_t pairs = 0;
    if (!kin_cli_read_rounded(cli, name, &set, err)) return false;
    int64_t dims = kin_option_int(cli, "dims"); /* 0: all that there are */
    bool ok = kin_option_flag(cli, "learned") ? learn(cli, &set, dims, &w, &pairs, err)
                                              : kin_whitening_fit(kin_embeddings_vectors(&set), dims,
                                                                  kin_option_real(cli, "shrinkage"), &w, err);
    snprintf(about, sizeof about, "%s, shrinkage %g, fitted on %lld rows%s", pairs ? "learned" : "PCA",
             kin_option_real(cli, "shrinkage"), (long long)set.items.count,
             pairs ? " and their positive pairs" : "");
    ok = ok && kin_whitening_save(&w, out, about, err);
    if (ok && pairs)
        kin_cli_note(cli, "%lld to %lld dimensions, from %lld rows and %lld positive pairs, in %s",
                     (long long)w.in, (long long)w.out, (long long)set.items.count, (long long)pairs, out);
    else if (ok)
        kin_cli_note(cli, "%lld to %lld dimensions, from %lld rows, in %s", (long long)w.in, (long long)w.out,
                     (long long)set.items.count, out);
    if (ok && w.rank < w.in)
        kin_cli_note(cli, "the %s differ in %lld of %lld directions by more than rounding%s",
                     pairs ? "pairs" : "rows", (long long)w.rank, (long long)w.in,
                     w.out > w.rank ? "; the others are kept for what is new in other rows" : "");
    kin_whitening_free(&w);
    kin_embeddings_free(&set);
    return ok;
}

/* Whether these are the rows whose mean was taken. */
static bool fitted_on(const kin_whitening *w, const kin_embeddings *set)
{
    for (int64_t d = 0; d < w->in; d++) {
        double sum = 0, size = 0;
        for (int64_t i = 0; i < set->items.count; i++) {
            double x = (double)set->data[i * set->dim + d];
            sum += x, size += fabs(x);
        }
        if (fabs(sum / (double)set->items.count - w->mean[d]) > 1e-12 * size / (double)set->items.count)
            return false;
    }
    return true;
}

static bool apply(const kin_cli *cli, const char *file, const char *name, const char *out, kin_error *err)
{
    kin_embeddings set = {0};
    kin_whitening w;
    if (!kin_whitening_load(file, &w, err)) return false;
    bool ok = kin_cli_read_rounded(cli, name, &set, err);
    float *rows = ok ? kin_alloc_array((size_t)set.items.count, (size_t)w.out * sizeof *rows) : NULL;
    if (ok && !rows)
        ok = kin_fail_memory(err, out,
                             (unsigned long long)set.items.count * (unsigned long long)w.out * sizeof *rows);
    ok = ok && kin_whitening_apply(&w, kin_embeddings_vectors(&set), rows, err) &&
         kin_embeddings_write_items(out, (kin_vectors){rows, set.items.count, w.out}, &set.items, err);
    if (ok)
        kin_cli_note(cli, "%lld descriptors of %lld numbers in %s", (long long)set.items.count,
                     (long long)w.out, out);
    if (ok && fitted_on(&w, &set))
        kin_cli_note(cli, "these are the rows that it was fitted on: on them it makes noise count, and mAP "
                          "often falls; fit "
                          "it on others");
    kin_free(rows);
    kin_whitening_free(&w);
    kin_embeddings_free(&set);
    return ok;
}

static int run(kin_cli *cli)
{
    const char *verb = cli->positional[0], *out = kin_option_string(cli, "out");
    bool fitting = strcmp(verb, "fit") == 0, applying = strcmp(verb, "apply") == 0;
    kin_error err = {0};
    if (!fitting && !applying) return kin_cli_usage(cli, "'%s' is neither fit nor apply", verb);
    if (fitting && cli->positionals != 2)
        return kin_cli_usage(cli, "fit takes one set of descriptors: kin whiten fit SET --out FILE");
    if (applying && cli->positionals != 3)
        return kin_cli_usage(
            cli,
            "apply takes what was fitted and a set of descriptors: kin whiten apply FILE SET --out NAME");
    if (applying && (kin_option_given(cli, "dims") || kin_option_given(cli, "shrinkage") ||
                     kin_option_given(cli, "pairs") || kin_option_flag(cli, "learned")))
        return kin_cli_usage(cli, "--dims, --shrinkage, --learned and --pairs belong to fit");
    bool ok = fitting ? fit(cli, cli->positional[1], out, &err)
                      : apply(cli, cli->positional[1], cli->positional[2], out, &err);
    return ok ? 0 : kin_cli_fail(cli, &err);
}

static const kin_option options[] = {
    {.name = "out",
     .kind = KIN_OPTION_STRING,
     .writes = KIN_WRITES_SET,
     .value = "FILE",
     .required = true,
     .help = "fit: where the whitening goes, a .safetensors file. apply: the name of the new descriptors, "
             "NAME.npy and NAME.csv."},
    {.name = "dims",
     .kind = KIN_OPTION_INT,
     .value = "D",
     .low = 1,
     .high = -1,
     .fallback_shown = "all; with --shrinkage 0 those in which the rows differ",
     .help = "Directions kept."},
    {.name = "shrinkage",
     .kind = KIN_OPTION_REAL,
     .value = "S",
     .low = 0,
     .high = 1,
     .fallback = "0.5",
     .help = "Draws the variances towards their mean, which tames directions that hold only noise; 1 whitens "
             "nothing, 0 all, and then noise counts as much as anything."},
    {.name = "learned",
     .help = "Learn from labels: what differs between items of one label becomes white, and directions are "
             "sorted by what tells the others apart."},
    {.name = "pairs",
     .kind = KIN_OPTION_INT,
     .value = "N",
     .low = 1,
     .high = 100000,
     .fallback = "10",
     .help = "With --learned: every item is paired with the next N of its label."},
    {0},
};

const kin_command kin_command_whiten = {
    .name = "whiten",
    .summary = "fits a whitening on descriptors, and applies it to others",
    .usage = "kin whiten fit SET --out W.safetensors [--dims D] [--shrinkage S] [--learned]\nkin whiten "
             "apply W.safetensors SET --out NAME",
    .about = "Descriptors of networks have a few strong directions that say little about what is alike. "
             "Whitening makes all directions count the same; what "
             "comes out has unit length.\n\n"
             "Fit it on pictures that are neither queries nor gallery: fitted on the gallery itself it does "
             "harm. Keep the default shrinkage unless validation items say otherwise: without any, a few "
             "hundred pictures make a whitening that is worse than none. The file holds the arrays mean, "
             "projection "
             "and variance, for use elsewhere: y = projection (x - mean), divided by its length.",
    .examples = "kin whiten fit train --out w.safetensors\n"
                "kin whiten apply w.safetensors shop --out shop_w\n"
                "# from positive pairs\n"
                "kin whiten fit train --learned --out w.safetensors",
    .arguments = {{"VERB", "fit or apply."},
                  {"W", "apply: what was fitted."},
                  {"SET", "Descriptors, as written by `kin embed`, or any .npy matrix."}},
    .arguments_min = 1,
    .arguments_max = 3,
    .options = options,
    .run = run,
};
