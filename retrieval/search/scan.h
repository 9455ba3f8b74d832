/* The blocked pass under search and re-ranking: every row meets every item once, and what leaves is each
 * row's best k and, where asked for, its farthest item. */
#ifndef KIN_RETRIEVAL_SEARCH_SCAN_H
#define KIN_RETRIEVAL_SEARCH_SCAN_H

#include "retrieval/search/exact.h"
#include "retrieval/search/search.h"

typedef struct kin_scan {
    kin_vectors query, gallery;
    kin_metric metric;
    int64_t k;          /* 1 .. items (one less where a row is an item, and skips itself) */
    bool leave_one_out; /* the queries are the gallery; query i skips item i */
    /* rows and items are both all of queries and gallery: item i is query i, or gallery item i −
     * query.count; a row skips itself */
    bool joined;
    int64_t list;       /* joined only; 0, or how many best of the gallery alone each query wants besides */
    bool float32_order; /* no rescoring */
    bool farthest;      /* also the farthest item */
    /* Receives row i: `hits` [k], best first, and the farthest item or NULL. Called from any worker, once
     * a row. Distances are squared Euclid, −cosine or −inner product, in double unless float32_order. */
    void (*emit)(void *arg, int64_t i, const kin_hit *hits, const kin_hit *farthest);
    /* Receives query q's `list` hits, which count in the gallery. May come more than once, each time the
     * same. */
    void (*emit_list)(void *arg, int64_t q, const kin_hit *hits);
    void *arg;
    kin_progress progress;
    const char *stage; /* what progress calls this */
} kin_scan;

bool kin_scan_run(const kin_scan *scan, kin_error *err);

#endif
