/* The page of `kin compare`. */
#ifndef KIN_CLI_PAGES_COMPARE_PAGE_H
#define KIN_CLI_PAGES_COMPARE_PAGE_H

#include "cli/training/compared.h"

/* Figures, curves laid over each other, the settings that differ, and all of them folded away. */
bool kin_compare_page_write(const char *path, const kin_compared *compared, kin_error *err);

#endif
