/* Groups without labels: descriptors that are of one thing.
 *
 * Distances between descriptors mean different things in different places: where the gallery is dense,
 * strangers are near. What two descriptors' mutual neighbours have in common does not depend on that: their
 * Jaccard distance, of k-reciprocal re-ranking (retrieval/rerank/rerank.h), is 1 where they share none.
 * Clusters are merged, the nearest first, by the mean of these distances over all pairs between them (average
 * linkage), until no two are nearer than `apart`; a pair that is in neither's list counts as 1. Nothing has
 * to know how many clusters there are. */
#ifndef KIN_RETRIEVAL_CLUSTER_CLUSTER_H
#define KIN_RETRIEVAL_CLUSTER_CLUSTER_H

#include "retrieval/search/search.h"

typedef struct kin_cluster_opt {
    /* as in re-ranking; k1 0: 10, in small sets a twentieth of the rows, 3 at least; k2 0: two fifths of
     * k1 */
    int64_t k1, k2;
    double apart; /* of clusters that stay apart, at most 1; 0: .96 */
    kin_progress progress;
} kin_cluster_opt;

/* group [v.count] receives each row's cluster, the largest first (of equal ones the one with the first row);
 * returns their number, or -1. `opt` may be NULL. Bit-identical for any number of threads. */
int64_t kin_cluster(kin_vectors v, const kin_cluster_opt *opt, int64_t *group, kin_error *err);

/* How alike two items are, 0 < value. */
typedef struct kin_cluster_link {
    int64_t a, b; /* a < b, each pair once */
    double value;
} kin_cluster_link;

/* Average linkage of n items: pairs without a link have a value of 0; clusters whose mean is below `least`
 * stay apart. Of equal means the one of the older clusters is merged first. */
int64_t kin_cluster_average(int64_t n, const kin_cluster_link *link, int64_t links, double least,
                            int64_t *group, kin_error *err);

/* How two groupings of n items agree; label < 0: the item does not count, group < 0: it is a group of its
 * own. */
typedef struct kin_agreement {
    double nmi;                  /* mutual information over the mean of both entropies */
    double ari;                  /* the Rand index, 0 where chance alone would agree */
    double precision, recall, f; /* of pairs that are together */
    int64_t counted, groups, labels;
} kin_agreement;
bool kin_cluster_agreement(const int64_t *group, const int64_t *label, int64_t n, kin_agreement *out,
                           kin_error *err);

#endif
