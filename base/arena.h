/* A bump allocator that grows by chunks and is emptied in one call. After the first step of a training
 * loop the chunks are there, and a step allocates nothing from the system. */
#ifndef KIN_BASE_ARENA_H
#define KIN_BASE_ARENA_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kin_arena_chunk kin_arena_chunk;
typedef struct kin_arena {
    kin_arena_chunk *first, *current;
    size_t used;  /* bytes used in all chunks since the last reset */
    size_t peak;  /* the most ever used between two resets */
    size_t chunk; /* bytes that are asked of the system at a time, at least; 0: a mebibyte */
} kin_arena;

/* 64-byte aligned, uninitialised; NULL when out of memory. A zeroed kin_arena is empty and ready. */
void *kin_arena_alloc(kin_arena *arena, size_t bytes);
void *kin_arena_alloc_zero(kin_arena *arena, size_t bytes);
char *kin_arena_strdup(kin_arena *arena, const char *text);
void kin_arena_reset(kin_arena *arena); /* forgets the contents, keeps the chunks */
void kin_arena_free(kin_arena *arena);  /* gives the chunks back */

#ifdef __cplusplus
}
#endif

#endif
