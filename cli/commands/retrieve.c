/* kin retrieve: from pictures or descriptors to ranked lists, within a deadline. */
#include "base/memory.h"
#include "base/text.h"
#include "cli/options/named_network.h"
#include "cli/options/params.h"
#include "cli/options/source.h"
#include "cli/retrieve/pipeline.h"
#include "cli/retrieve/timings.h"
#include "cli/terminal/deadline.h"
#include "train/embed_cache.h"

#include <string.h>

/* ---- pictures ---- */

typedef struct pictures {
    kin_pipeline *pipeline;
    const char *model;
    kin_ctx *ctx;
    kin_network network;
    kin_module *module;
    kin_embed_cache *cache;
    /* the queries, which come first since they are fewer, and the gallery; or that alone */
    kin_dataset set[2];
    int at;              /* the next to be embedded */
    int64_t done, total; /* pictures of both */
} pictures;

/* Both are opened before either is embedded: then it is known how long that will take, and a name that is
 * wrong is told at once. */
static bool open_sets(pictures *p, kin_error *err)
{
    const char *query = kin_option_string(p->pipeline->r.cli, "query"),
               *gallery = kin_option_string(p->pipeline->r.cli, "gallery");
    const kin_cli *cli = p->pipeline->r.cli;
    bool ok = (!query || kin_source_open_set(cli, query, NULL, &p->set[0], err)) &&
              kin_source_open_set(cli, gallery, NULL, &p->set[query != NULL], err);
    p->total = p->pipeline->job.pictures = p->set[0].count + p->set[1].count;
    return ok;
}

static bool network_ready(pictures *p, kin_error *err)
{
    if (p->module) return true;
    p->ctx = kin_ctx_new();
    const char *cache = kin_option_string(p->pipeline->r.cli, "cache");
    bool ok = (p->ctx || kin_fail_memory(err, "a context", 1)) &&
              kin_named_network(p->pipeline->r.cli, p->model, p->ctx, &p->network, &p->module, err);
    if (ok && cache) ok = (p->cache = kin_embed_cache_open(cache, p->module, &p->network, err)) != NULL;
    if (ok) kin_module_seal(p->module);
    return ok;
}

static bool name_rows(const kin_dataset *set, const kin_encoded *rows, const char *name, kin_embeddings *out,
                      kin_error *err)
{
    const char **id = kin_alloc_array((size_t)rows->count, 2 * sizeof *id),
               **label = id ? id + rows->count : NULL;
    if (!id) return kin_fail_memory(err, name, (unsigned long long)rows->count * sizeof *id);
    for (int64_t i = 0; i < rows->count; i++) {
        const kin_sample *item = &set->items[rows->item[i]];
        id[i] = item->id;
        label[i] = item->label < 0 ? "" : set->class_names[item->label];
    }
    bool ok = kin_items_make(&out->items, rows->count, id, label, NULL, err);
    kin_free(id);
    if (ok && !(out->name = kin_strdup(name))) ok = kin_fail_memory(err, name, strlen(name));
    return ok;
}

static bool show(void *user, int64_t done, int64_t total)
{
    (void)total;
    pictures *p = user;
    kin_progress progress = kin_pipeline_progress(p->pipeline);
    return progress.report(progress.user, "embedding", p->done + done, p->total);
}

static bool embed(pictures *p, const kin_dataset *set, const char *name, kin_embeddings *out, kin_error *err)
{
    const kin_cli *cli = p->pipeline->r.cli;
    kin_encoded rows = {0};
    kin_encode_opt opt = {.cache = p->cache, .progress = show, .user = p};
    if (!kin_picture_limits(cli, &opt.limits, err) ||
        !kin_encode(p->module, &p->network, set, &opt, &rows, err))
        return false;
    if (rows.broken)
        kin_cli_note(cli, "%s: %lld of %lld pictures could not be read and were left out; the first: %s",
                     name, (long long)rows.broken, (long long)set->count, rows.first_broken.message);
    if (rows.zeros)
        kin_cli_note(cli,
                     "%s: %lld of %lld pictures have a descriptor of zeros and were left out; the first: %s",
                     name, (long long)rows.zeros, (long long)set->count, set->items[rows.first_zero].id);
    kin_source_hidden(cli, rows.hidden, rows.count);
    if (p->cache)
        kin_cli_note(cli, "%s: %lld of %lld descriptors were in the cache", name, (long long)rows.known,
                     (long long)(rows.count + rows.zeros));
    bool ok = name_rows(set, &rows, name, out, err);
    kin_embeddings_take(out, rows.rows, rows.dim);
    rows.rows = NULL;
    kin_encoded_free(&rows);
    if (!ok) kin_embeddings_free(out);
    return ok;
}

/* A kin_set_reader. */
static bool read_pictures(void *user, const char *name, kin_embeddings *out, kin_error *err)
{
    pictures *p = user;
    *out = (kin_embeddings){0};
    if (p->at == 0) {
        if (!open_sets(p, err)) return false;
        kin_pipeline_begin(p->pipeline, KIN_COST_EMBED);
    }
    const kin_dataset *set = &p->set[p->at++];
    if (!network_ready(p, err) || !embed(p, set, name, out, err)) return false;
    p->done += set->count;
    if (p->done == p->total) kin_pipeline_end(p->pipeline);
    return true;
}

static void pictures_close(pictures *p)
{
    kin_embed_cache_free(p->cache);
    kin_module_free(p->module);
    kin_ctx_free(p->ctx);
    for (int i = 0; i < 2; i++) kin_dataset_free(&p->set[i]);
}

/* ---- the job ---- */

enum { RECIPROCAL, TOP_M };

static bool make_job(kin_pipeline *p, kin_error *err)
{
    const kin_cli *cli = p->r.cli;
    bool expands = kin_option_given(cli, "expand"), augments = kin_option_given(cli, "augment"),
         reranks = kin_option_choice(cli, "method") == RECIPROCAL;
    p->among = kin_option_int(cli, "among");
    p->rerank = (kin_rerank_opt){.k = p->r.depth, .lambda = kin_option_real(cli, "lambda")};
    if (kin_option_choice(cli, "method") == TOP_M)
        p->top_m = (kin_top_m_opt){.k = p->r.depth,
                                   .first = kin_option_int(cli, "first"),
                                   .neighbours = kin_option_int(cli, "neighbours"),
                                   .beta = kin_option_real(cli, "beta")};
    if (reranks) p->rerank.k1 = kin_option_int(cli, "k1"), p->rerank.k2 = kin_option_int(cli, "k2");
    p->job = (kin_job_size){.pictures = p->job.pictures,
                            .queries = p->r.leave_one_out ? 0 : p->r.query.items.count,
                            .gallery = p->r.gallery.items.count,
                            .dim = p->r.gallery.dim,
                            .top = p->r.depth,
                            .augment = augments ? kin_option_int(cli, "augment") : 0,
                            .expand = expands ? kin_option_int(cli, "expand") : 0,
                            .k1 = p->rerank.k1,
                            .k2 = p->rerank.k2};
    int64_t items = p->job.queries - p->r.selves.count + p->job.gallery;
    if (p->rerank.k1 < items) return true;
    return kin_fail(
        err, KIN_ERR_ARGUMENT,
        "--k1 %lld needs more items than the %lld there are; take a smaller one, or --method none",
        (long long)p->rerank.k1, (long long)items);
}

static bool write_timings(const kin_pipeline *p, kin_error *err)
{
    const char *path = kin_option_string(p->r.cli, "timings");
    kin_timings t = {.job = p->job, .memory = kin_memory_peak()};
    if (!path) return true;
    memcpy(t.seconds, p->seconds, sizeof t.seconds);
    return kin_timings_write(path, &t, err);
}

static bool work(kin_pipeline *p, kin_error *err)
{
    char clock[24];
    if (!kin_retrieve_normalize(&p->r, err) || !make_job(p, err) || !kin_pipeline_run(p, err) ||
        !write_timings(p, err))
        return false;
    kin_meter_break();
    kin_cli_note(p->r.cli, "%lld lists of %lld by %s, in %s", (long long)p->best.queries, (long long)p->r.top,
                 p->holds, kin_meter_clock(kin_clock() - p->started, clock));
    return kin_retrieve_page(&p->r, &p->best, kin_option_given(p->r.cli, "model"), err);
}

static int check(const kin_cli *cli)
{
    static const char *const of_top_m[] = {"first", "neighbours", "beta"};
    static const char *const of_rerank[] = {"k1", "k2", "lambda", "among"}, *const of_pictures[] = {
                                                                                "weights",    "allow-missing",
                                                                                "key",        "prefix",
                                                                                "untrained",  "sum-stem",
                                                                                "size",       "resize",
                                                                                "filter",     "normalize",
                                                                                "max-pixels", "background",
                                                                                "cache"};
    bool reranks = kin_option_choice(cli, "method") == RECIPROCAL;
    if (reranks && kin_option_given(cli, "similarities"))
        return kin_cli_usage(cli, "--method k-reciprocal orders by distances; take --distances");
    for (size_t i = 0; i < sizeof of_rerank / sizeof *of_rerank; i++)
        if (!reranks && kin_option_given(cli, of_rerank[i]))
            return kin_cli_usage(cli,
                                 "--%s belongs to k-reciprocal re-ranking, and --method %s leaves that out",
                                 of_rerank[i], kin_option_string(cli, "method"));
    for (size_t i = 0; i < sizeof of_pictures / sizeof *of_pictures; i++)
        if (!kin_option_given(cli, "model") && kin_option_given(cli, of_pictures[i]))
            return kin_cli_usage(cli, "--%s is about pictures; give --model too", of_pictures[i]);
    for (size_t i = 0; i < sizeof of_top_m / sizeof *of_top_m; i++)
        if (kin_option_choice(cli, "method") != TOP_M && kin_option_given(cli, of_top_m[i]))
            return kin_cli_usage(cli, "--%s belongs to --method top-m", of_top_m[i]);
    if (kin_option_given(cli, "among") && !kin_option_given(cli, "query"))
        return kin_cli_usage(cli, "--among needs --query: without it each gallery item takes part");
    return 0;
}

/* Pictures or descriptors; false: what is wrong has been said, with `code`. */
static bool open_all(kin_cli *cli, kin_pipeline *p, int *code)
{
    if (!kin_option_given(cli, "model")) return kin_retrieve_open(&p->r, cli, code);
    kin_error err = {0};
    pictures *sets = kin_alloc_zero(1, sizeof *sets);
    if (!sets)
        return kin_fail_memory(&err, "a network", sizeof *sets), *code = kin_cli_fail(cli, &err), false;
    sets->pipeline = p, sets->model = kin_option_string(cli, "model");
    bool opened = kin_retrieve_open_with(&p->r, cli, read_pictures, sets, code);
    pictures_close(sets);
    kin_free(sets);
    return opened;
}

static int retrieve(kin_cli *cli)
{
    kin_error err = {0};
    kin_pipeline p = {.started = kin_clock()};
    double seconds = 0;
    int code = check(cli);
    if (code) return code;
    for (int c = 0; c < KIN_COSTS; c++) p.seconds[c] = p.rates.rate[c] = -1;
    if (kin_option_given(cli, "deadline") &&
        !kin_duration_read(kin_option_string(cli, "deadline"), &seconds, &err))
        return kin_cli_fail(cli, &err);
    if (seconds > 0) p.deadline = p.started + seconds;
    p.r.cli = cli;
    if (!open_all(cli, &p, &code)) return code;
    bool ok = work(&p, &err);
    kin_pipeline_close(&p);
    return ok ? 0 : kin_cli_fail(cli, &err);
}

static int run(kin_cli *cli)
{
    kin_arena storage = {0};
    kin_error err = {0};
    int code = kin_params_apply(cli, &storage, &err) ? retrieve(cli) : kin_cli_fail(cli, &err);
    kin_arena_free(&storage);
    return code;
}

static const char *const methods[] = {"k-reciprocal", "top-m", "expand", "none", NULL}, *const cosine[] = {
                                                                                            "cosine", NULL};

static const kin_option options[] = {
    {.name = "deadline",
     .kind = KIN_OPTION_STRING,
     .value = "TIME",
     .fallback_shown = "none",
     .help = "When to be done, from now: 3600s, 60m, 1h30m. What cannot be done by then is left out, "
             "beginning with what comes last."},
    KIN_RETRIEVE_OPTIONS,
    {.name = "model",
     .kind = KIN_OPTION_STRING,
     .value = "RUN",
     .help = "Gallery and queries are pictures (anything that kin train takes), which this network turns "
             "into descriptors: a run's folder, a checkpoint, or a network of kin models with --weights."},
    KIN_CHOSEN_OPTIONS,
    KIN_PICTURE_OPTIONS,
    {.name = "cache",
     .kind = KIN_OPTION_STRING,
     .value = "FOLDER",
     .fallback_shown = "none",
     .help = "Keep descriptors there by the pictures' content, and compute none twice."},
    {.name = "method",
     .kind = KIN_OPTION_CHOICE,
     .value = "M",
     .choices = methods,
     .fallback = "k-reciprocal",
     .help = "What comes last: re-ranking, by mutual neighbours or by the first of each list, or without it "
             "the means of --expand and --augment, or the plain "
             "search."},
    {.name = "k1",
     .kind = KIN_OPTION_INT,
     .value = "N",
     .low = 1,
     .high = 100000,
     .fallback = "20",
     .help = "How many neighbours must be mutual."},
    {.name = "k2",
     .kind = KIN_OPTION_INT,
     .value = "N",
     .low = 1,
     .high = 100000,
     .fallback = "6",
     .help = "Over how many neighbours encodings are averaged."},
    {.name = "lambda",
     .kind = KIN_OPTION_REAL,
     .value = "X",
     .low = 0,
     .high = 1,
     .fallback = "0.3",
     .help = "Weight of the original distance."},
    {.name = "among",
     .kind = KIN_OPTION_INT,
     .value = "M",
     .low = 1,
     .high = -1,
     .fallback_shown = "the whole gallery, or what the deadline allows",
     .help = "Re-rank with the gallery items alone that are among the first M of some query's list; the rest "
             "keeps its order behind them."},
    KIN_TOP_M_OPTIONS,
    {.name = "params",
     .kind = KIN_OPTION_STRING,
     .value = "FILE",
     .help = "What `kin tune` found: options and their values as JSON. Options given here count more."},
    {.name = "timings",
     .kind = KIN_OPTION_STRING,
     .writes = KIN_WRITES_FILE,
     .value = "FILE",
     .help = "Write what each stage took, from which `kin plan` predicts other sizes."},
    {.name = "metric",
     .kind = KIN_OPTION_CHOICE,
     .value = "M",
     .choices = cosine,
     .fallback = "cosine",
     .hidden = true,
     .help = "Cosine similarity."},
    {0},
};

const kin_command kin_command_retrieve = {
    .name = "retrieve",
    .summary = "does the whole retrieval in one go, by a deadline",
    .usage = "kin retrieve --gallery G [--query Q] [--model RUN] [--deadline TIME] [--expand N] [--augment "
             "N] [--k1 N] --out FILE",
    .about = "Searches, writes the lists, improves them with the means that --expand and --augment ask for, "
             "writes those, re-ranks, and writes again. So from the first "
             "search on there is a complete result on disk, whatever happens: each file is written aside and "
             "renamed, and a run that is killed leaves the lists "
             "of the last stage that was finished.\n\n"
             "With --deadline, a stage that cannot be done in time is not begun, or given up when its first "
             "part shows that; then the next smaller thing is done: "
             "re-ranking with the whole gallery, re-ranking with those items that are among the first of "
             "some query's list, the expanded search, the plain search. "
             "Remarks tell what was left out and what it would have taken. The lists depend on the deadline "
             "only by which of these was chosen; each gives the same "
             "bits as without a deadline. `kin plan` tells beforehand.",
    .examples =
        "# descriptors from kin embed, done within the hour\n"
        "kin retrieve --query queries --gallery shop --augment 10 --expand 10 --deadline 1h --out ranks.csv\n"
        "# pictures, the network included\n"
        "kin retrieve --query snapshots/ --gallery shop/ --model runs/shop --deadline 10m --out ranks.csv",
    .options = options,
    .run = run,
};
