#include "autograd/heap.h"

#include "base/memory.h"

#include <string.h>

struct kin_heap_block {
    size_t at, bytes;
    unsigned char *data; /* NULL: free */
};

/* The free block with the least to spare; count when there is none. */
static size_t best_fit(const kin_heap *h, size_t bytes)
{
    size_t best = h->count;
    for (size_t i = 0; i < h->count; i++) {
        const kin_heap_block *b = &h->blocks[i];
        if (!b->data && b->bytes >= bytes && (best == h->count || b->bytes < h->blocks[best].bytes)) best = i;
    }
    return best;
}

static void insert(kin_heap *h, size_t i, kin_heap_block block)
{
    memmove(h->blocks + i + 1, h->blocks + i, (h->count - i) * sizeof block);
    h->blocks[i] = block;
    h->count++;
}

static void remove_block(kin_heap *h, size_t i)
{
    h->count--;
    memmove(h->blocks + i, h->blocks + i + 1, (h->count - i) * sizeof *h->blocks);
}

/* The end of the last block: a free last block is grown rather than left behind. */
static size_t place_at_end(kin_heap *h, size_t bytes)
{
    if (h->count && !h->blocks[h->count - 1].data) {
        h->blocks[h->count - 1].bytes = bytes;
        return h->count - 1;
    }
    size_t end = h->count ? h->blocks[h->count - 1].at + h->blocks[h->count - 1].bytes : 0;
    insert(h, h->count, (kin_heap_block){.at = end, .bytes = bytes});
    return h->count - 1;
}

/* By where a block lies in the heap, not by its address: what is allocated apart may begin just where the slab would
 * go on. */
static bool in_slab(const kin_heap *h, const kin_heap_block *b) { return b->at + b->bytes <= h->capacity; }

static unsigned char *memory_for(kin_heap *h, const kin_heap_block *b)
{
    if (in_slab(h, b)) return h->slab + b->at;
    unsigned char *data = kin_alloc(b->bytes);
    if (data) h->apart += b->bytes;
    if (h->capacity + h->apart > h->peak) h->peak = h->capacity + h->apart;
    return data;
}

void *kin_heap_take(kin_heap *h, size_t bytes)
{
    size_t rounded;
    if (!kin_add_size(bytes, 63, &rounded)) return NULL;
    rounded = rounded / 64 * 64;
    /* two blocks can come of one */
    if (!kin_grow((void **)&h->blocks, h->count + 1, &h->blocks_capacity, sizeof *h->blocks)) return NULL;
    size_t i = best_fit(h, rounded);
    if (i == h->count) i = place_at_end(h, rounded);
    kin_heap_block *b = &h->blocks[i];
    size_t spare = b->bytes - rounded, end = b->at + rounded;
    b->bytes = rounded;
    if (spare) insert(h, i + 1, (kin_heap_block){.at = end, .bytes = spare});
    if (end > h->needed) h->needed = end;
    return h->blocks[i].data = memory_for(h, &h->blocks[i]);
}

static void join(kin_heap *h, size_t i)
{
    if (i + 1 >= h->count || h->blocks[i].data || h->blocks[i + 1].data) return;
    h->blocks[i].bytes += h->blocks[i + 1].bytes;
    remove_block(h, i + 1);
}

void kin_heap_give(kin_heap *h, void *data)
{
    size_t i = 0;
    while (i < h->count && h->blocks[i].data != data) i++;
    if (!data || i == h->count) return;
    if (!in_slab(h, &h->blocks[i])) {
        h->apart -= h->blocks[i].bytes;
        kin_free(data);
    }
    h->blocks[i].data = NULL;
    join(h, i);
    if (i) join(h, i - 1);
}

void kin_heap_enlarge(kin_heap *h)
{
    /* free neighbours are always one block */
    bool taken = h->count > 1 || (h->count == 1 && h->blocks[0].data);
    if (taken || h->needed <= h->capacity) return;
    kin_free(h->slab);
    h->slab = kin_alloc(h->needed);
    h->capacity = h->slab ? h->needed : 0;
    h->count = 0;
    if (h->capacity > h->peak) h->peak = h->capacity;
}

void kin_heap_free(kin_heap *h)
{
    for (size_t i = 0; i < h->count; i++)
        if (h->blocks[i].data && !in_slab(h, &h->blocks[i])) kin_free(h->blocks[i].data);
    kin_free(h->blocks);
    kin_free(h->slab);
    *h = (kin_heap){0};
}
