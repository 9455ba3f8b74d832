/* The widest vectors of the instruction set that a *.simd.c file is compiled for, and what kernels do with
 * them. */
#ifndef KIN_KERNELS_VECTOR_H
#define KIN_KERNELS_VECTOR_H

#include "base/real.h"
#include "kernels/isa.h"
#include "kernels/norm.h"

#if defined(__AVX__)
#include <immintrin.h>
#endif
#include <stdint.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

enum { LANES = KIN_VECTOR_BYTES / sizeof(kin_real), LINE = 64 / sizeof(kin_real) /* of the caches */ };

typedef kin_real vector __attribute__((vector_size(KIN_VECTOR_BYTES), aligned(sizeof(kin_real)), may_alias));
typedef __typeof__((vector){0} < (vector){0}) vector_mask;

static inline vector load(const kin_real *p) { return *(const vector *)p; }
static inline void store(kin_real *p, vector v) { *(vector *)p = v; }

/* A number in all lanes. Not 0 + x: that would be another zero for −0. */
static inline vector all_lanes(kin_real x) { return x - (vector){0}; }

/* Ahead of a loop whose turns are counted where it is compiled: they are written out, and arrays of
 * vectors become registers. UNROLLED_BY: n turns at most, of a loop whose turns may be counted only when
 * it runs. clang does not read gcc's word for it: with the arrays in memory a register tile took three
 * times as long, and a network of depthwise convolutions a fourth more. */
#define KIN_PRAGMA(words) _Pragma(#words)
#if defined(__clang__)
#define UNROLLED KIN_PRAGMA(clang loop unroll(full))
#define UNROLLED_BY(n) KIN_PRAGMA(clang loop unroll_count(n))
#else
#define UNROLLED KIN_PRAGMA(GCC unroll 64)
#define UNROLLED_BY(n) KIN_PRAGMA(GCC unroll n)
#endif

/* An instruction of no bytes that reads a vector: until there it stays in its register. */
#if !defined(KIN_SHAPES_NATIVE)
#define KEEP(v) (void)(v)
#elif defined(__AVX512F__)
#define KEEP(v) __asm__ volatile("" ::"v"(v))
#elif defined(__x86_64__)
#define KEEP(v) __asm__ volatile("" ::"x"(v))
#elif defined(__aarch64__)
#define KEEP(v) __asm__ volatile("" ::"w"(v))
#else
#define KEEP(v) (void)(v)
#endif

/* The first n numbers, zeros behind them; all of a vector where n is at least that. */
static inline vector load_some(const kin_real *p, int64_t n)
{
    vector v = {0};
    if (n >= LANES) return load(p);
    memcpy(&v, p, (size_t)n * sizeof *p);
    return v;
}

static inline void store_some(kin_real *p, vector v, int64_t n)
{
    if (n >= LANES) store(p, v);
    else memcpy(p, &v, (size_t)n * sizeof *p);
}

/* ReLU or ReLU6; NaN stays. Maximum and minimum give their second operand where one is NaN; compilers do
 * not find them in comparisons and masks, which take three times the instructions: 3 % of
 * kernels/conv/inverted.c's time. */
#if defined(__AVX__) && KIN_SHAPES == 256 && !defined(KIN_DOUBLE)
static inline vector activated(vector v, kin_norm_act act)
{
    v = _mm256_max_ps(_mm256_setzero_ps(), v);
    if (act == KIN_NORM_RELU6) v = _mm256_min_ps(_mm256_set1_ps(6), v);
    return v;
}
#else
static inline vector activated(vector v, kin_norm_act act)
{
    vector zero = {0}, six = zero + 6;
    v = (vector)((vector_mask)v & ~(v < zero));
    if (act != KIN_NORM_RELU6) return v;
    vector_mask above = v > six;
    return (vector)(((vector_mask)v & ~above) | ((vector_mask)six & above));
}
#endif

#endif
