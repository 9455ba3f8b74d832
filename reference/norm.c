/* Batch normalisation [Ioffe, Szegedy 2015], for each channel over the N rows of the batch:
 *
 *   μ = (1/N) Σ x      σ² = (1/N) Σ (x − μ)²      x̂ = (x − μ) / √(σ² + ε)      y = γ x̂ + β
 *
 * With g = ∂L/∂y,
 *
 *   ∂L/∂β = Σ g      ∂L/∂γ = Σ g x̂
 *
 * and, since each x moves μ and σ² too and with them every x̂ of the channel (∂x̂_j/∂x_i = (δ_ij − 1/N −
 * x̂_i x̂_j / N) / √(σ² + ε)),
 *
 *   ∂L/∂x = γ / √(σ² + ε) · (g − (1/N) Σ g − x̂ · (1/N) Σ g x̂)
 *
 * Held to this: kernels/norm.h, autograd/norm.c. */
#include "reference/norm.h"

#include <math.h>

static void statistics(const kin_real *x, int64_t rows, int64_t channels, int64_t c, double *mean,
                       double *variance)
{
    *mean = *variance = 0;
    for (int64_t r = 0; r < rows; r++) *mean += (double)x[r * channels + c] / (double)rows;
    for (int64_t r = 0; r < rows; r++)
        *variance += pow((double)x[r * channels + c] - *mean, 2) / (double)rows;
}

void kin_reference_norm_statistics(const kin_real *x, int64_t rows, int64_t channels, double *mean,
                                   double *variance)
{
    for (int64_t c = 0; c < channels; c++) statistics(x, rows, channels, c, mean + c, variance + c);
}

void kin_reference_norm_forward(const kin_real *x, const kin_real *gamma, const kin_real *beta,
                                const double *mean, const double *variance, double epsilon, int64_t rows,
                                int64_t channels, double *y)
{
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < channels; c++) {
            double hat = ((double)x[r * channels + c] - mean[c]) / sqrt(variance[c] + epsilon);
            y[r * channels + c] = (double)gamma[c] * hat + (double)beta[c];
        }
}

void kin_reference_norm_backward(const kin_real *x, const kin_real *gamma, const kin_real *dy, double epsilon,
                                 int64_t rows, int64_t channels, double *dx, double *dgamma, double *dbeta)
{
    for (int64_t c = 0; c < channels; c++) {
        double mean, variance, n = (double)rows;
        statistics(x, rows, channels, c, &mean, &variance);
        double deviation = sqrt(variance + epsilon);
        dgamma[c] = dbeta[c] = 0;
        for (int64_t i = c; i < rows * channels; i += channels) {
            dbeta[c] += (double)dy[i];
            dgamma[c] += (double)dy[i] * ((double)x[i] - mean) / deviation;
        }
        for (int64_t i = c; i < rows * channels; i += channels) {
            double hat = ((double)x[i] - mean) / deviation;
            dx[i] = (double)gamma[c] / deviation * ((double)dy[i] - dbeta[c] / n - hat * dgamma[c] / n);
        }
    }
}
