/* kin export: a network as an ONNX file; descriptors as SQL for PostgreSQL, or as JSON Lines. */
#include "autograd/ops.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/options/descriptors.h"
#include "cli/options/metric.h"
#include "cli/options/model_options.h"
#include "cli/options/own.h"
#include "cli/retrieve/pgvector.h"
#include "cli/retrieve/rows.h"
#include "nn/files/onnx.h"
#include "train/encoder.h"
#include "train/weights.h"

#include <stdio.h>
#include <string.h>

static const char *const index_names[] = {"none", "hnsw", "ivfflat", NULL}; /* as kin_pgvector_index */

static const kin_option options[] = {
    {"model", KIN_OPTION_STRING, "M",
     "a run's folder or a checkpoint of kin train; or a network's name, as kin models lists them"},
    {"weights", KIN_OPTION_STRING, "FILE", "anything that kin import reads",
     .fallback_shown = "the run's own; a name needs them"},
    {"out", KIN_OPTION_STRING, "FILE", "the ONNX file to write", .writes = KIN_WRITES_FILE},
    {"input", KIN_OPTION_STRING, "CxHxW", "channels, height and width of a picture, such as 3x224x224",
     .fallback_shown = "the run's, or the network's own"},
    {"batch", KIN_OPTION_STRING, "N", "pictures a call, or \"dynamic\": any number", "dynamic"},
    {"normalize", KIN_OPTION_FLAG, NULL,
     "let the network end in rows of unit length, as kin embed writes them"},
    KIN_WEIGHTS_OPTIONS,
    {"allow-missing", KIN_OPTION_STRING, "GLOB",
     "parameters that may be missing or superfluous, such as 'fc.*'",
     .fallback_shown = "a network's own classifier, when it is not asked for"},
    {"classes", KIN_OPTION_INT, "N", "with a network's name: its own classifier of N classes",
     .fallback_shown = "none: its weights are passed over", .low = 1, .high = 10000000},
    KIN_MODEL_OPTIONS,
    {"pgvector", KIN_OPTION_STRING, "SET",
     "descriptors, as written by kin embed, as SQL for PostgreSQL's pgvector, on standard output"},
    {"table", KIN_OPTION_STRING, "NAME", "with --pgvector: the table to make", "items"},
    {"index", KIN_OPTION_CHOICE, "KIND",
     "with --pgvector: make an index, too, by which searches are fast and miss some neighbours", "none",
     .choices = index_names},
    {"metric", KIN_OPTION_CHOICE, "M",
     "with --index: what the index is for: the operators <=> (cosine), <-> (euclid) or <#> (inner)", "cosine",
     .choices = kin_metric_names},
    {"jsonl", KIN_OPTION_STRING, "SET",
     "descriptors as JSON Lines, an object of id, label, path and embedding a line, on standard output"},
    {0},
};

/* A network by name, or one that kin train made. */
typedef struct exported {
    kin_named_model chosen; /* model NULL: it is a run's */
    kin_network network;
    bool normalize;
    kin_shape input;
    char allow_missing[80];
} exported;

static kin_tensor *forward(kin_scope *s, kin_tensor *x, void *argument)
{
    exported *e = argument;
    kin_tensor *y = e->chosen.model ? kin_named_model_forward(s, x, &e->chosen)
                                    : kin_network_forward(s, x, &e->network);
    return e->normalize ? kin_l2_normalize(y) : y;
}

static bool choose_shape(const kin_cli *cli, const exported *e, kin_onnx_opt *opt, kin_error *err)
{
    const char *input = kin_option_string(cli, "input"), *batch = kin_option_string(cli, "batch");
    opt->input = e->input;
    opt->any_batch = strcmp(batch, "dynamic") == 0;
    if (input &&
        !kin_input_read(input, e->chosen.model ? e->chosen.model : e->network.model, &opt->input, err))
        return false;
    return opt->any_batch || kin_parse_int(batch, 1, 65536, &opt->input.dim[0]) ||
           kin_fail(err, KIN_ERR_ARGUMENT, "--batch needs a number of pictures or \"dynamic\", not '%.40s'",
                    batch);
}

/* What kin train noted in the checkpoint. */
static bool describe_run(const char *path, exported *e, kin_checkpoint **weights, kin_error *err)
{
    char *file = kin_is_folder(path) ? kin_path_join(path, "model.safetensors") : kin_strdup(path);
    if (!file) return kin_fail_memory(err, path, strlen(path));
    kin_config *c = kin_alloc(sizeof *c);
    bool ok = (c || kin_fail_memory(err, "a network's settings", sizeof *c)) &&
              (kin_exists(file) ||
               kin_fail(err, KIN_ERR_ARGUMENT,
                        "there is neither a network nor a run '%.200s'; kin models lists the networks",
                        path));
    ok = ok && kin_checkpoint_open(file, weights, err) &&
         kin_config_from_checkpoint(c, *weights, file, kin_own(), err) &&
         kin_network_describe(&e->network, c, err);
    if (ok) e->input = KIN_SHAPE(1, c->size, kin_config_across(c), c->channels);
    kin_free(file);
    kin_free(c);
    return ok;
}

static bool describe_name(const kin_cli *cli, const kin_model *model, exported *e, kin_error *err)
{
    if (!kin_option_string(cli, "weights"))
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "--model %s is a network without numbers: --weights FILE has to bring them",
                        model->name);
    e->chosen.model = model;
    if (!kin_model_options_read(cli, model, &e->chosen.opt, &e->chosen.head, err)) return false;
    e->chosen.opt.classes = kin_option_int(cli, "classes");
    if (!e->chosen.opt.classes && model->classifier)
        snprintf(e->allow_missing, sizeof e->allow_missing, "%s.*", model->classifier);
    e->input = KIN_SHAPE(1, model->size, model->size, model->channels);
    return true;
}

/* Every difference is printed, as a person needs all of them to see what is wrong. */
static void print_differences(const char *allow, const kin_checkpoint *weights, kin_module *module)
{
    kin_text list = {0};
    if (kin_checkpoint_differences(weights, module, allow, &list) && list.data) fputs(list.data, stderr);
    kin_text_free(&list);
}

static bool load(const kin_cli *cli, const char *allow, kin_checkpoint *weights, kin_import_info *info,
                 kin_module *module, const char *name, kin_error *err)
{
    char told[KIN_WEIGHTS_TOLD];
    const char *given = kin_option_string(cli, "allow-missing");
    kin_error why = {0};
    kin_weights w = {.path = name,
                     .prefix = kin_option_string(cli, "prefix"),
                     .heads = given ? NULL : allow,
                     .missing = given,
                     .untrained = kin_option_flag(cli, "untrained"),
                     .sum_channels = kin_option_flag(cli, "sum-stem")};
    if (kin_weights_fit(&w, weights, info, module, told, &why)) {
        if (kin_option_string(cli, "weights")) kin_cli_note(cli, "%s", told);
        return true;
    }
    print_differences(given ? given : allow, weights, module);
    return kin_fail(err, why.code, "%s: %s", name, why.message);
}

static bool write_onnx(kin_cli *cli, exported *e, kin_checkpoint *weights, kin_import_info *info,
                       const char *name, kin_error *err)
{
    const char *model = e->chosen.model ? e->chosen.model->name : e->network.config.model;
    kin_note note = {"kin.model", model};
    kin_onnx_opt opt = {.name = model, .notes = &note, .n_notes = 1};
    if (!choose_shape(cli, e, &opt, err)) return false;
    kin_ctx *ctx = kin_ctx_new();
    if (!ctx) return kin_fail_memory(err, "a context", 1);
    kin_shape two = opt.input;
    two.dim[0] = 2; /* as in training: a batch's statistics need more than one picture */
    kin_module *module = kin_module_new(ctx, forward, e, two, 1);
    bool ok = module || kin_take_error(ctx, err);
    ok = ok && load(cli, e->allow_missing, weights, info, module, name, err) &&
         kin_onnx_write(kin_option_string(cli, "out"), module, &opt, err);
    kin_module_free(module);
    kin_ctx_free(ctx);
    return ok;
}

/* Descriptors, with the options that go with them: `with` is a list of their names that NULL ends. */
static int for_descriptors(kin_cli *cli, const char *what, const char *const *with)
{
    kin_error err = {0};
    kin_embeddings set = {0};
    for (int i = 0; options[i].name; i++) {
        bool goes = false;
        for (int k = 0; with[k] && !goes; k++) goes = strcmp(options[i].name, with[k]) == 0;
        if (cli->values[i] && !goes)
            return kin_cli_usage(cli, "--%s does nothing with --%s", options[i].name, what);
    }
    const kin_pgvector_opt opt = {.table = kin_option_string(cli, "table"),
                                  .index = (kin_pgvector_index)kin_option_choice(cli, "index"),
                                  .metric = kin_option_metric(cli)};
    if (kin_option_given(cli, "metric") && opt.index == KIN_PGVECTOR_EXACT)
        return kin_cli_usage(cli, "--metric goes with --index: without one each query chooses its operator");
    bool ok = kin_cli_read_rounded(cli, kin_option_string(cli, what), &set, &err) &&
              (strcmp(what, "jsonl") == 0 ? kin_rows_write_json(stdout, &set, &err)
                                          : kin_pgvector_write(stdout, &opt, &set, &err));
    kin_embeddings_free(&set);
    return ok ? 0 : kin_cli_fail(cli, &err);
}

static int run(kin_cli *cli)
{
    static const char *const sql[] = {"pgvector", "table", "index", "metric", NULL};
    static const char *const lines[] = {"jsonl", NULL};
    if (kin_option_given(cli, "pgvector")) return for_descriptors(cli, "pgvector", sql);
    if (kin_option_given(cli, "jsonl")) return for_descriptors(cli, "jsonl", lines);
    for (int i = 1; sql[i]; i++)
        if (kin_option_given(cli, sql[i])) return kin_cli_usage(cli, "--%s goes with --pgvector", sql[i]);
    if (!kin_option_given(cli, "model")) return kin_cli_usage(cli, "--model is missing");
    if (!kin_option_given(cli, "out")) return kin_cli_usage(cli, "--out is missing");
    kin_error err = {0};
    exported *e = kin_alloc_zero(1, sizeof *e);
    const char *name = kin_option_string(cli, "model"), *file = kin_option_string(cli, "weights");
    const kin_model *model = kin_catalogue_model(kin_own(), name);
    kin_checkpoint *own = NULL, *given = NULL;
    kin_import_info info = {0};
    bool ok = e || kin_fail_memory(&err, "a network", sizeof *e);
    if (ok) e->normalize = kin_option_flag(cli, "normalize");
    ok = ok && (model ? describe_name(cli, model, e, &err) : describe_run(name, e, &own, &err));
    ok = ok && (!file || kin_weights_open(file, kin_option_string(cli, "key"),
                                          kin_option_string(cli, "prefix"), &given, &info, &err));
    ok = ok && write_onnx(cli, e, given ? given : own, &info, file ? file : name, &err);
    kin_checkpoint_free(own);
    kin_checkpoint_free(given);
    kin_free(e);
    return ok ? 0 : kin_cli_fail(cli, &err);
}

const kin_command kin_command_export = {
    .name = "export",
    .summary = "write a network as ONNX, or descriptors for databases",
    .usage = "kin export --model M --out FILE [--weights FILE] [--input CxHxW] [--batch N]\n"
             "kin export --pgvector SET [--table NAME] [--index KIND [--metric M]]\n"
             "kin export --jsonl SET",
    .about =
        "Writes the network in evaluation mode for other runtimes: opset 17, float32, \"input\" [batch, "
        "channels, height, width] to \"output\". Pictures are "
        "to be scaled as in training before they go in; the embedding comes out as the network makes "
        "it, or of unit length with --normalize.\n\n"
        "With --pgvector, descriptors go to PostgreSQL with the extension pgvector, in one transaction: a "
        "table of id, label, path and embedding. psql stops at the first error, and then nothing of it is "
        "there. "
        "Numbers are written with nine digits, which give the same float32 again.\n\n"
        "The way back is a CSV with a column `embedding`, which every command takes in the place of an "
        "array: "
        "--gallery shop.csv.\n\n"
        "With --jsonl, descriptors go wherever JSON Lines do: Milvus, Qdrant, a script.",
    .examples = "kin export --model runs/omniglot --out omniglot.onnx --normalize\n"
                "# weights of another program\n"
                "kin export --model resnet20 --weights resnet20.pth --out resnet20.onnx\n"
                "# into a database, and out of it again\n"
                "kin export --pgvector shop --table shop | psql -d pictures\n"
                "psql -d pictures -c 'COPY shop TO STDOUT (FORMAT csv, HEADER, FORCE_QUOTE *)' >shop.csv\n"
                "# ... with an index, fast and approximate\n"
                "kin export --pgvector shop --table shop --index hnsw | psql -d pictures\n"
                "# a line an item, for any other\n"
                "kin export --jsonl shop >shop.jsonl",
    .options = options,
    .run = run,
};
