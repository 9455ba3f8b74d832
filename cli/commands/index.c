/* kin index: descriptors as an index for another program. */
#include "cli/command.h"
#include "retrieval/lists/faiss.h"
#include "retrieval/lists/items.h"

static int run(kin_cli *cli)
{
    static const kin_metric metrics[] = {KIN_COSINE, KIN_EUCLID, KIN_INNER};
    const char *out = kin_option_string(cli, "faiss");
    kin_embeddings set = {0};
    kin_error err = {0};
    bool ok = kin_embeddings_read(cli->positional[0], &set, &err) &&
              kin_faiss_write_flat(out, kin_embeddings_vectors(&set),
                                   metrics[kin_option_choice(cli, "metric")], &err);
    if (ok)
        kin_cli_note(cli, "%lld vectors of %lld numbers in %s", (long long)set.items.count,
                     (long long)set.dim, out);
    kin_embeddings_free(&set);
    return ok ? 0 : kin_cli_fail(cli, &err);
}

static const char *const metrics[] = {"cosine", "euclid", "inner", NULL};

static const kin_option options[] = {
    {.name = "faiss",
     .kind = KIN_OPTION_STRING,
     .writes = KIN_WRITES_FILE,
     .value = "FILE",
     .required = true,
     .help = "Where the index goes, as faiss.read_index takes it; its ids are row numbers."},
    {.name = "metric",
     .kind = KIN_OPTION_CHOICE,
     .value = "M",
     .choices = metrics,
     .fallback = "cosine",
     .help = "cosine: an IndexFlatIP of unit vectors, to be asked with unit vectors; euclid: an IndexFlatL2; "
             "inner: an IndexFlatIP of the vectors as they are."},
    {0},
};

const kin_command kin_command_index = {
    .name = "index",
    .summary = "hands descriptors over to FAISS",
    .usage = "kin index SET --faiss FILE [--metric M]",
    .about = "Writes an exact index that FAISS reads, to be searched or built upon there. What kin itself "
             "found goes over with `kin search --indices labels.npy "
             "--distances distances.npy`: int64 rows of the gallery and float32 values, a row a query, as "
             "FAISS's search returns them.",
    .examples =
        "kin index shop --faiss shop.index\n"
        "kin search --query queries --gallery shop --top 10 --indices labels.npy --distances distances.npy",
    .arguments = {{"SET", "Descriptors, as written by `kin embed`, or any .npy matrix."}},
    .arguments_min = 1,
    .arguments_max = 1,
    .options = options,
    .run = run,
};
