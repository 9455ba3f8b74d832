/* The parts of the report that stand in files of their own. */
#ifndef KIN_CLI_PAGES_REPORT_PAGE_H
#define KIN_CLI_PAGES_REPORT_PAGE_H

#include "cli/pages/report.h"

extern const char *const kin_report_style;

/* The section of queries and what was found for them. */
bool kin_report_results(kin_text *html, const kin_report *report, kin_error *err);

#endif
