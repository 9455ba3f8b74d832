/* The option --metric of commands that compare descriptors. */
#ifndef KIN_CLI_OPTIONS_METRIC_H
#define KIN_CLI_OPTIONS_METRIC_H

#include "cli/options/options.h"
#include "retrieval/search/search.h"

/* Its choices. */
extern const char *const kin_metric_names[];
/* What was chosen of them. */
kin_metric kin_option_metric(const kin_cli *cli);

#endif
