/* kin reduce: descriptors with fewer numbers. */
#include "base/file.h"
#include "base/memory.h"
#include "cli/options/command.h"
#include "cli/options/descriptors.h"
#include "cli/retrieve/whitening_file.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/progress.h"
#include "models/autoencoder.h"
#include "retrieval/describe/expand.h"
#include "retrieval/lists/items.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>

/* What makes descriptors shorter: one of both. */
typedef struct reducer {
    kin_whitening pca;
    kin_autoencoder *network;
} reducer;

static void reducer_free(reducer *r)
{
    kin_whitening_free(&r->pca);
    kin_autoencoder_free(r->network);
}

static int64_t dims_of(const reducer *r)
{
    return r->network ? kin_autoencoder_dims(r->network) : r->pca.out;
}

/* ---- fitting ---- */

static bool show(void *user, int64_t step, int64_t steps, double loss)
{
    char text[40] = "";
    (void)steps;
    if (!isnan(loss)) snprintf(text, sizeof text, "held-out loss %.4f", loss);
    kin_meter_update(user, step, text);
    return !kin_interrupted();
}

/* -1 for what has no label; NULL without labels, or when memory ends (recorded). */
static int *labels_of(const kin_embeddings *set, kin_error *err)
{
    int64_t count = set->items.count,
            *code = set->items.label ? kin_alloc_array((size_t)count, sizeof *code) : NULL;
    int *label = code ? kin_alloc_array((size_t)count, sizeof *label) : NULL;
    if (set->items.label && !label) kin_fail_memory(err, set->name, (unsigned long long)count * sizeof *code);
    bool ok = label && kin_items_label_codes(&set->items, code, NULL, NULL, err);
    for (int64_t i = 0; ok && i < count; i++) label[i] = code[i] < INT_MAX ? (int)code[i] : -1;
    kin_free(code);
    if (ok) return label;
    kin_free(label);
    return NULL;
}

static bool train(const kin_cli *cli, const kin_embeddings *set, reducer *r, kin_error *err)
{
    kin_meter meter;
    kin_whitening start = {0};
    kin_autoencoder_fit fit;
    int64_t dims = kin_option_int(cli, "autoencoder"), in = set->dim;
    float *mean = kin_alloc_array((size_t)in, sizeof *mean);
    double metric = kin_option_real(cli, "metric-weight");
    int *label = metric > 0 ? labels_of(set, err) : NULL;
    bool ok = (mean || kin_fail_memory(err, "a mean", (unsigned long long)in * sizeof *mean)) &&
              !kin_failed(err);
    if (ok && metric > 0 && !label)
        ok = kin_fail(err, KIN_ERR_ARGUMENT, "--metric-weight needs labels, and %s has none", set->name);
    ok = ok && kin_pca_fit(kin_embeddings_vectors(set), dims, &start, err);
    for (int64_t i = 0; ok && i < in; i++) mean[i] = (float)start.mean[i];
    if (ok) {
        kin_autoencoder_opt opt = {.dims = dims,
                                   .hidden = kin_option_int(cli, "hidden"),
                                   .similarity = kin_option_real(cli, "similarity"),
                                   .metric = metric,
                                   .label = label,
                                   .mean = mean,
                                   .components = start.projection,
                                   .steps = kin_option_int(cli, "steps"),
                                   .held_out = kin_option_real(cli, "held-out"),
                                   .seed = (uint64_t)kin_option_int(cli, "seed"),
                                   .progress = show,
                                   .user = &meter};
        kin_meter_start(&meter, "training", "steps", 0, opt.steps, cli->quiet);
        r->network = kin_autoencoder_train(set->data, set->items.count, in, &opt, &fit, err);
        kin_meter_break();
        ok = r->network;
        if (ok && opt.held_out > 0)
            kin_cli_note(
                cli, "loss on the held-out rows %.4f, by principal components alone %.4f; step %lld is kept",
                fit.after, fit.before, (long long)fit.step);
    }
    kin_whitening_free(&start);
    kin_free(mean), kin_free(label);
    return ok;
}

static bool load(const char *path, reducer *r, kin_error *err)
{
    kin_checkpoint *c = NULL;
    if (!kin_checkpoint_open(path, &c, err)) return false;
    bool network = kin_checkpoint_find(c, "project.weight");
    kin_checkpoint_free(c);
    return network ? (r->network = kin_autoencoder_load(path, err)) != NULL
                   : kin_whitening_load(path, &r->pca, err);
}

static bool make(const kin_cli *cli, const kin_embeddings *set, reducer *r, kin_error *err)
{
    if (kin_option_given(cli, "with")) return load(kin_option_string(cli, "with"), r, err);
    if (kin_option_given(cli, "autoencoder")) return train(cli, set, r, err);
    if (!kin_pca_fit(kin_embeddings_vectors(set), kin_option_int(cli, "pca"), &r->pca, err)) return false;
    if (r->pca.rank < r->pca.out)
        kin_cli_note(cli,
                     "the rows of %s differ in %lld directions by more than rounding; the others of the %lld "
                     "are arbitrary",
                     set->name, (long long)r->pca.rank, (long long)r->pca.out);
    return true;
}

/* ---- use ---- */

static bool apply(const reducer *r, const kin_embeddings *set, float *rows, kin_error *err)
{
    if (!r->network) return kin_whitening_apply(&r->pca, kin_embeddings_vectors(set), rows, err);
    if (kin_autoencoder_in(r->network) != set->dim)
        return kin_fail(err, KIN_ERR_ARGUMENT, "%s has %lld dimensions, the auto-encoder takes %lld",
                        set->name, (long long)set->dim, (long long)kin_autoencoder_in(r->network));
    return kin_autoencoder_encode(r->network, set->data, set->items.count, rows, err) &&
           kin_normalize_rows(rows, set->items.count, dims_of(r), "a code", err);
}

static bool save(const reducer *r, const char *path, kin_error *err)
{
    return r->network ? kin_autoencoder_save(r->network, path, err)
                      : kin_whitening_save(&r->pca, path, "principal components, not whitened", err);
}

static bool reduce(const kin_cli *cli, kin_error *err)
{
    const char *name = cli->positional[0], *on = kin_option_string(cli, "on"),
               *out = kin_option_string(cli, "out"), *file = kin_option_string(cli, "save");
    kin_embeddings set = {0}, other = {0};
    reducer r = {0};
    float *rows = NULL;
    bool ok = kin_cli_read_rounded(cli, name, &set, err) &&
              (!on || kin_cli_read_rounded(cli, on, &other, err)) && make(cli, on ? &other : &set, &r, err);
    if (ok && !(rows = kin_alloc_array((size_t)set.items.count, (size_t)dims_of(&r) * sizeof *rows)))
        ok = kin_fail_memory(
            err, out, (unsigned long long)set.items.count * (unsigned long long)dims_of(&r) * sizeof *rows);
    ok = ok && apply(&r, &set, rows, err) &&
         kin_embeddings_write_items(out, (kin_vectors){rows, set.items.count, dims_of(&r)}, &set.items,
                                    err) &&
         (!file || save(&r, file, err));
    if (ok)
        kin_cli_note(cli, "%lld descriptors of %lld numbers, before %lld, in %s", (long long)set.items.count,
                     (long long)dims_of(&r), (long long)set.dim, out);
    kin_free(rows);
    reducer_free(&r);
    kin_embeddings_free(&set), kin_embeddings_free(&other);
    return ok;
}

static int run(kin_cli *cli)
{
    static const char *const of_network[] = {"hidden", "similarity", "metric-weight",
                                             "steps",  "held-out",   "seed"};
    kin_error err = {0};
    int ways = kin_option_given(cli, "pca") + kin_option_given(cli, "autoencoder") +
               kin_option_given(cli, "with");
    if (ways != 1) return kin_cli_usage(cli, "one of --pca D, --autoencoder D and --with FILE says how");
    for (size_t i = 0; i < sizeof of_network / sizeof *of_network; i++)
        if (!kin_option_given(cli, "autoencoder") && kin_option_given(cli, of_network[i]))
            return kin_cli_usage(cli, "--%s belongs to --autoencoder", of_network[i]);
    if (kin_option_given(cli, "with") && kin_option_given(cli, "on"))
        return kin_cli_usage(cli, "--with FILE was fitted already; leave --on out");
    kin_interrupt_catch();
    return reduce(cli, &err) ? 0 : kin_cli_fail(cli, &err);
}

static const kin_option options[] = {
    {.name = "pca",
     .kind = KIN_OPTION_INT,
     .value = "D",
     .low = 1,
     .high = -1,
     .help = "Keep the D directions of the largest variance (principal components)."},
    {.name = "autoencoder",
     .kind = KIN_OPTION_INT,
     .value = "D",
     .low = 1,
     .high = -1,
     .help = "Train an auto-encoder with codes of D numbers, which begins at principal components."},
    {.name = "with",
     .kind = KIN_OPTION_STRING,
     .value = "FILE",
     .help = "What --save kept (or `kin whiten`): nothing is fitted."},
    {.name = "on",
     .kind = KIN_OPTION_STRING,
     .value = "SET",
     .fallback_shown = "the descriptors themselves",
     .help = "What they are fitted on; give the same for queries and gallery."},
    {.name = "out",
     .kind = KIN_OPTION_STRING,
     .writes = KIN_WRITES_SET,
     .value = "NAME",
     .required = true,
     .help = "The name of the new descriptors, NAME.npy and NAME.csv; they have unit length."},
    {.name = "save",
     .kind = KIN_OPTION_STRING,
     .writes = KIN_WRITES_FILE,
     .value = "FILE",
     .help = "Also keep what was fitted as .safetensors, for --with."},
    {.name = "similarity",
     .kind = KIN_OPTION_REAL,
     .value = "W",
     .low = 0,
     .high = 1e6,
     .fallback = "1",
     .help = "Auto-encoder: how much the cosines between codes count that are not those between descriptors, "
             "beside the reconstruction."},
    {.name = "metric-weight",
     .kind = KIN_OPTION_REAL,
     .value = "W",
     .low = 0,
     .high = 1e6,
     .fallback = "0",
     .help = "Auto-encoder: how much it counts that a code's nearest is of its label, by those of what it is "
             "fitted on; 1 to 10."},
    {.name = "hidden",
     .kind = KIN_OPTION_INT,
     .value = "N",
     .low = 1,
     .high = 65536,
     .fallback_shown = "2 D, at least 64",
     .help = "Auto-encoder: numbers in its inner layers."},
    {.name = "steps",
     .kind = KIN_OPTION_INT,
     .value = "N",
     .low = 1,
     .high = -1,
     .fallback = "2000",
     .help = "Auto-encoder: batches of 256 rows to train on, at most."},
    {.name = "held-out",
     .kind = KIN_OPTION_REAL,
     .value = "SHARE",
     .low = 0,
     .high = 0.9,
     .fallback = "0.1",
     .help = "Auto-encoder: the last share of the rows, on which the best step is chosen; 0 keeps the last "
             "step."},
    {.name = "seed",
     .kind = KIN_OPTION_INT,
     .value = "N",
     .low = 0,
     .high = -1,
     .fallback = "1",
     .help = "Auto-encoder: first values and batches are functions of it."},
    {0},
};

const kin_command kin_command_reduce = {
    .name = "reduce",
    .summary = "makes descriptors shorter",
    .usage = "kin reduce SET --pca D --out NAME [--on SET] [--save FILE]\n"
             "kin reduce SET --autoencoder D --out NAME [--on SET] [--metric-weight W] [--save FILE]\n"
             "kin reduce SET --with FILE --out NAME",
    .about =
        "Short descriptors need less room and are searched faster. Principal components lose the least of "
        "the distances that D directions can lose; unlike "
        "`kin whiten` they keep the directions' variances as they are.\n\n"
        "An auto-encoder adds a network of two layers each way to them, trained to give the descriptors back "
        "and to keep their cosines, and with --metric-weight to "
        "keep things of one label together. Which step of the training is kept is decided on rows it has not "
        "seen, so on those it is never worse than principal components in its own loss; whether it "
        "finds more, `kin eval` says.",
    .examples =
        "kin reduce shop --pca 64 --on train --out shop64\n"
        "kin reduce queries --pca 64 --on train --out queries64\n"
        "# an auto-encoder, fitted on the training classes and their labels, for both sets\n"
        "kin reduce shop --autoencoder 64 --on train --metric-weight 10 --save ae.safetensors --out shop64\n"
        "kin reduce queries --with ae.safetensors --out queries64",
    .arguments = {{"SET", "Descriptors, as written by `kin embed`, or any .npy matrix."}},
    .arguments_min = 1,
    .arguments_max = 1,
    .options = options,
    .run = run,
};
