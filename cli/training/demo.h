/* The story that `kin demo` tells, in steps: draw a shop, train on some of its products, look for others. */
#ifndef KIN_CLI_TRAINING_DEMO_H
#define KIN_CLI_TRAINING_DEMO_H

#include "cli/training/watch.h"
#include "data/shop/synth.h"
#include "train/judge.h"

/* Products are drawn once and stand in three parts: to train on, to fit the parameters of re-ranking on,
 * and to be found. No product is in two of them. */
/* What a demo's checkpoints name as their data. */
#define KIN_DEMO_DATA "the shop that kin draws"

typedef struct kin_demo_shop {
    kin_pictures train, fit, test;
} kin_demo_shop;

enum { KIN_DEMO_RUNGS = 6 };
typedef enum {
    KIN_DEMO_PIXELS,
    KIN_DEMO_HISTOGRAM,
    KIN_DEMO_UNTRAINED,
    KIN_DEMO_EMBEDDING,
    KIN_DEMO_EXPANDED,
    KIN_DEMO_RERANKED
} kin_demo_rung;

/* What was fitted on products that are neither trained on nor tested. */
typedef struct kin_demo_fit {
    int64_t expand_n;
    double alpha;
    int64_t k1, k2;
    double lambda;
    double map; /* on the products it was fitted on */
} kin_demo_fit;

/* Descriptors of one part, as queries (the first views of each product) and gallery (the others). */
typedef struct kin_demo_split {
    float *query, *gallery; /* owned */
    int64_t queries, items, dim;
    int64_t *query_label, *gallery_label;     /* owned */
    int64_t *query_picture, *gallery_picture; /* which picture of the part; owned */
} kin_demo_split;

bool kin_demo_draw(kin_demo_shop *shop, uint64_t seed, kin_meter *meter, kin_error *err);
void kin_demo_shop_free(kin_demo_shop *shop);
int64_t kin_demo_pictures(void); /* how many kin_demo_draw draws */

/* `rows` are the part's descriptors, copied. */
bool kin_demo_split_new(kin_demo_split *s, const kin_pictures *part, const float *rows, int64_t dim,
                        kin_error *err);
void kin_demo_split_free(kin_demo_split *s);

/* Searches by cosine with the descriptors as they are, with expansion, or with re-ranking on top of it.
 * lists->k is the whole gallery. */
bool kin_demo_rank(const kin_demo_split *s, kin_demo_rung rung, const kin_demo_fit *fit,
                   kin_neighbours *lists, kin_error *err);
bool kin_demo_judge(const kin_demo_split *s, const kin_neighbours *lists, kin_metrics *m,
                    kin_scores *per_query, kin_error *err);
/* Tries a small grid and keeps what gives the best mAP. */
bool kin_demo_fit_ranking(const kin_demo_split *s, kin_demo_fit *fit, kin_error *err);

#endif
