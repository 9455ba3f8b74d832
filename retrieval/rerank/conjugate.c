#include "retrieval/rerank/conjugate.h"

#include <string.h>

/* The functions below are expanded for lanes = 1 and KIN_CONJUGATE_LANES, so that the loops over lanes
 * have constant length. */

static inline void dots(const double *a, const double *b, int64_t rows, int lanes, double *out)
{
    for (int l = 0; l < lanes; l++) out[l] = 0;
    for (int64_t i = 0; i < rows; i++)
        for (int l = 0; l < lanes; l++) out[l] += a[i * lanes + l] * b[i * lanes + l];
}

/* q = (I − αS) p */
static inline void multiply(const kin_sparse *s, double alpha, const double *p, int lanes, double *q)
{
    for (int64_t i = 0; i < s->rows; i++) {
        double sum[KIN_CONJUGATE_LANES] = {0};
        for (int64_t e = s->offset[i]; e < s->offset[i + 1]; e++) {
            const double *row = p + (int64_t)s->column[e] * lanes;
            double value = s->value[e];
            for (int l = 0; l < lanes; l++) sum[l] += value * row[l];
        }
        for (int l = 0; l < lanes; l++) q[i * lanes + l] = p[i * lanes + l] - alpha * sum[l];
    }
}

static inline void solve(const kin_sparse *s, int lanes, const kin_conjugate_opt *opt, double *x, double *r,
                         double *p, double *q)
{
    double rho[KIN_CONJUGATE_LANES], enough[KIN_CONJUGATE_LANES], next[KIN_CONJUGATE_LANES],
        factor[KIN_CONJUGATE_LANES];
    size_t bytes = (size_t)s->rows * (size_t)lanes * sizeof *x;
    memset(x, 0, bytes);
    memcpy(p, r, bytes);
    dots(r, r, s->rows, lanes, rho);
    for (int l = 0; l < lanes; l++) enough[l] = opt->tolerance * opt->tolerance * rho[l];
    for (int round = 0; round < opt->iterations; round++) {
        bool open = false;
        for (int l = 0; l < lanes; l++) open = open || rho[l] > enough[l];
        if (!open) return;
        multiply(s, opt->alpha, p, lanes, q);
        dots(p, q, s->rows, lanes, factor);
        /* 0: this lane stays as it is */
        for (int l = 0; l < lanes; l++)
            factor[l] = rho[l] > enough[l] && factor[l] > 0 ? rho[l] / factor[l] : 0;
        for (int64_t i = 0; i < s->rows; i++)
            for (int l = 0; l < lanes; l++) {
                x[i * lanes + l] += factor[l] * p[i * lanes + l];
                r[i * lanes + l] -= factor[l] * q[i * lanes + l];
            }
        dots(r, r, s->rows, lanes, next);
        for (int l = 0; l < lanes; l++) {
            factor[l] = rho[l] > 0 ? next[l] / rho[l] : 0;
            rho[l] = next[l];
        }
        for (int64_t i = 0; i < s->rows; i++)
            for (int l = 0; l < lanes; l++)
                p[i * lanes + l] = r[i * lanes + l] + factor[l] * p[i * lanes + l];
    }
}

void kin_conjugate_gradients(const kin_sparse *s, int lanes, const kin_conjugate_opt *opt, double *x,
                             double *r, double *p, double *q)
{
    if (lanes == 1) solve(s, 1, opt, x, r, p, q);
    else solve(s, KIN_CONJUGATE_LANES, opt, x, r, p, q);
}
