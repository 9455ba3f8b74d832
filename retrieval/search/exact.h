/* Distances computed directly, in double: differences before squares, so that near neighbours lose no
 * digits. */
#ifndef KIN_RETRIEVAL_SEARCH_EXACT_H
#define KIN_RETRIEVAL_SEARCH_EXACT_H

#include <stdint.h>

/* One neighbour with its double distance (for similarities: the negative one, so that smaller is better). */
typedef struct kin_hit {
    double distance;
    int64_t index;
} kin_hit;

static inline int kin_hit_before(kin_hit a, kin_hit b)
{
    return a.distance < b.distance || (a.distance == b.distance && a.index < b.index);
}

double kin_exact_euclid(const float *a, const float *b, int64_t dim); /* Σ (a_i − b_i)² */
double kin_exact_inner(const float *a, const float *b, int64_t dim);  /* Σ a_i·b_i */

/* Sorts by (distance, index); fast where the order is nearly right already. `spare` has the same size. */
void kin_hits_sort(kin_hit *hits, kin_hit *spare, int64_t count);

#endif
