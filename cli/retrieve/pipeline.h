/* Search, expansion and re-ranking in order, each result written as soon as it is there, within a
 * deadline.
 *
 * Whatever happens, a file holds the lists of the last stage that was finished: a later stage replaces it
 * whole or not at all. A stage is left out when it cannot be done in time, which its own first part, or
 * what the stages before it took, tell. */
#ifndef KIN_CLI_RETRIEVE_PIPELINE_H
#define KIN_CLI_RETRIEVE_PIPELINE_H

#include "cli/retrieve/retrieve.h"
#include "cli/terminal/deadline.h"
#include "retrieval/cost.h"
#include "retrieval/rerank/rerank.h"
#include "retrieval/rerank/top_m.h"

typedef struct kin_pipeline {
    kin_retrieve r;
    double started, deadline; /* kin_clock(); deadline 0: none */
    kin_rerank_opt rerank;    /* k1 0: no k-reciprocal re-ranking */
    kin_top_m_opt top_m;      /* first 0: not by the first of each list */
    int64_t among;            /* re-rank among the first so many of the lists; 0: all that time allows */
    kin_job_size job;
    double seconds[KIN_COSTS]; /* of stages that were finished; -1: not run */
    kin_rates rates;           /* of those, and of what was tried */
    kin_neighbours best;       /* lists so far */
    const char *holds;         /* what was written last: "plain search"; NULL: nothing */
    /* The stage that runs: */
    kin_cost stage;
    double stage_started, needs; /* what it would take in all, as its first part tells; 0: not known */
    kin_pace pace;
    /* it was stopped for the deadline; it was said that the deadline cannot be kept */
    bool late, warned;
    int64_t total_items; /* re-ranked with, for the report; 0: all */
} kin_pipeline;

/* Runs everything that p->r, p->rerank and p->deadline ask for. False on error and on Ctrl-C (with the
 * message), in which case the files hold what p->holds says. Remarks tell what was written and what was
 * left out. */
bool kin_pipeline_run(kin_pipeline *p, kin_error *err);
void kin_pipeline_close(kin_pipeline *p);

/* Sets a stage that is not the library's own (embedding) going, and ends it. */
void kin_pipeline_begin(kin_pipeline *p, kin_cost stage);
void kin_pipeline_end(kin_pipeline *p);
/* For the library's long calls: a meter, Ctrl-C and the deadline. */
kin_progress kin_pipeline_progress(kin_pipeline *p);

#endif
