/* Lists of ranks as rows of a page: each query, and what was found for it. */
#ifndef KIN_CLI_PAGES_FINDS_H
#define KIN_CLI_PAGES_FINDS_H

#include "cli/pages/page.h"
#include "cli/pages/thumbnail.h"

/* Everything is borrowed. Items are all pictures that occur, queries and gallery in one numbering: where
 * they are two sets, gallery item g is queries + g. */
typedef struct kin_finds {
    int64_t items;
    const int64_t *labels;          /* [items], -1: none; NULL: nothing is right or wrong */
    const char *const *class_names; /* by label; NULL: numbers */
    const char *const *ids;         /* [items]; may be NULL */
    const char *const *files;       /* [items] what a click opens, NULL: nothing; may be NULL */
    /* by item; NULL: the page reads `files`. What it could not read is told in its place. */
    kin_image_source image;
    void *image_arg;

    int64_t n_queries;
    const int64_t *queries; /* [n_queries] items */
    /* [n_queries, top] items, best first; -1 ends a list; the query itself not among them */
    const int64_t *ranks;
    int top;
    const int64_t *relevant; /* [n_queries] how much there is to be found; NULL: not known */
    const double *ap;        /* [n_queries] average precision, NaN: nothing was to be found; may be NULL */
    /* What stands under a found picture, such as its similarity: written to `text`; may be NULL */
    void (*note)(void *arg, int64_t query, int rank, char *text, size_t size);
    void *note_arg;

    /* Queries shown: of the lowest average precision, of the highest, and drawn from the others; without
     * `ap` as many of the first. */
    int worst, best, random;
} kin_finds;

/* Adds rows to the open section. Places behind the last thing that could be found are pale, not wrong. The
 * page fails on an index out of range. */
void kin_page_finds(kin_page *page, const kin_finds *finds);

/* A label as people read it: its name, "class 7", or "no class". Returns `buffer` or the name. */
const char *kin_class_name(const char *const *names, int64_t label, char buffer[32]);

#endif
