/* Where the time of a network goes: by layer and op, beside what the machine could do (kin train
 * --profile, kin forward --profile). */
#ifndef KIN_CLI_NETWORK_PROFILE_H
#define KIN_CLI_NETWORK_PROFILE_H

#include "autograd/watch.h"
#include "base/arena.h"
#include "base/text.h"
#include "kernels/limits.h"

typedef enum { KIN_PROFILE_FORWARD, KIN_PROFILE_BACKWARD, KIN_PROFILE_WAYS } kin_profile_way;

/* An op of a layer, over all steps. */
typedef struct kin_profile_row {
    const char *layer; /* the path it is tapped by, "" when it has none */
    const char *op;
    kin_shape shape; /* of its output */
    int64_t calls;   /* forwards */
    double seconds[KIN_PROFILE_WAYS], flops[KIN_PROFILE_WAYS], bytes[KIN_PROFILE_WAYS];
    /* seconds in which the machine could do it: the longer of the time for its arithmetic and for its
     * memory, call by call */
    double least;
} kin_profile_row;

typedef enum { KIN_LAP_LOADER, KIN_LAP_NETWORK, KIN_LAP_OPTIMISER, KIN_LAPS } kin_lap;

typedef struct kin_profile {
    kin_ctx *ctx;
    kin_watch watch;
    kin_limits limits;
    kin_profile_row *rows;
    size_t n_rows, cap_rows, next_row; /* next_row: where the last one was found; steps are alike */
    struct kin_profile_call *calls;    /* of the step that runs */
    size_t n_calls, cap_calls;
    kin_arena names;
    double laps[KIN_LAPS], lap_began;
    int64_t steps;
    bool backward;     /* has begun in this step */
    bool warm, failed; /* the first step is behind us and left out; out of memory */
} kin_profile;

/* Measures the machine's limits and begins to watch. False on error. Owned by the caller,
 * kin_profile_free. */
bool kin_profile_open(kin_profile *p, kin_ctx *ctx, kin_error *err);
void kin_profile_free(kin_profile *p); /* stops watching */

/* The rest do nothing when p is NULL. A step begins, parts of it end, it ends (before kin_end_step).
 * Memory is taken and weights are packed in the first step, which is forgotten when there is a second one. */
void kin_profile_begin(kin_profile *p);
void kin_profile_lap(kin_profile *p, kin_lap lap);
void kin_profile_end(kin_profile *p);
/* What runs between the two is not the network's work: validation. */
void kin_profile_pause(kin_profile *p);
void kin_profile_resume(kin_profile *p);

/* Prints the tables of ops and layers, slowest first; all layers go to the file `csv` too, unless it is NULL:
 * layer,op,output,calls,forward_ms,backward_ms,share,gflop,gflops,mb,of_limit, of one step. */
bool kin_profile_report(kin_profile *p, const char *csv, kin_error *err);
/* Its parts: added to `out`; at most `most` layers. Both sort the rows. */
void kin_profile_table(kin_profile *p, kin_text *out, int most);
void kin_profile_csv(kin_profile *p, kin_text *out);

#endif
