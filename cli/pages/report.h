/* What a network has learned, as one HTML page: figures, curves, a map, and what it finds. The page is one
 * file that needs no network and runs no script; pictures are inside it. */
#ifndef KIN_CLI_PAGES_REPORT_H
#define KIN_CLI_PAGES_REPORT_H

#include "cli/pages/svg.h"
#include "cli/pages/thumbnail.h"

typedef struct kin_report_fact {
    const char *name, *value;
} kin_report_fact;

/* One system that was measured: raw pixels, the embedding, the re-ranked lists. NaN: not measured. */
typedef struct kin_report_figure {
    const char *name;
    double map, r1;
} kin_report_figure;

/* Everything is borrowed. Any part may be missing (count 0 or NULL) and is then left out. Items are all
 * pictures that occur, queries and gallery in one numbering: where they are two sets, gallery item g is
 * queries + g. */
typedef struct kin_report {
    const char *title;
    const char *lead;             /* a sentence or two under the title */
    const kin_report_fact *facts; /* "pictures", "1,200" ... */
    int n_facts;

    const kin_report_figure *figures; /* in the order of the story */
    int n_figures;
    const char *figures_note;

    /* loss, validation mAP ...: one chart each; the page chooses the sizes */
    const kin_curves *curves;
    int n_curves;

    int64_t items;
    const int64_t *labels;          /* [items]; -1: none */
    const char *const *class_names; /* by label; NULL: numbers */
    const char *const *ids;         /* [items], shown as hints; may be NULL */
    /* may be NULL: labels alone are shown then; one that cannot be read is told so */
    kin_image_source image;
    void *image_arg;

    const float *positions;        /* [n_positions, 2] by kin_tsne */
    const int64_t *position_items; /* [n_positions]; NULL: 0 .. n_positions-1 */
    int64_t n_positions;

    const char *results_note; /* how these lists were made: "after expansion and re-ranking" */
    int64_t n_queries;
    const int64_t *queries; /* [n_queries] items */
    /* [n_queries, top] items, best first; -1 ends a list; the query itself not among them */
    const int64_t *ranks;
    int top;
    const float *similarities; /* [n_queries, top], shown as they are; may be NULL */
    /* [n_queries] average precision, NaN where nothing was to be found; may be NULL */
    const double *ap;
    /* queries shown of each kind; all 0: 8, 4, 4. Without `ap`: the first of them */
    int worst, best, random;
} kin_report;

/* Appends the page. Fails on an index out of range, and when a picture's reader ran out of memory or was
 * interrupted. */
bool kin_report_add(kin_text *html, const kin_report *report, kin_error *err);

/* Writes it, aside and renamed. */
bool kin_report_write(const char *path, const kin_report *report, kin_error *err);

#endif
