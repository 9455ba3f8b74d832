/* Which kernel a shape is computed with, told to those who ask (KIN_VERBOSE=1 in the program). The choice
 * depends on shape and instruction set alone, so one line a shape says it for good. */
#ifndef KIN_KERNELS_TRACE_H
#define KIN_KERNELS_TRACE_H

#include "kernels/conv/shape.h"

/* `work` is "product", "convolution", "gradient of its input" or "gradient of its weights"; the texts are
 * borrowed for the call. */
typedef void kin_trace_fn(void *arg, const char *work, const char *shape, const char *kernel);

/* From now on `fn` is told before each kernel runs, on the thread that asked for it; NULL: nobody is,
 * which costs a test of a pointer a kernel. Not while kernels run. */
void kin_trace_kernels(kin_trace_fn *fn, void *arg);

/* ---- for the kernels ---- */
void kin_trace_conv(const char *work, const kin_conv_shape *s, const char *kernel);
void kin_trace_gemm(int64_t m, int64_t n, int64_t k, const char *kernel);

#endif
