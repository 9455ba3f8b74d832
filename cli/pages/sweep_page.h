/* A sweep as a page: what was found and whether it can be believed, which parameters mattered, pairs of them, how the
 * trials learned. */
#ifndef KIN_CLI_PAGES_SWEEP_PAGE_H
#define KIN_CLI_PAGES_SWEEP_PAGE_H

#include "train/sweep/journal.h"

/* Of the sweep in `folder`, whose trials' logs are read too where they are there. */
bool kin_sweep_page_write(const char *path, const char *folder, const kin_sweep_record *record,
                          kin_error *err);

#endif
