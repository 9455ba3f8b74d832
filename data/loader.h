/* Batches made ready in advance, by threads of their own: pictures are read, decoded, changed and scaled
 * while the network computes. What a batch holds is a pure function of (seed, step): neither the number of
 * threads nor what is cached changes a bit of it. */
#ifndef KIN_DATA_LOADER_H
#define KIN_DATA_LOADER_H

#include "data/batch.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kin_loader kin_loader;

/* Which pictures make up batch `step`: writes their places in the set to index [most], and returns how
 * many; 0 ends. Called in order, by the thread that asks for batches. Returns −1 on failure (err says
 * why). */
typedef int64_t (*kin_loader_plan)(void *user, int64_t step, int64_t *index, kin_error *err);

/* Changes a decoded picture in place, given the key of (seed, step, picture); called by many threads at
 * once. The outcome has the loader's height, width and channels. */
typedef bool (*kin_loader_change)(const void *user, uint64_t key, kin_image *image, kin_error *err);

typedef struct kin_loader_opt {
    int64_t batch;            /* the most pictures in a batch */
    int size, across;         /* height and width of a picture in a batch; across 0: as high */
    int channels;             /* of it */
    int resize;               /* the plain way: the short side before the middle is cut out; 0: size */
    kin_filter filter;        /* for the plain way: short side to `size`, the middle cut out */
    kin_loader_change change; /* instead of the plain way; NULL: none */
    const void *change_user;
    uint64_t seed;
    kin_batch_opt scaling; /* any key but 0 turns its augmentation on; the step's key is made of `seed` */
    kin_loader_plan plan;
    void *plan_user;
    int64_t first_step;
    int workers;    /* threads; 0: as many as kin_threads(), and none at all when that is one */
    int ahead;      /* batches made ready in advance; 0: 4 */
    uint64_t cache; /* bytes of decoded pictures kept for the next time; 0: none */
    /* pictures for `change` are kept with their short side reduced to this; 0: whole */
    int cache_side;
    bool strict; /* a broken picture fails the batch; otherwise see below */
    /* a broken picture's place is taken by the next readable one of its class; otherwise it is black */
    bool substitute;
    kin_image_limits limits;
    /* asked between two pictures by the thread that waits for a batch; true: kin_loader_next fails with
     * KIN_ERR_INTERRUPTED; NULL: batches are always finished */
    bool (*stops)(void *user);
    void *stops_user;
} kin_loader_opt;

/* The set must outlive the loader. */
kin_loader *kin_loader_new(const kin_dataset *set, const kin_loader_opt *opt, kin_error *err);
void kin_loader_free(kin_loader *l);

/* Reads every picture once, on all cores: what is broken is then known (and refused when `strict`), and as
 * much as may be kept is in the cache. To be called before the first batch. `progress` (may be NULL) stops
 * it by returning false: KIN_ERR_INTERRUPTED. */
bool kin_loader_survey(kin_loader *l, bool (*progress)(void *user, int64_t done, int64_t total), void *user,
                       kin_error *err);

/* A batch belongs to the loader and lasts until the next call. */
typedef struct kin_loaded {
    int64_t step, count;
    const int64_t *index; /* [count]; a substitute's where one stands in */
    const float *pixels;  /* [count, size, size, channels] */
} kin_loaded;

/* The next batch in order; count 0 after the last one. Fails when the plan does, a broken picture is
 * refused or memory ends. */
bool kin_loader_next(kin_loader *l, kin_loaded *out, kin_error *err);

/* Pictures found broken so far; `first` (may be NULL) receives what the first of them, in the set's order,
 * says. */
int64_t kin_loader_broken(kin_loader *l, kin_error *first);
bool kin_loader_is_broken(kin_loader *l, int64_t picture);
/* Pictures read so far whose alpha was dropped from pixels that are not opaque: colours that nobody saw. */
int64_t kin_loader_hidden(kin_loader *l);

/* Seconds that kin_loader_next waited: what the loader cost the one who trains. */
double kin_loader_waited(const kin_loader *l);

#ifdef __cplusplus
}
#endif

#endif
