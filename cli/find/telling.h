/* What kin find found, in lines, as JSON, as paths, and on a page. */
#ifndef KIN_CLI_FIND_TELLING_H
#define KIN_CLI_FIND_TELLING_H

#include "cli/find/choice.h"
#include "cli/pages/page.h"

typedef struct kin_find_telling {
    const kin_cli *cli;
    const kin_choice *choice;
    double threshold; /* a distance; 2: it could not be told */
    bool known;       /* whether it could */
    bool pictures;    /* in the terminal */
    bool titled;      /* several queries, each for itself */
    kin_page *page;   /* NULL: none is asked for */
    kin_error *err;   /* what went wrong while results were put out */
} kin_find_telling;

/* `file`: what was asked with; NULL: not one file. False where something went wrong, now or before. */
bool kin_find_tell(const kin_find_telling *r, const char *query, const struct stat *file, const kin_found *f);

#endif
