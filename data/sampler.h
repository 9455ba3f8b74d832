/* Which pictures make up a batch: a pure function of (seed, step), so that a resumed run goes on as if it
 * had never stopped. */
#ifndef KIN_DATA_SAMPLER_H
#define KIN_DATA_SAMPLER_H

#include "data/sets/dataset.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The pictures of each class, class after class. Owned; kin_sampler_free. */
typedef struct kin_sampler {
    int64_t count;
    int classes;
    int64_t *by_class;         /* [count] */
    int64_t *first;            /* [classes + 1] */
    int64_t *filled, n_filled; /* [classes] those that have pictures */
    int64_t *order;            /* scratch, the larger of count and classes */
    int64_t *class_order;      /* scratch [classes] */
} kin_sampler;

/* Of `count` pictures, borrowed while it is made. Labels must lie in 0 .. classes-1: fails on a picture without a class.
 * Free it with kin_sampler_free. */
bool kin_sampler_new(const kin_sample *items, int64_t count, int classes, kin_sampler *out, kin_error *err);
void kin_sampler_free(kin_sampler *s);

/* P classes with K pictures each [Hermans, Beyer, Leibe 2017]: every pass over the classes is shuffled;
 * the K are drawn without repetition where the class has that many. A class of n < K pictures is drawn
 * whole, again and again in the same order, until K are there: some of its pairs are then a picture with
 * itself, which teach nothing and hurt nothing. Fails when there are fewer than P classes. out [P·K],
 * class after class. */
bool kin_sampler_pk(kin_sampler *s, int p, int k, uint64_t seed, int64_t step, int64_t *out, kin_error *err);
/* A shuffled pass over all pictures, n at a time (the last, shorter batch of a pass is left out). Fails
 * when n > count. */
bool kin_sampler_plain(kin_sampler *s, int n, uint64_t seed, int64_t step, int64_t *out, kin_error *err);
/* Classes take turns, each pass over them shuffled, so that every class is equally often there however
 * many pictures it has; a class's pictures come in shuffled rounds, none twice before all of them have
 * come. For sets in which some classes have many more pictures than others. */
void kin_sampler_balanced(kin_sampler *s, int n, uint64_t seed, int64_t step, int64_t *out);

#ifdef __cplusplus
}
#endif

#endif
