/* The inner loops of retrieval, compiled once for each instruction set. */
#ifndef KIN_RETRIEVAL_LINES_H
#define KIN_RETRIEVAL_LINES_H

#include <stdbool.h>
#include <stdint.h>

typedef struct kin_lines {
    double (*euclid)(const float *a, const float *b, int64_t n); /* Σ (a_i − b_i)², in double */
    double (*inner)(const float *a, const float *b, int64_t n);  /* Σ a_i·b_i, in double */
    float (*dot)(const float *a, const float *b, int64_t n);     /* Σ a_i·b_i, in float32 */
    /* number[j] = base[j] + scale[j]·product[j] for 16 items; is any of them ≤ bound? */
    bool (*any_below)(const float *product, const float *base, const float *scale, float bound, float *number);
} kin_lines;

/* Those of the chosen instruction set. */
const kin_lines *kin_lines_get(void);

#endif
