/* The number that everything in kernels/ and above computes with: float, or double in the build that
 * the gradient checks use (-DKIN_DOUBLE). */
#ifndef KIN_BASE_REAL_H
#define KIN_BASE_REAL_H

/* Weights, descriptors and indices are little-endian files that are mapped and read where they lie: elsewhere
 * wrong numbers would be read without a word. */
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#error \
    "kin is for little-endian machines: its files are read as they lie in memory, and this machine is big-endian"
#endif

#ifdef KIN_DOUBLE
typedef double kin_real;
#define KIN_REAL_NAME "float64"
/* Objects and libraries of different precisions do not link, instead of reading each other's numbers wrongly: what nearly
 * every program calls has another name in double. */
#define kin_ctx_new kin_ctx_new_double
#define kin_data kin_data_double
#define kin_out kin_out_double
#define kin_module_new kin_module_new_double
#else
typedef float kin_real;
#define KIN_REAL_NAME "float32"
#endif

#endif
