/* Which rows belong together, which are compared, and the triplets that miners choose among them. */
#ifndef KIN_LOSSES_PAIRS_H
#define KIN_LOSSES_PAIRS_H

#include "autograd/ops.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- pairs ---- */

enum { KIN_PAIR_NONE = 0, KIN_PAIR_POSITIVE = 1, KIN_PAIR_NEGATIVE = -1 };

/* Anchors against what they are compared with. Owned; kin_pairs_free. */
typedef struct kin_pairs {
    int64_t n, m;
    signed char *kind; /* [n, m]: of one class, of two, or not compared */
} kin_pairs;

/* All pairs, but for row i and the other row (own + i) modulo m, its own copy; own −1: none is left out. */
bool kin_pairs_new(kin_pairs *p, const int *labels, int64_t n, const int *other_labels, int64_t m,
                   int64_t own, kin_error *err);
void kin_pairs_free(kin_pairs *p);
static inline int kin_pair(const kin_pairs *p, int64_t i, int64_t j) { return p->kind[i * p->m + j]; }
int64_t kin_pairs_count(const kin_pairs *p, int kind);

/* The miner of multi-similarity [Wang et al. 2019], by similarities s [n, m]: a positive pair stays where
 * it is less alike than the anchor's most similar negative plus ε, a negative one where it is more alike
 * than the least similar positive less ε. Anchors without a positive or without a negative keep none. */
void kin_mine_multi_similarity(kin_tensor *s, double epsilon, kin_pairs *p);

/* ---- triplets ---- */

/* Triplets (anchor, positive, negative) as rows of the batch. Owned; kin_triplets_free. */
typedef struct kin_triplets {
    int64_t *anchor, *positive, *negative;
    int64_t count;
    size_t capacity;
} kin_triplets;
void kin_triplets_free(kin_triplets *t);
/* Adds one to a zeroed or grown list; false: no memory, and nothing is changed. */
bool kin_triplets_add(kin_triplets *t, int64_t anchor, int64_t positive, int64_t negative);

/* The miners look at the distances [n, m]; no gradient flows through the choice. Anchors without a positive
 * or without a negative are left out, so that there may be none: count is 0, and that is no error. False on
 * error (in the context of d): no memory, or d is not of the pairs' shape.
 *
 * Batch-hard [Hermans, Beyer, Leibe 2017]: for each anchor its farthest positive and its nearest negative. */
bool kin_mine_batch_hard(kin_tensor *d, const kin_pairs *p, kin_triplets *out);
/* Semi-hard [Schroff et al. 2015]: 0 < d_an − d_ap ≤ margin, all such triplets. */
bool kin_mine_semi_hard(kin_tensor *d, const kin_pairs *p, double margin, kin_triplets *out);
/* All triplets of the batch. */
bool kin_mine_batch_all(kin_tensor *d, const kin_pairs *p, kin_triplets *out);
/* Distance-weighted [Wu et al. 2017]: for each positive pair one negative of the anchor, drawn with a
 * probability that is inverse to how common its distance is among points spread over the unit sphere in
 * `dim` dimensions, from distances below `limit`; those below `cutoff` count as cutoff. `key` decides the
 * draws. */
bool kin_mine_distance_weighted(kin_tensor *d, const kin_pairs *p, int64_t dim, double cutoff, double limit,
                                uint64_t key, kin_triplets *out);
/* The probability of each negative [m] for one anchor, as above; all 0 where there is none to draw. */
void kin_distance_weights(kin_tensor *d, const kin_pairs *p, int64_t anchor, int64_t dim, double cutoff,
                          double limit, double *weight);

/* ---- what a loss has looked at ---- */

/* Either pairs or triplets. A zeroed one is ready; kin_mined_free. */
typedef struct kin_mined {
    kin_pairs pairs;
    kin_triplets triplets;
} kin_mined;
void kin_mined_free(kin_mined *m);
/* Take a copy; `mined` may be NULL, and what is there already stays. */
bool kin_mined_pairs(kin_mined *mined, const kin_pairs *p, kin_error *err);
bool kin_mined_triplets(kin_mined *mined, const kin_triplets *t, kin_error *err);

#ifdef __cplusplus
}
#endif

#endif
