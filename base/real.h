/* The number that everything in kernels/ and above computes with: float, or double in the build that
 * the gradient checks use (-DKIN_DOUBLE). */
#ifndef KIN_BASE_REAL_H
#define KIN_BASE_REAL_H

#ifdef KIN_DOUBLE
typedef double kin_real;
#define KIN_REAL_NAME "float64"
#else
typedef float kin_real;
#define KIN_REAL_NAME "float32"
#endif

#endif
