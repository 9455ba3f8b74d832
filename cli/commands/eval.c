#include "base/json.h"
#include "base/memory.h"
#include "base/npy.h"
#include "cli/command.h"
#include "cli/descriptors.h"
#include "cli/eval_details.h"
#include "cli/eval_page.h"
#include "train/judge.h"
#include "cli/selves.h"
#include "retrieval/judge/judgement.h"
#include "retrieval/judge/metrics.h"
#include "retrieval/search/range.h"
#include "retrieval/lists/ranks.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct evaluation {
    kin_items query, gallery;
    bool leave_one_out;
    kin_selves selves; /* queries that are gallery items */
    kin_ranks ranks;
    kin_npy distances;
    int64_t *query_code, *gallery_code;     /* labels, and behind them cameras */
    int64_t *query_camera, *gallery_camera; /* NULL: not known, or not to be looked at */
    bool mixed;                             /* queries and gallery in one set, each looked for among all */
    kin_metrics metrics;
    kin_scores *each;     /* [queries] */
    int64_t *found_first; /* [queries]: the head of each list */
    kin_scores low, high; /* with --bootstrap */
    int64_t rounds;
    kin_threshold threshold; /* with --fit-threshold */
    bool has_threshold;
    kin_eval_worst worst; /* with --html */
} evaluation;

/* The queries are the gallery's items when leaving one out, labels included. */
static const kin_items *asked_items(const evaluation *e)
{
    return e->leave_one_out ? &e->gallery : &e->query;
}
static const int64_t *asked_code(const evaluation *e)
{
    return e->leave_one_out ? e->gallery_code : e->query_code;
}

static void close_evaluation(evaluation *e)
{
    kin_items_free(&e->query), kin_items_free(&e->gallery);
    kin_ranks_free(&e->ranks);
    kin_selves_free(&e->selves);
    kin_eval_worst_free(&e->worst);
    kin_npy_free(&e->distances);
    kin_free(e->query_code), kin_free(e->gallery_code), kin_free(e->each), kin_free(e->found_first);
}

static bool need_labels(const kin_items *items, const char *name, kin_error *err)
{
    if (items->label) return true;
    return kin_fail(
        err, KIN_ERR_DATA,
        "%s has no labels; what is relevant is told by the column `label` of the .csv beside the .npy", name);
}

/* Row i belongs to query i: the array that the same search wrote. */
static bool read_distances(evaluation *e, const char *path, kin_error *err)
{
    if (!path) return true;
    if (!kin_npy_read_matrix(path, &e->distances, err)) return false;
    for (int64_t q = 0; q <= e->ranks.queries; q++)
        if (e->distances.shape[0] != e->ranks.queries || e->ranks.offset[q] != q * e->distances.shape[1])
            return kin_fail(
                err, KIN_ERR_DATA,
                "%s is [%lld, %lld], which does not fit the %lld lists; it must come from the same search",
                path, (long long)e->distances.shape[0], (long long)e->distances.shape[1],
                (long long)e->ranks.queries);
    return true;
}

/* ---- without lists: every query against the whole gallery, by cosine ---- */

enum { CHUNK = 256, SCORES = sizeof(kin_scores) / sizeof(double) };

static void add_scores(double *sum, const kin_scores *s, double times)
{
    double values[SCORES];
    memcpy(values, s, sizeof values);
    for (int i = 0; i < SCORES; i++) sum[i] += times * values[i];
}

/* The head of a list without the query itself; -1: nothing is left. */
static int64_t first_of(const int64_t *index, int64_t count, int64_t self)
{
    if (count && index[0] != self) return index[0];
    return count > 1 ? index[1] : -1;
}

/* Full lists of all queries at once would need queries × gallery places; a chunk of queries at a time does
 * not. */
static bool judge_chunks(evaluation *e, kin_vectors query, kin_vectors gallery, const kin_metrics_opt *opt,
                         kin_error *err)
{
    double sum[SCORES] = {0}, against[SCORES] = {0};
    int64_t evaluated = 0;
    for (int64_t q = 0; q < query.count; q += CHUNK) {
        int64_t n = query.count - q < CHUNK ? query.count - q : CHUNK;
        kin_vectors part = {query.data + q * query.dim, n, query.dim};
        kin_scores *scores = e->each + q;
        kin_neighbours lists;
        kin_error inner = {0};
        kin_judged about = {.gallery = gallery.count,
                            .self = e->selves.row + q,
                            .query_label = e->query_code + q,
                            .gallery_label = e->gallery_code,
                            .gallery_camera = e->gallery_camera,
                            .query_camera = e->query_camera ? e->query_camera + q : NULL};
        if (!kin_search(part, gallery,
                        &(kin_search_opt){.k = gallery.count, .metric = KIN_COSINE, .float32_order = true},
                        &lists, err))
            return false;
        for (int64_t i = 0; i < n; i++) {
            e->found_first[q + i] = first_of(lists.index + i * lists.k, lists.k, e->selves.row[q + i]);
            scores[i].ap = NAN;
        }
        bool ok = kin_judge_neighbours(&lists, &about, &e->metrics, opt, scores, &inner);
        kin_neighbours_free(&lists);
        /* A chunk in which no query has a relevant item is no error; a whole set is, below. */
        if (!ok && inner.code != KIN_ERR_DATA) return kin_fail(err, inner.code, "%s", inner.message);
        for (int64_t i = 0; i < n; i++)
            if (!isnan(scores[i].ap)) add_scores(sum, &scores[i], 1), evaluated++;
        if (ok) add_scores(against, &e->metrics.pessimistic, (double)e->metrics.evaluated);
    }
    if (!evaluated)
        return kin_fail(
            err, KIN_ERR_DATA,
            "no query has a relevant item in the gallery: are the labels of both sets named alike?");
    for (int i = 0; i < SCORES; i++) sum[i] /= (double)evaluated, against[i] /= (double)evaluated;
    memcpy(&e->metrics.mean, sum, sizeof sum);
    memcpy(&e->metrics.pessimistic, against, sizeof against);
    e->metrics.shortest = INT64_MAX; /* full rankings */
    e->metrics.evaluated = evaluated;
    e->metrics.skipped = query.count - evaluated;
    return true;
}

/* What is judged, and what is dropped from it. */
static kin_judged judged_of(const evaluation *e, int64_t queries, int64_t gallery)
{
    return (kin_judged){.queries = queries,
                        .gallery = gallery,
                        .query_label = asked_code(e),
                        .gallery_label = e->gallery_code,
                        .query_camera = e->query_camera,
                        .gallery_camera = e->gallery_camera,
                        .leave_one_out = e->leave_one_out,
                        .self = e->selves.row,
                        .offset = e->ranks.offset,
                        .index = e->ranks.index,
                        .value = e->distances.data};
}

static bool judge_set(evaluation *e, kin_vectors set, const kin_metrics_opt *opt, kin_error *err)
{
    kin_neighbours lists;
    if (!kin_judge_search(set, &lists, err)) return false;
    for (int64_t q = 0; q < set.count; q++) e->found_first[q] = lists.index[q * lists.k];
    kin_judged about = {.gallery = set.count,
                        .query_label = e->gallery_code,
                        .gallery_label = e->gallery_code,
                        .query_camera = e->gallery_camera,
                        .gallery_camera = e->gallery_camera,
                        .leave_one_out = true};
    bool ok = kin_judge_neighbours(&lists, &about, &e->metrics, opt, e->each, err);
    kin_neighbours_free(&lists);
    return ok;
}

/* Numbers labels and, where both sets tell them, cameras. */
static bool number_items(evaluation *e, const kin_cli *cli, const kin_items *gallery, const kin_items *query,
                         kin_error *err)
{
    const kin_items *asked = query ? query : gallery;
    e->mixed = !query && gallery->role && !strrchr(kin_option_string(cli, "gallery"), ':');
    bool cameras = gallery->camera && asked->camera && !kin_option_flag(cli, "ignore-cameras");
    e->gallery_code = kin_alloc_array((size_t)gallery->count, 2 * sizeof(int64_t));
    e->query_code = query ? kin_alloc_array((size_t)query->count, 2 * sizeof(int64_t)) : NULL;
    if (!e->gallery_code || (query && !e->query_code))
        return kin_fail_memory(err, "the labels",
                               (unsigned long long)(gallery->count + asked->count) * 2 * sizeof(int64_t));
    e->each = kin_alloc_array((size_t)asked->count, sizeof *e->each);
    e->found_first = kin_alloc_array((size_t)asked->count, sizeof *e->found_first);
    if (!e->each || !e->found_first)
        return kin_fail_memory(err, "the figures of each query",
                               (unsigned long long)asked->count * sizeof *e->each);
    int64_t *query_camera = query ? e->query_code + query->count : NULL;
    if (!kin_items_judgeable(gallery, query, err) ||
        !kin_items_label_codes(gallery, e->gallery_code, query, e->query_code, err))
        return false;
    if (cameras) {
        e->gallery_camera = e->gallery_code + gallery->count;
        e->query_camera = query ? query_camera : e->gallery_camera;
        return kin_items_camera_codes(gallery, e->gallery_camera, query, query_camera, err);
    }
    return true;
}

static bool evaluate_exactly(evaluation *e, const kin_cli *cli, const char *query, const char *gallery,
                             kin_error *err)
{
    kin_embeddings q = {0}, g = {0};
    bool ok = kin_cli_read_rounded(cli, gallery, &g, err) && need_labels(&g.items, gallery, err);
    ok = ok && (!query || (kin_cli_read_rounded(cli, query, &q, err) && need_labels(&q.items, query, err)));
    ok = ok && number_items(e, cli, &g.items, query ? &q.items : NULL, err);
    ok = ok && (!query || kin_selves_find(&q, &g, &e->selves, err));
    const kin_metrics_opt opt = {.k = kin_option_int(cli, "k")};
    ok = ok && (query ? judge_chunks(e, kin_embeddings_vectors(&q), kin_embeddings_vectors(&g), &opt, err)
                      : judge_set(e, kin_embeddings_vectors(&g), &opt, err));
    if (ok && kin_option_given(cli, "fit-threshold")) {
        ok = kin_threshold_fit(kin_embeddings_vectors(&q), kin_embeddings_vectors(&g), e->query_code,
                               e->gallery_code, !query, e->selves.row, kin_option_real(cli, "fit-threshold"),
                               &e->threshold, err);
        e->has_threshold = true;
    }
    kin_vectors asked = kin_embeddings_vectors(query ? &q : &g);
    kin_judged judged = judged_of(e, asked.count, g.items.count);
    if (ok && kin_option_given(cli, "html"))
        ok = kin_eval_worst_of_vectors(&e->worst, asked, kin_embeddings_vectors(&g), &judged, e->each,
                                       kin_option_int(cli, "html-queries"), err);
    e->gallery = g.items, e->query = q.items; /* ids and labels are still wanted */
    g.items = q.items = (kin_items){0};
    kin_embeddings_free(&q);
    kin_embeddings_free(&g);
    return ok;
}

static bool evaluate(evaluation *e, const kin_cli *cli, kin_error *err)
{
    const char *query = kin_option_string(cli, "query"), *gallery = kin_option_string(cli, "gallery");
    e->leave_one_out = !query;
    if (!cli->positionals) return evaluate_exactly(e, cli, query, gallery, err);
    if (!kin_items_open(gallery, &e->gallery, err) || !need_labels(&e->gallery, gallery, err)) return false;
    if (query && (!kin_items_open(query, &e->query, err) || !need_labels(&e->query, query, err)))
        return false;
    const kin_items *asked = query ? &e->query : &e->gallery;
    if (!kin_ranks_read(cli->positional[0], asked, &e->gallery, e->leave_one_out, &e->ranks, NULL, err))
        return false;
    if (e->ranks.own)
        kin_cli_note(cli, "%lld items found themselves in %s, and were taken out of their own lists",
                     (long long)e->ranks.own, cli->positional[0]);
    if (!read_distances(e, kin_option_string(cli, "distances"), err)) return false;
    if (!number_items(e, cli, &e->gallery, query ? &e->query : NULL, err)) return false;
    if (query && !kin_selves_find_items(query, &e->query, gallery, &e->gallery, &e->selves, err))
        return false;
    for (int64_t q = 0; q < asked->count; q++)
        e->found_first[q] = first_of(e->ranks.index + e->ranks.offset[q],
                                     e->ranks.offset[q + 1] - e->ranks.offset[q],
                                     kin_self(false, e->selves.row, q));
    kin_judged judged = judged_of(e, asked->count, e->gallery.count);
    return kin_evaluate(&judged, &(kin_metrics_opt){.k = kin_option_int(cli, "k")}, &e->metrics, e->each,
                        err) &&
           (!kin_option_given(cli, "html") ||
            kin_eval_worst_of_lists(&e->worst, &judged, e->each, kin_option_int(cli, "html-queries"), err));
}

static bool resample(evaluation *e, const kin_cli *cli, kin_error *err)
{
    e->rounds = kin_option_int(cli, "bootstrap");
    return !e->rounds || kin_bootstrap(e->each, asked_items(e)->count, e->rounds, 0.95,
                                       (uint64_t)kin_option_int(cli, "seed"), &e->low, &e->high, err);
}

static bool tell_details(const evaluation *e, const kin_cli *cli, kin_error *err)
{
    const kin_eval_details d = {.query = asked_items(e),
                                .gallery = &e->gallery,
                                .query_code = asked_code(e),
                                .each = e->each,
                                .found_first = e->found_first,
                                .metrics = &e->metrics};
    const char *classes = kin_option_string(cli, "per-class");
    int64_t worst = kin_option_int(cli, "worst");
    return (!worst || kin_eval_print_worst(&d, worst, err)) &&
           (!classes || kin_eval_write_classes(&d, classes, err));
}

/* --- what is told, once for the table and for JSON --- */

/* `at` is the figure's place in the means; its interval's ends have the same one. NULL: it has no
 * interval. */
typedef struct figure {
    char name[40];
    double value;
    const char *about;
    const double *at;
    char why[200]; /* it is not available */
} figure;
enum { FIGURES = 32 };

static void add_figure(const evaluation *e, figure *f, int *n, const char *name, int64_t rank,
                       const double *at, const char *about)
{
    const kin_metrics *m = &e->metrics;
    figure *to = &f[(*n)++];
    *to = (figure){.value = *at, .about = about, .at = at};
    if (rank) snprintf(to->name, sizeof to->name, "%s@%lld", name, (long long)rank);
    else snprintf(to->name, sizeof to->name, "%s", name);
    if (!isnan(*at)) return;
    if (rank)
        snprintf(to->why, sizeof to->why,
                 "not available: needs lists of %lld, and the shortest has %lld left", (long long)rank,
                 (long long)m->shortest);
    else
        snprintf(to->why, sizeof to->why, "not available: needs %s, and the shortest list has %lld left",
                 about, (long long)m->shortest);
}

/* The means with ties broken against the system; without intervals, but for the two that each query has. */
static void add_pessimistic(const evaluation *e, figure *f, int *n)
{
    const kin_metrics *m = &e->metrics;
    const kin_scores *s = &m->pessimistic;
    const struct {
        const char *name;
        int64_t rank;
        double value;
        const double *at;
    } rows[] = {{"mAP", 0, s->ap, &m->mean.ap_pessimistic},
                {"mAP", m->k, s->ap_at_k, NULL},
                {"mAP@R", 0, s->ap_at_r, NULL},
                {"R", m->recall_at[0], s->recall[0], &m->mean.recall1_pessimistic},
                {"R", m->recall_at[1], s->recall[1], NULL},
                {"R", m->recall_at[2], s->recall[2], NULL}};
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        figure *to = &f[*n];
        if (isnan(rows[r].value)) continue; /* what is not available stands above */
        *to = (figure){.value = rows[r].value,
                       .about = *n && r ? "" : "with ties broken against the system",
                       .at = rows[r].at};
        if (rows[r].rank)
            snprintf(to->name, sizeof to->name, "%s@%lld-pessimistic", rows[r].name, (long long)rows[r].rank);
        else snprintf(to->name, sizeof to->name, "%s-pessimistic", rows[r].name);
        ++*n;
    }
}

/* Lists alone do not tell which items were equally near. */
static bool knows_ties(const evaluation *e) { return !e->ranks.offset || e->distances.data; }

static int collect(const evaluation *e, bool ties, figure *f)
{
    const kin_metrics *m = &e->metrics;
    const kin_scores *s = &m->mean;
    int n = 0;
    add_figure(e, f, &n, "mAP", 0, &s->ap,
               isnan(s->ap) ? "something in every list"
               : m->complete
                   ? "mean average precision"
                   : "mean average precision, at least: what lies beyond the lists counts as missed");
    add_figure(e, f, &n, "mAP", m->k, &s->ap_at_k, "divided by min(R, K)");
    for (int c = 0; c < KIN_RECALL_RANKS && m->recall_at[c]; c++)
        add_figure(e, f, &n, "R", m->recall_at[c], &s->recall[c],
                   c ? "" : "queries with a hit among the first");
    add_figure(e, f, &n, "mAP@R", 0, &s->ap_at_r,
               isnan(s->ap_at_r) ? "the first R" : "as in metric learning");
    add_figure(e, f, &n, "R-precision", 0, &s->r_precision,
               isnan(s->r_precision) ? "the first R" : "hits among the first R");
    add_figure(e, f, &n, "MRR", 0, &s->reciprocal_rank,
               isnan(s->reciprocal_rank) ? "a hit in every list" : "mean of 1 / rank of the first hit");
    add_figure(e, f, &n, "mINP", 0, &s->inp,
               m->complete ? "mean of R / rank of the last hit" : "all hits in every list");
    add_figure(e, f, &n, "nDCG", m->k, &s->ndcg, "");
    add_figure(e, f, &n, "AP-trapezoid", 0, &s->ap_trapezoid,
               isnan(s->ap) ? "something in every list" : "the Oxford/Paris and Market-1501 rule");
    if (ties) add_pessimistic(e, f, &n);
    return n;
}

static double end_of(const evaluation *e, const figure *f, const kin_scores *ends)
{
    double value;
    memcpy(&value, (const char *)ends + ((const char *)f->at - (const char *)&e->metrics.mean), sizeof value);
    return value;
}

static void print_table(const evaluation *e)
{
    figure f[FIGURES];
    int n = collect(e, e->distances.data || kin_metrics_tied(&e->metrics), f);
    const kin_metrics *m = &e->metrics;
    printf("%lld queries, %lld gallery items, lists of %lld\n", (long long)(m->evaluated + m->skipped),
           (long long)e->gallery.count, (long long)m->longest);
    if (e->gallery_camera) printf("gallery items of the query's label and camera are dropped\n");
    if (m->skipped) printf("%lld queries have no relevant item and are left out\n", (long long)m->skipped);
    for (int i = 0; i < n; i++) {
        if (isnan(f[i].value)) printf("%-16s     -   %s\n", f[i].name, f[i].why);
        else if (e->rounds && f[i].at)
            printf("%-16s %.4f   %.4f to %.4f\n", f[i].name, f[i].value, end_of(e, &f[i], &e->low),
                   end_of(e, &f[i], &e->high));
        else
            printf(f[i].about[0] ? "%-16s %.4f   %s\n" : "%-16s %.4f%s\n", f[i].name, f[i].value, f[i].about);
    }
    if (!knows_ties(e)) printf("ties are not known: --distances, the array of the same search, tells them\n");
    if (e->rounds)
        printf("intervals of 95 %% by %lld bootstrap rounds over the queries\n", (long long)e->rounds);
    if (!e->has_threshold) return;
    const kin_threshold *t = &e->threshold;
    printf("--max-distance %.9g accepts %.4f of %lld impostors; %.4f of %lld queries find a relevant item "
           "first within it, %.4f at any distance\n",
           t->distance, t->false_accept, (long long)t->impostors, t->found, (long long)t->queries, t->first);
}

static bool print_json(const evaluation *e, kin_error *err)
{
    figure f[FIGURES];
    int n = collect(e, knows_ties(e), f);
    kin_text text = {0};
    kin_text_format(
        &text,
        "{\"queries\": %lld, \"skipped\": %lld, \"gallery\": %lld, \"self matches\": %lld, \"K\": "
        "%lld, \"complete\": %s",
        (long long)e->metrics.evaluated, (long long)e->metrics.skipped, (long long)e->gallery.count,
        (long long)e->selves.count, (long long)e->metrics.k, e->metrics.complete ? "true" : "false");
    for (int i = 0; i < n; i++) {
        kin_text_add(&text, ", ");
        kin_json_add_string(&text, f[i].name);
        kin_text_add(&text, ": ");
        kin_json_add_number(&text, f[i].value);
        if (!e->rounds || !f[i].at || isnan(f[i].value)) continue;
        kin_text_format(&text, ", \"%s interval\": [", f[i].name);
        kin_json_add_number(&text, end_of(e, &f[i], &e->low));
        kin_text_add(&text, ", ");
        kin_json_add_number(&text, end_of(e, &f[i], &e->high));
        kin_text_add(&text, "]");
    }
    bool lacks = false;
    for (int i = 0; i < n; i++) {
        if (!isnan(f[i].value)) continue;
        kin_text_add(&text, lacks ? ", " : ", \"unavailable\": {");
        kin_json_add_string(&text, f[i].name);
        kin_text_add(&text, ": ");
        kin_json_add_string(&text, f[i].why + strlen("not available: "));
        lacks = true;
    }
    if (lacks) kin_text_add(&text, "}");
    if (e->has_threshold) {
        const kin_threshold *t = &e->threshold;
        const struct {
            const char *name;
            double value;
        } more[] = {{"threshold", t->distance},
                    {"threshold false accepts", t->false_accept},
                    {"threshold found first", t->found}};
        for (size_t i = 0; i < 3; i++) {
            kin_text_format(&text, ", \"%s\": ", more[i].name);
            kin_json_add_number(&text, more[i].value);
        }
    }
    kin_text_add(&text, "}\n");
    if (!text.failed) fputs(text.data, stdout);
    bool ok = !text.failed;
    kin_text_free(&text);
    return ok ? true : kin_fail_memory(err, "the figures", 4096);
}

/* ---- the page ---- */

static bool write_page(const evaluation *e, const kin_cli *cli, kin_error *err)
{
    enum { COUNTS = 2 };
    figure f[FIGURES];
    char values[FIGURES][16], counts[COUNTS][24];
    kin_page_fact facts[COUNTS + FIGURES];
    kin_judged judged = judged_of(e, asked_items(e)->count, e->gallery.count);
    int n = collect(e, false, f), told = COUNTS;
    snprintf(counts[0], sizeof counts[0], "%lld", (long long)(e->metrics.evaluated + e->metrics.skipped));
    snprintf(counts[1], sizeof counts[1], "%lld", (long long)e->gallery.count);
    facts[0] = (kin_page_fact){"Queries", counts[0]}, facts[1] = (kin_page_fact){"Gallery", counts[1]};
    for (int i = 0; i < n; i++) {
        if (isnan(f[i].value)) continue;
        snprintf(values[i], sizeof values[i], "%.4f", f[i].value);
        facts[told++] = (kin_page_fact){f[i].name, values[i]};
    }
    return kin_eval_page_write(&e->worst, cli, facts, told, e->leave_one_out ? NULL : &e->query, &e->gallery,
                               &judged, err);
}

static int run(kin_cli *cli)
{
    if (kin_option_given(cli, "html-queries") && !kin_option_given(cli, "html"))
        return kin_cli_usage(cli, "--html-queries is about the page; give --html too");
    if (cli->positionals && kin_option_given(cli, "fit-threshold"))
        return kin_cli_usage(cli, "--fit-threshold goes by the descriptors' distances; leave RANKS out");
    if (!cli->positionals && kin_option_given(cli, "distances"))
        return kin_cli_usage(cli,
                             "--distances belongs to RANKS; descriptors tell their distances themselves");
    if (kin_option_flag(cli, "json") && kin_option_given(cli, "worst"))
        return kin_cli_usage(cli, "--worst prints a table; leave --json out");
    evaluation e = {0};
    kin_error err = {0};
    const char *gallery = kin_option_string(cli, "gallery");
    bool ok = evaluate(&e, cli, &err) && resample(&e, cli, &err);
    if (ok && kin_option_flag(cli, "json")) ok = print_json(&e, &err);
    else if (ok) print_table(&e);
    ok = ok && tell_details(&e, cli, &err) && (!kin_option_given(cli, "html") || write_page(&e, cli, &err));
    if (ok) kin_selves_tell(cli, &e.selves, e.query.count);
    close_evaluation(&e);
    if (ok && e.mixed)
        kin_cli_note(
            cli,
            "%s tells queries from gallery; to keep them apart, give --query %s:query --gallery %s:gallery",
            gallery, gallery, gallery);
    return ok ? 0 : kin_cli_fail(cli, &err);
}

static const kin_option options[] = {
    {.name = "gallery",
     .kind = KIN_OPTION_STRING,
     .value = "G",
     .required = true,
     .help = "What was searched: a name given to `kin embed --out`, or a .csv with the columns `id` and "
             "`label`."},
    {.name = "query",
     .kind = KIN_OPTION_STRING,
     .value = "Q",
     .help = "What was looked for, in the same form. Without it, each gallery item was looked for among the "
             "others."},
    {.name = "k",
     .kind = KIN_OPTION_INT,
     .value = "K",
     .low = 1,
     .high = -1,
     .fallback_shown = "what every list tells",
     .help = "The K of mAP@K and nDCG@K."},
    {.name = "distances",
     .kind = KIN_OPTION_STRING,
     .value = "FILE",
     .help = "With RANKS: the .npy that the same search wrote: ties are then also broken against the system, "
             "since a "
             "collapsed embedding can fake a high score."},
    {.name = "ignore-cameras",
     .help = "Keep gallery items of the query's label and camera, which are dropped where the lists of items "
             "tell cameras (the rule of Market-1501)."},
    {.name = "bootstrap",
     .kind = KIN_OPTION_INT,
     .value = "N",
     .low = 10,
     .high = 1000000,
     .help =
         "Also tell how sure the means are: 95 % intervals by N draws of as many queries (1000 is usual)."},
    {.name = "seed",
     .kind = KIN_OPTION_INT,
     .value = "S",
     .low = 0,
     .high = -1,
     .fallback = "1",
     .help = "Of the bootstrap's draws."},
    {.name = "per-class",
     .kind = KIN_OPTION_STRING,
     .writes = KIN_WRITES_FILE,
     .value = "FILE",
     .help = "Write the means of each label's queries as a .csv, the worst first."},
    {.name = "worst",
     .kind = KIN_OPTION_INT,
     .value = "N",
     .low = 1,
     .high = -1,
     .help = "Print the N queries with the smallest average precision, and what they found first."},
    KIN_RANKS_PAGE_OPTIONS("How many queries the page shows, those with the smallest average precision."),
    {.name = "fit-threshold",
     .kind = KIN_OPTION_REAL,
     .value = "RATE",
     .low = 0,
     .high = 1,
     .help = "Find the cosine distance within which this share of impostors is taken for something in the "
             "gallery: each query's nearest item of another label. Without RANKS."},
    {.name = "json", .help = "Print one line of JSON instead of the table."},
    {0},
};

const kin_command kin_command_eval = {
    .name = "eval",
    .summary = "measures ranking lists against labels",
    .usage =
        "kin eval RANKS --gallery G [--query Q] [--k K] [--json]\nkin eval --gallery G [--query Q] [--json]",
    .about =
        "An item is relevant when its label is the query's; R is their number in the whole gallery, "
        "found or not. Queries without any are left out, "
        "and counted. Where both lists of items tell cameras, gallery items of the query's label and "
        "camera are dropped before anything is counted; an "
        "item without a label stays, and is never relevant. The lists are validated first, as by `kin "
        "check`.\n\n"
        "Without RANKS every query is compared with the whole gallery by cosine, and the full rankings "
        "are judged.\n\n"
        "Lists shorter than the gallery count what they do not hold as missed in mAP, which is then a lower "
        "bound; "
        "mAP@K divides by min(R, K) instead of R. A figure that needs longer lists than there are, after "
        "junk and "
        "the queries themselves are dropped (R@10 from lists of 5), is not available. Where ties change a "
        "figure, it is also told with ties broken against the system.",
    .examples = "kin eval ranks.csv --query queries --gallery shop\n"
                "# the descriptors themselves, by full rankings\n"
                "kin eval --gallery shop\n"
                "# a set with queries, gallery and cameras, embedded by `kin embed market:test --out E`\n"
                "kin eval --query E:query --gallery E:gallery\n"
                "# how sure that is, and where it fails\n"
                "kin eval ranks.csv --query queries --gallery shop --bootstrap 1000 --worst 20 --per-class "
                "classes.csv\n"
                "# the worst 40 queries in pictures\n"
                "kin eval --gallery shop --html worst.html\n"
                "# from what distance on a thing is none of the gallery's, at 1 % of false alarms\n"
                "kin eval --gallery validation --fit-threshold 0.01\n"
                "# every item among the others, as JSON\n"
                "kin search --gallery shop --quiet | kin eval - --gallery shop --json",
    .arguments = {{"RANKS", "The lists, as `id,images`; - is standard input.", KIN_READS_FILE}},
    .arguments_min = 0,
    .arguments_max = 1,
    .options = options,
    .run = run,
};
