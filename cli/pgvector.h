/* Descriptors as SQL for PostgreSQL's extension pgvector, as psql reads it. */
#ifndef KIN_CLI_PGVECTOR_H
#define KIN_CLI_PGVECTOR_H

#include "retrieval/lists/items.h"

#include <stdio.h>

/* One transaction: the extension, a table of that name with a row for each item, its id the key. Refuses what
 * pgvector or PostgreSQL would: a name that is none, more than 16,000 numbers, infinity, text that is no UTF-8. */
bool kin_pgvector_write(FILE *to, const char *table, const kin_embeddings *set, kin_error *err);

#endif
