#include "train/judge.h"

#include "base/memory.h"

#include <stdio.h>

const char *kin_judge_ties(const kin_metrics *m, char text[KIN_TIES_TEXT])
{
    text[0] = '\0';
    if (kin_metrics_tied(m))
        snprintf(text, KIN_TIES_TEXT, "; with ties against it R@1 %.4f, mAP %.4f", m->pessimistic.recall[0],
                 m->pessimistic.ap);
    return text;
}

bool kin_judge_lists(const kin_neighbours *lists, const kin_judged *about, kin_metrics *out,
                     const kin_metrics_opt *opt, kin_scores *per_query, kin_error *err)
{
    int64_t *offset = kin_alloc_array((size_t)lists->queries + 1, sizeof *offset);
    if (!offset) return kin_fail_memory(err, "the lists", (size_t)lists->queries * sizeof *offset);
    for (int64_t q = 0; q <= lists->queries; q++) offset[q] = q * lists->k;
    kin_judged judged = *about;
    judged.queries = lists->queries;
    judged.offset = offset;
    judged.index = lists->index;
    judged.value = lists->value;
    bool ok = kin_evaluate(&judged, opt, out, per_query, err);
    kin_free(offset);
    return ok;
}

bool kin_judge_search(kin_vectors set, kin_neighbours *lists, kin_error *err)
{
    kin_search_opt whole = {
        .k = set.count - 1, .metric = KIN_COSINE, .leave_one_out = true, .float32_order = true};
    if (set.count < 2) return kin_fail(err, KIN_ERR_ARGUMENT, "one picture alone cannot be judged");
    return kin_search(set, set, &whole, lists, err);
}

bool kin_judge_set(kin_vectors set, const int64_t *labels, const int64_t *cameras, kin_metrics *out,
                   kin_scores *per_query, kin_error *err)
{
    kin_neighbours lists;
    if (!kin_judge_search(set, &lists, err)) return false;
    kin_judged about = {.gallery = set.count,
                        .query_label = labels,
                        .gallery_label = labels,
                        .query_camera = cameras,
                        .gallery_camera = cameras,
                        .leave_one_out = true};
    bool ok = kin_judge_lists(&lists, &about, out, NULL, per_query, err);
    kin_neighbours_free(&lists);
    return ok;
}
