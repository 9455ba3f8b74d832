/* The built-in ops, and those of their options that are not their functions', for who reads the tape
 * (nn/files/onnx_ops.c). */
#ifndef KIN_AUTOGRAD_OP_OPTIONS_H
#define KIN_AUTOGRAD_OP_OPTIONS_H

#include "autograd/op.h"
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

extern const kin_op kin_op_conv2d, kin_op_max_pool2d, kin_op_avg_pool2d, kin_op_batch_norm,
    kin_op_l2_normalize, kin_op_affine, kin_op_matmul, kin_op_add, kin_op_sub, kin_op_mul, kin_op_div,
    kin_op_scale, kin_op_relu, kin_op_relu6, kin_op_leaky_relu, kin_op_sigmoid, kin_op_tanh, kin_op_softplus,
    kin_op_silu, kin_op_gelu, kin_op_exp, kin_op_log, kin_op_sqrt, kin_op_square, kin_op_abs, kin_op_pow,
    kin_op_softmax, kin_op_log_softmax, kin_op_log_sum_exp, kin_op_sum, kin_op_mean, kin_op_max,
    kin_op_global_max_pool, kin_op_gem, kin_op_channel_pool, kin_op_gate, kin_op_add_weighted, kin_op_flatten,
    kin_op_reshape, kin_op_concat, kin_op_upsample, kin_op_adaptive_avg_pool, kin_op_slice, kin_op_slice_rows;

#endif
