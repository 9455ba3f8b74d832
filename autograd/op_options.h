/* Options of the built-in ops that are not those of their functions, for who reads the tape
 * (nn/files/onnx.c). */
#ifndef KIN_AUTOGRAD_OP_OPTIONS_H
#define KIN_AUTOGRAD_OP_OPTIONS_H

#include "autograd/ops.h"

typedef struct kin_norm_call {
    double epsilon;
    kin_act act;
    bool given; /* statistics are inputs 3 and 4 */
    bool add;   /* the last input is the residual */
    kin_real *mean_out, *var_out;
} kin_norm_call;

typedef struct kin_reduce_call {
    unsigned axes;
} kin_reduce_call; /* 0: all */
typedef struct kin_scale_call {
    double scale, shift;
} kin_scale_call;
typedef struct kin_slice_call {
    int64_t first, count;
} kin_slice_call;

#endif
