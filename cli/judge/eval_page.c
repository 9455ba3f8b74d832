#include "cli/judge/eval_page.h"

#include "base/memory.h"
#include "retrieval/judge/judgement.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void kin_eval_worst_free(kin_eval_worst *w)
{
    kin_free(w->asked), kin_free(w->found), kin_free(w->values), kin_free(w->ap);
    *w = (kin_eval_worst){0};
}

static bool choose(kin_eval_worst *w, const kin_scores *each, int64_t queries, int64_t most, kin_error *err)
{
    int64_t *order = kin_alloc_array((size_t)queries, sizeof *order);
    int64_t evaluated = order ? kin_worst_queries(each, queries, order) : -1;
    w->n = evaluated < most ? evaluated : most;
    size_t n = w->n > 0 ? (size_t)w->n : 0, places = n * KIN_RANKS_PAGE_TOP;
    w->asked = kin_alloc_array(n, sizeof *w->asked);
    w->found = kin_alloc_array(places, sizeof *w->found);
    w->values = kin_alloc_array(places, sizeof *w->values);
    w->ap = kin_alloc_array(n, sizeof *w->ap);
    bool ok = evaluated >= 0 && w->asked && w->found && w->values && w->ap;
    for (int64_t a = 0; ok && a < w->n; a++) {
        w->asked[a] = order[a];
        w->ap[a] = each[order[a]].ap;
    }
    kin_free(order);
    return ok || kin_fail_memory(err, "the worst queries", (unsigned long long)queries * sizeof *order);
}

static bool dropped(const kin_judged *j, int64_t q, int64_t g)
{
    if (g == kin_self(j->leave_one_out, j->self, q)) return true;
    return j->query_camera && j->query_camera[q] >= 0 && j->query_label[q] >= 0 &&
           j->query_label[q] == j->gallery_label[g] && j->query_camera[q] == j->gallery_camera[g];
}

/* The head of a list, of which `values` may be NULL. */
static void take(kin_eval_worst *w, int64_t a, const kin_judged *j, const int64_t *index, const float *values,
                 int64_t count)
{
    int64_t *found = w->found + a * KIN_RANKS_PAGE_TOP, n = 0;
    for (int64_t i = 0; i < count && n < KIN_RANKS_PAGE_TOP && index[i] >= 0; i++) {
        if (dropped(j, w->asked[a], index[i])) continue;
        w->values[a * KIN_RANKS_PAGE_TOP + n] = values ? values[i] : NAN;
        found[n++] = index[i];
    }
    while (n < KIN_RANKS_PAGE_TOP) found[n++] = -1;
}

bool kin_eval_worst_of_lists(kin_eval_worst *w, const kin_judged *j, const kin_scores *each, int64_t most,
                             kin_error *err)
{
    if (!choose(w, each, j->queries, most, err)) return false;
    for (int64_t a = 0; a < w->n; a++) {
        int64_t from = j->offset[w->asked[a]], to = j->offset[w->asked[a] + 1];
        take(w, a, j, j->index + from, j->value ? j->value + from : NULL, to - from);
    }
    return true;
}

bool kin_eval_worst_of_vectors(kin_eval_worst *w, kin_vectors query, kin_vectors gallery, const kin_judged *j,
                               const kin_scores *each, int64_t most, kin_error *err)
{
    enum { DEEP = 512 }; /* what is dropped is rarely more than a person's or a thing's pictures */
    if (!choose(w, each, query.count, most, err)) return false;
    float *rows = kin_alloc_array((size_t)w->n, (size_t)query.dim * sizeof *rows);
    if (!rows)
        return kin_fail_memory(err, "the worst queries",
                               (unsigned long long)w->n * (unsigned long long)query.dim * sizeof *rows);
    for (int64_t a = 0; a < w->n; a++)
        memcpy(rows + a * query.dim, query.data + w->asked[a] * query.dim, (size_t)query.dim * sizeof *rows);
    kin_neighbours lists = {0};
    kin_search_opt opt = {
        .k = gallery.count < DEEP ? gallery.count : DEEP, .metric = KIN_COSINE, .float32_order = true};
    bool ok = !w->n || kin_search((kin_vectors){rows, w->n, query.dim}, gallery, &opt, &lists, err);
    for (int64_t a = 0; ok && a < w->n; a++)
        take(w, a, j, lists.index + a * lists.k, lists.value + a * lists.k, lists.k);
    kin_neighbours_free(&lists);
    kin_free(rows);
    return ok;
}

bool kin_eval_page_write(const kin_eval_worst *w, const kin_cli *cli, const kin_page_fact *facts, int n_facts,
                         const kin_items *query, const kin_items *gallery, const kin_judged *judged,
                         kin_error *err)
{
    char lead[300];
    const char *name = kin_option_string(cli, "gallery");
    snprintf(lead, sizeof lead,
             "The %lld queries with the smallest average precision (AP) in %.200s, the worst first.",
             (long long)w->n, name);
    return kin_ranks_page_write(&(kin_ranks_page){.path = kin_option_string(cli, "html"),
                                                  .title = "Where retrieval goes wrong",
                                                  .lead = lead,
                                                  .facts = facts,
                                                  .n_facts = n_facts,
                                                  .note = "Left the query, then its list, best first.",
                                                  .query_name = kin_option_string(cli, "query"),
                                                  .gallery_name = name,
                                                  .query = query,
                                                  .gallery = gallery,
                                                  .n = w->n,
                                                  .asked = w->asked,
                                                  .found = w->found,
                                                  .values = w->values,
                                                  .value_name = cli->positionals ? "distance" : "similarity",
                                                  .ap = w->ap,
                                                  .self = judged->self,
                                                  .query_camera = judged->query_camera,
                                                  .gallery_camera = judged->gallery_camera},
                                cli, err);
}
