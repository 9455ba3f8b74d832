#include "retrieval/search/select.h"

#include "retrieval/search/kernels.h"

#include <math.h>
#include <stdbool.h>

enum { STEP = KIN_SELECT_STEP, SHORT = 48, SLACK = 64, SAMPLE = 64 };

int64_t kin_select_capacity(int64_t k, int64_t count)
{
    int64_t kept = k < count ? k : count, slack = kept < SLACK ? SLACK : kept + kept / 2;
    return (kept + slack < count ? kept + slack : count) + STEP;
}

void kin_select_begin(kin_select *select, uint64_t *words, int64_t k, int64_t capacity)
{
    *select = (kin_select){words, k, capacity, 0, UINT64_MAX, INFINITY};
}

void kin_select_limit(kin_select *select, float bound)
{
    select->limit = kin_select_word(bound, UINT32_MAX);
    select->bound = bound;
}

static void insertion_sort(uint64_t *words, int64_t count, int bit)
{
    for (int64_t i = 1; i < count; i++) {
        uint64_t word = words[i];
        int64_t j = i;
        for (; j > 0 && words[j - 1] >> bit > word >> bit; j--) words[j] = words[j - 1];
        words[j] = word;
    }
}

/* Least significant byte first (Knuth 5.2.5), leaving out the bytes in which all words agree. */
void kin_select_sort(uint64_t *words, uint64_t *spare, int64_t count, int bit)
{
    if (count <= SHORT) {
        insertion_sort(words, count, bit);
        return;
    }
    uint64_t every = UINT64_MAX, any = 0, *from = words, *to = spare;
    for (int64_t i = 0; i < count; i++) every &= words[i], any |= words[i];
    for (int shift = bit; shift < 64; shift += 8) {
        if (((every ^ any) >> shift & 255) == 0) continue;
        int64_t start[257] = {0};
        for (int64_t i = 0; i < count; i++) start[(from[i] >> shift & 255) + 1]++;
        for (int b = 0; b < 256; b++) start[b + 1] += start[b];
        for (int64_t i = 0; i < count; i++) to[start[from[i] >> shift & 255]++] = from[i];
        uint64_t *other = from;
        from = to;
        to = other;
    }
    if (from != words) memcpy(words, from, (size_t)count * sizeof *words);
}

static uint64_t median_of_three(const uint64_t *w, int64_t low, int64_t high)
{
    uint64_t a = w[low], b = w[low + (high - low) / 2], c = w[high];
    uint64_t least = a < b ? a : b, most = a < b ? b : a;
    return c < least ? least : c > most ? most : c;
}

static void sift_down(uint64_t *heap, int64_t at, int64_t count)
{
    for (int64_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && heap[child + 1] > heap[child]) child++;
        if (heap[at] >= heap[child]) return;
        uint64_t word = heap[at];
        heap[at] = heap[child];
        heap[child] = word;
    }
}

/* Moves the k smallest to the front by a heap: for inputs on which partitioning goes badly. */
static void heap_select(uint64_t *w, int64_t count, int64_t k)
{
    for (int64_t i = k / 2; i-- > 0;) sift_down(w, i, k);
    for (int64_t i = k; i < count; i++) {
        if (w[i] >= w[0]) continue;
        uint64_t word = w[0];
        w[0] = w[i];
        w[i] = word;
        sift_down(w, 0, k);
    }
}

/* Moves the k smallest of `count` to the front (Hoare's FIND); 0 < k < count. */
static void partition_select(uint64_t *w, int64_t count, int64_t k)
{
    int64_t low = 0, high = count - 1;
    for (int rounds = 0; low < high; rounds++) {
        if (rounds == 64) {
            heap_select(w + low, high - low + 1, k - low);
            return;
        }
        uint64_t pivot = median_of_three(w, low, high);
        int64_t i = low, j = high;
        while (i <= j) {
            while (w[i] < pivot) i++;
            while (w[j] > pivot) j--;
            if (i > j) break;
            uint64_t word = w[i];
            w[i++] = w[j];
            w[j--] = word;
        }
        if (k - 1 <= j) high = j;
        else if (k - 1 >= i) low = i;
        else return;
    }
}

static uint64_t largest(const uint64_t *words, int64_t count)
{
    uint64_t most = 0;
    for (int64_t i = 0; i < count; i++) most = words[i] > most ? words[i] : most;
    return most;
}

/* Drops what lies above a pivot taken from a sample, if at least k remain: one pass without mispredicted
 * branches. */
static bool drop_above_sample(kin_select *select)
{
    int64_t n = select->used, below = 0, rank = SAMPLE * select->k / n + SAMPLE / 10, step = n / SAMPLE;
    if (step < 2 || rank >= SAMPLE) return false;
    uint64_t sample[SAMPLE], *w = select->word;
    for (int64_t i = 0; i < SAMPLE; i++) sample[i] = w[i * step];
    insertion_sort(sample, SAMPLE, 0);
    uint64_t pivot = sample[rank];
    for (int64_t i = 0; i < n; i++) below += w[i] < pivot;
    if (below < select->k) return false;
    int64_t to = 0;
    for (int64_t i = 0; i < n; i++) {
        w[to] = w[i];
        to += w[i] < pivot;
    }
    select->used = to;
    select->limit = pivot; /* k smaller ones are kept */
    select->bound = kin_select_number(pivot);
    return true;
}

void kin_select_end(kin_select *select)
{
    if (select->used <= select->k) return;
    drop_above_sample(select);
    if (select->used == select->k) return;
    partition_select(select->word, select->used, select->k);
    select->used = select->k;
    select->limit = largest(select->word, select->k);
    select->bound = kin_select_number(select->limit);
}

static inline void take(kin_select *select, uint64_t word)
{
    /* always written, counted only if it may win: no branch to mispredict */
    select->word[select->used] = word;
    select->used += word < select->limit;
}

static inline void make_room(kin_select *select)
{
    if (select->used <= select->capacity - STEP) return;
    if (!drop_above_sample(select) || select->used > select->capacity - STEP) kin_select_end(select);
}

static void offer_few(kin_select *select, const float *product, const float *base, const float *scale,
                      int64_t count, int64_t first, int64_t skip)
{
    make_room(select);
    for (int64_t j = 0; j < count; j++)
        if (first + j != skip)
            take(select, kin_select_word(base[j] + scale[j] * product[j], (uint32_t)(first + j)));
}

void kin_select_offer(kin_select *select, const float *product, const float *base, const float *scale,
                      int64_t count, int64_t first, int64_t skip)
{
    const kin_search_kernels *kernels = kin_search_kernels_get();
    int64_t j = 0;
    for (; j + STEP <= count; j += STEP) {
        if (skip >= first + j && skip < first + j + STEP) {
            offer_few(select, product + j, base + j, scale + j, STEP, first + j, skip);
            continue;
        }
        make_room(select);
        select->used += kernels->at_most(product + j, base + j, scale + j, select->bound,
                                         (uint32_t)(first + j), select->word + select->used);
    }
    if (j < count) offer_few(select, product + j, base + j, scale + j, count - j, first + j, skip);
}

void kin_select_offer_words(kin_select *select, const uint64_t *words, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        make_room(select);
        take(select, words[i]);
    }
}
