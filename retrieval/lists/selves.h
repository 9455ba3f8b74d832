/* Which queries are gallery items themselves: they would find themselves first, which says nothing. */
#ifndef KIN_RETRIEVAL_LISTS_SELVES_H
#define KIN_RETRIEVAL_LISTS_SELVES_H

#include "retrieval/lists/items.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kin_selves {
    int64_t *row;         /* [queries]: the gallery row that the query is, -1: none; no row stands twice */
    int64_t count;        /* of queries that are a gallery item */
    int64_t same_id;      /* of others whose id a gallery item has too: two sets may both hold milk/001.jpg */
    int64_t same_numbers; /* of others whose numbers a gallery item of another name has too */
} kin_selves;

/* A query is a gallery item where
 *   both sets are rows of one file (E:query and E), and the ids are equal;
 *   both hold the same numbers, all of them in one order: then row by row;
 *   the row holds a gallery row's numbers, bit for bit, and the id or the path is equal, or one of the sets
 *   has no names (its ids are row numbers).
 * An equal id alone is no proof, nor are equal numbers alone: a photograph may stand in a shop twice.
 * The numbers are compared as they were read. */
bool kin_selves_find(const kin_embeddings *query, const kin_embeddings *gallery, kin_selves *out,
                     kin_error *err);
/* The same of lists of items, `query` and `gallery` being their names: where descriptors lie beside both,
 * these are read; else only rows of one file are known to be the same. */
bool kin_selves_find_items(const char *query, const kin_items *query_items, const char *gallery,
                           const kin_items *gallery_items, kin_selves *out, kin_error *err);
void kin_selves_free(kin_selves *s);

#ifdef __cplusplus
}
#endif

#endif
