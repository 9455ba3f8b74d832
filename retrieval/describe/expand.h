/* Query expansion and database augmentation: a descriptor is replaced by a mean over its neighbours. */
#ifndef KIN_RETRIEVAL_DESCRIBE_EXPAND_H
#define KIN_RETRIEVAL_DESCRIBE_EXPAND_H

#include "retrieval/search/search.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kin_expand_opt {
    int64_t n; /* neighbours taken from the gallery */
    /* 0: plain mean (AQE, Chum et al. 2007); > 0: weights max(0, s)^alpha (αQE, Radenović et al. 2018) */
    double alpha;
    int repeats; /* how often; 0 means once. Each round searches with the vectors of the last */
    /* of kin_expand_queries: NULL, or [queries]: the gallery row that query q is, -1: none; it counts as the
     * query itself, not as a neighbour besides */
    const int64_t *self;
    kin_progress progress;
} kin_expand_opt;

/* q' = norm(q + Σ_{n nearest by cosine} w_j x_j) with x unit vectors; writes [query.count, dim] to `out`,
 * which may be query.data itself. */
bool kin_expand_queries(kin_vectors query, kin_vectors gallery, const kin_expand_opt *opt, float *out,
                        kin_error *err);

/* The same for a set searched in itself: the n vectors averaged are the vector itself (weight 1) and its n
 * − 1 nearest others. DBA for a gallery; with queries = gallery, both steps at once. `out` [set.count,
 * dim] must not be set.data. */
bool kin_expand_database(kin_vectors set, const kin_expand_opt *opt, float *out, kin_error *err);

/* Divides every row by its Euclidean norm, in place; a zero row is an error that names it and `name`. */
bool kin_normalize_rows(float *data, int64_t count, int64_t dim, const char *name, kin_error *err);

#ifdef __cplusplus
}
#endif

#endif
