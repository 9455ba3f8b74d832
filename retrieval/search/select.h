/* The k smallest of a stream of numbers, with their indices. An item is one 64-bit word: the number's
 * bits, turned so that they order as unsigned integers, above its index. Comparing words then compares
 * (number, index), every word is different, and what is selected does not depend on the order of arrival. */
#ifndef KIN_RETRIEVAL_SEARCH_SELECT_H
#define KIN_RETRIEVAL_SEARCH_SELECT_H

#include <stdint.h>
#include <string.h>

/* How many items are looked at together; buffers need this much room beyond what they keep. */
enum { KIN_SELECT_STEP = 32 };

typedef struct kin_select {
    uint64_t *word; /* [capacity], borrowed */
    int64_t k, capacity, used;
    /* this word and larger ones cannot win: k smaller ones were seen already, or they are not wanted */
    uint64_t limit;
    float bound; /* its number */
} kin_select;

static inline uint64_t kin_select_word(float number, uint32_t index)
{
    uint32_t bits;
    number += 0.0f; /* -0 and 0 are one number */
    memcpy(&bits, &number, sizeof bits);
    bits ^= bits >> 31 ? UINT32_MAX : UINT32_C(1) << 31;
    return (uint64_t)bits << 32 | index;
}

static inline float kin_select_number(uint64_t word)
{
    uint32_t bits = (uint32_t)(word >> 32);
    bits ^= bits >> 31 ? UINT32_C(1) << 31 : UINT32_MAX;
    float number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

static inline int64_t kin_select_index(uint64_t word) { return (int64_t)(word & UINT32_MAX); }

/* Room for k words (k ≥ 1) of `count` that will be offered, with slack so that emptying is rare. */
int64_t kin_select_capacity(int64_t k, int64_t count);
void kin_select_begin(kin_select *select, uint64_t *words, int64_t k, int64_t capacity);

/* Only numbers up to `bound` are wanted. */
void kin_select_limit(kin_select *select, float bound);

/* Offers base[j] + scale[j]·product[j], j = 0 .. count-1, as items first + j; item `skip` is left out (-1:
 * none). */
void kin_select_offer(kin_select *select, const float *product, const float *base, const float *scale,
                      int64_t count, int64_t first, int64_t skip);
void kin_select_offer_words(kin_select *select, const uint64_t *words, int64_t count);

/* Keeps the k smallest, in any order. */
void kin_select_end(kin_select *select);

/* Sorts words by their bits from `bit` (a multiple of 8) on; words equal there keep their order. `spare`
 * has the same size. */
void kin_select_sort(uint64_t *words, uint64_t *spare, int64_t count, int bit);

#endif
