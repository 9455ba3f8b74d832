/* The inner loops of retrieval, compiled once for each instruction set. */
#ifndef KIN_RETRIEVAL_SEARCH_KERNELS_H
#define KIN_RETRIEVAL_SEARCH_KERNELS_H

#include <stdint.h>

typedef struct kin_search_kernels {
    double (*euclid)(const float *a, const float *b, int64_t n); /* Σ (a_i − b_i)², in double */
    double (*inner)(const float *a, const float *b, int64_t n);  /* Σ a_i·b_i, in double */
    float (*dot)(const float *a, const float *b, int64_t n);     /* Σ a_i·b_i, in float32 */
    /* a in double, for those two behind it. They give the same bits as the first two: a row meets many b,
     * and to widen it is half of the work. `next` is what will be read after this call: it is asked for. */
    void (*widen)(const float *a, double *wide, int64_t n, const float *next);
    double (*euclid_wide)(const double *a, const float *b, int64_t n, const float *next);
    double (*inner_wide)(const double *a, const float *b, int64_t n, const float *next);
    /* Of KIN_SELECT_STEP items those with base[j] + scale[j]·product[j] ≤ bound, as words (select.h) of
     * first + j, in any order. Gives their number; `words` has room for all. */
    int64_t (*at_most)(const float *product, const float *base, const float *scale, float bound,
                       uint32_t first, uint64_t *words);
} kin_search_kernels;

/* Those of the chosen instruction set. */
const kin_search_kernels *kin_search_kernels_get(void);

#endif
