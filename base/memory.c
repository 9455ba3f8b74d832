#define _DEFAULT_SOURCE /* madvise */
#include "base/memory.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/mman.h>
#endif

static atomic_long fail_at, count_made, count_live;

void kin_alloc_fail_at(long n) { atomic_store(&fail_at, n); }
long kin_alloc_count(void) { return atomic_load(&count_made); }
long kin_alloc_live(void) { return atomic_load(&count_live); }

long kin_alloc_pending(void)
{
    long n = atomic_load(&fail_at);
    return n > 0 ? n : 0;
}

static bool must_fail(void)
{
    if (atomic_load_explicit(&fail_at, memory_order_relaxed) <= 0) return false;
    return atomic_fetch_sub(&fail_at, 1) == 1;
}

bool kin_mul_size(uint64_t a, uint64_t b, size_t *out)
{
    if (a && b && (a > SIZE_MAX || b > SIZE_MAX / a)) return false;
    *out = (size_t)(a * b);
    return true;
}

bool kin_add_size(uint64_t a, uint64_t b, size_t *out)
{
    if (b > SIZE_MAX || a > SIZE_MAX - b) return false;
    *out = (size_t)(a + b);
    return true;
}

enum { HUGE_PAGE = 2 << 20 };

/* Large blocks ask for large pages: a kernel that walks many rows at once would wait for the translation
 * of addresses, and small pages fall on one another in the second cache as chance has it. What is left
 * over at a block's end stays in small pages, so that none is wasted. */
static void *allocate(size_t bytes)
{
#ifdef MADV_HUGEPAGE
    if (bytes >= HUGE_PAGE) {
        void *block = aligned_alloc(HUGE_PAGE, (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE);
        if (block) madvise(block, bytes / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
        return block;
    }
#endif
    size_t rounded = (bytes + 63) / 64 * 64;
    return aligned_alloc(64, rounded ? rounded : 64);
}

void *kin_alloc(size_t bytes)
{
    if (bytes > SIZE_MAX / 2 || must_fail()) return NULL;
    void *block = allocate(bytes);
    if (!block) return NULL;
    atomic_fetch_add_explicit(&count_made, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&count_live, 1, memory_order_relaxed);
    return block;
}

void *kin_alloc_array(size_t count, size_t size)
{
    size_t bytes;
    return kin_mul_size(count, size, &bytes) ? kin_alloc(bytes) : NULL;
}

void *kin_alloc_zero(size_t count, size_t size)
{
    size_t bytes;
    if (!kin_mul_size(count, size, &bytes)) return NULL;
    void *block = kin_alloc(bytes);
    if (block) memset(block, 0, bytes);
    return block;
}

void *kin_realloc(void *block, size_t old_bytes, size_t new_bytes)
{
    void *moved = kin_alloc(new_bytes);
    if (!moved) return NULL;
    if (block) memcpy(moved, block, old_bytes < new_bytes ? old_bytes : new_bytes);
    kin_free(block);
    return moved;
}

char *kin_strdup(const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = kin_alloc(bytes);
    if (copy) memcpy(copy, text, bytes);
    return copy;
}

void kin_free(void *block)
{
    if (!block) return;
    atomic_fetch_sub_explicit(&count_live, 1, memory_order_relaxed);
    free(block);
}

bool kin_grow(void **array, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity) return true;
    size_t wanted = *capacity ? *capacity * 2 : 16, bytes;
    if (wanted < *capacity || !kin_mul_size(wanted, size, &bytes)) return false;
    void *moved = kin_realloc(*array, count * size, bytes);
    if (!moved) return false;
    *array = moved;
    *capacity = wanted;
    return true;
}
