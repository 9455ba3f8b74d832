/* Test data for retrieval. What it is held to is in reference/. */
#ifndef KIN_TESTS_SUPPORT_BRUTE_H
#define KIN_TESTS_SUPPORT_BRUTE_H

#include <stdint.h>

/* Row i lies around centre i mod classes. */
void brute_clusters(float *out, int64_t count, int64_t dim, int64_t classes, double spread, uint64_t seed);

#endif
