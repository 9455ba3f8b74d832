/* PCA-whitening (Jégou and Chum 2012): x' = L2(Λ_d^−½ U_dᵀ (x − m)), the d largest directions of the
 * covariance, with shrinkage: Λ is replaced by (1 − s)Λ + s·mean(Λ), which tames directions that hold only
 * noise. */
#ifndef KIN_RETRIEVAL_DESCRIBE_WHITEN_H
#define KIN_RETRIEVAL_DESCRIBE_WHITEN_H

#include "base/error.h"
#include "retrieval/vectors.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kin_whitening {
    int64_t in, out;
    double *mean;      /* [in] */
    float *projection; /* [out, in]: rows λ^−½ uᵀ */
    float *variance;   /* [out]: the eigenvalues, before shrinkage */
    int64_t
        rank; /* directions in which the rows differ by more than rounding; 0: not known (read from a file) */
} kin_whitening;

/* Fits on `set` (at least 2 rows). `dims` 0 keeps all directions; without shrinkage, all that are more
 * than rounding (kin_scatter_rank), and to ask for others is then an error, which says how many there are. */
bool kin_whitening_fit(kin_vectors set, int64_t dims, double shrinkage, kin_whitening *out, kin_error *err);
/* Rows a[i] and b[i] of a set show one thing. */
typedef struct kin_positives {
    const int64_t *a, *b; /* [count] */
    int64_t count;
} kin_positives;

/* Learned whitening (see retrieval/describe/whiten_learn.c): what differs between the members of positive
 * pairs, at least one, becomes white, and the `dims` directions are those in which everything else differs
 * most. `shrinkage` lifts the small eigenvalues of the pairs' differences as above; with fewer pairs than
 * dimensions it must be above 0. */
bool kin_whitening_learn(kin_vectors set, const kin_positives *pairs, int64_t dims, double shrinkage,
                         kin_whitening *out, kin_error *err);
/* Principal components alone: the same directions without the division by the deviations, so that P(x − m)
 * keeps distances as well as `dims` dimensions can. */
bool kin_pca_fit(kin_vectors set, int64_t dims, kin_whitening *out, kin_error *err);
/* Positive pairs out of labels (equal or different, -1 is none): every item with the next `each` of its
 * label, in the order of rows and around. Writes at most count·each pairs to a and b and returns their
 * number, or -1 when memory ends. */
int64_t kin_positive_pairs(const int64_t *label, int64_t count, int64_t each, int64_t *a, int64_t *b);

/* Writes [set.count, w->out] unit rows to `out`. */
bool kin_whitening_apply(const kin_whitening *w, kin_vectors set, float *out, kin_error *err);
void kin_whitening_free(kin_whitening *w);

/* Eigenvalues (descending) and unit eigenvectors (rows of `vectors`) of a symmetric [n, n] matrix, which
 * is overwritten: Householder's reduction to tridiagonal form, then QL with implicit shifts. */
bool kin_symmetric_eigen(double *matrix, int64_t n, double *values, double *vectors, kin_error *err);

#ifdef __cplusplus
}
#endif

#endif
