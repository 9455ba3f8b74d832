/* Ranking lists as files: Kaggle's form, a line `query,gallery gallery gallery…` under the header
 * `id,images`, and FAISS's, two arrays. The reader is the validator: teams of the contest that started
 * this lost their medals over duplicate ids.
 *
 * Blanks separate the gallery's ids, so that in an id a blank is written as %20, a tab as %09, line ends
 * as %0A and %0D, and '%' as %25 where these digits follow; nothing else is escaped. Lists that were
 * written before read as they did: an id that is there as it stands is that id, and '_' may stand for
 * blanks and commas where only one id fits. */
#ifndef KIN_RETRIEVAL_LISTS_RANKS_H
#define KIN_RETRIEVAL_LISTS_RANKS_H

#include "base/text.h"
#include "retrieval/lists/items.h"
#include "retrieval/search/search.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Lists by query row (not in the file's order), as gallery rows. */
typedef struct kin_ranks {
    int64_t queries;
    int64_t *offset; /* [queries + 1] */
    int64_t *index;  /* [offset[queries]] */
    int64_t own;     /* items that an array held in their own lists, which were taken out */
} kin_ranks;

/* What lists are of. */
typedef struct kin_ranked {
    const kin_items *query, *gallery;
    bool leave_one_out; /* they are one set, and no item stands in its own list */
} kin_ranked;

/* Everything found wrong, one line each, and how much there was; only the first `limit` lines are kept. */
typedef struct kin_ranks_problems {
    kin_text lines;
    int64_t count, limit;
} kin_ranks_problems;

/* Reads and validates a file ("-" is standard input): a list, or an .npy of integers [queries, k], rows of
 * the gallery as FAISS's search gives them (a list ends before its first -1). Refused, naming line and id:
 * a query unknown, listed twice or missing; a gallery id unknown or twice in a list; an empty list; with
 * `leave_one_out`, an item in its own list. With `problems`, all
 * of them are collected and the call fails if there was any; without, the first one is the error. */
bool kin_ranks_read(const char *path, const kin_ranked *of, kin_ranks *out, kin_ranks_problems *problems,
                    kin_error *err);
bool kin_ranks_parse(const char *name, const char *text, size_t size, const kin_ranked *of, kin_ranks *out,
                     kin_ranks_problems *problems, kin_error *err);
void kin_ranks_free(kin_ranks *ranks);
/* Takes the gallery row self[q] (-1: none) out of list q; self may be NULL. */
void kin_ranks_drop(kin_ranks *ranks, const int64_t *self);
void kin_ranks_problems_free(kin_ranks_problems *problems);

/* Writes the lists, aside and renamed ("-" is standard output). A list ends before its first index of -1. */
bool kin_ranks_write(const char *path, const kin_neighbours *lists, const kin_items *query,
                     const kin_items *gallery, kin_error *err);
/* FAISS's layout: [queries, k] int64 rows of the gallery, and float32 distances. Either path may be NULL. */
bool kin_ranks_write_arrays(const char *index_path, const char *value_path, const kin_neighbours *lists,
                            kin_error *err);

#ifdef __cplusplus
}
#endif

#endif
