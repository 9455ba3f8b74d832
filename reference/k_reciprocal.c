/* k-reciprocal re-ranking [Zhong, Zheng, Cao, Li 2017]: two pictures are alike when they have the same
 * neighbours. The N rows are queries and gallery together.
 *
 *   1. D_ij = ‖x_i − x_j‖², and D'_ij = D_ij / max_j D_ij.
 *   2. rank_i = the order of D'_i, i itself first, ties by index.
 *   3. R(i, k) = { j in the first k + 1 of rank_i : i in the first k + 1 of rank_j }.
 *   4. R*(i) = R(i, k1) and, for each c in R(i, k1), all of R(c, h),
 *      h = k1/2 rounded half to even, where more than
 *      2/3 of R(c, h) lie in R(i, k1).
 *   5. V_ij = exp(−D'_ij) / Σ_{l in R*(i)} exp(−D'_il) for j in R*(i), else 0.
 *   6. V_i ← the mean of the old V over the first k2 of rank_i.
 *   7. s(q, g) = Σ_j min(V_qj, V_gj). Since every V_i sums to 1, Σ_j max(V_qj, V_gj) = 2 − s, and the Jaccard
 *      distance is d_J = 1 − s / (2 − s).
 *   8. d* = (1 − λ) d_J + λ D'_qg.
 *
 * Memory is O(N²), time O(N³). Held to this: retrieval/rerank/rerank.c, which is sparse. */
#include "reference/k_reciprocal.h"

#include "reference/search.h"

#include <math.h>
#include <stdlib.h>

/* Steps 1 and 2. */
static void scale_and_rank(double *d, int64_t n, bool squared_input, int64_t *rank)
{
    for (int64_t i = 0; i < n; i++) {
        double largest = 0;
        for (int64_t j = 0; j < n; j++) {
            if (squared_input) d[i * n + j] *= d[i * n + j];
            largest = fmax(largest, d[i * n + j]);
        }
        for (int64_t j = 0; j < n; j++) d[i * n + j] = largest > 0 ? d[i * n + j] / largest : 0;
        rank[i * n] = i;
        kin_reference_order(d + i * n, n, i, rank + i * n + 1);
    }
}

static bool among(const int64_t *list, int64_t count, int64_t item)
{
    for (int64_t i = 0; i < count; i++)
        if (list[i] == item) return true;
    return false;
}

/* Step 3: R(i, k), and how many it has. */
static int64_t reciprocal(const int64_t *rank, int64_t n, int64_t i, int64_t k, int64_t *out)
{
    int64_t used = 0;
    for (int64_t a = 0; a <= k; a++) {
        int64_t j = rank[i * n + a];
        if (among(rank + j * n, k + 1, i)) out[used++] = j;
    }
    return used;
}

/* Step 4: whether each of the n rows is in R*(i). `own` and `theirs` are for k1 + 1 rows. */
static void expand(const int64_t *rank, int64_t n, int64_t i, int k1, int64_t *own, int64_t *theirs, bool *in)
{
    int64_t half = (int64_t)nearbyint(k1 / 2.0), count = reciprocal(rank, n, i, k1, own);
    for (int64_t j = 0; j < n; j++) in[j] = among(own, count, j);
    for (int64_t a = 0; a < count; a++) {
        int64_t size = reciprocal(rank, n, own[a], half, theirs), common = 0;
        for (int64_t b = 0; b < size; b++) common += among(own, count, theirs[b]);
        for (int64_t b = 0; 3 * common > 2 * size && b < size; b++) in[theirs[b]] = true;
    }
}

/* Step 5. */
static void encode(const double *d, int64_t n, const bool *in, double *v)
{
    double sum = 0;
    for (int64_t j = 0; j < n; j++) sum += in[j] ? exp(-d[j]) : 0;
    for (int64_t j = 0; j < n; j++) v[j] = in[j] ? exp(-d[j]) / sum : 0;
}

/* Step 6. */
static void average(const double *v, const int64_t *rank, int64_t n, int k2, double *mean)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++) {
            mean[i * n + j] = 0;
            for (int a = 0; a < k2; a++) mean[i * n + j] += v[rank[i * n + a] * n + j];
            mean[i * n + j] /= k2;
        }
}

/* Step 7. */
static double jaccard(const double *v, const double *w, int64_t n)
{
    double s = 0;
    for (int64_t j = 0; j < n; j++) s += fmin(v[j], w[j]);
    return 1 - s / (2 - s);
}

double *kin_reference_k_reciprocal(const kin_real *x, int64_t n, int64_t queries, int64_t dim,
                                   const kin_reference_k_reciprocal_opt *opt)
{
    size_t all = (size_t)(n * n);
    int64_t first = queries, rows = queries ? queries : n, columns = n - first;
    double *d = kin_reference_distances(x, n, x, n, dim, 'e'), *v = malloc(all * sizeof *v),
           *mean = malloc(all * sizeof *mean), *out = malloc((size_t)(rows * columns) * sizeof *out);
    int64_t *rank = malloc(all * sizeof *rank), *lists = malloc((size_t)(opt->k1 + 1) * 2 * sizeof *lists);
    bool *in = malloc((size_t)n * sizeof *in), ok = d && v && mean && out && rank && lists && in;
    if (ok) scale_and_rank(d, n, opt->squared_input, rank);
    for (int64_t i = 0; ok && i < n; i++) {
        expand(rank, n, i, opt->k1, lists, lists + opt->k1 + 1, in);
        encode(d + i * n, n, in, v + i * n);
    }
    if (ok) average(v, rank, n, opt->k2, mean);
    for (int64_t q = 0; ok && q < rows; q++)
        for (int64_t g = 0; g < columns; g++)
            out[q * columns + g] = (1 - opt->lambda) * jaccard(mean + q * n, mean + (first + g) * n, n) +
                                   opt->lambda * d[q * n + first + g];
    free(d), free(v), free(mean), free(rank), free(lists), free(in);
    if (ok) return out;
    free(out);
    return NULL;
}
