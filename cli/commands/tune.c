/* kin tune: the settings of re-ranking, fitted on validation items. */
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "cli/judge/selves.h"
#include "cli/options/command.h"
#include "cli/options/descriptors.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/progress.h"
#include "retrieval/describe/expand.h"
#include "retrieval/judge/tune.h"
#include "retrieval/lists/items.h"
#include "retrieval/rerank/diffusion.h"
#include "retrieval/rerank/rerank.h"
#include "retrieval/rerank/rerank_graph.h"
#include "retrieval/rerank/top_m.h"
#include "train/judge.h"

#include <stdio.h>
#include <string.h>

enum { RECIPROCAL, GRAPH, DIFFUSION, TOP_M, EXPAND };
enum { AUGMENT, BY, ALPHA, MEANS };
static const char *const means[MEANS] = {"augment", "expand", "alpha"};

typedef struct tuner {
    const kin_cli *cli;
    kin_embeddings query, gallery; /* query: empty when leaving one out */
    bool leave_one_out;
    kin_selves selves; /* queries that are gallery items */
    int method;
    int64_t *codes;   /* labels of the gallery and the queries, then their cameras */
    kin_judged about; /* what is relevant */
    int64_t k;
    float *expanded;  /* room for the expanded queries ... */
    float *augmented; /* ... and, where there are queries, for the gallery's means */
    int64_t tried;
    kin_metrics best; /* of the settings tried, by mAP; the first is kept among equals, as the search does */
    kin_meter meter;
} tuner;

static bool work_on(void *user, const char *stage, int64_t done, int64_t total)
{
    (void)user, (void)stage, (void)done, (void)total;
    return !kin_interrupted();
}

static kin_vectors queries_of(const tuner *t)
{
    return kin_embeddings_vectors(t->leave_one_out ? &t->gallery : &t->query);
}

/* The means that kin rerank --augment, --expand and --alpha take, into t->augmented and t->expanded; 0:
 * none of that kind. */
static bool average(tuner *t, int64_t augment, int64_t expand, double alpha, kin_vectors *query,
                    kin_vectors *gallery, kin_error *err)
{
    kin_expand_opt opt = {.n = augment, .alpha = alpha, .progress = {work_on, NULL}};
    *query = queries_of(t), *gallery = kin_embeddings_vectors(&t->gallery);
    if (augment && !kin_expand_database(*gallery, &opt, t->augmented, err)) return false;
    if (augment) gallery->data = t->augmented;
    if (!expand) return true;
    opt.n = expand, opt.self = t->selves.row;
    if (!(t->leave_one_out ? kin_expand_database(*gallery, &opt, t->expanded, err)
                           : kin_expand_queries(*query, *gallery, &opt, t->expanded, err)))
        return false;
    query->data = t->expanded;
    if (t->leave_one_out) *gallery = *query;
    return true;
}

static bool search(const tuner *t, kin_vectors query, kin_vectors gallery, kin_neighbours *lists,
                   kin_error *err)
{
    kin_search_opt opt = {.k = t->k,
                          .metric = KIN_COSINE,
                          .leave_one_out = t->leave_one_out,
                          .self = t->selves.row,
                          .progress = {work_on, NULL}};
    return kin_search(query, gallery, &opt, lists, err);
}

static bool rank(tuner *t, const double *v, kin_neighbours *lists, kin_error *err)
{
    kin_vectors query = kin_embeddings_vectors(&t->query), gallery = kin_embeddings_vectors(&t->gallery);
    kin_progress progress = {work_on, NULL};
    if (t->method == RECIPROCAL) {
        kin_rerank_opt opt = {.k = t->k,
                              .k1 = (int64_t)v[0],
                              .k2 = (int64_t)v[1],
                              .lambda = v[2],
                              .leave_one_out = t->leave_one_out,
                              .self = t->selves.row,
                              .progress = progress};
        return kin_rerank_k_reciprocal(query, gallery, &opt, lists, err);
    }
    if (t->method == GRAPH) {
        kin_rerank_graph_opt opt = {.k = t->k,
                                    .k1 = (int64_t)v[0],
                                    .k2 = (int64_t)v[1],
                                    .layers = (int)v[2],
                                    .leave_one_out = t->leave_one_out,
                                    .self = t->selves.row,
                                    .progress = progress};
        return kin_rerank_graph(query, gallery, &opt, lists, err);
    }
    if (t->method == DIFFUSION) {
        kin_diffusion_opt opt = {.k = t->k,
                                 KIN_DIFFUSION_DEFAULTS,
                                 .truncation = kin_option_int(t->cli, "truncate"),
                                 .leave_one_out = t->leave_one_out,
                                 .self = t->selves.row,
                                 .progress = progress};
        opt.kd = (int64_t)v[0], opt.kq = (int64_t)v[1], opt.alpha = v[2];
        return kin_diffuse(query, gallery, &opt, lists, err);
    }
    if (t->method == TOP_M) {
        kin_top_m_opt opt = {.k = t->k,
                             .first = (int64_t)v[0],
                             .neighbours = (int64_t)v[1],
                             .beta = v[2],
                             .leave_one_out = t->leave_one_out,
                             .self = t->selves.row,
                             .progress = progress};
        return kin_rerank_top_m(t->leave_one_out ? gallery : query, gallery, &opt, lists, err);
    }
    return average(t, t->leave_one_out ? 0 : (int64_t)v[2], (int64_t)v[0], v[1], &query, &gallery, err) &&
           search(t, query, gallery, lists, err);
}

static bool judge(const tuner *t, const kin_neighbours *lists, kin_metrics *m, kin_error *err)
{
    return kin_judge_lists(lists, &t->about, m, NULL, NULL, err);
}

static bool try(void *arg, const double *value, double *map, kin_error *err)
{
    tuner *t = arg;
    kin_neighbours lists = {0};
    if (kin_interrupted()) return kin_fail(err, KIN_ERR_INTERRUPTED, "stopped");
    kin_metrics m;
    bool ok = rank(t, value, &lists, err) && judge(t, &lists, &m, err);
    kin_neighbours_free(&lists);
    if (ok) *map = m.mean.ap;
    if (ok && (!t->tried || *map > t->best.mean.ap)) t->best = m;
    kin_meter_update(&t->meter, ++t->tried, NULL);
    return ok;
}

/* The settings of each method, with limits that the number of items allows. */
static int settings_of(const tuner *t, kin_tunable *s)
{
    /* a query that is a gallery item takes part once */
    double all = (double)(t->gallery.items.count + t->query.items.count - t->selves.count),
           gallery = (double)t->gallery.items.count, around = gallery - (t->selves.count > 0);
    double most = all - 1 < 400 ? all - 1 : 400;
    if (t->method == RECIPROCAL) {
        s[0] = (kin_tunable){"k1", true, 1, most, {4, 7, 12, 20, 35}, 5};
        s[1] = (kin_tunable){"k2", true, 1, most, {1, 3, 6, 10}, 4};
        s[2] = (kin_tunable){"lambda", false, 0, 1, {0.1, 0.3, 0.6, 0.85}, 4};
        return 3;
    }
    if (t->method == GRAPH) {
        s[0] = (kin_tunable){"k1", true, 1, most, {5, 10, 18, 26, 40}, 5};
        s[1] = (kin_tunable){"k2", true, 1, most, {2, 4, 7, 12}, 4};
        s[2] = (kin_tunable){"layers", true, 1, 3, {1, 2, 3}, 3};
        return 3;
    }
    if (t->method == DIFFUSION) {
        s[0] = (kin_tunable){"kd", true, 2, gallery, {8, 15, 30, 50, 100}, 5};
        s[1] = (kin_tunable){"kq", true, 1, gallery, {1, 3, 6, 10}, 4};
        s[2] = (kin_tunable){"spread", false, 0, 0.999, {0.7, 0.9, 0.99}, 3};
        return 3;
    }
    if (t->method == TOP_M) {
        s[0] = (kin_tunable){"first", true, 1, 20000, {50, 100, 200, 400}, 4};
        s[1] = (kin_tunable){"neighbours", true, 0, most, {3, 6, 9, 15}, 4};
        s[2] = (kin_tunable){"beta", false, 0, 10, {0.05, 0.15, 0.4, 1}, 4};
        return 3;
    }
    s[0] = (kin_tunable){"expand", true, 1, around < 400 ? around : 400, {1, 2, 4, 7, 10, 20, 40}, 7};
    s[1] = (kin_tunable){"alpha", false, 0, 20, {0, 1, 3, 6}, 4};
    s[2] = (kin_tunable){"augment",      true, 1, gallery < 400 ? gallery : 400,
                         {1, 4, 10, 20}, 4}; /* 1: the gallery as it is */
    return t->leave_one_out ? 2 : 3;
}

static bool number(tuner *t, kin_error *err)
{
    const kin_items *g = &t->gallery.items, *q = t->leave_one_out ? NULL : &t->query.items;
    size_t all = (size_t)(g->count + t->query.items.count);
    int64_t *label = t->codes = kin_alloc_array(all, 2 * sizeof *label), *camera = label ? label + all : NULL;
    if (!label) return kin_fail_memory(err, "the labels", all * 2 * sizeof *label);
    if (!g->label || (q && !q->label))
        return kin_fail(err, KIN_ERR_DATA,
                        "fitting needs labels: the column `label` of the .csv beside the .npy");
    bool cameras = g->camera && (!q || q->camera);
    if (!kin_items_judgeable(g, q, err) ||
        !kin_items_label_codes(g, label, q, q ? label + g->count : NULL, err))
        return false;
    if (cameras && !kin_items_camera_codes(g, camera, q, q ? camera + g->count : NULL, err)) return false;
    t->about = (kin_judged){.gallery = g->count,
                            .query_label = q ? label + g->count : label,
                            .gallery_label = label,
                            .leave_one_out = t->leave_one_out,
                            .self = t->selves.row,
                            .query_camera = !cameras ? NULL
                                            : q      ? camera + g->count
                                                     : camera,
                            .gallery_camera = cameras ? camera : NULL};
    return true;
}

static bool open_tuner(tuner *t, kin_error *err)
{
    const char *query = kin_option_string(t->cli, "query"), *gallery = kin_option_string(t->cli, "gallery");
    t->leave_one_out = !query;
    if (!kin_cli_read_rounded(t->cli, gallery, &t->gallery, err) ||
        (query && (!kin_cli_read_rounded(t->cli, query, &t->query, err) ||
                   !kin_selves_find(&t->query, &t->gallery, &t->selves, err))) ||
        !number(t, err))
        return false;
    kin_selves_tell(t->cli, &t->selves, t->query.items.count);
    int64_t most = t->gallery.items.count - (t->leave_one_out || t->selves.count),
            top = kin_option_int(t->cli, "top");
    if (most < 4)
        return kin_fail(err, KIN_ERR_DATA, "%s holds %lld items; nothing can be fitted on so few", gallery,
                        (long long)t->gallery.items.count);
    t->k = top && top < most ? top : !top && most > 1000 ? 1000 : most;
    /* Re-ranking goes by Euclid on unit vectors, as kin rerank --metric cosine does. */
    if (!kin_normalize_rows(t->gallery.data, t->gallery.items.count, t->gallery.dim, t->gallery.name, err))
        return false;
    if (query && !kin_normalize_rows(t->query.data, t->query.items.count, t->query.dim, t->query.name, err))
        return false;
    kin_vectors asked = queries_of(t);
    int64_t augmented = t->leave_one_out ? 0 : t->gallery.items.count;
    t->expanded = kin_alloc_array((size_t)asked.count, (size_t)asked.dim * sizeof *t->expanded);
    t->augmented = augmented ? kin_alloc_array((size_t)augmented, (size_t)asked.dim * sizeof *t->augmented)
                             : NULL;
    if (t->expanded && (t->augmented || !augmented)) return true;
    return kin_fail_memory(err, "means of descriptors",
                           (unsigned long long)(asked.count + augmented) * (unsigned long long)asked.dim *
                               sizeof *t->expanded);
}

/* --expand and --augment, given: the method is fitted on their means, which take the descriptors' place. */
static bool expand_first(tuner *t, kin_error *err)
{
    kin_vectors query, gallery;
    if (t->method == EXPAND) return true;
    if (!average(t, kin_option_int(t->cli, "augment"), kin_option_int(t->cli, "expand"),
                 kin_option_real(t->cli, "alpha"), &query, &gallery, err))
        return false;
    if (gallery.data != t->gallery.data)
        memcpy(t->gallery.data, gallery.data, (size_t)(gallery.count * gallery.dim) * sizeof(float));
    if (!t->leave_one_out && query.data != t->query.data)
        memcpy(t->query.data, query.data, (size_t)(query.count * query.dim) * sizeof(float));
    return true;
}

static bool write_params(const tuner *t, const kin_tunable *setting, int n, const kin_tuned *best,
                         double before, const char *path, kin_error *err)
{
    kin_text text = {0};
    kin_text_format(&text, "{\"method\": \"%s\"", kin_option_string(t->cli, "method"));
    for (int i = 0; i < n; i++) {
        kin_text_format(&text, ", \"%s\": ", setting[i].name);
        kin_json_add_number(&text, best->value[i]);
    }
    for (int i = 0; i < MEANS; i++)
        if (kin_option_given(t->cli, means[i]))
            kin_text_format(&text, ", \"%s\": %.6g", means[i],
                            i == ALPHA ? kin_option_real(t->cli, means[i])
                                       : (double)kin_option_int(t->cli, means[i]));
    if (t->method == DIFFUSION && kin_option_int(t->cli, "truncate"))
        kin_text_format(&text, ", \"truncate\": %lld", (long long)kin_option_int(t->cli, "truncate"));
    kin_text_format(&text, ", \"about\": {\"fitted on\": ");
    kin_json_add_string(&text, t->gallery.name);
    kin_text_format(
        &text,
        ", \"mAP\": %.6f, \"mAP-pessimistic\": %.6f, \"mAP before\": %.6f, \"settings tried\": %lld}}\n",
        best->score, t->best.pessimistic.ap, before, (long long)best->tried);
    bool ok = text.failed ? kin_fail_memory(err, path, text.size)
                          : kin_write_file(path, text.data, text.size, err);
    kin_text_free(&text);
    return ok;
}

static bool tune(tuner *t, kin_error *err)
{
    kin_tunable setting[KIN_TUNE_SETTINGS];
    kin_tuned best;
    kin_neighbours plain = {0};
    kin_metrics before;
    char ties[KIN_TIES_TEXT];
    const char *out = kin_option_string(t->cli, "out");
    if (!open_tuner(t, err) || !expand_first(t, err)) return false;
    int n = settings_of(t, setting);
    bool ok = search(t, queries_of(t), kin_embeddings_vectors(&t->gallery), &plain, err) &&
              judge(t, &plain, &before, err);
    kin_neighbours_free(&plain);
    kin_meter_start(&t->meter, "fitting", "settings", 0, 0, t->cli->quiet);
    ok = ok && kin_tune(setting, n, (int)kin_option_int(t->cli, "rounds"), try, t, &best, err);
    kin_meter_break();
    if (!ok) return false;
    printf("--method %s", kin_option_string(t->cli, "method"));
    for (int i = 0; i < n; i++) printf(" --%s %.6g", setting[i].name, best.value[i]);
    printf("   mAP %.4f, before %.4f (%lld settings tried)%s\n", best.score, before.mean.ap,
           (long long)best.tried, kin_judge_ties(&t->best, ties));
    return !out || write_params(t, setting, n, &best, before.mean.ap, out, err);
}

static int run(kin_cli *cli)
{
    tuner t = {.cli = cli, .method = kin_option_choice(cli, "method")};
    kin_error err = {0};
    if (kin_option_given(cli, "truncate") && t.method != DIFFUSION)
        return kin_cli_usage(cli, "--truncate says nothing to --method %s", kin_option_string(cli, "method"));
    for (int i = 0; i < MEANS; i++)
        if (kin_option_given(cli, means[i]) && t.method == EXPAND)
            return kin_cli_usage(cli, "--method expand fits --%s; leave it out", means[i]);
    if (kin_option_given(cli, "augment") && !kin_option_given(cli, "query"))
        return kin_cli_usage(cli,
                             "without --query, --expand averages the gallery already; leave --augment out");
    if (kin_option_given(cli, "alpha") && !kin_option_given(cli, "expand") &&
        !kin_option_given(cli, "augment"))
        return kin_cli_usage(cli, "--alpha weights the means of --expand or --augment; give one of them");
    kin_interrupt_catch();
    bool ok = tune(&t, &err);
    kin_embeddings_free(&t.query), kin_embeddings_free(&t.gallery);
    kin_free(t.codes), kin_free(t.expanded), kin_free(t.augmented);
    kin_selves_free(&t.selves);
    return ok ? 0 : kin_cli_fail(cli, &err);
}

static const char *const methods[] = {"k-reciprocal", "graph", "diffusion", "top-m", "expand", NULL};

static const kin_option options[] = {
    {.name = "gallery",
     .kind = KIN_OPTION_STRING,
     .value = "G",
     .required = true,
     .help = "Validation descriptors with labels, of classes that nothing was trained on."},
    {.name = "query",
     .kind = KIN_OPTION_STRING,
     .value = "Q",
     .help = "Their queries. Without it each item is looked for among the others."},
    {.name = "method",
     .kind = KIN_OPTION_CHOICE,
     .value = "M",
     .choices = methods,
     .fallback = "k-reciprocal",
     .help = "What is fitted: k1, k2 and lambda; k1, k2 and layers; kd, kq and spread; first, neighbours and "
             "beta; or the numbers of "
             "neighbours and the alpha of query expansion and, with --query, database augmentation."},
    {.name = "out",
     .kind = KIN_OPTION_STRING,
     .writes = KIN_WRITES_FILE,
     .value = "FILE",
     .help = "Write what was found as JSON, for `kin rerank --params`."},
    {.name = "top",
     .kind = KIN_OPTION_INT,
     .value = "K",
     .low = 1,
     .high = -1,
     .fallback_shown = "1000, or the whole gallery if that is smaller",
     .help = "mAP is measured on lists of this length."},
    {.name = "rounds",
     .kind = KIN_OPTION_INT,
     .value = "N",
     .low = 0,
     .high = 10,
     .fallback = "2",
     .help = "How often steps are halved after the coarse grid."},
    {.name = "truncate",
     .kind = KIN_OPTION_INT,
     .value = "N",
     .low = 1,
     .high = -1,
     .help = "Diffusion: the off-line form, on this many neighbours."},
    {.name = "expand",
     .kind = KIN_OPTION_INT,
     .value = "N",
     .low = 1,
     .high = -1,
     .help = "Fit on means over so many neighbours, as kin rerank --expand takes them first; what is written "
             "holds this, too."},
    {.name = "augment",
     .kind = KIN_OPTION_INT,
     .value = "N",
     .low = 1,
     .high = -1,
     .help = "The same of the gallery's items."},
    {.name = "alpha",
     .kind = KIN_OPTION_REAL,
     .value = "A",
     .low = 0,
     .high = 100,
     .fallback = "3",
     .help = "The power that weights the means."},
    {0},
};

const kin_command kin_command_tune = {
    .name = "tune",
    .summary = "fits the settings of re-ranking on validation items",
    .usage = "kin tune --gallery V [--query Q] [--method M] [--out FILE]",
    .about = "The published settings suit identities with many pictures each; with fewer they do harm. Tries "
             "a coarse grid of settings and then smaller steps around "
             "the best, and keeps those with the largest mAP.\n\n"
             "The validation set should be as large as what is searched later and have as many pictures a "
             "class: both decide what suits.",
    .examples = "kin tune --gallery validation --out params.json\n"
                "kin rerank --query queries --gallery shop --params params.json --out ranks.csv\n"
                "kin tune --gallery validation --method expand --out expand.json",
    .options = options,
    .run = run,
};
