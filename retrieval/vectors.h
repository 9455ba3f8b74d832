/* What every function of this room works on: a plain row-major matrix of float32, one descriptor a row,
 * made by kin or by anything else. */
#ifndef KIN_RETRIEVAL_VECTORS_H
#define KIN_RETRIEVAL_VECTORS_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kin_vectors {
    const float *data; /* [count, dim], borrowed */
    int64_t count, dim;
} kin_vectors;

/* Of two rows of n numbers, summed in double; 0 where one of them is all zeros. */
double kin_cosine(const float *x, const float *y, int64_t n);

static inline const float *kin_row(kin_vectors v, int64_t i) { return v.data + i * v.dim; }

/* Told about long work from time to time, always in the thread that called the library; returning false stops
 * the work, which then fails with KIN_ERR_INTERRUPTED. A zeroed one is silent. */
typedef struct kin_progress {
    bool (*report)(void *user, const char *stage, int64_t done, int64_t total);
    void *user;
} kin_progress;

#ifdef __cplusplus
}
#endif

#endif
