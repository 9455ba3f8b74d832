/* Memory that is taken and given back in any order within a step, in the same order every step: the
 * gradients of what lies between the parameters. Blocks have offsets in one slab; the first step, which
 * does not know how large the slab must be, takes them from the system one by one, and the slab of the
 * following steps is what that step would have needed. */
#ifndef KIN_AUTOGRAD_HEAP_H
#define KIN_AUTOGRAD_HEAP_H

#include <stdbool.h>
#include <stddef.h>

typedef struct kin_heap_block kin_heap_block;

/* Zeroed it is empty and ready. */
typedef struct kin_heap {
    unsigned char *slab;
    size_t capacity;
    kin_heap_block *blocks; /* by offset, taken and free ones, without gaps */
    size_t count, blocks_capacity;
    size_t needed;      /* the largest end of a block since the heap was made */
    size_t apart, peak; /* bytes outside the slab; the most held at a time, slab included */
} kin_heap;

/* 64-byte aligned, uninitialised; NULL when out of memory. */
void *kin_heap_take(kin_heap *heap, size_t bytes);
void kin_heap_give(kin_heap *heap, void *data);
/* With everything given back: makes the slab as large as it should have been. Failing to is no error. */
void kin_heap_enlarge(kin_heap *heap);
void kin_heap_free(kin_heap *heap);

#endif
