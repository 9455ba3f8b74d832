/* kin reduce: descriptors with fewer numbers. */
#include "base/memory.h"
#include "cli/command.h"
#include "cli/whitening_file.h"
#include "retrieval/items.h"

static bool reduce(const kin_cli *cli, kin_error *err)
{
    const char *name = cli->positional[0], *on = kin_option_string(cli, "on"), *out = kin_option_string(cli, "out"), *save = kin_option_string(cli, "save");
    kin_embeddings set = {0}, other = {0};
    kin_whitening w = {0};
    float *rows = NULL;
    bool ok = kin_embeddings_read(name, &set, err) && (!on || kin_embeddings_read(on, &other, err));
    ok = ok && kin_pca_fit(kin_embeddings_vectors(on ? &other : &set), kin_option_int(cli, "pca"), &w, err);
    if (ok && !(rows = kin_alloc_array((size_t)set.items.count, (size_t)w.out * sizeof *rows)))
        ok = kin_fail_memory(err, out, (unsigned long long)set.items.count * (unsigned long long)w.out * sizeof *rows);
    ok = ok && kin_whitening_apply(&w, kin_embeddings_vectors(&set), rows, err) &&
         kin_embeddings_write_items(out, (kin_vectors){rows, set.items.count, w.out}, &set.items, err) &&
         (!save || kin_whitening_save(&w, save, "principal components, not whitened", err));
    if (ok) kin_cli_note(cli, "%lld descriptors of %lld numbers, before %lld, in %s", (long long)set.items.count, (long long)w.out, (long long)w.in, out);
    kin_free(rows);
    kin_whitening_free(&w);
    kin_embeddings_free(&set), kin_embeddings_free(&other);
    return ok;
}

static int run(kin_cli *cli)
{
    kin_error err = {0};
    return reduce(cli, &err) ? 0 : kin_cli_fail(cli, &err);
}

static const kin_option options[] = {
    {.name = "pca", .kind = KIN_OPTION_INT, .value = "D", .low = 1, .high = -1, .required = true, .help = "Keep the D directions of the largest variance (principal components)."},
    {.name = "on", .kind = KIN_OPTION_STRING, .value = "SET", .fallback_shown = "the descriptors themselves", .help = "What they are fitted on; give the same for queries and gallery."},
    {.name = "out", .kind = KIN_OPTION_STRING, .value = "NAME", .required = true, .help = "The name of the new descriptors, NAME.npy and NAME.csv; they have unit length."},
    {.name = "save", .kind = KIN_OPTION_STRING, .value = "FILE", .help = "Also keep the directions as .safetensors, which `kin whiten apply` takes."},
    {0},
};

const kin_command kin_command_reduce = {
    .name = "reduce",
    .summary = "makes descriptors shorter",
    .usage = "kin reduce SET --pca D --out NAME [--on SET] [--save FILE]",
    .about = "Short descriptors need less room and are searched faster. Principal components lose the least of the distances that D directions can lose; unlike "
             "`kin whiten` they keep the directions' variances as they are.",
    .examples = "kin reduce shop --pca 64 --on train --out shop64\n"
                "kin reduce queries --pca 64 --on train --out queries64",
    .arguments = {{"SET", "Descriptors, as written by `kin embed`, or any .npy matrix."}},
    .arguments_min = 1,
    .arguments_max = 1,
    .options = options,
    .run = run,
};
