/* An auto-encoder that makes descriptors shorter: x [in] → code [dims] → x̂ [in].
 *
 *     code = P(x − m) + f(x)          x̂ = m + Pᵀ code + g(code)
 *
 * P and m begin as principal components and the mean, f and g as two-layer networks that give 0: so
 * training begins at PCA, the best linear auto-encoder (Baldi and Hornik 1989), and can only be kept where
 * it is better on rows that were held out. Trained on
 *     mean ‖x̂ − x‖² / mean ‖x − m‖²                                   reconstruction (1: nothing, 0: all)
 *   + similarity · mean over pairs of (cos(code_i, code_j) − cos(x_i − m, x_j − m))²
 *   + metric · [d(code, nearest of its class) − d(code, nearest of another) + .3]₊ over a batch, at unit length, with labels
 *     (Xuan et al. 2020),
 * so that near descriptors stay near in fewer dimensions. A code brought to unit length is the short
 * descriptor. */
#ifndef KIN_MODELS_AUTOENCODER_H
#define KIN_MODELS_AUTOENCODER_H

#include "nn/files/checkpoint.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kin_autoencoder kin_autoencoder;

typedef struct kin_autoencoder_opt {
    int64_t dims;   /* numbers in a code */
    int64_t hidden; /* numbers in f and g; 0: twice the code, at least 64 */
    double similarity, metric;
    /* [count]; NULL: none, and then `metric` says nothing. Below 0: this row has none; it is never an
     * anchor or a positive */
    const int *label;
    /* where it begins, e.g. kin_pca_fit's: [in], and [dims, in] of orthonormal rows */
    const kin_real *mean, *components;
    int64_t steps, batch; /* 0: 2,000 steps of 256 rows */
    double lr;            /* 0: .0001; Adam, falling to 0 by a cosine */
    /* the last share of the rows, one contiguous chunk: which steps are kept is decided on them. 0: none,
     * the last step is kept */
    double held_out;
    uint64_t seed;
    /* may be NULL; loss is of the held-out rows, NaN before the first. False stops */
    bool (*progress)(void *user, int64_t step, int64_t steps, double loss);
    void *user;
} kin_autoencoder_opt;

typedef struct kin_autoencoder_fit {
    int64_t step;
    double before, after; /* held-out loss at PCA, and of the step that was kept */
} kin_autoencoder_fit;

/* rows [count, in]. `fit` may be NULL. NULL on error. The result is a function of rows, options and seed alone. */
kin_autoencoder *kin_autoencoder_train(const kin_real *rows, int64_t count, int64_t in,
                                       const kin_autoencoder_opt *opt, kin_autoencoder_fit *fit,
                                       kin_error *err);
void kin_autoencoder_free(kin_autoencoder *a);
int64_t kin_autoencoder_in(const kin_autoencoder *a);
int64_t kin_autoencoder_dims(const kin_autoencoder *a);

/* Codes of `count` rows, [count, dims], not brought to unit length. */
bool kin_autoencoder_encode(kin_autoencoder *a, const kin_real *rows, int64_t count, kin_real *codes,
                            kin_error *err);
/* And back: [count, in]. */
bool kin_autoencoder_decode(kin_autoencoder *a, const kin_real *codes, int64_t count, kin_real *rows,
                            kin_error *err);

/* As safetensors. Refuses files that are none of these, by what is missing. */
bool kin_autoencoder_save(kin_autoencoder *a, const char *path, kin_error *err);
kin_autoencoder *kin_autoencoder_load(const char *path, kin_error *err);

#ifdef __cplusplus
}
#endif

#endif
