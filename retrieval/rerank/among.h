/* Re-ranking cut short, for those who have not the time for all of it: the gallery items that are among
 * the first `first` of some query's list take part, the others keep their places behind. With P such items
 * the cost falls from (Q + N)² comparisons to (Q + P)².
 *
 * It is k-reciprocal re-ranking on a smaller gallery, exact on that: not the same as a list of the whole
 * one, whose mutual neighbours may be items that no query found. */
#ifndef KIN_RETRIEVAL_RERANK_AMONG_H
#define KIN_RETRIEVAL_RERANK_AMONG_H

#include "retrieval/rerank/rerank.h"

/* How many gallery items are among the first `first` of a list; their rows in ascending order in `rows`
 * [gallery] where that is not NULL. `lists` hold rows of a gallery of `gallery` items, -1 where they end.
 * -1 when out of memory. */
int64_t kin_among_count(const kin_neighbours *lists, int64_t gallery, int64_t first, int64_t *rows);

/* The largest `first` with which at most `most` items take part; 0 when not even one does. -1 when out of
 * memory. */
int64_t kin_among_fit(const kin_neighbours *lists, int64_t gallery, int64_t most);

/* Lists of opt->k: re-ranked items, then the rest of the query's list in its order, whose value is 2 (no
 * re-ranked distance is above 1), then, where the list is too short, -1. `lists` are what kin_search gave
 * for these queries and this gallery, which must be another set than the queries (no leave_one_out, but
 * opt->self). */
bool kin_rerank_among(kin_vectors query, kin_vectors gallery, const kin_neighbours *lists, int64_t first,
                      const kin_rerank_opt *opt, kin_neighbours *out, kin_error *err);

#endif
