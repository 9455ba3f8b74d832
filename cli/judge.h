/* The quality of descriptors by full rankings, for validation, the demo and `kin eval` without a list. */
#ifndef KIN_CLI_JUDGE_H
#define KIN_CLI_JUDGE_H

#include "retrieval/metrics.h"
#include "retrieval/search.h"

/* Every item of a set against all others of it, by cosine. `per_query` may be NULL or [count]. */
bool kin_judge_set(kin_vectors set, const int64_t *labels, kin_metrics *out, kin_scores *per_query, kin_error *err);
/* Lists made by a search or a re-ranking. labels of queries and gallery; leave_one_out: they are one set. */
bool kin_judge_lists(const kin_neighbours *lists, const int64_t *query_labels, const int64_t *gallery_labels, int64_t gallery, bool leave_one_out, kin_metrics *out, kin_scores *per_query,
                     kin_error *err);

#endif
