/* Strings numbered in the order in which they first come: a hash table that owns them. */
#ifndef KIN_BASE_NAMES_H
#define KIN_BASE_NAMES_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A zeroed kin_names is empty and ready. */
typedef struct kin_names {
    const char **text; /* [count] */
    int64_t count;
    int64_t *slot, slots; /* open addressing; a slot holds 1 + the string's number, 0 is free */
    size_t capacity;
    kin_arena arena;
} kin_names;

/* The number of `text`, or -1. */
int64_t kin_names_find(const kin_names *names, const char *text);
/* The same, adding it when it is new (names->count has then grown); -1 when out of memory. */
int64_t kin_names_add(kin_names *names, const char *text);
void kin_names_free(kin_names *names);

#endif
