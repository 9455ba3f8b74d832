/* Lists of ranks as a page of their own: `kin search`, `rerank`, `retrieve` and `eval` with --html. */
#ifndef KIN_CLI_PAGES_RANKS_PAGE_H
#define KIN_CLI_PAGES_RANKS_PAGE_H

#include "cli/options/command.h"
#include "cli/pages/page.h"
#include "retrieval/lists/items.h"

/* Places of a list that a page shows. */
enum { KIN_RANKS_PAGE_TOP = 12 };

/* Rows of a command's option table. */
#define KIN_RANKS_PAGE_OPTIONS(QUERIES) \
    {.name = "html", \
     .kind = KIN_OPTION_STRING, \
     .writes = KIN_WRITES_PAGE, \
     .value = "PAGE", \
     .help = \
         "Also show lists as a page of pictures: one HTML file, which a click on a picture leaves for the " \
         "picture's own. Pictures are found by the column `path` of the items."}, \
    { \
        .name = "html-queries", .kind = KIN_OPTION_INT, .value = "N", .low = 1, .high = 10000, \
        .fallback = "40", .help = QUERIES \
    }

typedef struct kin_ranks_page {
    const char *path, *title, *lead;
    const kin_page_fact *facts; /* NULL: none */
    int n_facts;
    const char *note; /* what the lists are, and what stands below the pictures */

    /* The sets as they were typed, by which their pictures are found; `query` NULL: the gallery's items
     * themselves were looked for. */
    const char *query_name, *gallery_name;
    bool of_pictures; /* they name pictures (a data set), not descriptors or lists */
    const kin_items *query, *gallery;

    int64_t n;              /* queries shown */
    const int64_t *asked;   /* [n] rows of the queries, in the order of the page */
    const int64_t *found;   /* [n, KIN_RANKS_PAGE_TOP] rows of the gallery, best first; -1 ends a list */
    const float *values;    /* beside `found`; NULL: none */
    const char *value_name; /* "similarity" */
    const double *ap;       /* [n]; NULL: not measured */
    const int64_t
        *self; /* of all queries: the gallery row that each is, which does not count; NULL: none is */
    const int64_t *query_camera,
        *gallery_camera; /* NULL, or junk does not count (retrieval/judge/metrics.h) */
} kin_ranks_page;

/* Writes it, and remarks how many pictures it shows; or why none, where the items name no pictures that
 * can be found: the page then shows names. */
bool kin_ranks_page_write(const kin_ranks_page *p, const kin_cli *cli, kin_error *err);

#endif
