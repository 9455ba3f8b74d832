/* Learned whitening (Mikolajczyk and Matas 2007; Radenović, Tolias, Chum, "CNN image retrieval learns from
 * BoW", ECCV 2016). Wanted are the directions in which positives differ little and everything else differs
 * much:
 *   C_S = mean of (x_a − x_b)(x_a − x_b)ᵀ over positive pairs,   W = C_S^−½,
 *   C_D = mean of W(x − m) (W(x − m))ᵀ over all rows, m the mean of the pairs' first members,
 *   P = the d largest eigenvectors of C_D, as rows, times W.
 * So P C_S Pᵀ = I: what differs between positives is white, and directions are sorted by what tells the
 * rest apart. The published code takes a Cholesky factor for W; another root only turns W's rows, which
 * the eigenvectors undo: P is the same but for signs. */
#include "base/memory.h"
#include "base/npy.h"
#include "retrieval/describe/scatter.h"
#include "retrieval/describe/whiten.h"

#include <math.h>
#include <stdlib.h>

typedef struct learner {
    kin_vectors set;
    const kin_positives *pairs;
    double *mean;                                /* [n] */
    double *scatter, *values, *vectors, *turned; /* [n, n], [n], [n, n], [n, n] */
} learner;

static void difference_row(const void *arg, int64_t i, float *x)
{
    const learner *l = arg;
    const float *p = kin_row(l->set, l->pairs->a[i]), *q = kin_row(l->set, l->pairs->b[i]);
    for (int64_t d = 0; d < l->set.dim; d++) x[d] = (float)((double)p[d] - (double)q[d]);
}

static void centred_row(const void *arg, int64_t i, float *x)
{
    const learner *l = arg;
    for (int64_t d = 0; d < l->set.dim; d++) x[d] = (float)((double)kin_row(l->set, i)[d] - l->mean[d]);
}

/* l->vectors becomes W = Λ^−½ Uᵀ of C_S, shrunk. */
static bool make_root(learner *l, double shrinkage, int64_t *rank, kin_error *err)
{
    int64_t n = l->set.dim;
    double sum = 0;
    if (!kin_scatter(l->pairs->count, n, difference_row, l, (double)l->pairs->count, l->scatter, err) ||
        !kin_symmetric_eigen(l->scatter, n, l->values, l->vectors, err))
        return false;
    for (int64_t i = 0; i < n; i++) sum += fmax(0, l->values[i]);
    if (!(sum > 0))
        return kin_fail(err, KIN_ERR_NUMERIC,
                        "whitening: the members of every pair are equal, there is nothing to learn");
    *rank = kin_scatter_rank(l->values, n, l->pairs->count + 1); /* differences have no mean to lose */
    if (shrinkage == 0 && *rank < n)
        return kin_fail(err, KIN_ERR_NUMERIC,
                        "whitening: the pairs differ in %lld of %lld directions only; give more pairs, or a "
                        "shrinkage above 0 (0.5 is the usual one)",
                        (long long)*rank, (long long)n);
    for (int64_t i = 0; i < n; i++) {
        double shrunk = (1 - shrinkage) * (i < *rank ? l->values[i] : 0) + shrinkage * sum / (double)n;
        for (int64_t d = 0; d < n; d++) l->vectors[i * n + d] /= sqrt(shrunk);
    }
    return true;
}

/* out = a · b, or a · bᵀ. Square, in double, in a fixed order. */
static void multiply(const double *a, const double *b, int64_t n, bool transposed, double *out)
{
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j < n; j++) out[i * n + j] = 0;
        for (int64_t k = 0; k < n && !transposed; k++)
            for (int64_t j = 0; j < n; j++) out[i * n + j] += a[i * n + k] * b[k * n + j];
        for (int64_t j = 0; j < n && transposed; j++)
            for (int64_t k = 0; k < n; k++) out[i * n + j] += a[i * n + k] * b[j * n + k];
    }
}

/* The rows of P, largest eigenvalue first; of each row the largest component is positive. */
static void store(const learner *l, const double *eigenvectors, const double *root, kin_whitening *w)
{
    int64_t n = w->in;
    for (int64_t d = 0; d < w->out; d++) {
        double *row = l->scatter, most = 0; /* no longer needed */
        for (int64_t j = 0; j < n; j++) row[j] = 0;
        for (int64_t k = 0; k < n; k++)
            for (int64_t j = 0; j < n; j++) row[j] += eigenvectors[d * n + k] * root[k * n + j];
        for (int64_t j = 0; j < n; j++)
            if (fabs(row[j]) > fabs(most)) most = row[j];
        for (int64_t j = 0; j < n; j++) w->projection[d * n + j] = (float)(most < 0 ? -row[j] : row[j]);
        w->variance[d] = (float)l->values[d];
    }
}

static bool learn(learner *l, double shrinkage, kin_whitening *w, kin_error *err)
{
    int64_t n = l->set.dim;
    for (int64_t d = 0; d < n; d++) l->mean[d] = 0;
    for (int64_t i = 0; i < l->pairs->count; i++)
        for (int64_t d = 0; d < n; d++) l->mean[d] += (double)kin_row(l->set, l->pairs->a[i])[d];
    for (int64_t d = 0; d < n; d++) l->mean[d] /= (double)l->pairs->count;
    if (!make_root(l, shrinkage, &w->rank, err)) return false;
    double *root = kin_alloc_array((size_t)n, (size_t)n * sizeof *root);
    if (!root)
        return kin_fail_memory(err, "whitening",
                               (unsigned long long)n * (unsigned long long)n * sizeof *root);
    for (int64_t i = 0; i < n * n; i++) root[i] = l->vectors[i];
    bool ok = kin_scatter(l->set.count, n, centred_row, l, (double)l->set.count, l->scatter, err);
    if (ok) {
        multiply(root, l->scatter, n, false, l->turned);
        multiply(l->turned, root, n, true, l->scatter);
        for (int64_t i = 0; i < n; i++)
            for (int64_t j = 0; j < i; j++)
                l->scatter[i * n + j] = l->scatter[j * n + i] =
                    (l->scatter[i * n + j] + l->scatter[j * n + i]) / 2;
        ok = kin_symmetric_eigen(l->scatter, n, l->values, l->vectors, err);
    }
    if (ok) store(l, l->vectors, root, w);
    kin_free(root);
    return ok;
}

static bool check(kin_vectors set, const kin_positives *pairs, int64_t dims, double shrinkage, kin_error *err)
{
    const int64_t *a = pairs->a, *b = pairs->b;
    if (pairs->count < 1)
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "whitening: no positive pairs; learned whitening needs items that share a label");
    if (dims < 0 || dims > set.dim)
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "whitening: %lld dimensions were asked for; 1 to %lld was expected", (long long)dims,
                        (long long)set.dim);
    if (!(shrinkage >= 0 && shrinkage <= 1))
        return kin_fail(err, KIN_ERR_ARGUMENT, "whitening: shrinkage is %g; 0 to 1 was expected", shrinkage);
    for (int64_t i = 0; i < pairs->count; i++)
        if (a[i] < 0 || a[i] >= set.count || b[i] < 0 || b[i] >= set.count)
            return kin_fail(err, KIN_ERR_ARGUMENT,
                            "whitening: pair %lld is of rows %lld and %lld; there are %lld", (long long)i,
                            (long long)a[i], (long long)b[i], (long long)set.count);
    return kin_check_finite(set.data, set.count, set.dim, "whitening", err);
}

bool kin_whitening_learn(kin_vectors set, const kin_positives *pairs, int64_t dims, double shrinkage,
                         kin_whitening *out, kin_error *err)
{
    *out = (kin_whitening){0};
    if (!check(set, pairs, dims, shrinkage, err)) return false;
    size_t n = (size_t)set.dim, kept = dims ? (size_t)dims : n;
    *out = (kin_whitening){.in = set.dim,
                           .out = (int64_t)kept,
                           .mean = kin_alloc_array(n, sizeof(double)),
                           .projection = kin_alloc_array(kept, n * sizeof(float)),
                           .variance = kin_alloc_array(kept, sizeof(float))};
    learner l = {set,
                 pairs,
                 out->mean,
                 kin_alloc_array(n, n * sizeof(double)),
                 kin_alloc_array(n, sizeof(double)),
                 kin_alloc_array(n, n * sizeof(double)),
                 kin_alloc_array(n, n * sizeof(double))};
    bool ok = out->mean && out->projection && out->variance && l.scatter && l.values && l.vectors && l.turned;
    if (!ok) kin_fail_memory(err, "whitening", (unsigned long long)(n * n) * 32);
    ok = ok && learn(&l, shrinkage, out, err);
    kin_free(l.scatter), kin_free(l.values), kin_free(l.vectors), kin_free(l.turned);
    if (!ok) kin_whitening_free(out);
    return ok;
}

typedef struct labelled {
    int64_t label, item;
} labelled;

static int by_label(const void *a, const void *b)
{
    const labelled *x = a, *y = b;
    if (x->label != y->label) return x->label < y->label ? -1 : 1;
    return x->item < y->item ? -1 : x->item > y->item;
}

int64_t kin_positive_pairs(const int64_t *label, int64_t count, int64_t each, int64_t *a, int64_t *b)
{
    labelled *sorted = kin_alloc_array((size_t)count, sizeof *sorted);
    int64_t pairs = 0;
    if (!sorted) return -1;
    for (int64_t i = 0; i < count; i++) sorted[i] = (labelled){label[i], i};
    qsort(sorted, (size_t)count, sizeof *sorted, by_label);
    for (int64_t first = 0, last; first < count; first = last) {
        for (last = first; last < count && sorted[last].label == sorted[first].label; last++) {}
        int64_t size = last - first;
        if (sorted[first].label < 0) continue;
        for (int64_t i = 0; i < size; i++)
            for (int64_t step = 1; step <= each && step < size; step++) {
                a[pairs] = sorted[first + i].item;
                b[pairs++] = sorted[first + (i + step) % size].item;
            }
    }
    kin_free(sorted);
    return pairs;
}
