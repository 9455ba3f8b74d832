/* Lists in which each label comes once: of several items of one thing the nearest stands for all. */
#ifndef KIN_RETRIEVAL_LISTS_BY_LABEL_H
#define KIN_RETRIEVAL_LISTS_BY_LABEL_H

#include "retrieval/search/search.h"

/* label [gallery]: a number from 0 to labels - 1, or -1 for an item that is by itself. Keeps the first item of each label, and
 * of those the first `top`; what is missing behind is -1, with the value `missing`. *shortest receives how many the
 * shortest list has: where it is less than `top`, deeper lists may bring more. */
bool kin_lists_by_label(const kin_neighbours *lists, const int64_t *label, int64_t labels, int64_t top,
                        float missing, kin_neighbours *out, int64_t *shortest, kin_error *err);

#endif
