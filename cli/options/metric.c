#include "cli/options/metric.h"

const char *const kin_metric_names[] = {"cosine", "euclid", "inner", NULL};

kin_metric kin_option_metric(const kin_cli *cli)
{
    static const kin_metric by_name[] = {KIN_COSINE, KIN_EUCLID, KIN_INNER};
    return by_name[kin_option_choice(cli, "metric")];
}
