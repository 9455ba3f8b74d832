/* The blocked pass under search and re-ranking: every query meets every gallery item once, and what leaves is each
 * query's best k and, where asked for, its farthest item. */
#ifndef KIN_RETRIEVAL_SCAN_H
#define KIN_RETRIEVAL_SCAN_H

#include "retrieval/exact.h"
#include "retrieval/search.h"

typedef struct kin_scan {
    kin_vectors query, gallery;
    kin_metric metric;
    int64_t k;          /* 1 .. gallery.count (one less when leaving one out) */
    bool leave_one_out; /* query i skips gallery item i */
    bool float32_order; /* no rescoring */
    bool farthest;      /* also the farthest item */
    /* Receives row q: `hits` [k], best first, and the farthest item or NULL. Called from any worker, once a row. Distances
     * are squared Euclid, −cosine or −inner product, in double unless float32_order. */
    void (*emit)(void *arg, int64_t q, const kin_hit *hits, const kin_hit *farthest);
    void *arg;
    kin_progress progress;
    const char *stage;           /* what progress calls this */
} kin_scan;

bool kin_scan_run(const kin_scan *scan, kin_error *err);

#endif
