/* Randomness without state: a number is a pure function of a key and a counter. Keys are made from
 * what the number is for, (seed, step, op path) or (seed, epoch, image), so results do not depend on
 * the order of calls, on threads, or on where a run was resumed. */
#ifndef KIN_BASE_RANDOM_H
#define KIN_BASE_RANDOM_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Mixes words and text into a key (SplitMix64's finaliser; FNV-1a for text). */
uint64_t kin_key(uint64_t seed, uint64_t a, uint64_t b);
uint64_t kin_key_text(uint64_t seed, const char *text);

/* The counter-th number of a key's stream. */
uint64_t kin_random_bits(uint64_t key, uint64_t counter);
double kin_random_uniform(uint64_t key, uint64_t counter);             /* in [0, 1), 53 bits */
double kin_random_normal(uint64_t key, uint64_t counter);              /* mean 0, variance 1 (Box-Muller) */
uint64_t kin_random_below(uint64_t key, uint64_t counter, uint64_t n); /* in 0 .. n-1; n > 0 */

/* A stream for code that draws a varying count of numbers in a fixed order. */
typedef struct kin_stream {
    uint64_t key, counter;
} kin_stream;
static inline kin_stream kin_stream_new(uint64_t key)
{
    kin_stream s = {key, 0};
    return s;
}
static inline double kin_stream_uniform(kin_stream *s) { return kin_random_uniform(s->key, s->counter++); }
static inline double kin_stream_range(kin_stream *s, double low, double high)
{
    return low + (high - low) * kin_stream_uniform(s);
}
static inline double kin_stream_normal(kin_stream *s) { return kin_random_normal(s->key, s->counter++); }
static inline uint64_t kin_stream_below(kin_stream *s, uint64_t n)
{
    return kin_random_below(s->key, s->counter++, n);
}

/* A permutation of 0 .. n-1 (Fisher-Yates), written to `order`. */
void kin_shuffle(int64_t *order, int64_t n, uint64_t key);

#ifdef __cplusplus
}
#endif

#endif
