#include "retrieval/whiten.h"

#include "base/memory.h"
#include "base/npy.h"
#include "kernels/gemm.h"
#include "retrieval/expand.h"

#include <math.h>
#include <string.h>

enum { ROWS = 512 };

void kin_whitening_free(kin_whitening *w)
{
    kin_free(w->mean), kin_free(w->projection), kin_free(w->variance);
    *w = (kin_whitening){0};
}

/* Rows first .. first + count - 1 minus the mean. */
static void centre(kin_vectors set, int64_t first, int64_t count, const double *mean, float *out)
{
    for (int64_t i = 0; i < count; i++)
        for (int64_t d = 0; d < set.dim; d++) out[i * set.dim + d] = (float)((double)kin_row(set, first + i)[d] - mean[d]);
}

typedef struct fitting {
    kin_vectors set;
    double *mean, *covariance;
    float *centred, *product; /* [ROWS, dim], [dim, dim] */
    void *gemm;
} fitting;

static kin_gemm_args covariance_args(const fitting *f, int64_t rows)
{
    int64_t dim = f->set.dim;
    return (kin_gemm_args){.m = dim, .n = dim, .k = rows, .a = {f->centred, 1, dim}, .b = {f->centred, dim, 1}, .c = f->product, .ldc = dim};
}

/* Σ (x − m)(x − m)ᵀ / (count − 1): products of ROWS rows in float32, their sums in double. */
static void fit_covariance(fitting *f)
{
    int64_t dim = f->set.dim;
    for (int64_t i = 0; i < f->set.count; i++)
        for (int64_t d = 0; d < dim; d++) f->mean[d] += (double)kin_row(f->set, i)[d];
    for (int64_t d = 0; d < dim; d++) f->mean[d] /= (double)f->set.count;
    for (int64_t first = 0; first < f->set.count; first += ROWS) {
        int64_t rows = f->set.count - first < ROWS ? f->set.count - first : ROWS;
        centre(f->set, first, rows, f->mean, f->centred);
        kin_gemm_args args = covariance_args(f, rows);
        kin_gemm(&args, f->gemm);
        for (int64_t i = 0; i < dim * dim; i++) f->covariance[i] += (double)f->product[i];
    }
    for (int64_t a = 0; a < dim; a++)
        for (int64_t b = a; b < dim; b++) {
            double both = (f->covariance[a * dim + b] + f->covariance[b * dim + a]) / (2 * (double)(f->set.count - 1));
            f->covariance[a * dim + b] = f->covariance[b * dim + a] = both;
        }
}

/* A direction's sign is arbitrary; its largest component is made positive, so that fits can be compared. */
static void store_direction(kin_whitening *w, int64_t d, const double *vector, double value, double shrunk)
{
    double most = 0;
    for (int64_t i = 0; i < w->in; i++)
        if (fabs(vector[i]) > fabs(most)) most = vector[i];
    double scale = (most < 0 ? -1 : 1) / sqrt(shrunk);
    for (int64_t i = 0; i < w->in; i++) w->projection[d * w->in + i] = (float)(vector[i] * scale);
    w->variance[d] = (float)value;
}

static bool project(kin_whitening *w, const double *values, const double *vectors, double shrinkage, kin_error *err)
{
    double sum = 0;
    for (int64_t i = 0; i < w->in; i++) sum += fmax(0, values[i]);
    if (!(sum > 0)) return kin_fail(err, KIN_ERR_NUMERIC, "whitening: all rows are equal, there is nothing to fit");
    for (int64_t d = 0; d < w->out; d++) {
        double shrunk = (1 - shrinkage) * fmax(0, values[d]) + shrinkage * sum / (double)w->in;
        if (shrunk < 1e-9 * values[0])
            return kin_fail(err, KIN_ERR_NUMERIC, "whitening: only %lld directions hold any variance; keep that many, or raise the shrinkage above 0",
                            (long long)d);
        store_direction(w, d, vectors + d * w->in, values[d], shrunk);
    }
    return true;
}

static bool fit(kin_whitening *w, fitting *f, double shrinkage, kin_error *err)
{
    size_t n = (size_t)w->in, dims = (size_t)w->out;
    kin_gemm_args args = covariance_args(f, ROWS);
    double *vectors = kin_alloc_array(n, n * sizeof(double)), *values = kin_alloc_array(n, sizeof(double));
    f->covariance = kin_alloc_zero(n, n * sizeof(double));
    f->mean = kin_alloc_zero(n, sizeof(double));
    f->centred = kin_alloc_array(n, ROWS * sizeof(float));
    f->product = kin_alloc_array(n, n * sizeof(float));
    f->gemm = kin_alloc(kin_gemm_workspace(&args));
    w->mean = kin_alloc_array(n, sizeof(double));
    w->variance = kin_alloc_array(dims, sizeof(float));
    w->projection = kin_alloc_array(dims, n * sizeof(float));
    bool ok = vectors && values && f->covariance && f->mean && f->centred && f->product && f->gemm && w->mean && w->variance && w->projection;
    if (!ok) kin_fail_memory(err, "whitening", (unsigned long long)(n * n) * 20);
    if (ok) {
        fit_covariance(f);
        memcpy(w->mean, f->mean, n * sizeof(double));
        ok = kin_symmetric_eigen(f->covariance, w->in, values, vectors, err) && project(w, values, vectors, shrinkage, err);
    }
    kin_free(vectors), kin_free(values), kin_free(f->covariance), kin_free(f->mean), kin_free(f->centred), kin_free(f->product), kin_free(f->gemm);
    return ok;
}

bool kin_whitening_fit(kin_vectors set, int64_t dims, double shrinkage, kin_whitening *out, kin_error *err)
{
    *out = (kin_whitening){.in = set.dim, .out = dims};
    if (set.count < 2) return kin_fail(err, KIN_ERR_ARGUMENT, "whitening: fitted on %lld rows; at least 2 were expected", (long long)set.count);
    if (dims < 1 || dims > set.dim)
        return kin_fail(err, KIN_ERR_ARGUMENT, "whitening: %lld dimensions were asked for; 1 to %lld was expected", (long long)dims, (long long)set.dim);
    if (!(shrinkage >= 0 && shrinkage <= 1)) return kin_fail(err, KIN_ERR_ARGUMENT, "whitening: shrinkage is %g; 0 to 1 was expected", shrinkage);
    if (!kin_check_finite(set.data, set.count, set.dim, "whitening", err)) return false;
    fitting f = {.set = set};
    if (fit(out, &f, shrinkage, err)) return true;
    kin_whitening_free(out);
    return false;
}

bool kin_whitening_apply(const kin_whitening *w, kin_vectors set, float *out, kin_error *err)
{
    if (set.dim != w->in)
        return kin_fail(err, KIN_ERR_ARGUMENT, "whitening was fitted on %lld dimensions, the vectors have %lld", (long long)w->in, (long long)set.dim);
    kin_gemm_args args = {.m = ROWS, .n = w->out, .k = w->in, .a = {NULL, w->in, 1}, .b = {w->projection, 1, w->in}, .ldc = w->out};
    float *centred = kin_alloc_array((size_t)w->in, ROWS * sizeof(float));
    void *workspace = kin_alloc(kin_gemm_workspace(&args));
    bool ok = centred && workspace;
    for (int64_t first = 0; ok && first < set.count; first += ROWS) {
        args.m = set.count - first < ROWS ? set.count - first : ROWS;
        args.a.data = centred;
        args.c = out + first * w->out;
        centre(set, first, args.m, w->mean, centred);
        kin_gemm(&args, workspace);
    }
    kin_free(centred), kin_free(workspace);
    if (!ok) return kin_fail_memory(err, "whitening", (unsigned long long)w->in * ROWS * sizeof(float));
    return kin_normalize_rows(out, set.count, w->out, "whitening", err);
}
