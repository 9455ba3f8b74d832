/* A row of numbers as databases write it in one field: [1,2.5,-3e-7] (pgvector, JSON) or {1,2.5} (an array of
 * PostgreSQL's). */
#ifndef KIN_RETRIEVAL_LISTS_VECTOR_TEXT_H
#define KIN_RETRIEVAL_LISTS_VECTOR_TEXT_H

#include <stdbool.h>
#include <stdint.h>

/* How many numbers the field holds, by its commas: 1 or more, or 0 where it has no brackets around it. */
int64_t kin_vector_text_count(const char *text);

/* Reads just `count` numbers into out [count], each the float32 nearest to its digits. NULL, or what the vector is
 * or has that it should not. */
const char *kin_vector_text_read(const char *text, int64_t count, float *out);

#endif
