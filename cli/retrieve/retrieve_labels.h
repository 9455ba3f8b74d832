/* --group-by label of kin search, rerank and retrieve: of several gallery items of one label the nearest. */
#ifndef KIN_CLI_RETRIEVE_RETRIEVE_LABELS_H
#define KIN_CLI_RETRIEVE_RETRIEVE_LABELS_H

#include "cli/retrieve/retrieve.h"

/* Labels of the gallery as numbers (kin_lists_by_label), and how deep a list has to be for --top labels to be in it for
 * certain: all items of the largest --top - 1 labels, and one more; at most `most`. */
bool kin_retrieve_take_labels(kin_retrieve *r, int64_t most, kin_error *err);

/* The lists with each label once, of --top places. */
bool kin_retrieve_by_label(const kin_retrieve *r, const kin_neighbours *lists, kin_neighbours *out,
                           int64_t *shortest, kin_error *err);

#endif
