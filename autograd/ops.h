/* The built-in ops. All return NULL after an error, and pass NULL through. Shapes are NHWC. */
#ifndef KIN_AUTOGRAD_OPS_H
#define KIN_AUTOGRAD_OPS_H

#include "autograd/op.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- convolution and pooling (conv.c, pool.c) ---- */

typedef struct kin_conv2d_pads {
    int64_t top, left, bottom, right;
} kin_conv2d_pads;
typedef struct kin_conv2d_opt {
    int64_t stride, pad, dilation, groups; /* stride, dilation, groups: 0 means 1 */
    kin_conv2d_pads pads;                  /* asymmetric padding instead of pad, when any is set */
} kin_conv2d_opt;
/* x [n, h, w, c] ⋆ w [kh, kw, c/groups, o] + b [o] → [n, oh, ow, o]; b may be NULL. */
kin_tensor *kin_conv2d(kin_tensor *x, kin_tensor *w, kin_tensor *b, const kin_conv2d_opt *opt);

typedef struct kin_pool2d_opt {
    int64_t kernel, stride, pad; /* stride 0 means kernel */
    bool exclude_pad;            /* averages: divide by the pixels inside only */
} kin_pool2d_opt;
/* Maxima or averages of windows, [n, h, w, c] → [n, ⌊(h + 2·pad − kernel)/stride⌋ + 1, …, c]; what is padded is never a
 * maximum. */
kin_tensor *kin_max_pool2d(kin_tensor *x, const kin_pool2d_opt *opt);
kin_tensor *kin_avg_pool2d(kin_tensor *x, const kin_pool2d_opt *opt);
/* Means of windows that share out the map, [n, h, w, c] → [n, height, width, c]: output i of o sees pixels ⌊i·h/o⌋ to
 * ⌈(i + 1)·h/o⌉ − 1, as PyTorch's AdaptiveAvgPool2d (resample.c). */
kin_tensor *kin_adaptive_avg_pool2d(kin_tensor *x, int64_t height, int64_t width);
/* Each pixel becomes factor × factor (nearest neighbour), [n, h, w, c] → [n, h·factor, w·factor, c] (resample.c). */
kin_tensor *kin_upsample(kin_tensor *x, int64_t factor);
/* [n, h, w, c] → [n, c] */
kin_tensor *kin_global_avg_pool(kin_tensor *x);
kin_tensor *kin_global_max_pool(kin_tensor *x);
/* [n, h, w, c] → [n, h, w, 2]: the largest of each pixel's channels, and their mean. */
kin_tensor *kin_channel_pool(kin_tensor *x);
/* Generalised mean (mean max(x, 1e-6)^p)^{1/p} with p [1] (gem.c). */
kin_tensor *kin_gem_pool(kin_tensor *x, kin_tensor *p);

/* ---- normalisation (norm.c) ---- */

typedef enum { KIN_LINEAR = 0, KIN_RELU, KIN_RELU6 } kin_act;
typedef struct kin_batch_norm_opt {
    double epsilon;  /* added to the variance */
    kin_act act;     /* of the sum with `add` */
    kin_tensor *add; /* of x's shape; may be NULL */
} kin_batch_norm_opt;
/* act(γ·(x − μ)/√(σ² + ε) + β + add) with the batch's own statistics over all rows (Ioffe and Szegedy 2015). They are
 * written to mean_out and var_out [c] (biased), both may be NULL. */
kin_tensor *kin_batch_norm_train(kin_tensor *x, kin_tensor *gamma, kin_tensor *beta,
                                 const kin_batch_norm_opt *opt, kin_real *mean_out, kin_real *var_out);
/* The same with given statistics. */
kin_tensor *kin_batch_norm_eval(kin_tensor *x, kin_tensor *gamma, kin_tensor *beta, kin_tensor *mean,
                                kin_tensor *var, const kin_batch_norm_opt *opt);
/* kin_batch_norm_eval, which must be without `add`, and the means of its kernel × kernel pixels, in one pass through
 * which no gradient flows (pool.c). */
kin_tensor *kin_batch_norm_eval_avg_pool(kin_tensor *x, kin_tensor *gamma, kin_tensor *beta, kin_tensor *mean,
                                         kin_tensor *var, const kin_batch_norm_opt *opt, int64_t kernel);
/* Each row divided by its Euclidean norm, at least 1e-12. */
kin_tensor *kin_l2_normalize(kin_tensor *x);

/* ---- products and distances (matmul.c, distance.c) ---- */

/* x [.., in] · w[out, in]ᵀ + b [out] → [.., out]; b may be NULL. */
kin_tensor *kin_affine(kin_tensor *x, kin_tensor *w, kin_tensor *b);
typedef struct kin_matmul_opt {
    bool transpose_a, transpose_b;
} kin_matmul_opt;
/* [.., m, k] · [.., k, n] → [.., m, n]; the leading axes are equal or absent in b. `opt` may be NULL. */
kin_tensor *kin_matmul(kin_tensor *a, kin_tensor *b, const kin_matmul_opt *opt);
/* Euclidean distances of rows, a [n, d], b [m, d] → [n, m]: √max(d², 1e-12), or d² itself. */
kin_tensor *kin_distance(kin_tensor *a, kin_tensor *b);
kin_tensor *kin_distance_squared(kin_tensor *a, kin_tensor *b);

/* ---- element-wise (activation.c, arith.c) ---- */

/* Of the same shape, number by number. */
kin_tensor *kin_relu(kin_tensor *x);
kin_tensor *kin_relu6(kin_tensor *x);
kin_tensor *kin_leaky_relu(kin_tensor *x); /* slope .01 */
kin_tensor *kin_sigmoid(kin_tensor *x);
kin_tensor *kin_tanh(kin_tensor *x);
kin_tensor *kin_softplus(kin_tensor *x); /* log(1 + eˣ) */
kin_tensor *kin_silu(kin_tensor *x);     /* x·σ(x) */
kin_tensor *kin_gelu(kin_tensor *x);     /* exact, with erf */
/* exp, ln, √, x², |x|, x·scale + shift, x^exponent. */
kin_tensor *kin_exp(kin_tensor *x);
kin_tensor *kin_log(kin_tensor *x);
kin_tensor *kin_sqrt(kin_tensor *x);
kin_tensor *kin_square(kin_tensor *x);
kin_tensor *kin_abs(kin_tensor *x);
kin_tensor *kin_scale(kin_tensor *x, double scale, double shift); /* x·scale + shift */
kin_tensor *kin_pow(kin_tensor *x, double exponent);
/* NumPy's broadcasting, up to four axes. */
kin_tensor *kin_add(kin_tensor *a, kin_tensor *b);
kin_tensor *kin_sub_tensor(kin_tensor *a, kin_tensor *b);
kin_tensor *kin_mul(kin_tensor *a, kin_tensor *b);
kin_tensor *kin_div(kin_tensor *a, kin_tensor *b);

/* x [n, h, w, c] times a gate of its channels, [n, c] or [n, 1, 1, c], or of its pixels, [n, h, w, 1]
 * (gate.c). */
kin_tensor *kin_gate(kin_tensor *x, kin_tensor *gate);
/* x + weight·b with weight [1]. */
kin_tensor *kin_add_weighted(kin_tensor *x, kin_tensor *b, kin_tensor *weight);

/* Zeroes with probability p, scales the rest by 1/(1−p); `key` decides which. */
kin_tensor *kin_dropout_keyed(kin_tensor *x, double p, uint64_t key);

typedef struct kin_rectangle {
    int64_t top, left, height, width; /* in pixels of the map */
} kin_rectangle;
/* x [n, h, w, c] with zeros in the rectangle, the same one for all pictures and channels (erase.c). */
kin_tensor *kin_erase(kin_tensor *x, const kin_rectangle *rectangle);

/* ---- shape (shape.c) ---- */

/* The same numbers in memory's order under another shape of as many. */
kin_tensor *kin_reshape(kin_tensor *x, kin_shape shape);
/* [n, h, w, c] → [n, c·h·w] in PyTorch's order (channel by channel), so that its linear layers load as
 * they are. */
kin_tensor *kin_flatten(kin_tensor *x);
kin_tensor *kin_concat(kin_tensor *const *xs, int count); /* along channels */
/* The same as concat of x and `added`; x is not copied if it has come from kin_concat_reserve or kin_concat_append, has room
 * for the channels left, and was not grown before: then the result lies in x's memory (grow.c). Begins
 * with a copy of x in rows with room for so many channels in all. */
kin_tensor *kin_concat_reserve(kin_tensor *x, int64_t channels);
kin_tensor *kin_concat_append(kin_tensor *x, kin_tensor *added);
/* channels first .. first+count-1: a view */
kin_tensor *kin_slice(kin_tensor *x, int64_t first, int64_t count);
kin_tensor *kin_slice_rows(kin_tensor *x, int64_t first, int64_t count); /* along the first axis */
/* Picks x[row[i], column[i]] from a matrix → [count]. */
kin_tensor *kin_gather(kin_tensor *x, const int64_t *rows, const int64_t *columns, int64_t count);

/* ---- reductions (reduce.c) ---- */

/* Over the axes whose bits are set (bit 0 is the first axis; 0 means all); reduced axes stay as 1, except
 * that reducing all gives [1]. */
kin_tensor *kin_sum(kin_tensor *x, unsigned axes);
kin_tensor *kin_mean(kin_tensor *x, unsigned axes);
kin_tensor *kin_max(kin_tensor *x, unsigned axes); /* the gradient goes to the first of equal maxima */

/* ---- softmax (softmax.c) ---- */

kin_tensor *kin_softmax(kin_tensor *x); /* over channels */
/* of scale·x, which may turn the order around */
kin_tensor *kin_softmax_scaled(kin_tensor *x, double scale);
kin_tensor *kin_log_softmax(kin_tensor *x);
kin_tensor *kin_log_sum_exp(kin_tensor *x); /* [.., c] → [.., 1] */
/* Mean over rows of −Σ target·log softmax(logits) with target (1 − ε)·onehot + ε/classes. labels [n] in 0
 * .. classes-1. */
kin_tensor *kin_cross_entropy(kin_tensor *logits, const int *labels, double smoothing);

#ifdef __cplusplus
}
#endif

#endif
