/* Retrieval as the definitions say it, in double, with whole matrices: slow, short, and independent of
 * retrieval/. */
#ifndef KIN_TESTS_SUPPORT_BRUTE_H
#define KIN_TESTS_SUPPORT_BRUTE_H

#include <stdbool.h>
#include <stdint.h>

/* [a_count, b_count]: squared Euclid ('e'), −cosine ('c') or −inner product ('i'). */
double *brute_distances(const float *a, int64_t a_count, const float *b, int64_t b_count, int64_t dim,
                        char metric);

/* Columns of one row by (distance, index), item `skip` left out (-1: none). Returns how many. */
int64_t brute_order(const double *row, int64_t count, int64_t skip, int64_t *order);

/* The published k-reciprocal steps on all rows together: final distances [queries, count − queries], or, with
 * queries = 0, [count, count]. */
double *brute_rerank(const float *all, int64_t count, int64_t queries, int64_t dim, int k1, int k2,
                     double lambda, bool squared_input);

/* Test data: row i lies around centre i mod classes. */
void brute_clusters(float *out, int64_t count, int64_t dim, int64_t classes, double spread, uint64_t seed);

#endif
