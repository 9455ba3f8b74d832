/* The journal of examples/ladder.sh: a line of JSON a row, as it was measured, or why a set has no such row. */
#ifndef KIN_CLI_TRAINING_LADDER_H
#define KIN_CLI_TRAINING_LADDER_H

#include "base/arena.h"
#include "base/text.h"

#include <stdint.h>

typedef struct kin_rung {
    const char *name, *title;
    const char *reason;               /* why the set has none of it; NULL: it was measured */
    const char *on;                   /* the row that it stands on; "": none */
    const char *command;              /* as a shell takes it */
    double map, recall_1, low, high;  /* of the open classes; the interval is of 95 % */
    double validation;                /* mAP of the chunk on which it was chosen */
    double split_map, split_recall_1; /* queries apart from the gallery; NaN: the set has but one way */
    double spread;                    /* the largest mAP among the seeds less the smallest; NaN: one seed */
    int seeds;
    double seconds, memory; /* of all its commands; the most held by one, bytes */
    double gain;            /* mAP less that of the row it stands on; NaN: on none that was measured */
} kin_rung;

typedef struct kin_ladder {
    const char *data; /* the set */
    kin_rung *rungs;
    int count;
    kin_arena texts;
} kin_ladder;

/* Strict: a line that is no row, of another set, or of a row that was there is an error by its number. */
bool kin_ladder_read(const char *path, kin_ladder *ladder, kin_error *err);
void kin_ladder_free(kin_ladder *ladder);

/* What is to be said of a gain, "" where nothing is: none, or too small to be told from chance. */
const char *kin_rung_remark(const kin_rung *rung);

/* Appends the rows as a table of Markdown. */
void kin_ladder_markdown(kin_text *out, const kin_ladder *ladder);

#endif
