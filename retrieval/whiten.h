/* PCA-whitening (Jégou and Chum 2012): x' = L2(Λ_d^−½ U_dᵀ (x − m)), the d largest directions of the covariance,
 * with shrinkage: Λ is replaced by (1 − s)Λ + s·mean(Λ), which tames directions that hold only noise. */
#ifndef KIN_RETRIEVAL_WHITEN_H
#define KIN_RETRIEVAL_WHITEN_H

#include "base/error.h"
#include "retrieval/vectors.h"

typedef struct kin_whitening {
    int64_t in, out;
    double *mean;      /* [in] */
    float *projection; /* [out, in]: rows λ^−½ uᵀ */
    float *variance;   /* [out]: the eigenvalues, before shrinkage */
} kin_whitening;

/* Fits on `set` (at least 2 rows). Directions whose shrunk eigenvalue is below 1e-9 of the largest are an error, which
 * says how many there are to keep. */
bool kin_whitening_fit(kin_vectors set, int64_t dims, double shrinkage, kin_whitening *out, kin_error *err);
/* Writes [set.count, w->out] unit rows to `out`. */
bool kin_whitening_apply(const kin_whitening *w, kin_vectors set, float *out, kin_error *err);
void kin_whitening_free(kin_whitening *w);

/* Eigenvalues (descending) and unit eigenvectors (rows of `vectors`) of a symmetric [n, n] matrix, which is overwritten:
 * Householder's reduction to tridiagonal form, then QL with implicit shifts. */
bool kin_symmetric_eigen(double *matrix, int64_t n, double *values, double *vectors, kin_error *err);

#endif
