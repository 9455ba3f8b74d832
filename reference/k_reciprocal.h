/* k-reciprocal re-ranking as it was published, with N × N matrices of every step. */
#ifndef KIN_REFERENCE_K_RECIPROCAL_H
#define KIN_REFERENCE_K_RECIPROCAL_H

#include "base/real.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct kin_reference_k_reciprocal_opt {
    int k1, k2;
    double lambda;
    bool squared_input; /* step 1 is given D = d² and squares it once more */
} kin_reference_k_reciprocal_opt;

/* Of `count` rows [count, dim], the first `queries` of which are queries and the others the gallery: the
 * final distances [queries, count − queries]; with queries = 0 of all rows among themselves [count, count].
 * Needs k1 < count and k2 <= count. The caller frees it (free); NULL without memory. */
double *kin_reference_k_reciprocal(const kin_real *rows, int64_t count, int64_t queries, int64_t dim,
                                   const kin_reference_k_reciprocal_opt *opt);

#endif
