/* The worst queries of `kin eval`, to be shown as pictures. */
#ifndef KIN_CLI_JUDGE_EVAL_PAGE_H
#define KIN_CLI_JUDGE_EVAL_PAGE_H

#include "cli/pages/ranks_page.h"
#include "retrieval/judge/metrics.h"
#include "retrieval/search/search.h"

/* Their lists as they were judged: without what is dropped from them (the query itself, junk). */
typedef struct kin_eval_worst {
    int64_t n;
    int64_t *asked, *found; /* as kin_ranks_page has them */
    float *values;          /* NaN where not known */
    double *ap;
} kin_eval_worst;

/* The `most` queries with the smallest AP, from the lists of `judged`, which may be long; or found again
 * among the vectors, by cosine. `judged` says in both cases what is dropped. */
bool kin_eval_worst_of_lists(kin_eval_worst *w, const kin_judged *judged, const kin_scores *each,
                             int64_t most, kin_error *err);
bool kin_eval_worst_of_vectors(kin_eval_worst *w, kin_vectors query, kin_vectors gallery,
                               const kin_judged *judged, const kin_scores *each, int64_t most,
                               kin_error *err);
/* The page of --html, with `facts` at its head. `query` NULL: the gallery's items were looked for. */
bool kin_eval_page_write(const kin_eval_worst *w, const kin_cli *cli, const kin_page_fact *facts, int n_facts,
                         const kin_items *query, const kin_items *gallery, const kin_judged *judged,
                         kin_error *err);
void kin_eval_worst_free(kin_eval_worst *w);

#endif
