/* Remarks about queries that are gallery items themselves. */
#ifndef KIN_CLI_JUDGE_SELVES_H
#define KIN_CLI_JUDGE_SELVES_H

#include "cli/options/command.h"
#include "retrieval/lists/selves.h"

/* How many queries are dropped from their own lists, and how many look alike and are not. */
void kin_selves_tell(const kin_cli *cli, const kin_selves *s, int64_t queries);

#endif
