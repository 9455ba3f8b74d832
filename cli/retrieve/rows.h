/* Descriptors for other programs, an item a row. */
#ifndef KIN_CLI_RETRIEVE_ROWS_H
#define KIN_CLI_RETRIEVE_ROWS_H

#include "retrieval/lists/items.h"

#include <stdio.h>

/* What other programs take: finite numbers, and names in UTF-8. */
bool kin_rows_check(const kin_embeddings *set, kin_error *err);

/* JSON Lines: an object of id, label, path and embedding a line; null for a label or path that there is not. */
bool kin_rows_write_json(FILE *to, const kin_embeddings *set, kin_error *err);

#endif
