/* Attention on a map [n, h, w, c]: functions that weigh its channels or pixels and return a map of the
 * same shape. Each makes its parameters in the scope it is given, under the names of the reference
 * implementations, so that their checkpoints load. `opt` may be NULL for the paper's values; all return
 * NULL after an error and pass NULL through.
 *
 * Taps are pointers to a tensor of the caller's, set to what the map was weighed with; it lives as long as
 * the forward's tape. The same can be had by path (kin_module_tapped): SCOPE is the result, SCOPE.input
 * what came in, SCOPE.gate, SCOPE.ChannelGate, SCOPE.SpatialGate and SCOPE.weights what it was weighed
 * with. */
#ifndef KIN_NN_ATTENTION_H
#define KIN_NN_ATTENTION_H

#include "nn/module.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Squeeze and excitation [Hu et al. 2018]: x·σ(W₂ ReLU(W₁ mean(x))), with biases. Parameters as
 * torchvision's SqueezeExcitation: fc1 and fc2, 1×1 convolutions. */
typedef struct kin_se_opt {
    int64_t reduction; /* channels between: c / reduction, at least 1; 0: 16 */
    int64_t squeeze;   /* or their number itself */
    bool silu;         /* x·σ(x) instead of ReLU, as EfficientNet has it */
    bool hard;         /* min(max(x + 3, 0), 6)/6 instead of σ, as MobileNetV3 has it */
    kin_tensor **gate; /* tap: [n, 1, 1, c] */
} kin_se_opt;
kin_tensor *kin_se(kin_scope *s, kin_tensor *x, const kin_se_opt *opt);

/* Efficient channel attention [Wang et al. 2020]: x·σ(mean(x) ⋆ w), one filter w of k taps along the
 * channels, zeros beyond both ends, no bias. Parameter: conv.weight [1, 1, k]. */
typedef struct kin_eca_opt {
    int64_t kernel;    /* odd; 0: by kin_eca_kernel */
    kin_tensor **gate; /* tap: [n, c] */
} kin_eca_opt;
kin_tensor *kin_eca(kin_scope *s, kin_tensor *x, const kin_eca_opt *opt);
int64_t kin_eca_kernel(int64_t channels); /* ⌊log₂(c)/2 + ½⌋, or one more where that is even */

/* Convolutional block attention [Woo et al. 2018]: first the channels, x' = x·σ(MLP(mean(x)) +
 * MLP(max(x))) with one MLP c → c/reduction → c, then the pixels, x'·σ(BN(w ⋆ [max; mean over channels of
 * x'])), w of 7×7. Parameters as in Jongchan/attention-module: ChannelGate.mlp.1, ChannelGate.mlp.3,
 * SpatialGate.spatial.conv, SpatialGate.spatial.bn. */
typedef struct kin_cbam_opt {
    int64_t reduction;    /* 0: 16 */
    int64_t kernel;       /* odd; 0: 7 */
    bool no_spatial;      /* the channels only */
    kin_tensor **channel; /* tap: [n, c] */
    kin_tensor **spatial; /* tap: [n, h, w, 1] */
} kin_cbam_opt;
kin_tensor *kin_cbam(kin_scope *s, kin_tensor *x, const kin_cbam_opt *opt);

/* Self channel attention, the channel module of DANet [Fu et al. 2019]: with X [c, h·w], E = X Xᵀ, A =
 * softmax over rows of (rowmax(E) − E), y = γ·(A X) + x. γ starts at 0, so that a pre-trained network
 * begins unchanged; at γ = 0 A receives no gradient. Unlike channels get the weight. Costs 2·c²·h·w
 * multiply-adds: `reduce` lowers c first. Parameters: gamma [1], and with `reduce` the 1×1 convolutions
 * reduce and expand, without biases. */
typedef struct kin_sca_opt {
    int64_t reduce; /* channels that attend to one another; 0: all of x's */
    double scale;   /* of E, which grows with h·w and saturates the softmax; 0: 1, DANet's */
    /* tap: mean entropy of A's rows as a share of log c, 1 where all weigh alike, 0 where each row sees
     * one channel */
    double *entropy;
    kin_tensor **weights; /* tap: A [n, c, c] */
} kin_sca_opt;
kin_tensor *kin_sca(kin_scope *s, kin_tensor *x, const kin_sca_opt *opt);
/* In training the entropy, of at most some hundreds of A's rows, is also the tap SCOPE.entropy [1]. This
 * is the lowest of the last forward's, all places of self channel attention together: the softmax that has
 * come nearest to seeing one channel only. −1 when there is none. */
double kin_sca_lowest_entropy(const kin_module *m);

/* The same by name: "se", "eca", "cbam", "sca", each with its paper's values. An unknown name is an error. */
kin_tensor *kin_attention(kin_scope *s, kin_tensor *x, const char *kind);

/* What kin_attention(kind) adds to one map of h × w × c, by a dry run. Multiply-adds are those of products
 * and convolutions, as in nn/summary.h; pooling and gates, a few operations for each number of the map,
 * are not counted. */
typedef struct kin_attention_cost {
    int64_t parameters;
    double macs;
} kin_attention_cost;
bool kin_attention_costs(const char *kind, int64_t h, int64_t w, int64_t c, kin_attention_cost *out,
                         kin_error *err);

#ifdef __cplusplus
}
#endif

#endif
