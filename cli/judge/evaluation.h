/* The judgement behind `kin eval`, by its options: what is judged, against what, and the figures of each
 * query. */
#ifndef KIN_CLI_JUDGE_EVALUATION_H
#define KIN_CLI_JUDGE_EVALUATION_H

#include "base/npy.h"
#include "cli/judge/eval_page.h"
#include "cli/judge/selves.h"
#include "cli/options/command.h"
#include "retrieval/judge/judgement.h"
#include "retrieval/judge/metrics.h"
#include "retrieval/lists/ranks.h"
#include "retrieval/search/range.h"

typedef struct kin_evaluation {
    kin_items query, gallery;
    bool leave_one_out;
    kin_selves selves; /* queries that are gallery items */
    kin_ranks ranks;
    kin_npy distances;
    int64_t *query_code, *gallery_code;     /* labels, and behind them cameras */
    int64_t *query_camera, *gallery_camera; /* NULL: not known, or not to be looked at */
    bool mixed;                             /* queries and gallery in one set, each looked for among all */
    kin_metrics metrics;
    kin_scores *each;     /* [queries] */
    int64_t *found_first; /* [queries]: the head of each list */
    kin_scores low, high; /* with --bootstrap */
    int64_t rounds;
    kin_threshold threshold; /* with --fit-threshold */
    bool has_threshold;
    kin_eval_worst worst; /* with --html */
} kin_evaluation;

/* `e` is zeroed. kin_evaluation_free in any case. */
bool kin_evaluation_make(kin_evaluation *e, const kin_cli *cli, kin_error *err);
void kin_evaluation_free(kin_evaluation *e);

/* The queries and their labels' numbers: the gallery's, when leaving one out. */
const kin_items *kin_evaluation_asked(const kin_evaluation *e);
const int64_t *kin_evaluation_codes(const kin_evaluation *e);
/* What is judged, and what is dropped from it. */
kin_judged kin_evaluation_judged(const kin_evaluation *e, int64_t queries, int64_t gallery);

#endif
