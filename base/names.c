#include "base/names.h"

#include "base/hash.h"
#include "base/memory.h"

#include <string.h>

/* The slot of `text`, or the free slot where it belongs. */
static int64_t *find_slot(const kin_names *names, const char *text)
{
    for (uint64_t at = kin_hash(text, strlen(text));; at++) {
        int64_t *s = &names->slot[at & (uint64_t)(names->slots - 1)];
        if (*s == 0 || strcmp(names->text[*s - 1], text) == 0) return s;
    }
}

int64_t kin_names_find(const kin_names *names, const char *text)
{
    return names->slots ? *find_slot(names, text) - 1 : -1;
}

/* At most half of the slots are taken, so that searching ends soon. */
static bool make_room(kin_names *names)
{
    if (2 * (names->count + 1) <= names->slots) return true;
    int64_t slots = names->slots ? 2 * names->slots : 64, *old = names->slot;
    int64_t *slot = kin_alloc_zero((size_t)slots, sizeof *slot);
    if (!slot) return false;
    names->slot = slot;
    names->slots = slots;
    for (int64_t i = 0; i < names->count; i++) *find_slot(names, names->text[i]) = i + 1;
    kin_free(old);
    return true;
}

int64_t kin_names_add(kin_names *names, const char *text)
{
    if (!make_room(names)) return -1;
    int64_t *slot = find_slot(names, text);
    if (*slot) return *slot - 1;
    char *copy = kin_arena_strdup(&names->arena, text);
    if (!copy ||
        !kin_grow((void **)&names->text, (size_t)names->count, &names->capacity, sizeof *names->text))
        return -1;
    names->text[names->count++] = copy;
    *slot = names->count;
    return names->count - 1;
}

void kin_names_free(kin_names *names)
{
    kin_free(names->text);
    kin_free(names->slot);
    kin_arena_free(&names->arena);
    *names = (kin_names){0};
}
