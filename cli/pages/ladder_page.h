/* The ladder as a drawing beside the contest's own, and as a page. */
#ifndef KIN_CLI_PAGES_LADDER_PAGE_H
#define KIN_CLI_PAGES_LADDER_PAGE_H

#include "cli/training/ladder.h"

/* A file of its own, style included. */
bool kin_ladder_svg_write(const char *path, const kin_ladder *ladder, kin_error *err);
/* The drawing, all figures, and the commands of each row. */
bool kin_ladder_page_write(const char *path, const kin_ladder *ladder, kin_error *err);

#endif
