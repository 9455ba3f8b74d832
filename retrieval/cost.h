/* What retrieval costs, before it is paid: seconds and bytes of each stage, scaled from a smaller run of
 * the same kind.
 *
 * A stage's time is proportional to its work, with one rate a stage. Q queries against N items of D
 * numbers are Q·N pairs of D multiply-adds, and some fifty's time to select by them; and Q·K places in
 * lists, each of which is measured in double and sorted in the time of 9·D + 3500. Database augmentation
 * is the same for N·N pairs; re-ranking compares each pair of queries and gallery once, (Q + N)²/2,
 * selects twice by it, encodes (Q + N) items of k1 neighbours, and writes Q lists. These weights were
 * fitted on a server with AVX2 to sizes from 4,000 × 12,000 × 512 to 18,027 × 36,748 × 1,536: there all
 * comparisons have one rate, within a tenth. Where only the number of queries differs they hardly matter. */
#ifndef KIN_RETRIEVAL_COST_H
#define KIN_RETRIEVAL_COST_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kin_job_size {
    int64_t pictures; /* to be embedded; 0: descriptors are given */
    int64_t queries;  /* 0: each gallery item is looked for among the others */
    int64_t gallery, dim, top;
    int64_t augment, expand; /* neighbours of the means; 0: no means */
    int64_t k1, k2;          /* of re-ranking; k1 0: none */
} kin_job_size;

typedef enum {
    KIN_COST_EMBED,
    KIN_COST_SEARCH,
    KIN_COST_AUGMENT,
    KIN_COST_EXPAND,
    KIN_COST_SEARCH_AGAIN,
    KIN_COST_COMPARE,
    KIN_COST_ENCODE,
    KIN_COST_RERANK,
    KIN_COST_WRITE,
    KIN_COSTS
} kin_cost;

extern const char *const kin_cost_names[]; /* "embed", "search", ...; [KIN_COSTS] is NULL */

/* Work in units of the stage's own; 0 for a stage that the job does not have. Writing is counted once for
 * each result that is written: the plain one, the expanded one, the re-ranked one. */
double kin_cost_work(const kin_job_size *job, kin_cost stage);

/* Bytes that stand in memory while the stage runs, descriptors and the best lists so far included
 * (retrieval alone: a network's own are kin_module_planned_bytes). */
double kin_cost_bytes(const kin_job_size *job, kin_cost stage);

/* Seconds a unit of work, by stage; below 0: not known. */
typedef struct kin_rates {
    double rate[KIN_COSTS];
} kin_rates;

/* From seconds measured on `job`; a stage with no work, or below 0 seconds, stays unknown. */
kin_rates kin_rates_from(const kin_job_size *job, const double *seconds);

/* Seconds of a stage; 0 where it has no work, below 0 where its rate is not known. A comparison whose own
 * rate is unknown is reckoned with the slowest other comparison's. */
double kin_cost_seconds(const kin_rates *rates, const kin_job_size *job, kin_cost stage);

/* The most participants of a re-ranking (queries included) that fit into `seconds`, in whole; 0 when none
 * do or a rate is unknown. */
int64_t kin_cost_participants(const kin_rates *rates, const kin_job_size *job, double seconds);

#ifdef __cplusplus
}
#endif

#endif
