/* Descriptors as SQL for PostgreSQL's extension pgvector, as psql reads it. */
#ifndef KIN_CLI_RETRIEVE_PGVECTOR_H
#define KIN_CLI_RETRIEVE_PGVECTOR_H

#include "retrieval/lists/items.h"
#include "retrieval/search/search.h"

#include <stdio.h>

/* An index that answers sooner and misses some neighbours, or none. */
typedef enum kin_pgvector_index {
    KIN_PGVECTOR_EXACT,
    KIN_PGVECTOR_HNSW,
    KIN_PGVECTOR_IVFFLAT
} kin_pgvector_index;

typedef struct kin_pgvector_opt {
    const char *table;
    kin_pgvector_index index;
    kin_metric metric; /* what the index is for; without one each query chooses */
} kin_pgvector_opt;

/* One transaction: the extension, a table of that name with a row for each item, its id the key, and the index.
 * Refuses what pgvector or PostgreSQL would: a name that is none, more than 16,000 numbers (2,000 for an index),
 * infinity, text that is no UTF-8. */
bool kin_pgvector_write(FILE *to, const kin_pgvector_opt *opt, const kin_embeddings *set, kin_error *err);

#endif
