/* The page of a training that is watched. */
#ifndef KIN_CLI_PAGES_WATCH_PAGE_H
#define KIN_CLI_PAGES_WATCH_PAGE_H

#include "cli/pages/page.h"
#include "cli/training/live.h"

/* Writes l->page; `over`: it no longer loads itself anew. */
bool kin_watch_page_write(const kin_live *l, bool over, kin_error *err);

/* Adds how the map came to be to the open section: a drawing that moves; nothing before there are three maps. */
void kin_page_movement(kin_page *page, const kin_forming *forming);

#endif
