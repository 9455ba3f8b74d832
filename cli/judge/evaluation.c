/* What `kin eval` judges: lists of ranks, or descriptors by full rankings. */
#include "cli/judge/evaluation.h"

#include "base/memory.h"
#include "cli/options/descriptors.h"
#include "retrieval/search/search.h"
#include "train/judge.h"

#include <math.h>
#include <string.h>

/* The queries are the gallery's items when leaving one out, labels included. */
const kin_items *kin_evaluation_asked(const kin_evaluation *e)
{
    return e->leave_one_out ? &e->gallery : &e->query;
}
const int64_t *kin_evaluation_codes(const kin_evaluation *e)
{
    return e->leave_one_out ? e->gallery_code : e->query_code;
}

void kin_evaluation_free(kin_evaluation *e)
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
static bool read_distances(kin_evaluation *e, const char *path, kin_error *err)
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
static bool judge_chunks(kin_evaluation *e, kin_vectors query, kin_vectors gallery,
                         const kin_metrics_opt *opt, kin_error *err)
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
        bool ok = kin_judge_lists(&lists, &about, &e->metrics, opt, scores, &inner);
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
kin_judged kin_evaluation_judged(const kin_evaluation *e, int64_t queries, int64_t gallery)
{
    return (kin_judged){.queries = queries,
                        .gallery = gallery,
                        .query_label = kin_evaluation_codes(e),
                        .gallery_label = e->gallery_code,
                        .query_camera = e->query_camera,
                        .gallery_camera = e->gallery_camera,
                        .leave_one_out = e->leave_one_out,
                        .self = e->selves.row,
                        .offset = e->ranks.offset,
                        .index = e->ranks.index,
                        .value = e->distances.data};
}

static bool judge_set(kin_evaluation *e, kin_vectors set, const kin_metrics_opt *opt, kin_error *err)
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
    bool ok = kin_judge_lists(&lists, &about, &e->metrics, opt, e->each, err);
    kin_neighbours_free(&lists);
    return ok;
}

/* Numbers labels and, where both sets tell them, cameras. */
static bool number_items(kin_evaluation *e, const kin_cli *cli, const kin_items *gallery,
                         const kin_items *query, kin_error *err)
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

static bool evaluate_exactly(kin_evaluation *e, const kin_cli *cli, const char *query, const char *gallery,
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
        ok = kin_threshold_fit(kin_embeddings_vectors(&q), kin_embeddings_vectors(&g),
                               &(kin_threshold_labels){.query = e->query_code,
                                                       .gallery = e->gallery_code,
                                                       .leave_one_out = !query,
                                                       .self = e->selves.row},
                               kin_option_real(cli, "fit-threshold"), &e->threshold, err);
        e->has_threshold = true;
    }
    kin_vectors asked = kin_embeddings_vectors(query ? &q : &g);
    kin_judged judged = kin_evaluation_judged(e, asked.count, g.items.count);
    if (ok && kin_option_given(cli, "html"))
        ok = kin_eval_worst_of_vectors(&e->worst, asked, kin_embeddings_vectors(&g), &judged, e->each,
                                       kin_option_int(cli, "html-queries"), err);
    e->gallery = g.items, e->query = q.items; /* ids and labels are still wanted */
    g.items = q.items = (kin_items){0};
    kin_embeddings_free(&q);
    kin_embeddings_free(&g);
    return ok;
}

static bool judge(kin_evaluation *e, const kin_cli *cli, kin_error *err)
{
    const char *query = kin_option_string(cli, "query"), *gallery = kin_option_string(cli, "gallery");
    e->leave_one_out = !query;
    if (!cli->positionals) return evaluate_exactly(e, cli, query, gallery, err);
    if (!kin_items_open(gallery, &e->gallery, err) || !need_labels(&e->gallery, gallery, err)) return false;
    if (query && (!kin_items_open(query, &e->query, err) || !need_labels(&e->query, query, err)))
        return false;
    const kin_items *asked = query ? &e->query : &e->gallery;
    if (!kin_ranks_read(cli->positional[0], &(kin_ranked){asked, &e->gallery, e->leave_one_out}, &e->ranks,
                        NULL, err))
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
    kin_judged judged = kin_evaluation_judged(e, asked->count, e->gallery.count);
    return kin_evaluate(&judged, &(kin_metrics_opt){.k = kin_option_int(cli, "k")}, &e->metrics, e->each,
                        err) &&
           (!kin_option_given(cli, "html") ||
            kin_eval_worst_of_lists(&e->worst, &judged, e->each, kin_option_int(cli, "html-queries"), err));
}

static bool resample(kin_evaluation *e, const kin_cli *cli, kin_error *err)
{
    e->rounds = kin_option_int(cli, "bootstrap");
    return !e->rounds ||
           kin_bootstrap(e->each, kin_evaluation_asked(e)->count,
                         &(kin_bootstrap_opt){e->rounds, 0.95, (uint64_t)kin_option_int(cli, "seed")},
                         &e->low, &e->high, err);
}

bool kin_evaluation_make(kin_evaluation *e, const kin_cli *cli, kin_error *err)
{
    return judge(e, cli, err) && resample(e, cli, err);
}
