/* The demo's page. */
#ifndef KIN_CLI_PAGES_DEMO_PAGE_H
#define KIN_CLI_PAGES_DEMO_PAGE_H

#include "cli/training/demo.h"
#include "cli/training/forming.h"

extern const char *const kin_demo_rung_titles[KIN_DEMO_RUNGS];

/* Writes folder/report.html. `m` holds the figures of all rungs, `forming` the maps while it
 * trained. */
bool kin_demo_page(const char *folder, const kin_demo_shop *shop, const kin_trainer *t,
                   const kin_demo_split *test, const kin_demo_fit *fit, const kin_metrics *m,
                   const kin_forming *forming, kin_error *err);

#endif
