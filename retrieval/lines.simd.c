#include "retrieval/lines.h"

#include "kernels/isa.h"

#include <string.h>

#if defined(__AVX__)
#include <immintrin.h>
#endif

#if !defined(__AVX__)
typedef float floats4 __attribute__((vector_size(16)));
#endif
typedef float floats16 __attribute__((vector_size(64)));
typedef int32_t ints16 __attribute__((vector_size(64)));
typedef double doubles4 __attribute__((vector_size(32)));

enum { SIDE_BY_SIDE = 8 }; /* sums, so that one addition need not wait for the last */

/* Vectors are passed by address: how they are returned depends on the instruction set. */
static inline void widen(const float *x, doubles4 *out)
{
#if defined(__AVX__)
    *out = (doubles4)_mm256_cvtps_pd(_mm_loadu_ps(x)); /* gcc makes two conversions of the general form, which then takes twice to four times the time */
#else
    floats4 four;
    memcpy(&four, x, sizeof four);
    *out = __builtin_convertvector(four, doubles4);
#endif
}

static inline void add_square(const float *a, const float *b, doubles4 *sum)
{
    doubles4 x, y;
    widen(a, &x);
    widen(b, &y);
    x -= y;
    *sum += x * x;
}

static inline void add_product(const float *a, const float *b, doubles4 *sum)
{
    doubles4 x, y;
    widen(a, &x);
    widen(b, &y);
    *sum += x * y;
}

static inline double add_up(const doubles4 *sum)
{
    doubles4 s = ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
    return (s[0] + s[2]) + (s[1] + s[3]);
}

static double euclid(const float *a, const float *b, int64_t n)
{
    doubles4 sum[SIDE_BY_SIDE] = {{0}};
    double rest = 0;
    int64_t i = 0;
    for (; i + 4 * SIDE_BY_SIDE <= n; i += 4 * SIDE_BY_SIDE)
        for (int l = 0; l < SIDE_BY_SIDE; l++) add_square(a + i + 4 * l, b + i + 4 * l, &sum[l]);
    for (; i + 4 <= n; i += 4) add_square(a + i, b + i, &sum[0]);
    for (; i < n; i++) rest += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
    return add_up(sum) + rest;
}

static double inner(const float *a, const float *b, int64_t n)
{
    doubles4 sum[SIDE_BY_SIDE] = {{0}};
    double rest = 0;
    int64_t i = 0;
    for (; i + 4 * SIDE_BY_SIDE <= n; i += 4 * SIDE_BY_SIDE)
        for (int l = 0; l < SIDE_BY_SIDE; l++) add_product(a + i + 4 * l, b + i + 4 * l, &sum[l]);
    for (; i + 4 <= n; i += 4) add_product(a + i, b + i, &sum[0]);
    for (; i < n; i++) rest += (double)a[i] * (double)b[i];
    return add_up(sum) + rest;
}

static float dot(const float *a, const float *b, int64_t n)
{
    floats16 sum[4] = {{0}}, x, y;
    float rest = 0;
    int64_t i = 0;
    for (; i + 64 <= n; i += 64)
        for (int l = 0; l < 4; l++) {
            memcpy(&x, a + i + 16 * l, sizeof x);
            memcpy(&y, b + i + 16 * l, sizeof y);
            sum[l] += x * y;
        }
    for (; i < n; i++) rest += a[i] * b[i];
    sum[0] += sum[1] + (sum[2] + sum[3]);
    for (int l = 0; l < 16; l++) rest += sum[0][l];
    return rest;
}

static bool any_below(const float *product, const float *base, const float *scale, float bound, float *number)
{
    floats16 p, b, s;
    memcpy(&p, product, sizeof p);
    memcpy(&b, base, sizeof b);
    memcpy(&s, scale, sizeof s);
    floats16 value = b + s * p;
    ints16 below = value <= bound - (floats16){0};
    memcpy(number, &value, sizeof value);
    int64_t word[8], any = 0;
    memcpy(word, &below, sizeof word);
    for (int l = 0; l < 8; l++) any |= word[l];
    return any != 0;
}

extern const kin_lines KIN_ISA_NAME(kin_lines);
const kin_lines KIN_ISA_NAME(kin_lines) = {euclid, inner, dot, any_below};
