#include "retrieval/lines.h"

#include "kernels/isa.h"

#include <string.h>

typedef float floats8 __attribute__((vector_size(32)));
typedef float floats16 __attribute__((vector_size(64)));
typedef int32_t ints16 __attribute__((vector_size(64)));
typedef double doubles8 __attribute__((vector_size(64)));

/* Vectors are passed by address: how they are returned depends on the instruction set. */
static inline void widen(const float *x, doubles8 *out)
{
    floats8 eight;
    memcpy(&eight, x, sizeof eight);
    *out = __builtin_convertvector(eight, doubles8);
}

static inline void add_square(const float *a, const float *b, doubles8 *sum)
{
    doubles8 x, y;
    widen(a, &x);
    widen(b, &y);
    x -= y;
    *sum += x * x;
}

static inline void add_product(const float *a, const float *b, doubles8 *sum)
{
    doubles8 x, y;
    widen(a, &x);
    widen(b, &y);
    *sum += x * y;
}

static inline double add_up(const doubles8 *four)
{
    doubles8 s = (four[0] + four[1]) + (four[2] + four[3]);
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

/* Four sums side by side, so that one addition need not wait for the last. */
static double euclid(const float *a, const float *b, int64_t n)
{
    doubles8 sum[4] = {{0}};
    double rest = 0;
    int64_t i = 0;
    for (; i + 32 <= n; i += 32)
        for (int l = 0; l < 4; l++) add_square(a + i + 8 * l, b + i + 8 * l, &sum[l]);
    for (; i + 8 <= n; i += 8) add_square(a + i, b + i, &sum[0]);
    for (; i < n; i++) rest += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
    return add_up(sum) + rest;
}

static double inner(const float *a, const float *b, int64_t n)
{
    doubles8 sum[4] = {{0}};
    double rest = 0;
    int64_t i = 0;
    for (; i + 32 <= n; i += 32)
        for (int l = 0; l < 4; l++) add_product(a + i + 8 * l, b + i + 8 * l, &sum[l]);
    for (; i + 8 <= n; i += 8) add_product(a + i, b + i, &sum[0]);
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
