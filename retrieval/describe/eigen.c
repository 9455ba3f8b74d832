/* The symmetric eigenproblem (Golub and Van Loan 2013, chapter 8).
 *
 * Step 1, Householder: for k = 0 .. n−3 a reflection P = I − β v vᵀ, acting on indices k+1 .. n−1, turns
 * column k into (…, α, 0, …, 0). On the trailing block A it acts as P A P = A − v wᵀ − w vᵀ with p = β A
 * v, w = p − (β/2)(pᵀv) v. The product of all P is kept as Q, so that A = Q T Qᵀ with T tridiagonal.
 *
 * Step 2, implicit QL with Wilkinson's shift on T: each sweep chases a bulge with plane rotations from the
 * bottom of an unreduced block to its top, until the off-diagonal entry there is negligible. The rotations
 * act on columns of Q; Q is kept transposed, so that each one works on two contiguous rows. */
#include "base/memory.h"
#include "base/parallel.h"
#include "retrieval/describe/whiten.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { SWEEPS = 60, COLUMNS = 64 };

static double dot(const double *a, const double *b, int64_t n)
{
    double lane[8] = {0}, sum = 0;
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (int l = 0; l < 8; l++) lane[l] += a[i + l] * b[i + l];
    for (; i < n; i++) sum += a[i] * b[i];
    for (int l = 0; l < 8; l++) sum += lane[l];
    return sum;
}

/* --- step 1 --- */

/* v and β of the reflection that maps x to (α, 0, …, 0); v overwrites x. Returns α. */
static double reflect(double *x, int64_t n, double *beta)
{
    double squares = 0, most = 0;
    for (int64_t i = 1; i < n; i++) most = fmax(most, fabs(x[i]));
    *beta = 0;
    if (most == 0) return x[0];
    most = fmax(most, fabs(x[0]));
    for (int64_t i = 0; i < n; i++) {
        x[i] /= most;
        squares += x[i] * x[i];
    }
    double norm = sqrt(squares), alpha = x[0] > 0 ? -norm : norm;
    x[0] -= alpha;
    *beta = 1 / (squares - alpha * (x[0] + alpha)); /* 2 / vᵀv */
    return alpha * most;
}

typedef struct reduction {
    double *a, *v, *p;
    int64_t n, k;
    double beta;
} reduction;

static void multiply_row(void *arg, int64_t block, int worker)
{
    (void)worker;
    reduction *r = arg;
    int64_t first = r->k + 1 + block * COLUMNS, last = first + COLUMNS < r->n ? first + COLUMNS : r->n;
    int64_t k = r->k + 1;
    for (int64_t i = first; i < last; i++) r->p[i] = r->beta * dot(r->a + i * r->n + k, r->v + k, r->n - k);
}

static void update_row(void *arg, int64_t block, int worker)
{
    (void)worker;
    reduction *r = arg;
    int64_t first = r->k + 1 + block * COLUMNS, last = first + COLUMNS < r->n ? first + COLUMNS : r->n;
    for (int64_t i = first; i < last; i++) {
        double *row = r->a + i * r->n, vi = r->v[i], wi = r->p[i];
        for (int64_t j = r->k + 1; j < r->n; j++) row[j] -= vi * r->p[j] + wi * r->v[j];
    }
}

/* Leaves the diagonal in d, the entries beside it in e[1 ..], and the vectors v in the rows of `a` (row k:
 * v_k from k+1 on). */
static void tridiagonalize(double *a, int64_t n, double *d, double *e, double *beta, double *work)
{
    for (int64_t k = 0; k < n; k++) {
        d[k] = a[k * n + k];
        if (k + 1 == n) break;
        double *v = a + k * n, *p = work;
        int64_t blocks = kin_blocks(n - k - 1, COLUMNS);
        e[k + 1] = reflect(v + k + 1, n - k - 1, &beta[k]);
        if (beta[k] == 0) continue;
        reduction r = {a, v, p, n, k, beta[k]};
        kin_parallel_for(blocks, multiply_row, &r);
        double along = beta[k] / 2 * dot(p + k + 1, v + k + 1, n - k - 1);
        for (int64_t i = k + 1; i < n; i++) p[i] -= along * v[i];
        kin_parallel_for(blocks, update_row, &r);
    }
}

typedef struct accumulation {
    const double *a, *beta;
    double *q;
    int64_t n;
} accumulation;

/* Rows of Qᵀ, a block of its columns each: Q = P_0 P_1 …, so Qᵀ = … P_1 P_0, and column c of Qᵀ is … P_1
 * P_0 e_c. Rows of the array are handled instead: row c of `q` is column c of Qᵀ, to be transposed at the
 * end. */
static void accumulate_block(void *arg, int64_t block, int worker)
{
    (void)worker;
    accumulation *s = arg;
    int64_t n = s->n, last = (block + 1) * COLUMNS < n ? (block + 1) * COLUMNS : n;
    for (int64_t c = block * COLUMNS; c < last; c++) {
        double *x = s->q + c * n;
        memset(x, 0, (size_t)n * sizeof *x);
        x[c] = 1;
        for (int64_t k = 0; k + 1 < n; k++) {
            const double *v = s->a + k * n;
            double along = s->beta[k] * dot(v + k + 1, x + k + 1, n - k - 1);
            if (along == 0) continue;
            for (int64_t i = k + 1; i < n; i++) x[i] -= along * v[i];
        }
    }
}

static void transpose(double *q, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = i + 1; j < n; j++) {
            double x = q[i * n + j];
            q[i * n + j] = q[j * n + i];
            q[j * n + i] = x;
        }
}

/* --- step 2 --- */

typedef struct rotations {
    double *q, *c, *s;
    int64_t n, low, high;
} rotations;

static void rotate_block(void *arg, int64_t block, int worker)
{
    (void)worker;
    rotations *r = arg;
    int64_t first = block * 4 * COLUMNS, last = first + 4 * COLUMNS < r->n ? first + 4 * COLUMNS : r->n;
    for (int64_t i = r->high - 1; i >= r->low; i--) {
        double *x = r->q + i * r->n, *y = x + r->n, c = r->c[i], s = r->s[i];
        for (int64_t j = first; j < last; j++) {
            double xi = x[j], yi = y[j];
            x[j] = c * xi - s * yi;
            y[j] = s * xi + c * yi;
        }
    }
}

/* One sweep on rows low .. high. With shift σ the first rotation, in the plane (high−1, high), is that of
 * an explicit QL step of T − σI; the others restore the tridiagonal form. e[i] stands beside d[i−1] and
 * d[i]. */
static void sweep(double *d, double *e, int64_t low, int64_t high, rotations *r)
{
    double half = (d[low + 1] - d[low]) / 2, beside = e[low + 1];
    double shift = d[low] - beside * beside / (half + copysign(hypot(half, beside), half));
    double x = d[high] - shift, bulge = e[high];
    for (int64_t i = high - 1; i >= low; i--) {
        double length = hypot(x, bulge), c = length > 0 ? x / length : 1, s = length > 0 ? bulge / length : 0;
        if (i + 2 <= high) e[i + 2] = length;
        /* The plane rotation [c −s; s c] on rows and columns i and i+1. */
        double a = d[i], b = e[i + 1], z = d[i + 1];
        d[i] = c * c * a - 2 * c * s * b + s * s * z;
        d[i + 1] = s * s * a + 2 * c * s * b + c * c * z;
        e[i + 1] = c * s * (a - z) + (c * c - s * s) * b;
        r->c[i] = c;
        r->s[i] = s;
        if (i > low) {
            x = e[i + 1];
            bulge = s * e[i];
            e[i] *= c;
        }
    }
}

static bool diagonalize(double *d, double *e, double *q, double *c, double *s, int64_t n, kin_error *err)
{
    int64_t left = SWEEPS * n;
    /* Besides what is nothing beside its neighbours, what is nothing beside the whole counts as 0: step 1
     * has errors of that size. Where the rank is low its entries are such errors, ever smaller ones down
     * to where numbers end, and sweeps would never be done with them. */
    double whole = 0;
    for (int64_t i = 0; i < n; i++) whole = fmax(whole, fabs(d[i]) + fabs(e[i]));
    for (int64_t low = 0; low < n;) {
        int64_t high = low;
        while (high + 1 < n &&
               fabs(e[high + 1]) > DBL_EPSILON * fmax(fabs(d[high]) + fabs(d[high + 1]), whole / 2))
            high++;
        if (high == low) {
            low++;
            continue;
        }
        if (left-- == 0)
            return kin_fail(err, KIN_ERR_NUMERIC, "the eigenvalues of a %lld x %lld matrix did not converge",
                            (long long)n, (long long)n);
        rotations r = {q, c, s, n, low, high};
        sweep(d, e, low, high, &r);
        kin_parallel_for(kin_blocks(n, 4 * COLUMNS), rotate_block, &r);
    }
    return true;
}

static void sort_descending(double *values, double *vectors, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        int64_t most = i;
        for (int64_t j = i + 1; j < n; j++)
            if (values[j] > values[most]) most = j;
        if (most == i) continue;
        double value = values[i];
        values[i] = values[most];
        values[most] = value;
        for (int64_t d = 0; d < n; d++) {
            double x = vectors[i * n + d];
            vectors[i * n + d] = vectors[most * n + d];
            vectors[most * n + d] = x;
        }
    }
}

bool kin_symmetric_eigen(double *matrix, int64_t n, double *values, double *vectors, kin_error *err)
{
    double *work = kin_alloc_zero((size_t)n, 5 * sizeof *work);
    if (!work) return kin_fail_memory(err, "eigenvalues", (unsigned long long)n * 5 * sizeof *work);
    double *e = work, *beta = work + n, *p = work + 2 * n, *c = work + 3 * n, *s = work + 4 * n;
    tridiagonalize(matrix, n, values, e, beta, p);
    accumulation q = {matrix, beta, vectors, n};
    kin_parallel_for(kin_blocks(n, COLUMNS), accumulate_block, &q);
    transpose(vectors, n);
    bool ok = diagonalize(values, e, vectors, c, s, n, err);
    if (ok) sort_descending(values, vectors, n);
    kin_free(work);
    return ok;
}
