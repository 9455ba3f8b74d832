/* Every allocation of the library goes through here, so that tests can make any one of them fail, and
 * so that sizes are multiplied with overflow checks. All blocks are 64-byte aligned (a cache line, an
 * AVX-512 register). Free with kin_free; NULL is allowed there. */
#ifndef KIN_BASE_MEMORY_H
#define KIN_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

void *kin_alloc(size_t bytes);                    /* uninitialised; NULL on failure; bytes 0 is 1 */
void *kin_alloc_array(size_t count, size_t size); /* uninitialised count*size; NULL on overflow too */
void *kin_alloc_zero(size_t count, size_t size);  /* zeroed count*size */
/* moves; the old block stays on failure */
void *kin_realloc(void *block, size_t old_bytes, size_t new_bytes);
char *kin_strdup(const char *text);
void kin_free(void *block);

/* Checked arithmetic on sizes from outside: false on overflow, *out then untouched. Files count in 64
 * bits, and so do these, on machines of 32 bits too: do not cast a number from a file before it was here. */
bool kin_mul_size(uint64_t a, uint64_t b, size_t *out);
bool kin_add_size(uint64_t a, uint64_t b, size_t *out);

/* For tests: the n-th allocation from now (1 = the next) fails once; 0 turns it off. */
void kin_alloc_fail_at(long n);
/* For tests: how far off the failure still is; 0 when it has happened or none was asked for. */
long kin_alloc_pending(void);
/* For tests: allocations made since the program began, and blocks now alive. */
long kin_alloc_count(void);
long kin_alloc_live(void);

/* An array that grows: makes room for one more item of `size` bytes. Returns false when out of memory,
 * with the array unchanged. *capacity counts items. */
bool kin_grow(void **array, size_t count, size_t *capacity, size_t size);

#ifdef __cplusplus
}
#endif

#endif
