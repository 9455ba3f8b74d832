#include "retrieval/describe/whiten.h"

#include "base/memory.h"
#include "base/npy.h"
#include "kernels/gemm.h"
#include "retrieval/describe/expand.h"
#include "retrieval/describe/scatter.h"

#include <math.h>

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
        for (int64_t d = 0; d < set.dim; d++)
            out[i * set.dim + d] = (float)((double)kin_row(set, first + i)[d] - mean[d]);
}

typedef struct around {
    kin_vectors set;
    const double *mean;
} around;

static void centred_row(const void *arg, int64_t i, float *x)
{
    const around *c = arg;
    for (int64_t d = 0; d < c->set.dim; d++) x[d] = (float)((double)kin_row(c->set, i)[d] - c->mean[d]);
}

static void fit_mean(kin_vectors set, double *mean)
{
    for (int64_t d = 0; d < set.dim; d++) mean[d] = 0;
    for (int64_t i = 0; i < set.count; i++)
        for (int64_t d = 0; d < set.dim; d++) mean[d] += (double)kin_row(set, i)[d];
    for (int64_t d = 0; d < set.dim; d++) mean[d] /= (double)set.count;
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

/* shrinkage < 0: no division. */
static bool project(kin_whitening *w, const double *values, const double *vectors, double shrinkage,
                    int64_t dims, int64_t rows, kin_error *err)
{
    double sum = 0;
    w->rank = kin_scatter_rank(values, w->in, rows);
    for (int64_t i = 0; i < w->in; i++) sum += fmax(0, values[i]);
    if (!(sum > 0))
        return kin_fail(err, KIN_ERR_NUMERIC, "whitening: all rows are equal, there is nothing to fit");
    if (shrinkage == 0 && dims > w->rank)
        return kin_fail(
            err, KIN_ERR_NUMERIC,
            "whitening: %lld rows differ in only %lld directions by more than rounding, and %lld were "
            "asked for; a shrinkage above 0 keeps all (0.5 is the usual one)",
            (long long)rows, (long long)w->rank, (long long)dims);
    if (shrinkage == 0 && !dims) w->out = w->rank;
    for (int64_t d = 0; d < w->out; d++) {
        double variance = d < w->rank ? values[d] : 0, mean = sum / (double)w->in;
        store_direction(w, d, vectors + d * w->in, values[d],
                        shrinkage < 0 ? 1 : (1 - shrinkage) * variance + shrinkage * mean);
    }
    return true;
}

static bool fit(kin_whitening *w, kin_vectors set, int64_t dims, double shrinkage, kin_error *err)
{
    size_t n = (size_t)w->in, kept = (size_t)w->out;
    double *vectors = kin_alloc_array(n, n * sizeof(double)), *values = kin_alloc_array(n, sizeof(double)),
           *covariance = kin_alloc_array(n, n * sizeof(double));
    w->mean = kin_alloc_array(n, sizeof(double));
    w->variance = kin_alloc_array(kept, sizeof(float));
    w->projection = kin_alloc_array(kept, n * sizeof(float));
    bool ok = vectors && values && covariance && w->mean && w->variance && w->projection
                  ? true
                  : kin_fail_memory(err, "whitening", (unsigned long long)(n * n) * 20);
    if (ok) {
        fit_mean(set, w->mean);
        around rows = {set, w->mean};
        ok = kin_scatter(set.count, set.dim, centred_row, &rows, (double)(set.count - 1), covariance, err) &&
             kin_symmetric_eigen(covariance, w->in, values, vectors, err) &&
             project(w, values, vectors, shrinkage, dims, set.count, err);
    }
    kin_free(vectors), kin_free(values), kin_free(covariance);
    return ok;
}

static bool check_and_fit(kin_vectors set, int64_t dims, double shrinkage, kin_whitening *out, kin_error *err)
{
    *out = (kin_whitening){.in = set.dim, .out = dims ? dims : set.dim};
    if (set.count < 2)
        return kin_fail(err, KIN_ERR_ARGUMENT, "whitening: fitted on %lld rows; at least 2 were expected",
                        (long long)set.count);
    if (dims < 0 || dims > set.dim)
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "whitening: %lld dimensions were asked for; 1 to %lld was expected", (long long)dims,
                        (long long)set.dim);
    if (!kin_check_finite(set.data, set.count, set.dim, "whitening", err)) return false;
    if (fit(out, set, dims, shrinkage, err)) return true;
    kin_whitening_free(out);
    return false;
}

bool kin_whitening_fit(kin_vectors set, int64_t dims, double shrinkage, kin_whitening *out, kin_error *err)
{
    *out = (kin_whitening){0};
    if (!(shrinkage >= 0 && shrinkage <= 1))
        return kin_fail(err, KIN_ERR_ARGUMENT, "whitening: shrinkage is %g; 0 to 1 was expected", shrinkage);
    return check_and_fit(set, dims, shrinkage, out, err);
}

bool kin_pca_fit(kin_vectors set, int64_t dims, kin_whitening *out, kin_error *err)
{
    return check_and_fit(set, dims, -1, out, err);
}

bool kin_whitening_apply(const kin_whitening *w, kin_vectors set, float *out, kin_error *err)
{
    if (set.dim != w->in)
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "whitening was fitted on %lld dimensions, the vectors have %lld", (long long)w->in,
                        (long long)set.dim);
    kin_gemm_args args = {.m = ROWS,
                          .n = w->out,
                          .k = w->in,
                          .a = {NULL, w->in, 1},
                          .b = {w->projection, 1, w->in},
                          .ldc = w->out};
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
