/* The quality of descriptors by full rankings, for validation, the demo and `kin eval` without a list. */
#ifndef KIN_TRAIN_JUDGE_H
#define KIN_TRAIN_JUDGE_H

#include "retrieval/judge/metrics.h"
#include "retrieval/search/search.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The lists that a set is judged by: every row among all the others, by cosine, whole. */
bool kin_judge_search(kin_vectors set, kin_neighbours *lists, kin_error *err);

/* Every item of a set against all others of it, by cosine. `cameras` may be NULL (else an item of the same
 * label and camera is dropped; -1 is unknown), `per_query` NULL or [count]. */
bool kin_judge_set(kin_vectors set, const int64_t *labels, const int64_t *cameras, kin_metrics *out,
                   kin_scores *per_query, kin_error *err);
/* Lists made by a search or a re-ranking. Labels, cameras, gallery, leave_one_out and self are taken from `about`;
 * `opt` and `per_query` ([lists->queries]) may be NULL. */
bool kin_judge_lists(const kin_neighbours *lists, const kin_judged *about, kin_metrics *out,
                     const kin_metrics_opt *opt, kin_scores *per_query, kin_error *err);

/* "; with ties against it R@1 0.0100, mAP 0.0312", where ties change a figure; else "". */
enum { KIN_TIES_TEXT = 64 };
const char *kin_judge_ties(const kin_metrics *m, char text[KIN_TIES_TEXT]);

#ifdef __cplusplus
}
#endif

#endif
