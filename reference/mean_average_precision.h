/* Mean average precision as its definition has it. */
#ifndef KIN_REFERENCE_MEAN_AVERAGE_PRECISION_H
#define KIN_REFERENCE_MEAN_AVERAGE_PRECISION_H

#include <stdint.h>

/* Labels below 0 are unknown. What may be NULL is then of no account. */
typedef struct kin_reference_lists {
    int64_t queries, gallery, length;
    const int64_t *query_label, *gallery_label;
    const int64_t *query_camera, *gallery_camera; /* NULL, or what tells junk */
    const int64_t *self;  /* NULL, or [queries]: the item that the query is, -1: none */
    const int64_t *items; /* [queries, length]: the items found, best first */
} kin_reference_lists;

enum { KIN_REFERENCE_AT_R = -1 };

/* AP of query q over the whole list (cut 0), its first `cut` places, or its first R (KIN_REFERENCE_AT_R);
 * NaN for a query without a relevant item. */
double kin_reference_average_precision(const kin_reference_lists *l, int64_t q, int64_t cut);

/* The mean over the queries that have one; NaN where none has. */
double kin_reference_mean_average_precision(const kin_reference_lists *l, int64_t cut);

#endif
