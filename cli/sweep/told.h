/* What came of a sweep, for a terminal and for programs. */
#ifndef KIN_CLI_SWEEP_TOLD_H
#define KIN_CLI_SWEEP_TOLD_H

#include "base/text.h"
#include "train/sweep/journal.h"
#include "train/sweep/verdict.h"

enum { KIN_SWEEP_SHOWN = 8 /* trials that were trained again */ };

/* The best `most` trials, with what was drawn; then what other seeds say. */
bool kin_sweep_table_text(const kin_sweep_record *r, int64_t most, kin_text *out, kin_error *err);
/* One object: all trials, in their order. */
bool kin_sweep_json(const kin_sweep_record *r, kin_text *out, kin_error *err);

/* A parameter's importance, over the trials in which it does something. */
bool kin_sweep_importance_told(const kin_sweep_record *r, int param, kin_sweep_importance *out,
                               kin_error *err);
/* A trial's value as it is shown: "-" where it does nothing. */
const char *kin_sweep_shown(const kin_sweep_record *r, int64_t trial, int param, char room[32]);

/* A sentence on the first two of those that were trained again. */
void kin_sweep_verdict_text(const kin_sweep_seeds *seeds, int count, kin_text *out);

#endif
