/* The journal of a sweep, DIR/journal.jsonl: a line for what is searched, then one for each trial that begins, each rung
 * that is finished, each failure. A line is appended whole and synced before anything else happens; what a kill left of
 * the last one is cut off. Everything else in the folder follows from it, but the trials' own checkpoints. */
#ifndef KIN_TRAIN_SWEEP_JOURNAL_H
#define KIN_TRAIN_SWEEP_JOURNAL_H

#include "base/arena.h"
#include "train/sweep/table.h"

#ifdef __cplusplus
extern "C" {
#endif

#define KIN_SWEEP_JOURNAL "journal.jsonl"

/* What is searched: two sweeps are one where all of this is the same. */
typedef struct kin_sweep_space {
    const kin_sweep_param *params;
    int n_params;
    const char *fixed;      /* the settings that all trials share, as the caller tells them apart */
    char data[33];          /* kin_run_data's digest of what is trained on and held out ... */
    int64_t pictures, held; /* ... and their pictures */
} kin_sweep_space;

/* A journal that was read; kin_sweep_record_free. */
typedef struct kin_sweep_record {
    kin_sweep_space space;
    kin_sweep_plan plan; /* rungs, steps, eta and seed; the rest may differ from call to call, and is 0 */
    kin_sweep_table table;
    size_t whole; /* bytes of its whole lines */
    kin_arena storage;
} kin_sweep_record;

bool kin_sweep_read(const char *folder, kin_sweep_record *out, kin_error *err);
/* The same of a journal in memory; `path` is what messages call it. */
bool kin_sweep_parse(const char *path, const char *text, size_t size, kin_sweep_record *out, kin_error *err);
void kin_sweep_record_free(kin_sweep_record *r);

/* One that is written. */
typedef struct kin_sweep_journal {
    int file; /* -1: not open */
    char *path;
    const kin_sweep_space *space; /* borrowed */
} kin_sweep_journal;

/* Begins the folder's journal, or goes on with it: then `table` receives what is known. Fails where it is another
 * sweep's, and says in what. */
bool kin_sweep_journal_open(kin_sweep_journal *j, const char *folder, const kin_sweep_space *space,
                            const kin_sweep_plan *plan, kin_sweep_table *table, kin_error *err);
void kin_sweep_journal_close(kin_sweep_journal *j);

bool kin_sweep_journal_begin(kin_sweep_journal *j, int64_t trial, const double *value, kin_error *err);
/* Of a trial's rung, or with `seed` > 0 of a finalist. */
bool kin_sweep_journal_result(kin_sweep_journal *j, int64_t trial, int rung, int64_t seed,
                              const kin_sweep_result *result, kin_error *err);
bool kin_sweep_journal_failed(kin_sweep_journal *j, int64_t trial, int64_t seed, const char *why,
                              double seconds, kin_error *err);
bool kin_sweep_journal_paused(kin_sweep_journal *j, int64_t trial, int64_t seed, int64_t step, double seconds,
                              kin_error *err);

#ifdef __cplusplus
}
#endif

#endif
