/* What kin find found, in lines, as JSON, as paths, and on a page. */
#ifndef KIN_CLI_PHOTOS_TELLING_H
#define KIN_CLI_PHOTOS_TELLING_H

#include "cli/pages/page.h"
#include "cli/photos/choice.h"

typedef enum { KIN_PICTURES_NONE, KIN_PICTURES_BLOCKS, KIN_PICTURES_SIXEL } kin_pictures_shown;

typedef struct kin_find_telling {
    const kin_cli *cli;
    const kin_choice *choice;
    double threshold;            /* a distance; 2: it could not be told */
    bool known;                  /* whether it could */
    kin_pictures_shown pictures; /* below the lines */
    int cell_height;             /* of the terminal, pixels a line */
    bool titled;                 /* several queries, each for itself */
    kin_page *page;              /* NULL: none is asked for */
    kin_error *err;              /* what went wrong while results were put out */
} kin_find_telling;

/* `path`: the file that was asked with; NULL: not one file. False where something went wrong, now or before. */
bool kin_find_tell(const kin_find_telling *r, const char *query, const char *path, const kin_found *f);

#endif
