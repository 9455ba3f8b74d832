/* Batch normalisation as a textbook has it: x is [rows, channels], packed; a row is a pixel of a picture of
 * the batch. Sums are in double. */
#ifndef KIN_REFERENCE_NORM_H
#define KIN_REFERENCE_NORM_H

#include "base/real.h"

#include <stdint.h>

/* The mean and the variance (by rows, not by rows − 1) of each channel. */
void kin_reference_norm_statistics(const kin_real *x, int64_t rows, int64_t channels, double *mean,
                                   double *variance);

/* y by given statistics: the batch's in training, the running ones in evaluation. */
void kin_reference_norm_forward(const kin_real *x, const kin_real *gamma, const kin_real *beta,
                                const double *mean, const double *variance, double epsilon, int64_t rows,
                                int64_t channels, double *y);

/* What flows back in training, where the statistics are x's own. */
void kin_reference_norm_backward(const kin_real *x, const kin_real *gamma, const kin_real *dy, double epsilon,
                                 int64_t rows, int64_t channels, double *dx, double *dgamma, double *dbeta);

#endif
