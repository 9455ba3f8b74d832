/* Conjugate gradients (Hestenes and Stiefel 1952) for (I − αS) x = b, S sparse and symmetric with a
 * spectral radius of at most 1, 0 ≤ α < 1: what diffusion solves. */
#ifndef KIN_RETRIEVAL_RERANK_CONJUGATE_H
#define KIN_RETRIEVAL_RERANK_CONJUGATE_H

#include "retrieval/rerank/sparse.h"

enum { KIN_CONJUGATE_LANES = 8 };

typedef struct kin_conjugate_opt {
    double alpha;
    double tolerance; /* a right side is done when |r| ≤ tolerance · |b| */
    int iterations;   /* at most */
} kin_conjugate_opt;

/* Solves for `lanes` right sides together, 1 or KIN_CONJUGATE_LANES: each entry of S is then read once for
 * all of them. Every array is [s->rows, lanes]; `r` holds b, and the residual afterwards; `p` and `q` are
 * scratch space. What one lane gets does not depend on the others. Runs in the calling thread. */
void kin_conjugate_gradients(const kin_sparse *s, int lanes, const kin_conjugate_opt *opt, double *x,
                             double *r, double *p, double *q);

#endif
