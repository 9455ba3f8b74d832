#include "base/arena.h"

#include "base/memory.h"

#include <string.h>

enum { CHUNK_MIN = 1 << 20 };

struct kin_arena_chunk {
    kin_arena_chunk *next;
    size_t capacity, used;
    unsigned char *bytes;
};

static kin_arena_chunk *chunk_new(size_t capacity)
{
    kin_arena_chunk *chunk = kin_alloc(sizeof *chunk);
    if (!chunk) return NULL;
    *chunk = (kin_arena_chunk){.capacity = capacity, .bytes = kin_alloc(capacity)};
    if (chunk->bytes) return chunk;
    kin_free(chunk);
    return NULL;
}

/* The first chunk at or after `current` with room; chunks that are too small for this request are
 * passed over and used again after the next reset. */
static kin_arena_chunk *chunk_with_room(kin_arena *arena, size_t bytes)
{
    kin_arena_chunk *last = NULL;
    for (kin_arena_chunk *c = arena->current; c; last = c, c = c->next)
        if (c->capacity - c->used >= bytes) return c;
    size_t least = arena->chunk ? arena->chunk : CHUNK_MIN;
    kin_arena_chunk *chunk = chunk_new(bytes > least ? bytes : least);
    if (!chunk) return NULL;
    if (last) last->next = chunk;
    else arena->first = arena->current = chunk;
    return chunk;
}

void *kin_arena_alloc(kin_arena *arena, size_t bytes)
{
    size_t rounded;
    if (!kin_add_size(bytes, 63, &rounded)) return NULL;
    rounded = rounded / 64 * 64;
    if (rounded == 0) rounded = 64;
    kin_arena_chunk *chunk = chunk_with_room(arena, rounded);
    if (!chunk) return NULL;
    void *block = chunk->bytes + chunk->used;
    chunk->used += rounded;
    while (arena->current->next && arena->current->used == arena->current->capacity)
        arena->current = arena->current->next;
    arena->used += rounded;
    if (arena->used > arena->peak) arena->peak = arena->used;
    return block;
}

void *kin_arena_alloc_zero(kin_arena *arena, size_t bytes)
{
    void *block = kin_arena_alloc(arena, bytes);
    if (block) memset(block, 0, bytes);
    return block;
}

char *kin_arena_strdup(kin_arena *arena, const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = kin_arena_alloc(arena, bytes);
    if (copy) memcpy(copy, text, bytes);
    return copy;
}

void kin_arena_reset(kin_arena *arena)
{
    for (kin_arena_chunk *c = arena->first; c; c = c->next) c->used = 0;
    arena->current = arena->first;
    arena->used = 0;
}

void kin_arena_free(kin_arena *arena)
{
    for (kin_arena_chunk *c = arena->first, *next; c; c = next) {
        next = c->next;
        kin_free(c->bytes);
        kin_free(c);
    }
    *arena = (kin_arena){.chunk = arena->chunk};
}
