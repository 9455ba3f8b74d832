/* Triplet losses on Euclidean distances of the rows as they are (not normalised). */
#ifndef KIN_LOSSES_TRIPLET_H
#define KIN_LOSSES_TRIPLET_H

#include "losses/pairs.h"

#ifdef __cplusplus
extern "C" {
#endif

/* d [n, n] → mean over the triplets of [d_ap − d_an + margin]₊. With `non_zero`, the mean is over the
 * triplets whose term is positive (batch-all); with none left the loss is 0. */
kin_tensor *kin_triplet_hinge(kin_tensor *d, const kin_triplets *t, double margin, bool non_zero);
/* d [n, n] → mean over the triplets of softplus(d_ap − d_an) [Hermans, Beyer, Leibe 2017]. */
kin_tensor *kin_triplet_soft_margin(kin_tensor *d, const kin_triplets *t);

/* The whole way from embeddings [n, d] and labels [n]; margin 0 means the soft margin for batch-hard. */
kin_tensor *kin_triplet_batch_hard(kin_tensor *embedding, const int *labels, double margin);
kin_tensor *kin_triplet_semi_hard(kin_tensor *embedding, const int *labels, double margin);
kin_tensor *kin_triplet_batch_all(kin_tensor *embedding, const int *labels, double margin);

#ifdef __cplusplus
}
#endif

#endif
