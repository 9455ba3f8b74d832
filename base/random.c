#include "base/random.h"

#include <math.h>

/* SplitMix64's finaliser [Steele, Lea, Flood 2014]: a bijection in which every input bit moves about
 * half of the output bits. */
static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static const uint64_t golden = UINT64_C(0x9e3779b97f4a7c15);

uint64_t kin_key(uint64_t seed, uint64_t a, uint64_t b)
{
    return mix(mix(mix(seed + golden) + a * golden + 1) + b * golden + 2);
}

uint64_t kin_key_text(uint64_t seed, const char *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *text; text++) hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return kin_key(seed, hash, 0);
}

uint64_t kin_random_bits(uint64_t key, uint64_t counter) { return mix(key + (counter + 1) * golden); }

double kin_random_uniform(uint64_t key, uint64_t counter)
{
    return (double)(kin_random_bits(key, counter) >> 11) * 0x1p-53;
}

double kin_random_normal(uint64_t key, uint64_t counter)
{
    double u = 1.0 - kin_random_uniform(key, 2 * counter), v = kin_random_uniform(key, 2 * counter + 1);
    return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
}

/* Multiply-shift on the high 32 bits would be biased for large n; rejection keeps it exact. */
uint64_t kin_random_below(uint64_t key, uint64_t counter, uint64_t n)
{
    uint64_t limit = UINT64_MAX - UINT64_MAX % n, bits = kin_random_bits(key, counter);
    while (bits >= limit) bits = mix(bits + golden);
    return bits % n;
}

void kin_shuffle(int64_t *order, int64_t n, uint64_t key)
{
    for (int64_t i = 0; i < n; i++) order[i] = i;
    for (int64_t i = n - 1; i > 0; i--) {
        int64_t j = (int64_t)kin_random_below(key, (uint64_t)i, (uint64_t)i + 1), swap = order[i];
        order[i] = order[j];
        order[j] = swap;
    }
}
