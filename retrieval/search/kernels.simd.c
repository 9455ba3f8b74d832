#include "retrieval/search/kernels.h"

#include "kernels/isa.h"
#include "retrieval/search/select.h"

#include <math.h>
#include <string.h>

#if defined(__AVX__)
#include <immintrin.h>
#endif

#if !defined(__AVX__)
typedef float floats4 __attribute__((vector_size(16)));
#endif
typedef float floats __attribute__((vector_size(KIN_VECTOR_BYTES), aligned(4), may_alias));
typedef double doubles4 __attribute__((vector_size(32)));

enum {
    LANES = KIN_VECTOR_BYTES / 4,
    LINE = 64 / 4,    /* of the caches */
    SIDE_BY_SIDE = 8, /* sums, so that one addition need not wait for the last */
};

/* Vectors are passed by address: how they are returned depends on the instruction set. */
static inline void widen(const float *x, doubles4 *out)
{
#if defined(__AVX__)
    /* gcc makes two conversions of the general form, which then takes twice to four times the time */
    *out = (doubles4)_mm256_cvtps_pd(_mm_loadu_ps(x));
#else
    floats4 four;
    memcpy(&four, x, sizeof four);
    *out = __builtin_convertvector(four, doubles4);
#endif
}

static inline void load_wide(const double *x, doubles4 *out) { memcpy(out, x, sizeof *out); }

static void widen_row(const float *a, double *wide, int64_t n, const float *next)
{
    doubles4 four;
    int64_t i = 0;
    for (; i + 4 <= n; i += 4) {
        if (i % LINE == 0) __builtin_prefetch(next + i);
        widen(a + i, &four), memcpy(wide + i, &four, sizeof four);
    }
    for (; i < n; i++) wide[i] = (double)a[i];
}

static inline double add_up(const doubles4 *sum)
{
    doubles4 s = ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
    return (s[0] + s[2]) + (s[1] + s[3]);
}

#define SQUARE(x, y) \
    (((y) - (x)) * ((y) - (x))) /* so that x, where it is wide, is read by the subtraction itself */
#define PRODUCT(x, y) ((x) * (y))

/* NAME(ARGUMENTS) sums TERM of a row `a`, which LOAD makes four doubles of, and a row `b` of floats, n
 * numbers each; AHEAD is done as it goes. */
#define SUM_OF_TERMS(NAME, ARGUMENTS, LOAD, TERM, AHEAD) \
    static double NAME ARGUMENTS \
    { \
        doubles4 sum[SIDE_BY_SIDE] = {{0}}, x, y; \
        double rest = 0; \
        int64_t i = 0; \
        for (; i + 4 * SIDE_BY_SIDE <= n; i += 4 * SIDE_BY_SIDE) { \
            AHEAD; \
            for (int l = 0; l < SIDE_BY_SIDE; l++) \
                LOAD(a + i + 4 * l, &x), widen(b + i + 4 * l, &y), sum[l] += TERM(x, y); \
        } \
        for (; i + 4 <= n; i += 4) LOAD(a + i, &x), widen(b + i, &y), sum[0] += TERM(x, y); \
        for (; i < n; i++) rest += TERM((double)a[i], (double)b[i]); \
        return add_up(sum) + rest; \
    }
#define NEXT_LINES __builtin_prefetch(next + i), __builtin_prefetch(next + i + LINE)

SUM_OF_TERMS(euclid, (const float *a, const float *b, int64_t n), widen, SQUARE, )
SUM_OF_TERMS(inner, (const float *a, const float *b, int64_t n), widen, PRODUCT, )
SUM_OF_TERMS(euclid_wide, (const double *a, const float *b, int64_t n, const float *next), load_wide, SQUARE,
             NEXT_LINES)
SUM_OF_TERMS(inner_wide, (const double *a, const float *b, int64_t n, const float *next), load_wide, PRODUCT,
             NEXT_LINES)

/* What is left of a row fills vectors too, the last with zeros behind it. A loop over single numbers gcc may
 * vectorise, in order, where it thinks that this pays: each product is then rounded before it is added, in
 * other loops it is not, and machines of one shape would differ. */
static float dot(const float *a, const float *b, int64_t n)
{
    floats sum[SIDE_BY_SIDE] = {{0}};
    int64_t i = 0;
    for (; i + LANES * SIDE_BY_SIDE <= n; i += LANES * SIDE_BY_SIDE)
        for (int l = 0; l < SIDE_BY_SIDE; l++)
            sum[l] += *(const floats *)(a + i + LANES * l) * *(const floats *)(b + i + LANES * l);
    for (; i + LANES <= n; i += LANES) sum[0] += *(const floats *)(a + i) * *(const floats *)(b + i);
    floats x = {0}, y = {0};
    memcpy(&x, a + i, (size_t)(n - i) * sizeof *a);
    memcpy(&y, b + i, (size_t)(n - i) * sizeof *b);
    sum[1] += x * y;
    sum[0] = ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
    float all = 0;
    for (int l = 0; l < LANES; l++) all += sum[0][l];
    return all;
}

#if KIN_SHAPES >= 256 && defined(__AVX2__)
/* Where each of four words goes so that the chosen ones stand first, in halves of words, by which ones are
 * chosen. The compilers' vector types cannot close ranks; one item at a time took a fifth of a search. */
static const int32_t chosen_first[16][8] = {
    {0, 1, 2, 3, 4, 5, 6, 7}, {0, 1, 2, 3, 4, 5, 6, 7}, {2, 3, 0, 1, 4, 5, 6, 7}, {0, 1, 2, 3, 4, 5, 6, 7},
    {4, 5, 0, 1, 2, 3, 6, 7}, {0, 1, 4, 5, 2, 3, 6, 7}, {2, 3, 4, 5, 0, 1, 6, 7}, {0, 1, 2, 3, 4, 5, 6, 7},
    {6, 7, 0, 1, 2, 3, 4, 5}, {0, 1, 6, 7, 2, 3, 4, 5}, {2, 3, 6, 7, 0, 1, 4, 5}, {0, 1, 2, 3, 6, 7, 4, 5},
    {4, 5, 6, 7, 0, 1, 2, 3}, {0, 1, 4, 5, 6, 7, 2, 3}, {2, 3, 4, 5, 6, 7, 0, 1}, {0, 1, 2, 3, 4, 5, 6, 7}};
static const int8_t chosen[16] = {0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4};

static inline int64_t put_chosen(__m256i words, int which, uint64_t *to)
{
    _mm256_storeu_si256((__m256i *)to, _mm256_permutevar8x32_epi32(
                                           words, _mm256_loadu_si256((const __m256i *)chosen_first[which])));
    return chosen[which];
}

static int64_t at_most(const float *product, const float *base, const float *scale, float bound,
                       uint32_t first, uint64_t *words)
{
    enum { EIGHTS = KIN_SELECT_STEP / 8 };
    const __m256i top = _mm256_set1_epi32(INT32_MIN), eight = _mm256_set1_epi32(8);
    __m256 number[EIGHTS], below[EIGHTS], any = _mm256_setzero_ps();
    for (int e = 0; e < EIGHTS; e++) {
        number[e] = _mm256_fmadd_ps(_mm256_loadu_ps(scale + 8 * e), _mm256_loadu_ps(product + 8 * e),
                                    _mm256_loadu_ps(base + 8 * e));
        below[e] = _mm256_cmp_ps(number[e], _mm256_set1_ps(bound), _CMP_LE_OQ);
        any = _mm256_or_ps(any, below[e]);
    }
    if (_mm256_testz_ps(any, any)) return 0;
    /* From here on without a branch: which of the eights have some that win, nobody can foretell. */
    __m256i index = _mm256_add_epi32(_mm256_set1_epi32((int32_t)first),
                                     _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
    int64_t count = 0;
    for (int e = 0; e < EIGHTS; e++, index = _mm256_add_epi32(index, eight)) {
        int which = _mm256_movemask_ps(below[e]);
        __m256i bits = _mm256_castps_si256(_mm256_add_ps(number[e], _mm256_setzero_ps()));
        bits = _mm256_xor_si256(bits, _mm256_or_si256(_mm256_srai_epi32(bits, 31), top));
        /* Unpacking takes items 0, 1, 4, 5, then 2, 3, 6, 7. */
        count += put_chosen(_mm256_unpacklo_epi32(index, bits), (which & 3) | (which >> 2 & 12),
                            words + count);
        count += put_chosen(_mm256_unpackhi_epi32(index, bits), (which >> 2 & 3) | (which >> 4 & 12),
                            words + count);
    }
    return count;
}
#else
static int64_t at_most(const float *product, const float *base, const float *scale, float bound,
                       uint32_t first, uint64_t *words)
{
    float number[KIN_SELECT_STEP], least = INFINITY;
    for (int j = 0; j < KIN_SELECT_STEP; j++) number[j] = base[j] + scale[j] * product[j];
    for (int j = 0; j < KIN_SELECT_STEP; j++) least = number[j] < least ? number[j] : least;
    int64_t count = 0;
    for (uint32_t j = 0; least <= bound && j < KIN_SELECT_STEP; j++) {
        words[count] = kin_select_word(
            number[j], first + j); /* always written, counted only if it may win: no branch to mispredict */
        count += number[j] <= bound;
    }
    return count;
}
#endif

extern const kin_search_kernels KIN_ISA_NAME(kin_search_kernels);
const kin_search_kernels KIN_ISA_NAME(kin_search_kernels) = {euclid,      inner,      dot,    widen_row,
                                                             euclid_wide, inner_wide, at_most};
