/* kin fuse: several models' descriptors, or several rank lists, made into one ranking. */
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/judge/selves.h"
#include "cli/options/command.h"
#include "cli/options/descriptors.h"
#include "cli/options/metric.h"
#include "cli/options/params.h"
#include "retrieval/describe/fuse.h"
#include "retrieval/judge/judgement.h"
#include "retrieval/lists/items.h"
#include "retrieval/lists/ranks.h"
#include "train/judge.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { USUAL = 1000, SETS = KIN_FUSE_SETS };
enum { BY_DISTANCE, BY_STANDARDISED, BY_RANK };

typedef struct ensemble {
    const kin_cli *cli;
    int sets;
    char *gallery_names, *query_names;         /* the option's text, cut at its commas */
    kin_embeddings gallery[SETS], query[SETS]; /* from descriptors */
    /* from lists: the items are then those of gallery[0] and query[0] */
    kin_ranks ranks[SETS];
    bool leave_one_out;
    kin_selves selves; /* queries that are gallery items */
    double weight[SETS];
    kin_fusion table;
    kin_neighbours lists;
} ensemble;

static void close_ensemble(ensemble *e)
{
    for (int s = 0; s < SETS; s++) {
        kin_embeddings_free(&e->gallery[s]), kin_embeddings_free(&e->query[s]);
        kin_ranks_free(&e->ranks[s]);
    }
    kin_free(e->gallery_names), kin_free(e->query_names);
    kin_selves_free(&e->selves);
    kin_fusion_free(&e->table);
    kin_neighbours_free(&e->lists);
}

/* Cuts `text` at its commas; returns how many parts, or -1 when there are more than `most` or one is
 * empty. */
static int cut(char *text, char **part, int most)
{
    int count = 0;
    for (char *at = text; at; count++) {
        if (count == most || *at == ',' || !*at) return -1;
        part[count] = at;
        at = strchr(at, ',');
        if (at) *at++ = '\0';
    }
    return count;
}

static bool cut_option(const kin_cli *cli, const char *option, char **text, char **part, int *count,
                       kin_error *err)
{
    *count = 0;
    if (!kin_option_given(cli, option)) return true;
    *text = kin_strdup(kin_option_string(cli, option));
    if (!*text) return kin_fail_memory(err, option, 64);
    *count = cut(*text, part, SETS);
    if (*count > 0) return true;
    return kin_fail(err, KIN_ERR_ARGUMENT, "--%s %s: 1 to %d names with commas between them were expected",
                    option, kin_option_string(cli, option), SETS);
}

static bool same_ids(const kin_embeddings *a, const kin_embeddings *b, kin_error *err)
{
    if (a->items.count != b->items.count)
        return kin_fail(err, KIN_ERR_DATA,
                        "%s has %lld rows, %s has %lld; all sets must hold the same pictures", a->name,
                        (long long)a->items.count, b->name, (long long)b->items.count);
    for (int64_t i = 0; i < a->items.count; i++)
        if (strcmp(a->items.id[i], b->items.id[i]) != 0)
            return kin_fail(err, KIN_ERR_DATA,
                            "row %lld (counted from 0) is '%.100s' in %s and '%.100s' in %s; all sets must "
                            "hold the same pictures in one order",
                            (long long)i, a->items.id[i], a->name, b->items.id[i], b->name);
    return true;
}

static bool read_descriptors(ensemble *e, char *const *gallery, char *const *query, kin_error *err)
{
    for (int s = 0; s < e->sets; s++) {
        if (!kin_cli_read_rounded(e->cli, gallery[s], &e->gallery[s], err) ||
            !same_ids(&e->gallery[0], &e->gallery[s], err))
            return false;
        if (!e->leave_one_out && (!kin_cli_read_rounded(e->cli, query[s], &e->query[s], err) ||
                                  !same_ids(&e->query[0], &e->query[s], err)))
            return false;
        if (!e->leave_one_out && e->query[s].dim != e->gallery[s].dim)
            return kin_fail(err, KIN_ERR_ARGUMENT,
                            "%s has %lld dimensions, %s has %lld; both must come from one model", query[s],
                            (long long)e->query[s].dim, gallery[s], (long long)e->gallery[s].dim);
    }
    return e->leave_one_out || kin_selves_find(&e->query[0], &e->gallery[0], &e->selves, err);
}

static bool read_lists(ensemble *e, char *const *gallery, char *const *query, kin_error *err)
{
    if (!kin_items_open(gallery[0], &e->gallery[0].items, err) ||
        (!e->leave_one_out && !kin_items_open(query[0], &e->query[0].items, err)))
        return false;
    const kin_items *asked = e->leave_one_out ? &e->gallery[0].items : &e->query[0].items;
    for (int s = 0; s < e->sets; s++)
        if (!kin_ranks_read(e->cli->positional[s],
                            &(kin_ranked){asked, &e->gallery[0].items, e->leave_one_out}, &e->ranks[s], NULL,
                            err))
            return false;
        else if (e->ranks[s].own)
            kin_cli_note(e->cli, "%lld items found themselves in %s, and were taken out of their own lists",
                         (long long)e->ranks[s].own, e->cli->positional[s]);
    if (e->leave_one_out) return true;
    if (!kin_selves_find_items(query[0], &e->query[0].items, gallery[0], &e->gallery[0].items, &e->selves,
                               err))
        return false;
    for (int s = 0; s < e->sets; s++) kin_ranks_drop(&e->ranks[s], e->selves.row);
    return true;
}

static bool read_weights(ensemble *e, kin_error *err)
{
    for (int s = 0; s < e->sets; s++) e->weight[s] = 1.0 / e->sets;
    const char *given = kin_option_string(e->cli, "weights");
    if (!given) return true;
    char *part[SETS], *copy = kin_strdup(given);
    if (!copy) return kin_fail_memory(err, "--weights", strlen(given));
    int count = cut(copy, part, SETS);
    bool ok = count == e->sets;
    double sum = 0;
    for (int s = 0; ok && s < count; s++) {
        ok = kin_parse_real(part[s], &e->weight[s]) && e->weight[s] >= 0;
        sum += e->weight[s];
    }
    kin_free(copy);
    return ok && sum > 0 ? true
                         : kin_fail(err, KIN_ERR_ARGUMENT,
                                    "--weights %s: %d numbers of 0 or more with commas between them, not all "
                                    "0, were expected",
                                    given, e->sets);
}

static bool read_all(ensemble *e, kin_error *err)
{
    char *gallery[SETS], *query[SETS];
    int galleries, queries;
    if (!cut_option(e->cli, "gallery", &e->gallery_names, gallery, &galleries, err) ||
        !cut_option(e->cli, "query", &e->query_names, query, &queries, err))
        return false;
    e->leave_one_out = queries == 0;
    e->sets = e->cli->positionals ? e->cli->positionals : galleries;
    if (e->cli->positionals && (galleries != 1 || queries > 1))
        return kin_fail(
            err, KIN_ERR_ARGUMENT,
            "lists rank one gallery for one set of queries; give --gallery and --query one name each");
    if (!e->cli->positionals && queries && queries != galleries)
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "--gallery names %d sets and --query %d; give both in the same order of models",
                        galleries, queries);
    if (!(e->cli->positionals ? read_lists(e, gallery, query, err)
                              : read_descriptors(e, gallery, query, err)))
        return false;
    kin_selves_tell(e->cli, &e->selves, e->query[0].items.count);
    return read_weights(e, err);
}

static bool make_table(ensemble *e, kin_error *err)
{
    const kin_cli *cli = e->cli;
    int64_t most = e->gallery[0].items.count - (e->leave_one_out || e->selves.count ? 1 : 0),
            candidates = kin_option_int(cli, "candidates");
    if (cli->positionals) {
        return kin_fusion_lists(e->ranks, e->sets, e->gallery[0].items.count,
                                kin_option_real(cli, "constant"), &e->table, err);
    }
    kin_vectors query[SETS], gallery[SETS];
    for (int s = 0; s < e->sets; s++)
        query[s] = kin_embeddings_vectors(&e->query[s]), gallery[s] = kin_embeddings_vectors(&e->gallery[s]);
    static const kin_fuse_by by[] = {[BY_DISTANCE] = KIN_FUSE_RAW,
                                     [BY_STANDARDISED] = KIN_FUSE_STANDARDISED,
                                     [BY_RANK] = KIN_FUSE_RECIPROCAL};
    kin_fuse_opt opt = {.by = by[kin_option_choice(cli, "by")],
                        .candidates = candidates && candidates < most ? candidates
                                      : most < USUAL || candidates    ? most
                                                                      : USUAL,
                        .metric = kin_option_metric(cli),
                        .constant = kin_option_real(cli, "constant"),
                        .leave_one_out = e->leave_one_out,
                        .self = e->selves.row};
    return kin_fusion_vectors(query, gallery, e->sets, &opt, &e->table, err);
}

/* Prints the weights, and writes them for --params. */
static bool tell_weights(const ensemble *e, const kin_metrics *m, kin_error *err)
{
    const char *save = kin_option_string(e->cli, "save-params");
    char ties[KIN_TIES_TEXT];
    kin_text text = {0}, json = {0};
    for (int s = 0; s < e->sets; s++) kin_text_format(&text, "%s%.6g", s ? "," : "", e->weight[s]);
    if (!text.failed)
        printf("--weights %s   mAP %.4f on these items%s\n", text.data, m->mean.ap, kin_judge_ties(m, ties));
    kin_text_format(
        &json,
        "{\"by\": \"%s\", \"weights\": \"%s\", \"about\": {\"mAP\": %.6f, \"mAP-pessimistic\": %.6f}}\n",
        e->cli->positionals ? "rank" : kin_option_string(e->cli, "by"), text.failed ? "" : text.data,
        m->mean.ap, m->pessimistic.ap);
    bool ok = text.failed || json.failed ? kin_fail_memory(err, "the weights", 256)
                                         : !save || kin_write_file(save, json.data, json.size, err);
    kin_text_free(&text), kin_text_free(&json);
    return ok;
}

/* The AP of each query by these weights: NaN where there is nothing to find. */
static bool each_ap(const ensemble *e, const kin_judged *judged, int64_t k, const double *weight, double *ap,
                    double *map, kin_error *err)
{
    kin_neighbours lists = {0};
    kin_metrics m;
    int64_t queries = judged->queries;
    kin_scores *each = kin_alloc_array((size_t)queries, sizeof *each);
    bool ok = each || kin_fail_memory(err, "the figures", (size_t)queries * sizeof *each);
    ok = ok && kin_fusion_order(&e->table, weight, k, &lists, err);
    ok = ok && kin_judge_lists(&lists, judged, &m, NULL, each, err);
    bool tied = ok && kin_metrics_tied(&m);
    for (int64_t q = 0; ok && q < queries; q++) ap[q] = tied ? each[q].ap_pessimistic : each[q].ap;
    if (ok) *map = tied ? m.pessimistic.ap : m.mean.ap;
    kin_neighbours_free(&lists);
    kin_free(each);
    return ok;
}

/* What the models reach alone, and whether the ensemble's gain over the best of them is more than luck with these
 * classes: an ensemble costs what its models cost together, and one larger network may give as much. */
static bool tell_gain(const ensemble *e, const kin_judged *judged, int64_t k, kin_error *err)
{
    enum { ROUNDS = 2000 };
    const double level = .95;
    int64_t n = judged->queries;
    double *ap = kin_alloc_array((size_t)n, 3 * sizeof *ap), *best = ap ? ap + n : NULL,
           *one = ap ? best + n : NULL, map, most = -1, low, high;
    kin_text alone = {0};
    int first = 0;
    bool ok = ap || kin_fail_memory(err, "the figures", (size_t)n * 3 * sizeof *ap);
    ok = ok && each_ap(e, judged, k, e->weight, ap, &map, err);
    for (int s = 0; ok && s < e->sets; s++) {
        double only[SETS] = {0}, figure;
        only[s] = 1;
        ok = each_ap(e, judged, k, only, one, &figure, err);
        if (!ok) break;
        kin_text_format(&alone, "%s%.4f", s ? ", " : "", figure);
        if (!(figure > most)) continue;
        most = figure, first = s;
        memcpy(best, one, (size_t)n * sizeof *best);
    }
    ok = ok && kin_bootstrap_classes(&(kin_figures){ap, best, judged->query_label, n},
                                     &(kin_bootstrap_opt){ROUNDS, level, 1}, &low, &high, err);
    ok = ok && (!alone.failed || kin_fail_memory(err, "the figures", alone.size));
    if (ok)
        kin_cli_note(e->cli,
                     "each alone: mAP %s; together %+.4f over number %d, %+.4f to %+.4f over other classes%s",
                     alone.data, map - most, first + 1, low, high,
                     low > 0 ? "" : ": no gain that these items show");
    kin_text_free(&alone);
    kin_free(ap);
    return ok;
}

static bool fit(ensemble *e, int64_t k, kin_error *err)
{
    kin_items *gallery = &e->gallery[0].items, *query = &e->query[0].items;
    int64_t lists = e->leave_one_out ? gallery->count : query->count;
    if (!gallery->label || (!e->leave_one_out && !query->label))
        return kin_fail(err, KIN_ERR_DATA,
                        "--fit needs labels: the column `label` of the .csv beside the .npy");
    if (!kin_items_judgeable(gallery, e->leave_one_out ? NULL : query, err)) return false;
    bool cameras = gallery->camera && (e->leave_one_out || query->camera);
    /* cameras behind the labels */
    int64_t *code = kin_alloc_array((size_t)gallery->count, 2 * sizeof *code),
            *asked = kin_alloc_array((size_t)lists, 2 * sizeof *asked);
    kin_metrics m;
    bool ok = code && asked ? true
                            : kin_fail_memory(err, "the labels",
                                              (unsigned long long)(gallery->count + lists) * sizeof *code);
    ok = ok && kin_items_label_codes(gallery, code, e->leave_one_out ? NULL : query,
                                     e->leave_one_out ? NULL : asked, err);
    ok = ok &&
         (!cameras || kin_items_camera_codes(gallery, code + gallery->count, e->leave_one_out ? NULL : query,
                                             e->leave_one_out ? NULL : asked + lists, err));
    const int64_t *mine = e->leave_one_out ? code : asked;
    kin_judged judged = {.queries = lists,
                         .gallery = gallery->count,
                         .query_label = mine,
                         .gallery_label = code,
                         .query_camera = cameras ? mine + lists : NULL,
                         .gallery_camera = cameras ? code + gallery->count : NULL,
                         .leave_one_out = e->leave_one_out,
                         .self = e->selves.row};
    ok = ok && kin_fusion_fit(&e->table, &judged, k, e->weight, &m, err);
    ok = ok && tell_weights(e, &m, err);
    ok = ok && (e->sets < 2 || e->cli->quiet || tell_gain(e, &judged, k, err));
    kin_free(code), kin_free(asked);
    return ok;
}

static bool write_lists(ensemble *e, const char *out, int64_t k, kin_error *err)
{
    const kin_items *gallery = &e->gallery[0].items, *query = e->leave_one_out ? gallery : &e->query[0].items;
    if (!kin_fusion_order(&e->table, e->weight, k, &e->lists, err)) return false;
    if (out && !kin_ranks_write(out, &e->lists, query, gallery, err)) return false;
    if (!kin_ranks_write_arrays(kin_option_string(e->cli, "indices"), kin_option_string(e->cli, "distances"),
                                &e->lists, err))
        return false;
    kin_cli_note(e->cli, "%lld lists of %lld from %d %s", (long long)e->lists.queries, (long long)k, e->sets,
                 e->cli->positionals ? "lists each" : "sets of descriptors");
    return true;
}

static bool write_descriptors(ensemble *e, const char *name, kin_error *err)
{
    kin_vectors sets[SETS];
    const kin_items *items = &e->gallery[0].items;
    int64_t dim = 0;
    for (int s = 0; s < e->sets; s++) sets[s] = kin_embeddings_vectors(&e->gallery[s]), dim += sets[s].dim;
    float *joined = kin_alloc_array((size_t)items->count, (size_t)dim * sizeof *joined);
    bool ok = joined ? true
                     : kin_fail_memory(err, name,
                                       (unsigned long long)items->count * (unsigned long long)dim *
                                           sizeof *joined);
    ok = ok && kin_fuse_concat(sets, e->weight, e->sets, joined, err) &&
         kin_embeddings_write_items(name, (kin_vectors){joined, items->count, dim}, items, err);
    kin_free(joined);
    if (ok)
        kin_cli_note(e->cli, "%lld descriptors of %lld numbers in %s", (long long)items->count,
                     (long long)dim, name);
    return ok;
}

static bool fuse(ensemble *e, kin_error *err)
{
    const kin_cli *cli = e->cli;
    const char *out = kin_option_string(cli, "out"), *descriptors = kin_option_string(cli, "embeddings");
    bool fitting = kin_option_flag(cli, "fit"),
         arrays = kin_option_given(cli, "indices") || kin_option_given(cli, "distances");
    if (!out && !arrays && !fitting && !descriptors) out = "-";
    if (!read_all(e, err)) return false;
    if (fitting || out || arrays) {
        if (!make_table(e, err)) return false;
        int64_t top = kin_option_int(cli, "top"), k = top                         ? top
                                                      : e->table.shortest < USUAL ? e->table.shortest
                                                                                  : USUAL;
        if (fitting && !fit(e, k, err)) return false;
        if ((out || arrays) && !write_lists(e, out, k, err)) return false;
    }
    return !descriptors || write_descriptors(e, descriptors, err);
}

static int fuse_given(kin_cli *cli)
{
    if (cli->positionals && (kin_option_given(cli, "embeddings") || kin_option_given(cli, "candidates") ||
                             (kin_option_given(cli, "by") && kin_option_choice(cli, "by") != BY_RANK)))
        return kin_cli_usage(cli, "lists are fused by rank alone; --embeddings, --candidates and other kinds "
                                  "of --by need descriptors");
    if (kin_option_flag(cli, "fit") && kin_option_given(cli, "weights"))
        return kin_cli_usage(cli, "--fit finds the weights; leave --weights out");
    ensemble *e = kin_alloc_zero(1, sizeof *e);
    kin_error err = {0};
    if (!e) return kin_fail_memory(&err, "an ensemble", sizeof *e), kin_cli_fail(cli, &err);
    e->cli = cli;
    bool ok = fuse(e, &err);
    close_ensemble(e);
    kin_free(e);
    return ok ? 0 : kin_cli_fail(cli, &err);
}

static int run(kin_cli *cli)
{
    kin_arena storage = {0};
    kin_error err = {0};
    int code = kin_params_apply(cli, &storage, &err) ? fuse_given(cli) : kin_cli_fail(cli, &err);
    kin_arena_free(&storage);
    return code;
}

static const char *const kinds[] = {
    [BY_DISTANCE] = "distance", [BY_STANDARDISED] = "standardised", [BY_RANK] = "rank", NULL};

static const kin_option options[] = {
    {.name = "gallery",
     .kind = KIN_OPTION_STRING,
     .value = "G,G,...",
     .required = true,
     .help = "The gallery's descriptors by each model, as `kin embed` wrote them, with commas between them; "
             "for lists, the one gallery that they rank."},
    {.name = "query",
     .kind = KIN_OPTION_STRING,
     .value = "Q,Q,...",
     .help = "The queries' descriptors in the same order of models. Without it each gallery item is looked "
             "for among the others."},
    {.name = "by",
     .kind = KIN_OPTION_CHOICE,
     .value = "KIND",
     .choices = kinds,
     .fallback = "standardised",
     .help = "What is added up: the models' distances, their distances standardised over each query's "
             "candidates, or 1/(C + rank)."},
    {.name = "weights",
     .kind = KIN_OPTION_STRING,
     .value = "W,W,...",
     .fallback_shown = "all alike",
     .help = "How much each model counts."},
    {.name = "fit",
     .help = "Find the weights with the largest mAP on these items, which need labels, and print them; use "
             "them on others by --weights."},
    {.name = "save-params",
     .kind = KIN_OPTION_STRING,
     .writes = KIN_WRITES_FILE,
     .value = "FILE",
     .help = "With --fit: write what was found as JSON, for --params."},
    {.name = "params",
     .kind = KIN_OPTION_STRING,
     .value = "FILE",
     .help = "What --save-params wrote. Options given here count more."},
    {.name = "candidates",
     .kind = KIN_OPTION_INT,
     .value = "N",
     .low = 1,
     .high = -1,
     .fallback_shown = "1000, or the whole gallery if that is smaller",
     .help = "Each model's N nearest are candidates, and are judged by all models."},
    {.name = "constant",
     .kind = KIN_OPTION_REAL,
     .value = "C",
     .low = 0.001,
     .high = 1e6,
     .fallback = "60",
     .help = "The C of fusion by rank."},
    {.name = "metric",
     .kind = KIN_OPTION_CHOICE,
     .value = "M",
     .choices = kin_metric_names,
     .fallback = "cosine",
     .help = "The distance: cosine, squared Euclidean, or inner product."},
    {.name = "top",
     .kind = KIN_OPTION_INT,
     .value = "K",
     .low = 1,
     .high = -1,
     .fallback_shown = "1000, or what every query has candidates for",
     .help = "Length of the lists."},
    {.name = "out",
     .kind = KIN_OPTION_STRING,
     .writes = KIN_WRITES_LIST,
     .value = "FILE",
     .fallback_shown = "standard output, unless something else is written",
     .help = "Where the lists go, as `id,images`."},
    {.name = "indices",
     .kind = KIN_OPTION_STRING,
     .writes = KIN_WRITES_FILE,
     .value = "FILE",
     .help = "Write gallery rows as an int64 .npy, in the layout of FAISS."},
    {.name = "distances",
     .kind = KIN_OPTION_STRING,
     .writes = KIN_WRITES_FILE,
     .value = "FILE",
     .help = "Write the weighted sums of distances beside them as a float32 .npy, smaller is nearer."},
    {.name = "embeddings",
     .kind = KIN_OPTION_STRING,
     .writes = KIN_WRITES_SET,
     .value = "NAME",
     .help = "Also write the --gallery sets side by side as one: unit vectors times the root of their "
             "weight, so that cosines are weighted means of the models' cosines."},
    {0},
};

const kin_command kin_command_fuse = {
    .name = "fuse",
    .summary = "makes one ranking of several models' descriptors or lists",
    .usage =
        "kin fuse --gallery G,G[,...] [--query Q,Q[,...]] [--by KIND] [--weights W,W | --fit] [--out FILE]\n"
        "kin fuse RANKS RANKS... --gallery G [--query Q] [--weights W,W | --fit] [--out FILE]\n"
        "kin fuse --gallery G,G[,...] --embeddings NAME",
    .about = "An ensemble: several networks rarely make the same mistakes. The candidates of a query are "
             "what any model has among its nearest; all models judge "
             "all of them, and their weighted sum orders them.\n\n"
             "Lists, which tell no distances, are fused by rank (reciprocal rank fusion). Descriptors can "
             "also be put side by side into one set, which every "
             "other command then takes.\n\n"
             "Weights fitted with --fit on validation items suit other items only as far as they are alike; "
             "fit them on classes that nothing was trained on. It is told what each model reaches alone, and "
             "between "
             "which bounds the gain over the best of them would lie with other classes.",
    .examples =
        "# weights on validation items, then the test\n"
        "kin fuse --gallery a_val,b_val --fit\n"
        "kin fuse --gallery a_shop,b_shop --query a_queries,b_queries --weights 0.7,0.3 --out ranks.csv\n"
        "# two lists, made by whatever\n"
        "kin fuse one.csv two.csv --gallery shop --query queries --out ranks.csv\n"
        "# one set of descriptors out of two\n"
        "kin fuse --gallery a_shop,b_shop --embeddings both_shop",
    .arguments = {{"RANKS", "Lists, as `id,images` or as an .npy of gallery rows.", KIN_READS_FILE}},
    .arguments_min = 0,
    .arguments_max = SETS,
    .options = options,
    .run = run,
};
