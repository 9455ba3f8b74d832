/* What follows the network in a retrieval, judged on what is held out: means over neighbours, k-reciprocal re-ranking.
 * The steps and their order are those of kin retrieve. */
#ifndef KIN_TRAIN_SWEEP_CHAIN_H
#define KIN_TRAIN_SWEEP_CHAIN_H

#include "retrieval/judge/metrics.h"
#include "retrieval/vectors.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kin_sweep_chain {
    bool used; /* false: the plain search */
    /* Every so manieth picture of a class asks, the first one first, and the others are the gallery; 0: each is looked
     * for among all others, as kin train does. */
    int64_t query_every;
    int64_t augment; /* the gallery's pictures become means over so many of it (needs query_every); 0: not */
    int64_t expand;  /* what is looked for becomes a mean over so many of the gallery; 0: not */
    double alpha;    /* of both means */
    int64_t k1, k2;  /* of the re-ranking; k1 0: none */
    double lambda;
} kin_sweep_chain;

/* rows [count, dim] of unit length, labels and cameras [count]. Settings that so few pictures do not allow are
 * KIN_ERR_ARGUMENT. */
bool kin_sweep_chain_judge(kin_vectors rows, const int64_t *labels, const int64_t *cameras,
                           const kin_sweep_chain *chain, kin_metrics *out, kin_error *err);

#ifdef __cplusplus
}
#endif

#endif
