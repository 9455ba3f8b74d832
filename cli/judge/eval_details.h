/* What `kin eval` tells beyond the means: intervals, classes, the worst queries. */
#ifndef KIN_CLI_JUDGE_EVAL_DETAILS_H
#define KIN_CLI_JUDGE_EVAL_DETAILS_H

#include "retrieval/lists/items.h"
#include "retrieval/judge/judgement.h"

typedef struct kin_eval_details {
    const kin_items *query, *gallery;
    const int64_t *query_code;  /* [queries]: the labels' numbers */
    const kin_scores *each;     /* [queries] */
    const int64_t *found_first; /* [queries]: the gallery row at the head of each list, -1: unknown */
    const kin_metrics *metrics;
} kin_eval_details;

/* Prints the `count` queries with the smallest AP, with what they found first. */
bool kin_eval_print_worst(const kin_eval_details *d, int64_t count, kin_error *err);
/* Writes label,queries,mAP,... as a .csv, one line a label, the worst first. */
bool kin_eval_write_classes(const kin_eval_details *d, const char *path, kin_error *err);

#endif
