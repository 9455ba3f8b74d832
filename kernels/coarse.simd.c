#include "kernels/coarse.h"
#include "kernels/isa.h"
#include "kernels/vector.h"

#include <string.h>

/* Pairs as the lanes of a vector of 32-bit numbers: the compilers' vector types have no product of pairs,
 * so here, and only here, the machine's own is called by name. It takes half to two thirds of the time of
 * float32 products (see docs/scale.md). */
#if defined(__SSE2__)
#include <immintrin.h>
#endif

typedef int32_t lanes __attribute__((vector_size(KIN_VECTOR_BYTES), aligned(4), may_alias));
typedef float numbers __attribute__((vector_size(KIN_VECTOR_BYTES), aligned(4), may_alias));

enum { PAIRS = KIN_VECTOR_BYTES / 4, NR = 2 * PAIRS };

#if KIN_SHAPES == 512
enum { MR = 14 };
#else
enum { MR = 6 };
#endif

/* A lowered set is as fast as its own is said to be, so that the tests take the same ways. */
#if KIN_SHAPES > 128 || (defined(__SSE2__) && !defined(KIN_SHAPES_NEON))
enum { FAST = 1 };
#else
enum { FAST = 0 };
#endif

static inline lanes add_pairs(lanes sum, lanes a, lanes b)
{
#if KIN_SHAPES == 512 && defined(__AVX512BW__)
    return sum + (lanes)_mm512_madd_epi16((__m512i)a, (__m512i)b);
#elif KIN_SHAPES == 256 && defined(__AVX2__)
    return sum + (lanes)_mm256_madd_epi16((__m256i)a, (__m256i)b);
#elif KIN_SHAPES == 128 && defined(__SSE2__)
    return sum + (lanes)_mm_madd_epi16((__m128i)a, (__m128i)b);
#else
    /* the lower and the upper half of each lane, as signed numbers */
    return sum + (a << 16 >> 16) * (b << 16 >> 16) + (a >> 16) * (b >> 16);
#endif
}

INLINE lanes load_pairs(const kin_coarse_pair *p) { return *(const lanes *)p; }

INLINE lanes pair_in_all(const kin_coarse_pair *p)
{
    int32_t pair;
    memcpy(&pair, p, sizeof pair);
    return (lanes){0} + pair;
}

/* A step has as many instructions as the machine can take up while it computes, and where another thread
 * has its half of the core, twice as many: so the loop's own come once in four steps. KEEP and the barrier
 * hold gcc from adding up products of several steps first, for which there are no registers. */
INLINE void sum_rows(const kin_coarse_pair *row, const kin_coarse_pair *panel, int64_t pairs,
                     const float *scale, const float *unit, float *c, int64_t stride, int64_t rows, bool more,
                     lanes (*const add)(lanes, lanes, lanes))
{
    lanes acc[MR][2] = {{{0}}};
    UNROLLED_BY(4) for (int64_t k = 0; k < pairs; k++, panel += NR, row += MR)
    {
        lanes b0 = load_pairs(panel), b1 = load_pairs(panel + PAIRS);
        UNROLLED for (int r = 0; r < MR; r++)
        {
            lanes a = pair_in_all(row + r);
            acc[r][0] = add(acc[r][0], a, b0);
            acc[r][1] = add(acc[r][1], a, b1);
            KEEP(acc[r][0]);
            KEEP(acc[r][1]);
        }
        __asm__ volatile("" ::: "memory");
    }
    UNROLLED for (int r = 0; r < MR; r++)
    {
        if (r >= rows) return;
        UNROLLED for (int v = 0; v < 2; v++)
        {
            numbers sum = __builtin_convertvector(acc[r][v], numbers) *
                          (scale[r] * *(const numbers *)(unit + v * PAIRS));
            numbers *to = (numbers *)(c + r * stride + v * PAIRS);
            if (more) sum += *to;
            *to = sum;
        }
    }
}

static void tile_rows(const kin_coarse_pair *row, const kin_coarse_pair *panel, int64_t pairs,
                      const float *scale, const float *unit, float *c, int64_t stride, int64_t rows,
                      bool more)
{
    sum_rows(row, panel, pairs, scale, unit, c, stride, rows, more, add_pairs);
}

extern const kin_coarse KIN_ISA_NAME(kin_coarse);
const kin_coarse KIN_ISA_NAME(kin_coarse) = {MR, NR, tile_rows, FAST};

#if KIN_SHAPES == 512 && defined(__AVX512BW__)
/* Product and sum in one instruction, where there is one. */
#define VNNI __attribute__((target("avx512vnni")))
static inline VNNI lanes add_pairs_vnni(lanes sum, lanes a, lanes b)
{
    return (lanes)_mm512_dpwssd_epi32((__m512i)sum, (__m512i)a, (__m512i)b);
}

static VNNI void tile_rows_vnni(const kin_coarse_pair *row, const kin_coarse_pair *panel, int64_t pairs,
                                const float *scale, const float *unit, float *c, int64_t stride, int64_t rows,
                                bool more)
{
    sum_rows(row, panel, pairs, scale, unit, c, stride, rows, more, add_pairs_vnni);
}

extern const kin_coarse kin_coarse_vnni;
const kin_coarse kin_coarse_vnni = {MR, NR, tile_rows_vnni, true};
#endif
