/* A map of descriptors in two dimensions: t-SNE, computed exactly.
 * van der Maaten, Hinton: Visualizing data using t-SNE, JMLR 9, 2008. */
#ifndef KIN_RETRIEVAL_DESCRIBE_TSNE_H
#define KIN_RETRIEVAL_DESCRIBE_TSNE_H

#include "base/error.h"
#include "retrieval/vectors.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { KIN_TSNE_MAX = 4000 }; /* points; memory is one float and time one reciprocal a pair and step */

typedef struct kin_tsne_opt {
    double perplexity; /* effective number of neighbours; 0: 30; at most (count - 1)/3, lowered when above */
    int steps;         /* 0: 750 */
    /* [count, 2] where the points begin, such as their places on an earlier map, so that both can be compared by eye;
     * NULL: at the two principal components */
    const float *start;
} kin_tsne_opt;

/* Writes positions [count, 2], centred on the origin, the longer side of their spread within -1 .. 1. The
 * first positions are the two principal components (or `start`), so there is nothing random in it: same descriptors,
 * same map, for any number of threads. `divergence` (may be NULL) receives the final Kullback-Leibler
 * divergence. Fails on NaN or infinity (the row is named) and on more than KIN_TSNE_MAX points. About 2 s
 * for 1,000 points on one core. */
bool kin_tsne(kin_vectors in, const kin_tsne_opt *opt, float *positions, double *divergence, kin_error *err);

#ifdef __cplusplus
}
#endif

#endif
