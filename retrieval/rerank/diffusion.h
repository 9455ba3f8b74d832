/* Diffusion: similarity spreads over the gallery's graph of mutual neighbours, so that what is reached
 * over a chain of alike items is found too. Iscen, Tolias, Avrithis, Furon, Chum, "Efficient diffusion on
 * region manifolds", CVPR 2017; the off-line form is that of Yang, Hinami, Matsui, Ly, Satoh, "Efficient
 * image retrieval via decoupling diffusion into online and offline processing", AAAI 2019. */
#ifndef KIN_RETRIEVAL_RERANK_DIFFUSION_H
#define KIN_RETRIEVAL_RERANK_DIFFUSION_H

#include "retrieval/search/search.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kin_diffusion_opt {
    int64_t k;  /* length of the final lists: 1 .. gallery size (one less when leaving one out) */
    int64_t kd; /* the graph: neighbours that must be mutual, the item itself counted */
    /* where a query enters: its nearest gallery items, itself counted when leaving one out */
    int64_t kq;
    double gamma;     /* A_ij = max(0, s_ij)^gamma, and the same for the entries of y */
    double alpha;     /* how far it spreads, 0 ≤ alpha < 1 */
    double tolerance; /* conjugate gradients end at |r| ≤ tolerance · |b| … */
    int iterations;   /* … or after so many */
    /* 0: one solve a query, on the whole graph. Else the off-line form: one solve a gallery item, on the
     * graph of its `truncation` nearest, itself counted; a query then costs a sparse product */
    int64_t truncation;
    /* `query` is ignored: every gallery item against the others, itself removed by index */
    bool leave_one_out;
    const int64_t *self; /* as in kin_rerank_opt; where it is known, diffusion starts from the item as well */
    kin_progress progress;
} kin_diffusion_opt;

/* The published settings. */
#define KIN_DIFFUSION_DEFAULTS \
    .kd = 50, .kq = 10, .gamma = 3, .alpha = 0.99, .tolerance = 1e-6, .iterations = 20

/* With A the mutual graph, D its degrees, S = D^−½ A D^−½ and y the query's similarities to its kq
 * nearest: lists by f, where (I − αS) f = y, largest first, ties by index; out->value holds f. Items that
 * nothing reaches follow by cosine, with the value 0. kd, kq and truncation are lowered to the gallery's
 * size. Queries enter neither the graph nor each other's lists. Rows need not be of unit length; zero rows
 * are refused. The result is bit-identical for any number of threads. */
bool kin_diffuse(kin_vectors query, kin_vectors gallery, const kin_diffusion_opt *opt, kin_neighbours *out,
                 kin_error *err);

#ifdef __cplusplus
}
#endif

#endif
