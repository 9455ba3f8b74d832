/* Ensembles: several models' opinions on the same queries and the same gallery, made into one ranking.
 * Whatever the models give (distances, standardised distances, ranks), it becomes a table of candidates
 * with one number of each model, smaller is nearer, and the ensemble is their weighted sum. */
#ifndef KIN_RETRIEVAL_DESCRIBE_FUSE_H
#define KIN_RETRIEVAL_DESCRIBE_FUSE_H

#include "retrieval/judge/metrics.h"
#include "retrieval/lists/ranks.h"
#include "retrieval/search/search.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { KIN_FUSE_SETS = 16 };

/* What each model says of each candidate. */
typedef struct kin_fusion {
    int sets;
    int64_t queries, gallery;
    int64_t shortest; /* candidates of the query that has the fewest */
    int64_t *offset;  /* [queries + 1]: candidates of query q are offset[q] .. offset[q+1] - 1, by index */
    int32_t *index;   /* gallery rows */
    float *term;      /* [candidates, sets] */
} kin_fusion;

typedef enum {
    KIN_FUSE_RAW = 0, /* the distances: 1 − s for cosine, squared Euclid, −s for inner products */
    /* of each query and model (d − mean)/deviation over the query's candidates: models' scales no longer
     * matter */
    KIN_FUSE_STANDARDISED,
    /* −1/(constant + rank) on each model's list, 0 beyond it: reciprocal rank fusion (Cormack, Clarke,
     * Büttcher 2009) */
    KIN_FUSE_RECIPROCAL,
} kin_fuse_by;

typedef struct kin_fuse_opt {
    kin_fuse_by by;
    /* of each model: its nearest so many; what is a candidate of one is a candidate of all */
    int64_t candidates;
    kin_metric metric;
    double constant;     /* of reciprocal rank fusion; 0 means 60 */
    bool leave_one_out;  /* `query` is ignored; every gallery item among the others */
    const int64_t *self; /* NULL, or [queries]: the gallery row that query q is and does not find, -1: none */
    kin_progress progress;
} kin_fuse_opt;

/* From `sets` models' vectors (1 .. KIN_FUSE_SETS), of any dimensions: row i is the same picture in all of
 * them. */
bool kin_fusion_vectors(const kin_vectors *query, const kin_vectors *gallery, int sets,
                        const kin_fuse_opt *opt, kin_fusion *out, kin_error *err);

/* From the ranking lists of `sets` models (1 .. KIN_FUSE_SETS), all of the same queries, by reciprocal rank fusion
 * with `constant` (0 means 60). No item may stand in a list twice. */
bool kin_fusion_lists(const kin_ranks *lists, int sets, int64_t gallery, double constant, kin_fusion *out,
                      kin_error *err);
void kin_fusion_free(kin_fusion *f);

/* Lists of the best k (1 .. f->shortest) by Σ_s weight[s]·term, ties by index; out->value holds the sum. */
bool kin_fusion_order(const kin_fusion *f, const double *weight, int64_t k, kin_neighbours *out,
                      kin_error *err);

/* The weights, of sum 1, with the largest mAP over lists of k: the best of a coarse grid, then steps
 * between pairs of weights that halve down to 1/256. `judged` says what is relevant; its lists are
 * ignored. Writes weight[sets] and the figures with them. */
bool kin_fusion_fit(const kin_fusion *f, const kin_judged *judged, int64_t k, double *weight,
                    kin_metrics *best, kin_error *err);

/* One set of vectors out of several: unit rows times the root of their weight, side by side, again of unit
 * length; so the cosine of two rows is the weighted mean of the models' cosines. Weights are 0 or more,
 * not all 0. Writes [count, Σ dim] to `out`. */
bool kin_fuse_concat(const kin_vectors *sets, const double *weight, int n, float *out, kin_error *err);

#ifdef __cplusplus
}
#endif

#endif
